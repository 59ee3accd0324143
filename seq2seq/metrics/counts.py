"""What the metrics count in each sentence: the sums of it make the score of any set of sentences."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq.system.choices import need_choice

if TYPE_CHECKING:
    import numpy as np

References = Sequence[str] | Sequence[Sequence[str]]
"""One string for each hypothesis, or a list of strings for each hypothesis, all of them right."""

Pairs = list[tuple[str, list[str]]]


class _Once(logging.Filter):
    """Lets each message through once in a process: a report scores the same text a dozen times over."""

    def __init__(self) -> None:
        super().__init__()
        self.said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a message is a new one."""
        message = record.getMessage()
        new = message not in self.said
        self.said.add(message)
        return new


_once = _Once()
logging.getLogger("sacrebleu").addFilter(_once)


def _whole(text: str) -> list[str]:
    return [text]


TOKENS: dict[str, tuple[str, Callable[[str], list[str]]]] = {
    "sequence_error_rate": ("", _whole),
    "word_error_rate": ("space", str.split),
    "phoneme_error_rate": ("space", str.split),
    "character_error_rate": ("char", list),
}
"""How each error rate cuts a text into what it counts: the name of that in signatures, and the function."""

_VERSION = 1  # of the metrics counted here: goes up whenever equal texts could get another number


class Counts(NamedTuple):
    """What a metric counts in each sentence.

    Args:
        rows: `[sentences, numbers]`.
        score: Gives the score, 0–100, of a sum of rows; NaN where a metric has nothing to divide by.
        signature: Metric options and version, as in `Score`.
    """

    rows: np.ndarray
    score: Callable[[Sequence[float]], float]
    signature: str = ""


def count(
    name: str,
    hypotheses: Iterable[str],
    references: References,
    *,
    lowercase: bool = False,
    tokenize: str = "13a",
) -> Counts:
    """Count in each sentence what a metric sums over the whole set.

    Args:
        name: A key of `METRICS`.
        hypotheses: One text per sentence.
        references: One text per hypothesis, or a list of texts per hypothesis.
        lowercase: Compare in lower case.
        tokenize: sacreBLEU's tokenizer, for BLEU; the other metrics cut their texts in their own way.

    Returns:
        The counts. The score of the sum of all rows is what the metric gives for the whole set.

    Raises:
        ValueError: For an unknown name, and where the metric refuses.

    Example:
        >>> counts = count("word_error_rate", ["a b", "c"], ["a b", "d"])
        >>> counts.rows.tolist(), round(counts.score(counts.rows.sum(0)), 1)
        ([[0.0, 2.0], [1.0, 1.0]], 33.3)
    """
    import numpy as np

    need_choice("metric", name, _SACREBLEU.keys() | TOKENS.keys() | {"exact_match"})
    pairs = paired(hypotheses, references)
    if name in _SACREBLEU:
        metric = sacrebleu_metric(name, lowercase=lowercase, tokenize=tokenize)
        metric._force = True  # whoever counts has heard from the whole score that its text looks tokenised
        rows = metric._extract_corpus_statistics([said for said, _ in pairs], streams(pairs))
        return Counts(
            np.asarray(rows, float),
            lambda sums: float(metric._compute_score_from_stats(list(sums)).score),
            str(metric.get_signature()),
        )
    pairs = cased(pairs, lowercase)
    counted = edits(name, pairs) if name in TOKENS else [(said in allowed, 1) for said, allowed in pairs]
    return Counts(np.asarray(counted, float), _percent, signature(name, pairs, lowercase))


def edits(name: str, pairs: Pairs) -> list[tuple[int, int]]:
    """Give for each hypothesis the edits to its nearest reference and the length of that one, as an error rate counts.

    The nearest is the one of the fewest edits, and of these the longest.
    """
    from rapidfuzz.distance import Levenshtein

    _, tokens = TOKENS[name]
    found = []
    for said, allowed in pairs:
        hypothesis = tokens(said)
        each = [(Levenshtein.distance(hypothesis, reference), -len(reference)) for reference in map(tokens, allowed)]
        nearest = min(each)
        found.append((nearest[0], -nearest[1]))
    return found


def signature(name: str, pairs: Pairs, lowercase: bool) -> str:
    """Say all that a score counted here depends on."""
    counts = {len(allowed) for _, allowed in pairs}
    cut, _ = TOKENS.get(name, ("", None))
    parts = {
        "metric": name,
        "nrefs": counts.pop() if len(counts) == 1 else "var",
        "case": "lc" if lowercase else "mixed",
        **({"tok": cut} if cut else {}),
        "version": _VERSION,
    }
    return "|".join(f"{key}:{value}" for key, value in parts.items())


def paired(hypotheses: Iterable[str], references: References) -> Pairs:
    """Put each hypothesis beside the list of its references."""
    for name, texts in (("hypotheses", hypotheses), ("references", references)):
        if isinstance(texts, str):
            raise ValueError(f"{name} is a list with one entry per sentence. Received: the string {texts[:40]!r}.")
        if isinstance(texts, Mapping | Set) or type(texts).__name__ == "DataFrame":
            raise ValueError(
                f"{name} has one entry per sentence, in their order. Received: a {type(texts).__name__}, which Python "
                "goes through by its keys or in no order. Give a list: of the values, or of the rows of a table."
            )
    said = [_text(text, f"hypotheses[{row}]") for row, text in enumerate(hypotheses)]
    allowed = [_texts(entry, f"references[{row}]") for row, entry in enumerate(references)]
    if len(said) != len(allowed):
        raise ValueError(
            "Every hypothesis needs its reference, in the same order. "
            f"Received: {len(said)} hypotheses, {len(allowed)} references. "
            "Several references of one hypothesis stand together in a list."
        )
    if not said:
        raise ValueError("There is nothing to score. Received: 0 hypotheses, 0 references.")
    without = [place for place, texts in enumerate(allowed) if not texts]
    if without:
        raise ValueError(
            "Every hypothesis needs at least one reference. "
            f"Received: an empty list for {len(without)} of {len(allowed)}, first at index {without[0]}."
        )
    return list(zip(said, allowed, strict=True))


def _texts(entry: Any, place: str) -> list[str]:
    """Give the references of one hypothesis, of which there may be a single one."""
    if isinstance(entry, Iterable) and not isinstance(entry, str | bytes | Mapping | Set):
        return [_text(text, f"{place}[{number}]") for number, text in enumerate(entry)]
    return [_text(entry, place)]


def _text(text: Any, place: str) -> str:
    if not isinstance(text, str):
        raise ValueError(
            f"Texts are compared, and every one is a str. Received: {place}={text!r:.60}, counted from 0. Leave out "
            'what is missing, on both sides, or write it as "".'
        )
    return text


def cased(pairs: Pairs, lowercase: bool) -> Pairs:
    """Put all texts into lower case, or leave them."""
    if not lowercase:
        return pairs
    return [(said.lower(), [text.lower() for text in allowed]) for said, allowed in pairs]


def streams(pairs: Pairs) -> list[list[str | None]]:
    """Lay references out for sacreBLEU: the first ones of all sentences, the second ones …; None where it has fewer."""
    most = max(len(allowed) for _, allowed in pairs)
    return [[allowed[n] if n < len(allowed) else None for _, allowed in pairs] for n in range(most)]


def sacrebleu_metric(name: str, *, lowercase: bool, tokenize: str) -> Any:
    """Make sacreBLEU's object for one of its metrics.

    Raises:
        ValueError: The tokenizer is unknown, or needs a package.
    """
    return _SACREBLEU[name](lowercase, tokenize)


def _bleu(lowercase: bool, tokenize: str) -> Any:
    from sacrebleu.metrics.bleu import BLEU

    need_choice("tokenize", tokenize, BLEU.TOKENIZERS)
    try:
        # Who asks for no tokenizer has tokenised text: sacreBLEU need not warn of it.
        return BLEU(lowercase=lowercase, tokenize=tokenize, force=tokenize == "none")
    except (ImportError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"This tokenizer cannot be used here. Received: tokenize={tokenize!r}. {reason}") from error


def _chrf(lowercase: bool, _: str) -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF(lowercase=lowercase)


def _ter(lowercase: bool, _: str) -> Any:
    from sacrebleu.metrics.ter import TER

    return TER(case_sensitive=not lowercase)


_SACREBLEU: dict[str, Callable[[bool, str], Any]] = {"bleu": _bleu, "chrf": _chrf, "ter": _ter}


def _percent(sums: Sequence[float]) -> float:
    found, of = sums
    return float(100 * found / of) if of else float("nan")
