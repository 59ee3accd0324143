"""What is wrong with a model, by what was measured inside it: nine illnesses, each with what to do."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

from seq2seq.models.signs import GateSigns, PartSigns, Signs

PAGE = "docs/how-to/it-does-not-learn.md"

LOUD = 100.0
"""Norm of the gradient (nats per token) from which it explodes; of what learns it is 0.1 to 10."""
FAINT = 1e-3
"""Share of the largest gradient of a layer below which that of another one has vanished."""
SATURATED_GATE = 0.9
"""Share of the values of a gate that are below 0.05 or above 0.95."""
SATURATED_OUTPUT = 0.5
"""Share of outputs beyond ±0.95."""
DEAD = 0.5
"""Share of units of a layer whose output does not change."""
GIANT_STEP = 0.5
"""Change of the weights of a layer by one step, over their norm."""
QUIET_EMBEDDING, QUIET_LAYER = 0.1, 0.02
"""Root mean square of embeddings, and deviation of the outputs of the lowest layer, that together are too small."""
SETTLED = 100
"""Optimizer steps after which a model has learnt something, whatever it is."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        illness: Its name, of `ILLNESSES`.
        where: The part of the model, or "model".
        said: What was measured.
        advice: What to do.
        page: Where more is said, in the docs.
    """

    illness: str
    where: str
    said: str
    advice: str
    page: str

    def __str__(self) -> str:
        return f"{self.illness}, {self.where}: {self.said} {self.advice} ({self.page})"


def find(signs: Signs) -> list[Finding]:
    """Give what is wrong, the gravest first; empty where nothing is.

    Args:
        signs: What was measured.
    """
    found = [finding for rule in _RULES for finding in rule(signs)]
    # Beside a gradient that explodes every other is faint: no news.
    exploding = any(finding.illness == "exploding" for finding in found)
    return [finding for finding in found if not (exploding and finding.illness == "vanishing")]


def _finding(illness: str, where: str, said: str, advice: str) -> Finding:
    return Finding(illness, where, said, advice, f"{PAGE}#{ILLNESSES[illness]}")


ILLNESSES = {
    "target leaking": "leaks",
    "padding leaking": "leaks",
    "exploding": "gradients-that-explode",
    "learning rate too high": "a-learning-rate-that-is-too-high",
    "dead layer": "saturated-gates-and-dead-layers",
    "saturated": "saturated-gates-and-dead-layers",
    "vanishing": "a-deep-stack",
    "untrained bridge": "a-bridge-that-does-not-learn",
    "embedding too small": "embeddings-that-are-too-small",
}
"""The illnesses, the gravest first, each with its place on the page."""


def _target_leaks(signs: Signs) -> Iterator[Finding]:
    leaks = signs.leaks
    if leaks is None:
        return
    if not leaks.aligned:
        yield _finding(
            "target leaking",
            "batch",
            "What the decoder reads is not the target one step before, behind <s>.",
            "Let target_in start with <s>, and target_out end with </s>: target_in[:, 1:] is target_out[:, :-1].",
        )
    if leaks.target > leaks.tolerance:
        yield _finding(
            "target leaking",
            "decoder",
            f"What it says of a token changes by up to {leaks.target:.3g} nats with the tokens behind it.",
            "A part of your own looks ahead: what stands at a step may read that step and those before it alone. "
            "In training it copies what it cannot see in translation.",
        )


def _padding_leaks(signs: Signs) -> Iterator[Finding]:
    leaks = signs.leaks
    if leaks is not None and leaks.padding > leaks.tolerance:
        yield _finding(
            "padding leaking",
            "model",
            f"More padding changes the log-probability of a token by up to {leaks.padding:.3g} nats.",
            "A part of your own reads padding: multiply by the mask before a sum or a mean, and give scores of masked "
            "places minus infinity before a softmax.",
        )


def _explodes(signs: Signs) -> Iterator[Finding]:
    advice = (
        "Set training.clip_norm to 1, and a third of the learning rate; take a cell with gates in the place of a "
        "simple RNN, and residual connections in a deep stack."
    )
    broken = [part.name for part in signs.parts if not math.isfinite(part.gradient + part.norm)]
    if broken or not math.isfinite(signs.loss):
        where = broken[0] if broken else "model"
        yield _finding("exploding", where, "Weights, gradient or loss are not finite.", advice)
    elif signs.gradient > LOUD:
        loudest = max(signs.parts, key=lambda part: part.gradient)
        said = f"The norm of all gradients is {signs.gradient:,.0f}, most of it here; of what learns it is 0.1 to 10."
        yield _finding("exploding", loudest.name, said, advice)


def _strides(signs: Signs) -> Iterator[Finding]:
    advice = "Take a third of the learning rate until it learns, and training.warmup_steps = 400."
    wildest = max(_of_layers(signs), key=lambda part: part.update or 0.0)
    if (wildest.update or 0.0) > GIANT_STEP:
        said = f"One step changes the weights by {100 * (wildest.update or 0):,.0f} % of what they are"
        rate = "" if signs.learning_rate is None else f", at a learning rate of {signs.learning_rate:g}"
        yield _finding("learning rate too high", wildest.name, f"{said}{rate}.", advice)
    elif _settled(signs) and signs.loss > math.log(signs.vocabulary) + 0.1:
        said = (
            f"The loss is {signs.loss:.2f} after training, and that of guessing among {signs.vocabulary:,} pieces is "
            f"{math.log(signs.vocabulary):.2f}."
        )
        yield _finding("learning rate too high", "model", said, advice)


def _dies(signs: Signs) -> Iterator[Finding]:
    for layer in signs.layers:
        if layer.dead > DEAD:
            yield _finding(
                "dead layer",
                layer.name,
                f"{100 * layer.dead:.0f} % of its units put out the same, whatever they read.",
                "Look at its gates below: an output gate that is shut says nothing. Train anew with a lower learning "
                "rate, or without this layer.",
            )


def _saturates(signs: Signs) -> Iterator[Finding]:
    for layer in signs.layers:
        stuck = [
            f"{name} {100 * _stuck(gate):.0f} %"
            for name, gate in layer.gates.items()
            if _stuck(gate) > SATURATED_GATE and not (gate.half_lives and gate.open > gate.shut)
        ]
        if layer.saturated > SATURATED_OUTPUT:
            stuck.append(f"outputs {100 * layer.saturated:.0f} %")
        if stuck:
            yield _finding(
                "saturated",
                layer.name,
                f"Stuck at an end of their range: {', '.join(stuck)}. No gradient passes there.",
                'Take a lower learning rate from the start, or layer normalisation (model.cell = "layer_norm_lstm"); '
                "weights of your own start smaller.",
            )


def _vanishes(signs: Signs) -> Iterator[Finding]:
    loudest = max(_of_layers(signs), key=lambda part: part.gradient)
    stuck = {finding.where for rule in (_dies, _saturates) for finding in rule(signs)}
    for side in ("encoder", "decoder"):
        of_side = [part for part in _of_layers(signs) if part.name.startswith(side)]
        layers = [part for part in of_side if not part.frozen]
        faint = [part for part in layers if part.gradient < FAINT * loudest.gradient]
        # What a stuck decoder lets through to the encoder is faint already.
        behind = side == "encoder" and any(name.startswith("decoder") for name in stuck)
        arrives = max(part.gradient for part in of_side) if behind else loudest.gradient
        if not faint or min(part.gradient for part in faint) >= FAINT * _passed(of_side, arrives, stuck) * arrives:
            continue
        least = min(faint, key=lambda part: part.gradient)
        share = f"{loudest.gradient / least.gradient:,.0f} times less than" if least.gradient else "nothing, unlike"
        more = f" So it is with {len(faint)} of the {len(layers)} layers." if len(faint) > 1 else ""
        yield _finding(
            "vanishing",
            least.name,
            f"Its gradient is {least.gradient:.1g}, {share} that of {loudest.name}.{more}",
            "Give the stack residual connections (model.residual_from = 1), or take fewer layers; an attention brings "
            "the gradient to the encoder without the way through the whole sentence.",
        )


def _passed(layers: Sequence[PartSigns], arrives: float, stuck: Container[str]) -> float:
    """Give the share of a gradient that layers which are stuck let through: what is left from above each to below it.

    Where even less arrives further down, it vanishes on its way through the other layers, too.

    Args:
        layers: Those of a side, the lowest first.
        arrives: The gradient that comes to the uppermost one.
        stuck: The names of those that are saturated or dead.
    """
    passed, above, above_is_stuck = 1.0, arrives, False
    for part in reversed(layers):
        if above_is_stuck or part.name in stuck:
            passed *= min(part.gradient / above, 1.0) if above else 0.0
        above, above_is_stuck = part.gradient, part.name in stuck
    return passed


def _bridge_rests(signs: Signs) -> Iterator[Finding]:
    advice = (
        "Train it: bridge.trainable = True, and a decoder that starts from what it gives. Where an attention tells the "
        'decoder enough, model.bridge.mode = "zero" is smaller.'
    )
    bridge = next((part for part in signs.parts if part.name == "bridge"), None)
    if bridge is not None and not bridge.frozen and bridge.gradient == 0:
        yield _finding("untrained bridge", "bridge", "No gradient reaches its weights.", advice)
    elif bridge is not None and _settled(signs) and signs.bridge_untouched:
        kept = " They are kept from training." if bridge.frozen else ""
        said = f"Its biases are zeros as they began: its weights are those that were drawn.{kept}"
        yield _finding("untrained bridge", "bridge", said, advice)
    for route in signs.routes:
        if _settled(signs) and route.way in ("taken", "projected", "replaced") and route.size < 1e-6:
            said = f"The {route.part} state that it is given is zero."
            yield _finding("untrained bridge", f"decoder layer {route.layer}", said, advice)


def _embeds_little(signs: Signs) -> Iterator[Finding]:
    for embedding in signs.embeddings:
        where, least = f"{embedding.side} embedding", embedding.vocabulary**0.25
        if embedding.width < least:
            yield _finding(
                "embedding too small",
                where,
                f"It has a width of {embedding.width} for {embedding.vocabulary:,} pieces.",
                f"Take model.embedding of {math.ceil(least)} at the very least (the fourth root of the vocabulary), "
                "and rather 64 to 512.",
            )
        (lowest,) = [layer for layer in signs.layers if (layer.side, layer.number) == (embedding.side, 0)]
        if not embedding.tied and embedding.size < QUIET_EMBEDDING and lowest.spread < QUIET_LAYER:
            yield _finding(
                "embedding too small",
                where,
                f"Its numbers are around {embedding.size:.2g}, and {lowest.name} hardly differs from word to word "
                f"({lowest.spread:.2g}).",
                "Start it wide, with a deviation of 1, as seq2seq.models does: gates are nearly shut to what is small.",
            )


_RULES: list[Callable[[Signs], Iterator[Finding]]] = [
    _target_leaks, _padding_leaks, _explodes, _strides, _dies, _saturates, _vanishes, _bridge_rests, _embeds_little,
]  # fmt: skip


def _of_layers(signs: Signs) -> list[PartSigns]:
    names = {layer.name for layer in signs.layers}
    return [part for part in signs.parts if part.name in names]


def _settled(signs: Signs) -> bool:
    return signs.updates is None or signs.updates >= SETTLED


def _stuck(gate: GateSigns) -> float:
    return gate.shut + gate.open
