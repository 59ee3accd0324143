"""A loop over time whose weights get their gradients in one product each, after the loop."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from seq2seq.layers.bias import sum_rows
from seq2seq.layers.products import Weight
from seq2seq.layers.reach import within_reach


class Multiply(Protocol):
    """Multiply by the weight of this number: `[batch, m]`, or `[batch, 1, m]` where each row has its own matrix."""

    def __call__(self, number: int, values: tf.Tensor) -> list[tf.Tensor]:
        """Give the parts of the product."""


class Step(Protocol):
    """One step of a loop; each weight is used once, and what is not an argument here gets no gradient."""

    def __call__(
        self,
        time: tf.Tensor,
        inputs: list[tf.Tensor],
        state: list[tf.Tensor],
        multiply: Multiply,
        constants: list[tf.Tensor],
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Give the output and the state after the step."""


def deferred_loop(
    step: Step,
    inputs: Sequence[tf.Tensor],
    state: Sequence[tf.Tensor],
    weights: Sequence[Weight],
    constants: Sequence[tf.Tensor] = (),
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Run a step over time, with gradients for everything it is given.

    Differentiating a plain loop multiplies once per step for the gradient of every weight and adds up the results.
    Here the backward loop computes gradients of products only, step by step; the gradient of each weight is one
    product over all steps. Between the products a step is computed anew from their kept results.

    Args:
        step: The step.
        inputs: What the steps read, time first, each `[time, batch, …]`.
        state: Before the first step, each `[batch, …]`; a step keeps the types and shapes.
        weights: What `multiply` reaches by number.
        constants: Other tensors with gradients that every step reads.

    Returns:
        The outputs `[time, batch, …]` and the state after the last step.
    """
    biased = [number for number, weight in enumerate(weights) if weight.bias is not None]
    given = [inputs, state, [weight.matrix for weight in weights], [weights[number].bias for number in biased]]
    given.append(constants)

    @tf.custom_gradient
    def run(*tensors: tf.Tensor) -> Any:
        inputs, state, matrices, biases, constants = tf.nest.pack_sequence_as(given, tensors)
        parts = [weight.parts for weight in weights]
        loop = _Loop(step, inputs, state, matrices, dict(zip(biased, biases, strict=True)), parts, constants)
        end, kept = loop.forward()
        outputs = kept[0].stack()

        def gradient(d_outputs: tf.Tensor, *d_end: tf.Tensor) -> list[tf.Tensor]:
            return loop.backward(kept if within_reach(outputs) else loop.forward()[1], d_outputs, d_end)

        return (outputs, *end), gradient

    outputs, *end = run(*tf.nest.flatten(given))
    return outputs, end


class _Loop(NamedTuple):
    """The loop over what one call is given: see :func:`deferred_loop`.

    Attributes:
        step: The step.
        inputs: Each `[time, batch, …]`.
        state: Before the first step, each `[batch, …]`.
        matrices: The weights, by number.
        biases: Those that there are, by the number of their weight.
        parts: Of each weight, in how many equal parts its product is given.
        constants: What every step reads.
    """

    step: Step
    inputs: Sequence[tf.Tensor]
    state: Sequence[tf.Tensor]
    matrices: Sequence[tf.Tensor]
    biases: Mapping[int, tf.Tensor]
    parts: Sequence[int]
    constants: Sequence[tf.Tensor]

    @property
    def steps(self) -> tf.Tensor:
        """How many steps there are."""
        return tf.shape(self.inputs[0])[0]

    def forward(self) -> tuple[list[tf.Tensor], list[Any]]:
        """Give the state after the last step, and arrays of what a step has: output, state before, values, products."""
        steps = self.steps
        cut = [tf.split(matrix, parts, axis=-1) for matrix, parts in zip(self.matrices, self.parts, strict=True)]
        added = {number: tf.split(bias, self.parts[number]) for number, bias in self.biases.items()}

        def advance(time: tf.Tensor, state: list[tf.Tensor], kept: list[Any]) -> tuple[Any, ...]:
            met: dict[int, tuple[tf.Tensor, list[tf.Tensor]]] = {}

            def multiply(number: int, values: tf.Tensor) -> list[tf.Tensor]:
                results = [tf.matmul(values, part) for part in cut[number]]
                if number in added:
                    results = [tf.nn.bias_add(*pair) for pair in zip(results, added[number], strict=True)]
                met[number] = values, results
                return results

            read = [tensor[time] for tensor in self.inputs]
            output, after = self.step(time, read, state, multiply, list(self.constants))
            of_step = [output, state, *(met[number] for number in range(len(self.parts)))]
            return time + 1, after, tf.nest.map_structure(lambda array, value: array.write(time, value), kept, of_step)

        kept: list[Any] = [_array(self.inputs[0].dtype, steps), [_array(part.dtype, steps) for part in self.state]]
        for matrix, parts in zip(self.matrices, self.parts, strict=True):
            kept.append((_array(matrix.dtype, steps), [_array(matrix.dtype, steps) for _ in range(parts)]))
        _, end, kept = tf.while_loop(
            lambda time, *_: time < steps, advance, (0, list(self.state), kept), maximum_iterations=steps
        )
        for part, before in zip(end, self.state, strict=True):
            part.set_shape(before.shape)
        return end, kept

    def backward(self, kept: list[Any], d_outputs: tf.Tensor, d_end: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Give the gradients of inputs, state, matrices, biases and constants.

        Args:
            kept: What :meth:`forward` kept.
            d_outputs: The gradient of the outputs, `[time, batch, …]`.
            d_end: That of the state after the last step.
        """
        steps = self.steps
        _, befores, *products = kept
        transposed = [tf.linalg.matrix_transpose(matrix) for matrix in self.matrices]

        def go_back(
            time: tf.Tensor, d_state: list[tf.Tensor], d_constants: list[tf.Tensor], written: list[Any]
        ) -> tuple[Any, ...]:
            d_products: dict[int, tf.Tensor] = {}

            def multiply(number: int, values: tf.Tensor) -> list[tf.Tensor]:
                results = [array.read(time) for array in products[number][1]]

                @tf.custom_gradient
                def product(values: tf.Tensor) -> Any:
                    def through(*gradients: tf.Tensor) -> tf.Tensor:
                        d_products[number] = tf.concat(gradients, axis=-1)
                        return tf.matmul(d_products[number], transposed[number])

                    return [tf.identity(result) for result in results], through

                return product(values)

            read = [tf.identity(tensor[time]) for tensor in self.inputs]
            before = [array.read(time) for array in befores]
            fixed = [tf.identity(constant) for constant in self.constants]
            with tf.GradientTape() as tape:
                tape.watch([read, before, fixed])
                output, after = self.step(time, read, before, multiply, fixed)
            d_read, d_before, d_fixed = tape.gradient(
                [output, *after],
                [read, before, fixed],
                [d_outputs[time], *d_state],
                tf.UnconnectedGradients.ZERO,
            )
            values = [*d_read, *(d_products[number] for number in range(len(self.parts)))]
            return (
                time - 1,
                d_before,
                [total + gradient for total, gradient in zip(d_constants, d_fixed, strict=True)],
                [array.write(time, value) for array, value in zip(written, values, strict=True)],
            )

        arrays = [_array(tensor.dtype, steps) for tensor in [*self.inputs, *self.matrices]]
        nothing = [tf.zeros_like(constant) for constant in self.constants]
        _, d_state, d_constants, arrays = tf.while_loop(
            lambda time, *_: time >= 0, go_back, (steps - 1, list(d_end), nothing, arrays), maximum_iterations=steps
        )
        stacks = [array.stack() for array in arrays]
        d_inputs = [tf.reshape(stack, tf.shape(tensor)) for stack, tensor in zip(stacks, self.inputs, strict=False)]
        d_products = stacks[len(self.inputs) :]
        d_matrices = [
            _over_time(values.stack(), d_product, matrix)
            for (values, _), d_product, matrix in zip(products, d_products, self.matrices, strict=True)
        ]
        d_biases = [sum_rows(_flatten(d_products[number])) for number in self.biases]
        return [*d_inputs, *d_state, *d_matrices, *d_biases, *d_constants]


def _array(dtype: tf.DType, steps: tf.Tensor) -> tf.TensorArray:
    # Both loops read what the first one wrote.
    return tf.TensorArray(dtype, steps, clear_after_read=False)


def _over_time(values: tf.Tensor, d_products: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """The gradient of a matrix from what it was multiplied by and the products' gradients, over all steps."""
    if matrix.shape.rank == 2:
        return tf.matmul(_flatten(values), _flatten(d_products), transpose_a=True)
    # [time, batch, 1, m] to [batch, time, m]: each row of the batch has its own matrix.
    by_row = [tf.transpose(tensor[:, :, 0], [1, 0, 2]) for tensor in (values, d_products)]
    return tf.matmul(*by_row, transpose_a=True)


def _flatten(tensor: tf.Tensor) -> tf.Tensor:
    """All but the last axis joined."""
    return tf.reshape(tensor, [-1, tf.shape(tensor)[-1]])
