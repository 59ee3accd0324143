"""Who the workers of a job are: read from `TF_CONFIG`, or from Slurm."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PORT = 8888  # TensorFlow's own choice under Slurm


class ClusterError(ValueError):
    """What the environment says of the workers cannot be used."""


@dataclass(frozen=True)
class Cluster:
    """The workers of a job, and which of them this process is.

    Attributes:
        addresses: Host and port of each worker, for TensorFlow; the first one is the chief.
        index: The place of this process among them.
        tf_config: The same, as TensorFlow reads it.
    """

    addresses: tuple[str, ...]
    index: int
    tf_config: str

    @property
    def meeting(self) -> tuple[str, int]:
        """Where workers meet and watch each other: the host of the chief, the port below that of TensorFlow."""
        host, _, port = self.addresses[0].rpartition(":")
        return host.strip("[]"), int(port) - 1


def read_cluster(environment: Mapping[str, str] = os.environ) -> Cluster:
    """Find out who the workers are.

    Args:
        environment: Variables. ``TF_CONFIG`` counts; without it those of a Slurm step, with the ports from
            ``SEQ2SEQ_PORT`` (8888) upwards on each node.

    Returns:
        The workers, chief first.

    Raises:
        ClusterError: Nothing is said of workers, or it is no such thing.

    Example:
        >>> tasks = '{"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 1}}'
        >>> cluster = read_cluster({"TF_CONFIG": tasks})
        >>> cluster.addresses, cluster.index, cluster.meeting
        (('a:2222', 'b:2222'), 1, ('a', 2221))
    """
    if "TF_CONFIG" in environment:
        return _from_tf_config(environment["TF_CONFIG"])
    if "SLURM_PROCID" in environment:
        return _from_slurm(environment)
    raise ClusterError(
        "Several workers have to be told of each other. Received: neither TF_CONFIG nor the variables of a Slurm step "
        "(SLURM_PROCID) in the environment. Start each worker with its TF_CONFIG or with srun; on one machine, start "
        "all of them with `seq2seq launch --workers N -- COMMAND`."
    )


def _from_tf_config(text: str) -> Cluster:
    try:
        found = json.loads(text)
        tasks = {str(kind): list(addresses) for kind, addresses in found["cluster"].items()}
        kind, index = str(found["task"]["type"]), int(found["task"]["index"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _malformed(text, f"it cannot be read ({type(error).__name__}: {error})") from None
    others = tasks.keys() - {"chief", "worker"}
    if others:
        raise _malformed(text, f"it has tasks of the type {', '.join(sorted(others))}, which have nothing to do here")
    if len(tasks.get("chief", [])) > 1:
        raise _malformed(text, "it has more than one chief")
    if not 0 <= index < len(tasks.get(kind, [])):
        raise _malformed(text, f"the task of this process, {kind} {index}, is not in its cluster")
    addresses = [*tasks.get("chief", []), *tasks.get("worker", [])]
    for address in addresses:
        host, _, port = str(address).rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 2 <= int(port) <= 65_535:
            raise _malformed(text, f"{address!r} is no HOST:PORT with a port from 2 to 65535")
    if len(set(addresses)) < len(addresses):
        raise _malformed(text, "two workers have the same address")
    return Cluster(tuple(addresses), index + (len(tasks.get("chief", [])) if kind == "worker" else 0), text)


def _malformed(text: str, why: str) -> ClusterError:
    shown = text if len(text) <= 300 else f"{text[:300]}..."
    return ClusterError(
        'TF_CONFIG is JSON such as {"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": '
        f"0}}}}, with another index for each. Received: TF_CONFIG={shown!r}: {why}. Set it right in every worker."
    )


def _from_slurm(environment: Mapping[str, str]) -> Cluster:
    import tensorflow as tf

    try:
        port = int(environment.get("SEQ2SEQ_PORT", _PORT))
        # It is asked for the addresses only: which task gets which GPU is Slurm's business (--gpus-per-task).
        tasks = max(_tasks_per_node(environment["SLURM_STEP_TASKS_PER_NODE"]))
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            port_base=port, gpus_per_node=tasks, gpus_per_task=1, auto_set_gpu=False
        )
        cluster: dict[str, Any] = resolver.cluster_spec().as_dict()
        index = int(resolver.task_id)
    except (KeyError, ValueError, RuntimeError, TypeError) as error:
        variables = {name: environment.get(name) for name in _SLURM}
        raise ClusterError(
            "A Slurm step tells each task who the others are. Received: "
            f"{', '.join(f'{name}={value}' for name, value in variables.items())} ({type(error).__name__}: {error}). "
            "Start the workers with srun, or set TF_CONFIG."
        ) from None
    return _from_tf_config(json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}))


_SLURM = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE", "SEQ2SEQ_PORT")


def _tasks_per_node(text: str) -> list[int]:
    """Read Slurm's "2(x3),1": the tasks on each kind of node."""
    return [int(part.partition("(")[0]) for part in text.split(",")]
