"""Where a run computes: one device, all devices of a machine, or several workers."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import keras
import tensorflow as tf

from seq2seq.distribution.cluster import Cluster, ClusterError, read_cluster
from seq2seq.distribution.replicas import local_copies
from seq2seq.distribution.workers import WorkerLostError, Workers, open_workers
from seq2seq.system.choices import choose
from seq2seq.system.process import tell_of_unused_gpu
from seq2seq.system.terminal import tell

STRATEGIES = ("mirrored", "multiworker")
"""All devices of this process, GPUs where there are any; the devices of all workers."""

# Far apart, so that the seeds of no replica meet those of another.
_BETWEEN_SEEDS = 1_000_003


class SharedBatches(Protocol):
    """Batches that can be cut into shares, one for each replica."""

    def dataset(self, shares: Sequence[int] = (0,), of: int = 1) -> Any:
        """Give the `tf.data.Dataset` of some shares of each batch, one after the other.

        Args:
            shares: Which shares; an empty one has no target token.
            of: How many shares a batch is cut into.
        """


@dataclass(frozen=True)
class Devices:
    """The devices that share a run; without arguments the one that TensorFlow takes by itself.

    Attributes:
        strategy: TensorFlow's strategy; a model is made inside its scope.
        workers: The workers.

    Example:
        >>> Devices().replicas, Devices().workers.chief
        (1, True)
    """

    strategy: tf.distribute.Strategy = field(default_factory=tf.distribute.get_strategy)
    workers: Workers = field(default_factory=Workers)

    @property
    def replicas(self) -> int:
        """How many devices share a batch, those of all workers counted."""
        return self.strategy.num_replicas_in_sync

    @property
    def here(self) -> range:
        """Which of them belong to this worker."""
        local = self.replicas // self.workers.count
        return range(self.workers.index * local, (self.workers.index + 1) * local)

    def dataset(self, batches: SharedBatches) -> Any:
        """Give what `fit` reads here: of every batch the shares of this worker's replicas."""
        if self.replicas == 1:
            return batches.dataset()
        # By us, not by tf.data: it would cut what one generator gives, or give every worker all of it.
        return self.strategy.distribute_datasets_from_function(
            lambda _: batches.dataset(shares=self.here, of=self.replicas)
        )

    def part_seeds(self, model: keras.Model) -> None:
        """Let every replica draw its own dropout; called where all have the seeds of the first one.

        Args:
            model: A model whose random generators are as they were made, or as a checkpoint has them.
        """
        if self.replicas == 1:
            return
        for variable in model.non_trainable_variables:
            if "seed_generator" in variable.path:
                for replica, copy in zip(self.here, local_copies(variable), strict=True):
                    copy.assign_add(tf.cast([replica * _BETWEEN_SEEDS, 0], copy.dtype))


@contextmanager
def open_devices(name: str = "") -> Iterator[Devices]:
    """Take the devices of a run; for several workers, meet them and watch them until the block ends.

    Several workers have to come here before TensorFlow computes anything in their processes.

    Args:
        name: One of ``STRATEGIES``, or "" for one device.

    Yields:
        The devices.

    Raises:
        ClusterError: The workers are not told of each other, do not come, or are not alike.
        ValueError: The name is unknown.
    """
    if name:
        choose("strategy", name, {each: each for each in STRATEGIES})
    if name == "multiworker":
        cluster = read_cluster()
        with open_workers(cluster) as workers, _news_first(workers, cluster):
            yield Devices(_multiworker(cluster, workers), workers)
        return
    if not name and "TF_CONFIG" in os.environ:
        _need_no_workers()
    tell_of_unused_gpu()
    yield Devices(_mirrored() if name else tf.distribute.get_strategy())


def devices_of(model: keras.Model, devices: Devices | None) -> Devices:
    """Give the devices that a model was made for.

    Args:
        model: A model.
        devices: What :func:`open_devices` gave; None where the model's own strategy says all.

    Raises:
        ValueError: The model was made outside the scope of the strategy, or for several workers without `Devices`.
    """
    strategy = model.distribute_strategy
    if devices is None:
        found = Devices(strategy)
        if strategy.extended._in_multi_worker_mode():
            raise ValueError(
                "Several workers are trained on by those who watch each other. Received: a model made for several "
                "workers, devices=None. Use `with open_devices('multiworker') as devices:`, and pass these."
            )
        return found
    if devices.replicas > 1 and strategy is not devices.strategy:
        raise ValueError(
            "A model is trained by the strategy that it was made with. Received: a model made outside "
            "devices.strategy.scope(). Make it inside."
        )
    return devices


def _mirrored() -> tf.distribute.Strategy:
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) == 1:
        tell(f"--strategy mirrored shares batches among devices; here is one, {_short(devices[0].name)}, for all.")
        return tf.distribute.get_strategy()
    tell(f"devices: {', '.join(_short(device.name) for device in devices)}")
    return _without_questions(tf.distribute.MirroredStrategy([device.name for device in devices]))


def _multiworker(cluster: Cluster, workers: Workers) -> tf.distribute.Strategy:
    workers.need_same({"TensorFlow": tf.__version__, "Keras": keras.__version__}, "the versions")
    os.environ["TF_CONFIG"] = cluster.tf_config
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise ClusterError(
            "Several workers have to meet before TensorFlow computes anything in their processes. Received: "
            f"strategy='multiworker' after that ({error}). Call open_devices, or run, first."
        ) from error
    everyone = workers.exchange(len(strategy.extended.worker_devices))
    if len(set(everyone)) > 1:
        raise ClusterError(
            f"Every worker needs as many devices as the others. Received: {everyone}. Hide the surplus ones with "
            "CUDA_VISIBLE_DEVICES."
        )
    return _without_questions(strategy)


def _without_questions(strategy: tf.distribute.Strategy) -> tf.distribute.Strategy:
    """Keep TensorFlow from asking all replicas before every step whether they have data left: all have as many."""
    strategy.extended.experimental_enable_get_next_as_optional = False
    return strategy


@contextmanager
def _news_first(workers: Workers, cluster: Cluster) -> Iterator[None]:
    """Where TensorFlow fails because a worker is gone, let the workers say which: it knows better, if it knows."""
    try:
        yield
    except (tf.errors.InternalError, tf.errors.UnknownError):
        workers.wait_for_news()
        raise
    except (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
    ) as error:
        workers.wait_for_news()
        raise WorkerLostError(_silent_worker(str(error), workers, cluster)) from error


def _silent_worker(message: str, workers: Workers, cluster: Cluster) -> str:
    """Say which worker TensorFlow heard nothing of: one that hangs, or whose machine is cut off."""
    found = re.search(r"/job:(\w+)/replica:\d+/task:(\d+)[^.]*heartbeat timeout", message)
    lost = "the others"
    if found:
        has_chief = '"chief"' in cluster.tf_config
        lost = workers.names[int(found[2]) + (has_chief and found[1] == "worker")]
    why = message.partition("aborted by:")[2].strip().partition("\n")[0] or message.partition("\n")[0]
    return (
        f"TensorFlow heard nothing of {lost}, which hangs or is cut off. It says: {why.rstrip('.')}. Start all workers "
        "again with --resume to go on from the last checkpoint."
    )


def _need_no_workers() -> None:
    """Refuse to be one of several workers that do not know of each other."""
    try:
        cluster = read_cluster()
    except ClusterError:
        return
    if len(cluster.addresses) > 1:
        raise ClusterError(
            f"TF_CONFIG names {len(cluster.addresses)} workers, and each would train by itself. Received: no strategy. "
            "Use --strategy multiworker (in Python: strategy='multiworker'), or unset TF_CONFIG."
        )


def _short(name: str) -> str:
    return name.rpartition("device:")[2]
