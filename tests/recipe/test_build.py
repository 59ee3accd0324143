import keras
import numpy as np
import pytest

from seq2seq.recipe import (
    Data,
    DecoderSettings,
    EncoderSettings,
    ModelSettings,
    Recipe,
)
from seq2seq.recipe.build import build_model
from tests.marks import quick

RECIPE = Recipe(
    "tiny",
    Data("absent", "de", "en"),
    model=ModelSettings(embedding=4, encoder=EncoderSettings((4,)), decoder=DecoderSettings((8,))),
)


@pytest.mark.parametrize(
    "changes",
    quick(
        [
            [],
            ["model.attention.kind=none"],
            [
                "model.encoder.units=4,6",
                "model.decoder.units=8,8,8",
                "model.bridge.mode=[[0],[0,1],[]]",
                "model.bridge.merge=sum",
            ],
            [
                "model.encoder.units=4,4",
                "model.decoder.units=8",
                "model.bridge.align=top",
                "model.encoder.bidirectional=true,true",
            ],
            [
                "model.encoder.bidirectional=never",
                "model.encoder.reverse=true",
                "model.bridge.mode=concatenated",
                "model.bridge.states=hidden",
            ],
            ["model.tied=all", "model.attention.input_feeding=true", "model.attention.kind=additive"],
            [
                "model.encoder.units=8,8,8",
                "model.decoder.units=8,8,8",
                "model.encoder.bidirectional=first",
                "model.residual_from=2",
            ],
            ["model.cell=gru", "model.decoder.cell=peephole_lstm", "model.bridge.missing=project"],
            ["model.recurrent_dropout=0.2", "model.encoder.recurrent_dropout=0", "model.decoder.dropout=0.3"],
            ["model.encoder.embedding=6", "model.embedding_dropout=0.4", "model.decoder.embedding_dropout=0"],
            ["training.precision=mixed_bfloat16"],
        ],
        [],
        ["model.attention.kind=none"],
        ["training.precision=mixed_bfloat16"],
    ),
    ids=" ".join,
)
def test_settings_reach_the_model(changes: list[str]) -> None:
    recipe = RECIPE.override([*changes, "training.label_smoothing=0.2", "model.dropout=0.1"])
    model = build_model(recipe, 20, 20)
    settings = recipe.model.resolved()
    kind = settings.attention.kind
    assert tuple(model.encoder.stack.units) == settings.encoder.units
    assert tuple(model.decoder.units) == settings.decoder.units
    assert model.encoder.reverse == settings.encoder.reverse
    assert model.decoder.attention_name == (None if kind == "none" else kind)
    assert model.decoder.input_feeding == settings.attention.input_feeding
    assert (model.encoder.embedding is model.decoder.embedding) == (settings.tied == "all")
    assert model.bridge.merge == settings.bridge.merge and model.bridge.states == settings.bridge.states
    assert model.label_smoothing == 0.2
    for side, wanted in ((model.encoder, settings.encoder), (model.decoder, settings.decoder)):
        assert side.embedding_dim == wanted.embedding and side.embedding_dropout == wanted.embedding_dropout
        assert side.stack.cell.name == wanted.cell
        assert side.stack.dropout == wanted.dropout and side.stack.recurrent_dropout == wanted.recurrent_dropout
    assert model.bridge.missing == settings.bridge.missing
    assert model.decoder.dtype_policy.name == recipe.training.precision
    model.compile(optimizer="sgd", run_eagerly=True)
    ids = np.full((2, 3), 5, np.int32)
    assert np.isfinite(model.train_on_batch({"source": ids, "target_in": ids}, ids)[0])


def test_the_seed_draws_the_weights() -> None:
    def weights(seed: int) -> np.ndarray:
        return np.concatenate(
            [np.ravel(weight) for weight in build_model(RECIPE.override([f"seed={seed}"]), 9, 9).get_weights()]
        )

    assert np.array_equal(weights(1), weights(1))
    assert not np.array_equal(weights(1), weights(2))


def test_architectures_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = RECIPE.override(["model.embedding=256", "model.encoder.units=256,256", "model.decoder.units=512,512"])
    policy = keras.config.dtype_policy().name
    for name, depth in (("sutskever2014", 4), ("bahdanau2014", 1), ("luong2015", 4), ("gnmt2016", 8)):
        chosen = recipe.override(
            [f"model.architecture={name}", "model.width=0.01", "training.precision=mixed_bfloat16"]
        )
        model = build_model(chosen, 20, 20)
        assert len(model.decoder.units) == depth
        assert model.decoder.dtype_policy.name == "mixed_bfloat16"
        assert capsys.readouterr().err.count(f"{name} departs from its paper") == 1
    assert keras.config.dtype_policy().name == policy


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["model.tied=all", "tokenizer.joint=false"], r'model\.tied="all", tokenizer\.joint=false'),
        (["model.encoder.units=4,4"], r"encoder depth=2, decoder depth=1"),
        (["model.attention.kind=none", "model.bridge.mode=zero"], r"would never see the source"),
        (["model.attention.kind=none", "model.attention.input_feeding=true"], r"needs attention"),
    ],
)
def test_what_is_refused(changes: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_model(RECIPE.override(changes), 20, 20)


def test_a_deep_stack_is_told_when_it_is_built(capsys: pytest.CaptureFixture[str]) -> None:
    deep = ["model.encoder.units=2,2,2,2,2", "model.decoder.units=4,4,4,4,4"]
    build_model(RECIPE.override(deep), 9, 9)
    assert "the encoder 5 and the decoder 5 on top of each other" in capsys.readouterr().err
    build_model(RECIPE.override([*deep, "model.residual_from=1"]), 9, 9)
    assert capsys.readouterr().err == ""
