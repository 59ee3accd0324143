"""One step on several devices: sums over replicas, taken so that the step means what it means on one device.

Keras clips the gradient of each replica by itself and sums afterwards, which bounds something else for every number of
replicas. Here the sum comes first, and Keras is kept from taking it again.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import keras
import tensorflow as tf

_Totals = TypeVar("_Totals", bound=tuple)


def replicas() -> int:
    """Count the devices that share the running step; 1 outside `tf.distribute`."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica() -> tf.Tensor | int:
    """Number the device, from 0, whose share of the running step this is; 0 where it is no part of a step."""
    context = tf.distribute.get_replica_context()
    return 0 if context is None else context.replica_id_in_sync_group


def several_workers() -> bool:
    """Tell whether the replicas are spread over several processes."""
    resolver = tf.distribute.get_strategy().cluster_resolver
    return resolver is not None and sum(map(len, resolver.cluster_spec().as_dict().values())) > 1


def sum_totals(totals: _Totals) -> _Totals:
    """Sum a named tuple of scalars over the shares that the replicas have of a batch; every replica gets the sums."""
    if replicas() == 1:
        return totals
    packed = tf.stack([tf.stop_gradient(total) for total in totals])  # one message, not four
    return type(totals)(*tf.unstack(_sum(packed)))


def sum_gradients(gradients: Iterable[Any]) -> list[Any]:
    """Sum the gradients of the replicas; every replica gets the sums.

    The gradient of an embedding, which TensorFlow gives by occurrence, is added up by id, on one device too: a norm
    over occurrences would be another one for each number of replicas, and none of them that of the gradient.

    Args:
        gradients: One tensor per weight, or None for a weight without one.

    Returns:
        Dense tensors, and None as it was.
    """
    dense = [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]
    if replicas() == 1:
        return dense
    summed = iter(_sum([gradient for gradient in dense if gradient is not None]))
    return [None if gradient is None else next(summed) for gradient in dense]


def expect_summed_gradients(optimizer: keras.optimizers.Optimizer) -> None:
    """Keep an optimizer from summing over replicas what :func:`sum_gradients` has summed already.

    Args:
        optimizer: Changed in place where there are several replicas.
    """
    if replicas() > 1:
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of one that scales the loss
        optimizer._all_reduce_sum_gradients = lambda pairs: pairs


def local_copies(variable: Any) -> Sequence[tf.Variable]:
    """Give the copies of a variable on the devices of this process; the variable itself where there is one device.

    A read of some variables that are distributed sums over all replicas, and so has to be done by all workers at once;
    a read of a copy does not.

    Args:
        variable: A Keras variable.
    """
    value = variable.value
    return value.values if isinstance(value, tf.distribute.DistributedValues) else (value,)


def _sum(tensors: Any) -> Any:
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensors)
