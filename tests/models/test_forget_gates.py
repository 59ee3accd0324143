"""How recurrent weights start: forget gates and initializers."""

from typing import get_args

import keras
import numpy as np
import pytest

from seq2seq import Tokenizer, Translator
from seq2seq.layers import CELLS, StackedRNN
from seq2seq.models import Encoder, build_model, start_forget_gates
from seq2seq.models.settings import ContradictionError, DecoderSettings, EncoderSettings, Initializer, ModelSettings

SMALL = ModelSettings(embedding=5, encoder=EncoderSettings((6,)), decoder=DecoderSettings((6,)))


def small(**changed):
    return build_model(ModelSettings(**{**vars(SMALL), **changed}), 9, 9, seed=3)


def kernels(model):
    return {
        weight.path: weight.numpy()
        for side in (model.encoder, model.decoder)
        for weight in side.stack.trainable_weights
    }


@pytest.mark.parametrize("cell", [name for name, cell in CELLS.items() if cell.forget_gate is not None])
def test_forget_gates_start_from_a_bias_and_nothing_else_does(cell):
    stack = StackedRNN([3, 2], cell, "all")
    stack.build((None, None, 4))
    before = [weight.numpy() for weight in stack.weights]
    start_forget_gates(stack, 2.5)
    moved = 0
    for weight, old in zip(stack.weights, before, strict=True):
        new = weight.numpy()
        if weight.name == "bias":
            units = len(new) // stack.cell.gates
            place = slice(stack.cell.forget_gate * units, (stack.cell.forget_gate + 1) * units)
            assert (old[place] == 1).all()
            assert (new[place] == 2.5).all()
            moved += units
            new[place] = old[place]
        np.testing.assert_array_equal(new, old)
    assert moved == 2 * (3 + 2)


def test_a_gate_keeps_what_its_bias_says():
    for bias, kept in ((0.0, 0.5), (3.0, 0.9526)):
        stack = StackedRNN([3], "coupled_lstm")
        stack.build((None, None, 1))
        start_forget_gates(stack, bias)
        # With no input and an output of zero the gate reads its bias alone.
        state = stack.cell.State(np.zeros((1, 3), "float32"), np.ones((1, 3), "float32"))
        _, ((after,),) = stack.step(np.zeros((1, 1), "float32"), ((state,),))
        np.testing.assert_allclose(after.cell, np.full((1, 3), kept), atol=1e-4)


@pytest.mark.parametrize("cell", ["gru", "simple_rnn"])
def test_a_cell_without_a_forget_gate_has_no_bias_for_it(cell):
    with pytest.raises(ContradictionError, match=f'a bias of 2, a stack of cell="{cell}"'):
        small(cell=cell, forget_bias=2.0)


def test_settings_reach_both_stacks():
    model = small(forget_bias=-1.0)
    for side in (model.encoder, model.decoder):
        for weight in side.stack.weights:
            if weight.name == "bias":
                np.testing.assert_array_equal(weight.numpy()[6:12], -1)


def test_initializers_of_settings_draw_kernels_and_leave_the_others():
    usual, wide = (
        kernels(small()),
        kernels(small(kernel_initializer="he_uniform", recurrent_initializer="lecun_uniform")),
    )
    assert usual.keys() == wide.keys()
    for path, values in wide.items():
        if path.endswith("recurrent_kernel"):
            limit = np.sqrt(3 / len(values))
        elif path.endswith("kernel"):
            limit = np.sqrt(6 / len(values))
        else:
            np.testing.assert_array_equal(values, usual[path])
            continue
        assert 0.8 * limit < np.abs(values).max() <= limit
        assert np.abs(usual[path]).max() != np.abs(values).max()


def test_the_usual_initializers_draw_what_a_seed_has_always_drawn():
    usual, named = kernels(small()), kernels(small(kernel_initializer="glorot_uniform", forget_bias=1.0))
    for path, values in usual.items():
        np.testing.assert_array_equal(named[path], values)


def test_an_initializer_comes_back_from_a_configuration():
    encoder = Encoder(9, 5, [6, 6], kernel_initializer=keras.initializers.RandomUniform(0.2, 0.3))
    again = Encoder.from_config(encoder.get_config())
    again.build()
    for layer in again.stack.forward_layers:
        assert 0.2 <= layer.cell.kernel.numpy().min() < layer.cell.kernel.numpy().max() <= 0.3


@pytest.mark.parametrize("name", get_args(Initializer))
def test_a_model_file_knows_every_initializer_of_a_recipe(name: str, tmp_path) -> None:
    letters = Tokenizer.train(["ab ba"], kind="char")
    settings = ModelSettings(**{**vars(SMALL), "kernel_initializer": name, "recurrent_initializer": name})
    Translator(build_model(settings, letters.vocab_size, letters.vocab_size), letters, letters).save(tmp_path / "m.s2s")
    assert Translator.load(tmp_path / "m.s2s").model.count_params() > 0
