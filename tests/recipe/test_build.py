import re
from dataclasses import replace

import keras
import numpy as np
import pytest

from seq2seq.recipe import (
    ContradictionError,
    Data,
    DecoderSettings,
    EncoderSettings,
    ModelSettings,
    Recipe,
    TeacherForcingSettings,
)
from seq2seq.recipe.build import build_model, check_model
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


CHANGED = [
    "model.embedding=5",
    "model.cell=gru",
    "model.dropout=0.11",
    "model.recurrent_dropout=0.12",
    "model.embedding_dropout=0.13",
    "model.residual_from=1",
    "model.kernel_initializer=he_uniform",
    "model.recurrent_initializer=lecun_normal",
    "model.forget_bias=2",
    "model.tied=target",
    "model.encoder.units=3,6,6",
    "model.encoder.bidirectional=true,false,false",
    "model.encoder.embedding=7",
    "model.encoder.cell=peephole_lstm",
    "model.encoder.dropout=0.21",
    "model.encoder.recurrent_dropout=0.22",
    "model.encoder.embedding_dropout=0.23",
    "model.encoder.residual_from=2",
    "model.bridge.to=first",
    "model.bridge.directions=sum",
    "model.bridge.merge=mean",
    "model.bridge.states=hidden",
    "model.bridge.project=always",
    "model.bridge.activation=relu",
    "model.bridge.align=top",
    "model.attention.kind=additive",
    "model.attention.input_feeding=true",
    "model.decoder.units=4,4",
    "model.decoder.embedding=8",
    "model.decoder.cell=layer_norm_lstm",
    "model.decoder.dropout=0.31",
    "model.decoder.recurrent_dropout=0.32",
    "model.decoder.embedding_dropout=0.33",
    "model.decoder.output_dropout=0.34",
    "model.decoder.residual_from=none",
]

CHANGED_OTHERWISE = [
    "model.encoder.units=4,6",
    "model.encoder.bidirectional=never",
    "model.encoder.reverse=true",
    "model.encoder.cell=gru",
    "model.decoder.units=4,4",
    "model.bridge.mode=[[1],[0,-1]]",
    "model.bridge.missing=project",
]
"""What does not go together with the others."""


def values(settings: object, path: str = "model") -> dict[str, object]:
    """Every setting of a section and of the sections in it, by path."""
    found: dict[str, object] = {}
    for name, value in vars(settings).items():
        found |= values(value, f"{path}.{name}") if hasattr(value, "section") else {f"{path}.{name}": value}
    return found


def test_every_setting_of_a_model_is_changed_below() -> None:
    usual = values(ModelSettings())
    changed = {
        name
        for changes in (CHANGED, CHANGED_OTHERWISE)
        for name, value in values(RECIPE.override(changes).model).items()
        if value != usual[name]
    }
    # An architecture is changed below by its name, and vectors are read once there is a vocabulary.
    assert usual.keys() - changed == {
        "model.architecture", "model.width", "model.encoder.pretrained", "model.decoder.pretrained",
    }  # fmt: skip


@pytest.mark.parametrize("changes", [CHANGED, CHANGED_OTHERWISE], ids=["most", "others"])
def test_a_changed_setting_reaches_the_model(changes: list[str]) -> None:
    settings = RECIPE.override(changes).model.resolved()
    model = build_model(RECIPE.override(changes), 20, 21)
    encoder, decoder, bridge = (part.get_config() for part in (model.encoder, model.decoder, model.bridge))
    for config, side in ((encoder, settings.encoder), (decoder, settings.decoder)):
        for name, value in vars(side).items():
            if name != "pretrained":
                value = None if value == "none" else list(value) if isinstance(value, tuple) else value
                assert config[{"embedding": "embedding_dim"}.get(name, name)] == value, name
        for name in ("kernel_initializer", "recurrent_initializer"):
            if getattr(settings, name) != getattr(ModelSettings(), name):
                drawn = keras.initializers.get(getattr(settings, name))
                assert config[name]["class_name"] == type(drawn).__name__
    for name, value in vars(settings.bridge).items():
        assert bridge[name] == ([list(route) for route in value] if isinstance(value, tuple) else value), name
    assert (decoder["attention"], decoder["input_feeding"]) == tuple(vars(settings.attention).values())
    assert decoder["tie_embeddings"] == (settings.tied != "none") and decoder["cell"] == model.bridge.cell.name
    for stack in (model.encoder.stack, model.decoder.stack):
        gate = stack.cell.forget_gate
        for layer in filter(None, [*stack.forward_layers, *stack.backward_layers]):
            (bias,) = (weight.numpy() for weight in layer.weights if weight.name == "bias")
            if gate is not None:
                np.testing.assert_array_equal(np.split(bias, stack.cell.gates)[gate], settings.forget_bias)


def test_settings_of_training_reach_the_model() -> None:
    forcing = TeacherForcingSettings("sentences", share=0.25, schedule="linear", steps=7)
    recipe = RECIPE.override(
        ["training.sampled_softmax=6", "seed=5", "training.freeze=encoder.embedding,decoder.logits"]
    )
    recipe = replace(recipe, training=replace(recipe.training, teacher_forcing=forcing))
    model = build_model(recipe, 20, 21)
    assert (model.sampled_softmax, model.sampling_seed, model.teacher_forcing) == (6, 5, forcing)
    frozen = [weight for weight in model.weights if not weight.trainable]
    logits = model.decoder.logits
    assert set(map(id, frozen)) == {*map(id, (model.encoder.embedding.embeddings, logits.kernel, logits.bias))}


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


@pytest.mark.parametrize("asked", ['decoding.unknown="copy"', "decoding.search.coverage_penalty=0.2"])
def test_a_translation_is_not_asked_for_what_no_attention_looked_at(asked: str) -> None:
    recipe = RECIPE.override(["decoding.search.kind=beam", asked])
    check_model(recipe)
    with pytest.raises(ContradictionError, match=f'Received: {re.escape(asked)}, and model.attention.kind="none"'):
        check_model(recipe.override(["model.attention.kind=none"]))


def test_how_many_words_a_softmax_is_sampled_from_depends_on_the_real_vocabulary() -> None:
    recipe = RECIPE.override(["training.sampled_softmax=50"])
    check_model(recipe)
    assert build_model(recipe, 20, 60).sampled_softmax == 50
    with pytest.raises(ContradictionError, match="sampled_softmax=50, vocab_size=20"):
        build_model(recipe, 20, 20)


def test_dropout_between_the_layers_of_one_layer_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    for changes, idle in (
        ([], ""),
        (["model.dropout=0"], ""),
        (["model.dropout=0.5"], "model.dropout=0.5"),
        (["model.dropout=0.5", "model.encoder.units=4,4", "model.decoder.units=8,8"], ""),
        (["model.decoder.dropout=0.4", "model.dropout=0.3"], "model.decoder.dropout=0.4 and model.dropout=0.3"),
        (["model.architecture=bahdanau2014", "model.width=0.01"], ""),
    ):
        build_model(RECIPE.override(changes), 9, 9)
        told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Nothing is dropped")]
        assert told == (
            [
                f"Nothing is dropped by {idle}: it is for between layers, and there is one. "
                "Elsewhere drop embedding_dropout, recurrent_dropout and output_dropout."
            ]
            if idle
            else []
        ), changes


LAST = ["model.bridge.mode=last_layer"]
UNEQUAL = ["model.encoder.units=4,4,4", "model.decoder.units=8,8"]


@pytest.mark.parametrize(
    ("changes", "idle"),
    [
        (["model.bridge.to=first"], {"to"}),
        ([*UNEQUAL, "model.bridge.align=top", "model.bridge.to=first"], set()),
        (["model.bridge.merge=sum"], {"merge"}),
        ([*UNEQUAL, "model.bridge.mode=[[0,1],[2]]", "model.bridge.merge=sum"], set()),
        (["model.bridge.directions=sum"], set()),
        (["model.encoder.bidirectional=never", "model.bridge.directions=sum"], {"directions"}),
        ([*UNEQUAL, "model.encoder.bidirectional=first", *LAST, "model.bridge.directions=sum"], {"directions"}),
        (["model.bridge.states=hidden"], set()),
        (["model.encoder.cell=gru", "model.decoder.cell=gru", "model.bridge.states=hidden"], {"states"}),
        (["model.bridge.activation=tanh"], {"activation"}),
        (["model.decoder.units=4", "model.bridge.activation=tanh"], set()),
        (["model.decoder.units=4", "model.bridge.activation=none"], {"activation"}),
        (["model.bridge.activation=tanh", "model.bridge.project=always"], set()),
        (["model.decoder.units=4", "model.bridge.project=always"], {"project"}),
        (["model.bridge.align=spread"], {"align"}),
        (["model.bridge.missing=project"], {"missing"}),
        (["model.encoder.cell=gru", "model.bridge.missing=project"], set()),
        (["model.bridge.mode=zero", "model.bridge.project=always", "model.bridge.merge=mean"], {"project", "merge"}),
        (["model.bridge.project=never"], set()),
        (["model.architecture=bahdanau2014", "model.width=0.01"], set()),
    ],
)
def test_a_setting_of_a_bridge_that_changes_nothing_is_told(capsys, changes: list[str], idle: set[str]) -> None:
    build_model(RECIPE.override(changes), 9, 9)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Nothing is changed")]
    assert len(told) == bool(idle)
    assert {name for line in told for name in re.findall(r'model\.bridge\.(\w+)="', line)} == idle


def test_a_deep_stack_is_told_when_it_is_built(capsys: pytest.CaptureFixture[str]) -> None:
    deep = ["model.encoder.units=2,2,2,2,2", "model.decoder.units=4,4,4,4,4"]
    build_model(RECIPE.override(deep), 9, 9)
    assert "the encoder 5 and the decoder 5 on top of each other" in capsys.readouterr().err
    build_model(RECIPE.override([*deep, "model.residual_from=1"]), 9, 9)
    assert capsys.readouterr().err == ""
