"""Settings of a model: its encoder and its decoder, what passes between them, and what both have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from seq2seq.layers.cells import CELLS
from seq2seq.layers.scores import SCORES
from seq2seq.settings import (
    Count,
    CountOrNone,
    Positive,
    Range,
    SettingsError,
    Share,
    check_settings,
    filled,
    write_value,
)

# The names of modes are typed here and explained beside what they name (bridge.py, stack.py …); a test compares.
BridgeMode = Literal["per_layer", "last_layer", "concatenated", "mean", "learned", "zero"]
Architecture = Literal["", "sutskever2014", "bahdanau2014", "luong2015", "gnmt2016"]
# Those of cells and attentions are read from their tables; a type checker, which cannot, sees texts.
if TYPE_CHECKING:
    AttentionKind = str
    Cell = str
else:
    AttentionKind = Literal["none", *SCORES]
    Cell = Literal[*CELLS]

Initializer = Literal[
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "orthogonal"
]
"""How weights are drawn, as Keras calls it; a layer of Keras' or of ours takes all that Keras has."""

AsModel = Literal["as_model"]
"""In the settings of one side: what `[model]` says for both."""


class ContradictionError(SettingsError):
    """Settings that are each allowed make no model together."""


@dataclass(frozen=True)
class EncoderSettings:
    """The encoder stack. What is "as_model" is as `[model]` says for both sides.

    Args:
        units: Units of each layer, bottom first; per direction.
        bidirectional: Layers that read both ways: never, first, all, or one flag per layer.
        reverse: Whether the source is read from its end.
        embedding: Width of the source embeddings.
        pretrained: File of word vectors that the source embeddings start from: text of word2vec, GloVe or fastText,
            ``.gz`` too; "" draws them. With ``training.freeze = ["encoder.embedding"]`` they stay so.
        cell: What a layer computes at each step.
        dropout: Share dropped between layers.
        recurrent_dropout: Share of the state dropped from each step to the next, the same for a whole sentence.
        embedding_dropout: Share dropped after the embeddings.
        residual_from: First layer (counted from 0) with a residual connection round it; "none" for none.
    """

    section: ClassVar[str] = "model.encoder"
    units: tuple[Count, ...] = (256, 256)
    bidirectional: Literal["never", "first", "all"] | tuple[bool, ...] = "all"
    reverse: bool = False
    embedding: AsModel | Count = "as_model"
    pretrained: str = ""
    cell: AsModel | Cell = "as_model"
    dropout: AsModel | Share = "as_model"
    recurrent_dropout: AsModel | Share = "as_model"
    embedding_dropout: AsModel | Share = "as_model"
    residual_from: AsModel | Literal["none"] | CountOrNone = "as_model"

    def __post_init__(self) -> None:
        check_settings(self)
        _need_layers(self.section, self.units)


@dataclass(frozen=True)
class BridgeSettings:
    """What the decoder starts from.

    Args:
        mode: What each decoder layer starts from: the name of a mode, or a list of encoder layers per decoder layer.
        to: Of named modes: the decoder layers that get the state; zeros elsewhere.
        directions: How the two states of a bidirectional layer join.
        merge: How the states of several encoder layers join.
        states: What is passed; what is not is zero.
        project: When a trained projection stands between encoder and decoder state.
        activation: Activation of that projection; "auto" is tanh for the mode mean, else none.
        align: How layers are matched where the depths differ; "none" refuses it.
        missing: What a part of the state starts from that the encoder's cell has not: zeros, or a projection of what
            it has.
    """

    section: ClassVar[str] = "model.bridge"
    mode: BridgeMode | tuple[tuple[int, ...], ...] = "per_layer"
    to: Literal["all", "first"] = "all"
    directions: Literal["concat", "sum", "mean", "forward", "backward"] = "concat"
    merge: Literal["concat", "sum", "mean"] = "concat"
    states: Literal["both", "hidden", "cell"] = "both"
    project: Literal["auto", "always", "never"] = "auto"
    activation: Literal["auto", "none", "tanh", "relu"] = "auto"
    align: Literal["none", "bottom", "top", "spread"] = "none"
    missing: Literal["zero", "project"] = "zero"

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True)
class AttentionSettings:
    """How the decoder looks at the source at every step.

    Args:
        kind: How a decoder state is compared with a place of the source; "none" for no attention.
        input_feeding: Whether the attended output enters the next step's input.
    """

    section: ClassVar[str] = "model.attention"
    kind: AttentionKind = "general"
    input_feeding: bool = False

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True)
class DecoderSettings:
    """The decoder stack. What is "as_model" is as `[model]` says for both sides.

    Args:
        units: Units of each layer, bottom first.
        output_dropout: Share dropped before the logits.
        embedding: Width of the target embeddings.
        pretrained: File of word vectors that the target embeddings start from, as for the encoder.
        cell: What a layer computes at each step.
        dropout: Share dropped between layers.
        recurrent_dropout: Share of the state dropped from each step to the next, the same for a whole sentence.
        embedding_dropout: Share dropped after the embeddings.
        residual_from: First layer (counted from 0) with a residual connection round it; "none" for none.
    """

    section: ClassVar[str] = "model.decoder"
    units: tuple[Count, ...] = (512, 512)
    output_dropout: Share = 0.2
    embedding: AsModel | Count = "as_model"
    pretrained: str = ""
    cell: AsModel | Cell = "as_model"
    dropout: AsModel | Share = "as_model"
    recurrent_dropout: AsModel | Share = "as_model"
    embedding_dropout: AsModel | Share = "as_model"
    residual_from: AsModel | Literal["none"] | CountOrNone = "as_model"

    def __post_init__(self) -> None:
        check_settings(self)
        _need_layers(self.section, self.units)


@dataclass(frozen=True)
class ModelSettings:
    """The network: what both sides have in common, and its parts.

    Args:
        architecture: The architecture, by the name of its paper, that everything starts from which is not written;
            "" for none.
        width: Factor for the widths of ``architecture``.
        embedding: Width of source and target embeddings.
        cell: What a layer of encoder and decoder computes at each step.
        dropout: Share dropped between the layers of each stack.
        recurrent_dropout: Share of the state dropped from each step to the next, the same for a whole sentence.
        embedding_dropout: Share dropped after the embeddings.
        residual_from: First layer (counted from 0) of each stack with a residual connection round it; "none" for none.
        kernel_initializer: How the kernels of both stacks are drawn.
        recurrent_initializer: How their recurrent kernels are drawn.
        forget_bias: Bias that forget gates start from.
        tied: Which embeddings are one matrix: none, target (input and output of the decoder), all (source as well).
        encoder: The encoder stack.
        bridge: What the decoder starts from.
        attention: How the decoder looks at the source.
        decoder: The decoder stack.

    Example:
        >>> settings = ModelSettings(dropout=0.3, decoder=DecoderSettings((64,), dropout=0.1))
        >>> settings.resolved().encoder.dropout, settings.resolved().decoder.dropout
        (0.3, 0.1)
    """

    section: ClassVar[str] = "model"
    renamed: ClassVar[Mapping[str, str]] = {
        "encoder": "encoder.units",
        "decoder": "decoder.units",
        "bidirectional": "encoder.bidirectional",
        "reverse": "encoder.reverse",
        "bridge": "bridge.mode",
        "to": "bridge.to",
        "directions": "bridge.directions",
        "merge": "bridge.merge",
        "states": "bridge.states",
        "project": "bridge.project",
        "activation": "bridge.activation",
        "align": "bridge.align",
        "attention": "attention.kind",
        "input_feeding": "attention.input_feeding",
        "output_dropout": "decoder.output_dropout",
    }
    architecture: Architecture = ""
    width: Positive = 1.0
    embedding: Count = 256
    cell: Cell = "lstm"
    dropout: Share = 0.2
    recurrent_dropout: Share = 0.0
    embedding_dropout: Share = 0.2
    residual_from: Literal["none"] | CountOrNone = "none"
    kernel_initializer: Initializer = "glorot_uniform"
    recurrent_initializer: Initializer = "orthogonal"
    forget_bias: Annotated[float, Range(-math.inf)] = 1.0
    tied: Literal["none", "target", "all"] = "none"
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    bridge: BridgeSettings = field(default_factory=BridgeSettings)
    attention: AttentionSettings = field(default_factory=AttentionSettings)
    decoder: DecoderSettings = field(default_factory=DecoderSettings)

    def __post_init__(self) -> None:
        check_settings(self)
        if self.width != 1 and not self.architecture:
            raise SettingsError(
                f"A width is a factor for those of an architecture. Received: model.width={self.width}, "
                'model.architecture="". Leave it out, or name an architecture.'
            )
        if self.tied == "all" and self.encoder.pretrained:
            raise SettingsError(
                'One matrix starts from one file. Received: model.tied="all", model.encoder.pretrained='
                f'"{self.encoder.pretrained}". Name it as model.decoder.pretrained alone.'
            )
        if self.architecture and (self.encoder, self.bridge, self.attention, self.decoder) == (
            EncoderSettings(),
            BridgeSettings(),
            AttentionSettings(),
            DecoderSettings(),
        ):
            raise SettingsError(
                "The name alone makes no architecture in Python, and the layers are as by default. Received: "
                f'ModelSettings(architecture="{self.architecture}"). Write {self.architecture}(width={self.width}) of '
                "seq2seq.models, and `replace` what is to be changed of it."
            )

    @property
    def initializers(self) -> dict[str, str]:
        """What draws recurrent weights, by the names of layers' arguments, where it is not as by default."""
        names = ("kernel_initializer", "recurrent_initializer")
        return {name: value for name in names if (value := getattr(self, name)) != getattr(type(self), name)}

    def resolved(self) -> ModelSettings:
        """Give the same settings with those of each side written out: nothing is "as_model" any more."""
        return replace(
            self, encoder=filled(self.encoder, self, "as_model"), decoder=filled(self.decoder, self, "as_model")
        )


@dataclass(frozen=True)
class TeacherForcingSettings:
    """What the decoder reads in training: the right tokens (teacher forcing), or the model's own predictions.

    Args:
        own_predictions: What is fed with own predictions: nothing (none), a share of the sentences, or of the tokens.
        share: That share, at its highest; with 1 everything but ``<s>``.
        schedule: How the share rises there from 0.
        steps: Optimizer steps until the share is at its highest ("linear") or at half of it ("exponential",
            "inverse_sigmoid").

    Example:
        >>> print(TeacherForcingSettings("tokens", share=0.25, schedule="linear", steps=2000).words())
        Training feeds own predictions in a share of the tokens that rises to 0.25 (linear, steps=2,000).
    """

    section: ClassVar[str] = "training.teacher_forcing"
    own_predictions: Literal["none", "sentences", "tokens"] = "none"
    share: Annotated[float, Range(0, 1)] = 0.5
    schedule: Literal["constant", "linear", "exponential", "inverse_sigmoid"] = "constant"
    steps: CountOrNone = 0

    def __post_init__(self) -> None:
        check_settings(self)
        changed = {name: value for name, value in vars(self).items() if value != getattr(type(self), name)}
        if self.own_predictions == "none" and changed:
            received = "".join(f", {self.section}.{name}={write_value(value)}" for name, value in changed.items())
            raise SettingsError(
                "Where no own predictions are fed, there is no share of them. Received: "
                f'{self.section}.own_predictions="none"{received}. Set it to "sentences" or "tokens", or leave the '
                "others out."
            )
        received = f'Received: {self.section}.schedule="{self.schedule}", {self.section}.steps={self.steps}'
        if self.schedule == "constant" and self.steps:
            raise SettingsError(
                f"A constant share is there from the first step on. {received}. "
                "Leave steps out, or choose linear, exponential or inverse_sigmoid."
            )
        if self.schedule != "constant" and not self.steps:
            raise SettingsError(
                f"A share that rises needs to know how fast. {received}. "
                "Set steps to a third of the optimizer steps of the run, or choose constant."
            )

    @property
    def feeds_own(self) -> bool:
        """Whether own predictions are fed at all."""
        return self.own_predictions != "none" and self.share > 0

    def words(self) -> str:
        """Say what is fed, in a sentence."""
        if not self.feeds_own:
            return "Training feeds the right tokens (teacher forcing)."
        rises = self.schedule != "constant"
        how = f"that rises to {self.share:g} ({self.schedule}, steps={self.steps:,})" if rises else f"of {self.share:g}"
        return f"Training feeds own predictions in a share of the {self.own_predictions} {how}."


def _need_layers(section: str, units: tuple[int, ...]) -> None:
    if not units:
        raise SettingsError(
            f"A stack needs at least one layer. Received: {section}.units=[]. Write its units, as in [256]."
        )
