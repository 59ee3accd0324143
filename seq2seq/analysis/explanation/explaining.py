"""What can be said of one translation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from seq2seq.analysis.explanation.trace import Prefix, Trace, force, watch
from seq2seq.models import Ensemble
from seq2seq.search import Search
from seq2seq.search.scores import divisor, rewarded
from seq2seq.text.length_limit import LengthLimit
from seq2seq.text.special_ids import END, START, UNKNOWN

if TYPE_CHECKING:
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation.translator import Translator

_OTHERS = 3
_NEAR = 1e-4  # nats by which equal scores may differ, added up in another order


@dataclass(frozen=True)
class Chosen:
    """A token of the translation, and what else might have stood there.

    Attributes:
        token: Its piece; `</s>` at the end.
        log_prob: Its log-probability, nats.
        others: The three most probable others and their log-probabilities.
        place: The place of its hypothesis in the beam when it was written, from 1.
        leader: The hypothesis that was first in the beam then; "" where that was this one.
    """

    token: str
    log_prob: float
    others: list[tuple[str, float]]
    place: int
    leader: str = ""


@dataclass(frozen=True)
class Node:
    """A hypothesis that the search kept, in the tree of all.

    Attributes:
        token: Its last piece.
        log_prob: Log-probability of the whole, nats.
        children: What it went on to.
        won: Whether the translation goes through it.
        score: Of a whole sentence that the beam had room for, its score; None of one that went on or was dropped.
    """

    token: str
    log_prob: float
    children: list[Node]
    won: bool
    score: float | None = None

    def alone(self) -> list[Node]:
        """Give itself and what follows alone: up to the first of which several go on, or none."""
        line = [self]
        while len(line[-1].children) == 1:
            line.append(line[-1].children[0])
        return line


@dataclass(frozen=True)
class Reference:
    """A reference beside the translation.

    Attributes:
        text: The reference.
        score: Its score by the model and the length penalty, nats.
        error: "none" where it is what was found; "settings" where those of the search do not allow it; "search" where
            the model prefers it to what was found; "model" where it does not.
        tokens: Each of its pieces, its log-probability, and what the model would rather have written after the tokens
            before it, with the log-probability of that; the same piece where they agree.
        unknown: How many of its pieces the vocabulary has not.
        barred: What does not allow it, in words.
    """

    text: str
    score: float
    error: str
    tokens: list[tuple[str, float, str, float]]
    unknown: int = 0
    barred: str = ""


@dataclass(frozen=True)
class Explanation:
    """Why a translation is as it is.

    Attributes:
        source: The pieces of the source, and `</s>`.
        translation: The text.
        score: Its score, nats.
        ended: Whether it ended by itself, and not at the limit of length.
        tokens: Its tokens.
        attention: For each of them what the model looked at, by source piece; None without attention.
        tree: What the search kept.
        reference: What a reference shows; None without one.
    """

    source: list[str]
    translation: str
    score: float
    ended: bool
    tokens: list[Chosen]
    attention: list[list[float]] | None
    tree: Node
    reference: Reference | None = None


def explain(
    translator: Translator, text: str, search: Search | None = None, *, reference: str | None = None
) -> Explanation:
    """Translate a text, and say why the translation is as it is.

    Args:
        translator: What to ask.
        text: One source sentence.
        search: What to search with; None: the translator's own.
        reference: A right translation, to tell an error of the search from one of the model.

    Returns:
        The translation, and what the search kept and the model would have written for each of its tokens.

    Raises:
        ValueError: The text is empty to the tokenizer, the search has a coverage penalty or groups, or the translator
            is an ensemble.
    """
    if isinstance(translator.model, Ensemble):
        raise ValueError("An explanation is of one model. Received: an ensemble. Explain each of its models.")
    search = translator.search if search is None else search
    if search.looks() or getattr(search, "groups", 1) > 1:
        raise ValueError(
            "An explanation draws one beam, scored by log-probability and length. "
            f"Received: search={search!r}. Leave the coverage penalty and the groups out."
        )
    source = translator.source_tokenizer.encode(text)
    if not source:
        raise ValueError(f"An explanation needs a sentence. Received: text={text!r}, of which no token is left.")
    if len(source) > translator.longest_part:
        raise ValueError(
            f"An explanation is of one sentence. Received: a text of {len(source):,} tokens, which is translated in "
            f"parts of at most {translator.longest_part:,}. Explain its sentences one by one."
        )
    limit = LengthLimit.chosen(search.max_length_factor, translator.length_limit).of(len(source) + 1)
    trace = watch(translator.model, source, search, limit)
    target = translator.target_tokenizer
    asked = [trace.asked[trace.tokens[:place]] for place in range(len(trace.tokens))]
    attention = (
        None
        if asked[0].attention is None
        else [each.attention.tolist() for each in asked if each.attention is not None]
    )
    return Explanation(
        [*map(translator.source_tokenizer.piece, source), target.piece(END)],
        target.decode(trace.tokens),
        trace.score,
        trace.ended,
        _tokens(trace, target),
        attention,
        _tree(trace, target, search),
        None if reference is None else _reference(translator, source, reference, trace, search, limit),
    )


def _tokens(trace: Trace, tokenizer: Tokenizer) -> list[Chosen]:
    found = []
    for place, token in enumerate(trace.tokens):
        prefix = trace.tokens[:place]
        log_probs = trace.asked[prefix].log_probs
        best = [int(other) for other in np.argsort(-log_probs)[: _OTHERS + 1] if other != token][:_OTHERS]
        others = [(tokenizer.piece(other), float(log_probs[other])) for other in best]
        beam = trace.beams[place]
        leader = "" if beam[0] == prefix else tokenizer.decode(beam[0])
        found.append(Chosen(tokenizer.piece(token), float(log_probs[token]), others, beam.index(prefix) + 1, leader))
    return found


def _tree(trace: Trace, tokenizer: Tokenizer, search: Search) -> Node:
    totals: dict[Prefix, float] = {(): 0.0}
    nodes: dict[Prefix, Node] = {(): Node(tokenizer.piece(START), 0.0, [], True)}
    for beam in trace.beams[1:]:
        for prefix in beam:
            totals[prefix] = totals[prefix[:-1]] + float(trace.asked[prefix[:-1]].log_probs[prefix[-1]])
            won = trace.tokens[: len(prefix)] == prefix
            nodes[prefix] = Node(tokenizer.piece(prefix[-1]), totals[prefix], [], won)
            nodes[prefix[:-1]].children.append(nodes[prefix])
    for step, beam in enumerate(trace.beams):
        after = trace.beams[step + 1] if step + 1 < len(trace.beams) else []
        ends = {prefix: totals[prefix] + float(trace.asked[prefix].log_probs[END]) for prefix in beam}
        # An end finishes a hypothesis where fewer candidates than the beam is wide are better.
        ranked = sorted([*ends.values(), *(totals[prefix] for prefix in after)], reverse=True)
        least = ranked[min(getattr(search, "beam_size", 1), len(ranked)) - 1]
        for prefix, total in ends.items():
            won = trace.tokens == (*prefix, END)
            if won or (total >= least - _NEAR and step >= search.min_length):
                score = _score(search, total, step + 1)
                nodes[prefix].children.append(Node(tokenizer.piece(END), total, [], won, score))
    return nodes[()]


def _score(search: Search, log_prob: float, length: int) -> float:
    """Give the score that the search gives a hypothesis of so many tokens."""
    return float(rewarded(search, tf.constant(log_prob), length) / divisor(search, length))


def _barred(ids: list[int], search: Search, limit: int) -> str:
    """Say why the search may not give a hypothesis; "" where it may."""
    size = search.no_repeat_ngram
    ngrams = [tuple(ids[place : place + size]) for place in range(len(ids) - size + 1)] if size else []
    if len(ids) > limit:
        return f"it has {len(ids)} tokens with </s>, where the length limit is {limit}"
    if len(ids) - 1 < search.min_length:
        return f"it has {len(ids) - 1} tokens, where min_length is {search.min_length}"
    if len(set(ngrams)) < len(ngrams):
        return f"it has {size} tokens twice, where no_repeat_ngram is {size}"
    return ""


def _reference(
    translator: Translator, source: list[int], text: str, trace: Trace, search: Search, limit: int
) -> Reference:
    tokenizer = translator.target_tokenizer
    ids = [*tokenizer.encode(text), END]
    rows: list[tuple[str, float, str, float]] = []
    for token, log_probs in zip(ids, force(translator.model, source, ids[:-1]), strict=True):
        best = int(np.argmax(log_probs))
        rows.append((tokenizer.piece(token), float(log_probs[token]), tokenizer.piece(best), float(log_probs[best])))
    score = _score(search, sum(row[1] for row in rows), len(ids))
    same = tuple(ids) == trace.tokens
    barred = _barred(ids, search, limit)
    better = "search" if score > trace.score + _NEAR else "model"
    error = "none" if same else "settings" if barred else better
    return Reference(text, score, error, rows, ids.count(UNKNOWN), barred)
