"""What the gradient of a loop may still use of the loop."""

import tensorflow as tf


def within_reach(tensor: tf.Tensor) -> bool:
    """Tell whether what was computed beside a tensor can be used here: in its own graph, or in one inside of it.

    A SavedModel keeps a gradient as a function of its own, which reaches the inputs of the loop but no list of tensors
    that it wrote: there it has to be written again.

    Args:
        tensor: A result of the loop.
    """
    if tf.executing_eagerly():
        return True
    graph = tf.compat.v1.get_default_graph()
    while graph is not None and graph is not tensor.graph:
        graph = getattr(graph, "outer_graph", None)
    return graph is not None
