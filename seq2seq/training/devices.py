"""Where a run computes: one device, all devices of a machine, or several workers."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seq2seq.models.replicas import local_copies
from seq2seq.terminal import tell
from seq2seq.training.cluster import Cluster, ClusterError, read_cluster
from seq2seq.training.names import choose
from seq2seq.training.state import RunState, TrainingBatches
from seq2seq.training.stopping import Interruption
from seq2seq.training.team import Team, WorkerLostError, open_team

STRATEGIES = ("mirrored", "multiworker")
"""All devices of this process, GPUs where there are any; the devices of all workers."""

# Far apart, so that the seeds of no replica meet those of another.
_BETWEEN_SEEDS = 1_000_003


@dataclass(frozen=True)
class Devices:
    """The devices that share a run; without arguments the one that TensorFlow takes by itself.

    Attributes:
        strategy: TensorFlow's strategy; a model is made inside its scope.
        team: The workers.

    Example:
        >>> Devices().replicas, Devices().team.chief
        (1, True)
    """

    strategy: tf.distribute.Strategy = field(default_factory=tf.distribute.get_strategy)
    team: Team = field(default_factory=Team)

    @property
    def replicas(self) -> int:
        """How many devices share a batch, those of all workers counted."""
        return self.strategy.num_replicas_in_sync

    @property
    def here(self) -> range:
        """Which of them belong to this worker."""
        local = self.replicas // self.team.count
        return range(self.team.index * local, (self.team.index + 1) * local)

    def dataset(self, batches: TrainingBatches) -> Any:
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
        with open_team(cluster) as team, _news_first(team, cluster):
            yield Devices(_multiworker(cluster, team), team)
        return
    if not name and "TF_CONFIG" in os.environ:
        _need_no_team()
    yield Devices(_mirrored() if name else tf.distribute.get_strategy())


def devices_of(model: keras.Model, devices: Devices | None) -> Devices:
    """Give the devices that a model was made for.

    Args:
        model: A model.
        devices: What :func:`open_devices` gave; None where the model's own strategy says all.

    Raises:
        ValueError: The model was made outside the scope of the strategy, or for several workers without a team.
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


def _multiworker(cluster: Cluster, team: Team) -> tf.distribute.Strategy:
    team.need_same({"TensorFlow": tf.__version__, "Keras": keras.__version__}, "the versions")
    os.environ["TF_CONFIG"] = cluster.tf_config
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise ClusterError(
            "Several workers have to meet before TensorFlow computes anything in their processes. Received: "
            f"strategy='multiworker' after that ({error}). Call open_devices, or run, first."
        ) from error
    everyone = team.exchange(len(strategy.extended.worker_devices))
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
def _news_first(team: Team, cluster: Cluster) -> Iterator[None]:
    """Where TensorFlow fails because a worker is gone, let the team say which: it knows better, if it knows."""
    try:
        yield
    except (tf.errors.InternalError, tf.errors.UnknownError):
        team.wait_for_news()
        raise
    except (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
    ) as error:
        team.wait_for_news()
        raise WorkerLostError(_silent_worker(str(error), team, cluster)) from error


def _silent_worker(message: str, team: Team, cluster: Cluster) -> str:
    """Say which worker TensorFlow heard nothing of: one that hangs, or whose machine is cut off."""
    found = re.search(r"/job:(\w+)/replica:\d+/task:(\d+)[^.]*heartbeat timeout", message)
    lost = "the others"
    if found:
        has_chief = '"chief"' in cluster.tf_config
        lost = team.names[int(found[2]) + (has_chief and found[1] == "worker")]
    why = message.partition("aborted by:")[2].strip().partition("\n")[0] or message.partition("\n")[0]
    return (
        f"TensorFlow heard nothing of {lost}, which hangs or is cut off. It says: {why.rstrip('.')}. Start all workers "
        "again with --resume to go on from the last checkpoint."
    )


def _need_no_team() -> None:
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


class Agreement(keras.callbacks.Callback):
    """Stops all workers after the same step, whichever of them a signal asked to; before what saves.

    Args:
        interruption: Holds the signal that this worker received.
        team: The workers.
    """

    def __init__(self, interruption: Interruption, team: Team) -> None:
        super().__init__()
        self._interruption = interruption
        self._team = team
        self._agreed: str | None = None

    @property
    def received(self) -> str | None:
        """Name of the signal that one of them received, as far as all know of it; None where none did."""
        return self._agreed if self._team.count > 1 else self._interruption.received

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Ask the others."""
        self._ask()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Ask the others."""
        self._ask()

    def _ask(self) -> None:
        if self._team.count > 1:
            self._agreed = next(filter(None, self._team.exchange(self._interruption.received)), None)


class Following(keras.callbacks.Callback):
    """Stands where the chief saves: stops and counts epochs as it does, and writes nothing.

    Args:
        state: The counters.
        stop: Says whether all are to stop.
    """

    def __init__(self, state: RunState, stop: Agreement) -> None:
        super().__init__()
        self._state = state
        self._stop = stop

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Stop if asked to."""
        if self._stop.received:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Count the epoch; stop if asked to."""
        self._state.end_epoch(epoch, logs or {})
        if self._stop.received:
            self.model.stop_training = True


def batch_digest(batches: TrainingBatches, most: int = 100) -> str:
    """Give a checksum of the first batches of the first epoch: what all workers have to have alike.

    Args:
        batches: The batches; the next iteration starts at the beginning afterwards.
        most: How many batches are looked at.
    """
    import hashlib

    digest = hashlib.sha256()
    batches.seek(0)
    for inputs, target_out in batches.dataset().take(most):
        for ids in (inputs["source"], target_out):
            array = np.asarray(ids)
            digest.update(np.array(array.shape, "<i8").tobytes() + array.astype("<i4").tobytes())
    batches.seek(0)
    return digest.hexdigest()[:16]
