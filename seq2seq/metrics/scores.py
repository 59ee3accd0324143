"""Scores of whole sets of hypotheses against their references: strings in, a number and a signature out.

BLEU, chrF and TER are sacreBLEU's own, with its own signature. The rest is counted here: exact match and the error
rates of whole texts, words, phonemes and characters. A signature says all that a number depends on; only numbers of
equal signatures may be compared.
"""

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import NamedTuple

from seq2seq.metrics.counts import TOKENS, Pairs, References, cased, edits, paired, sacrebleu_metric, signature, streams
from seq2seq.system.choices import choose

__all__ = [
    "HIGHER_IS_BETTER",
    "METRICS",
    "References",
    "Score",
    "alike",
    "bleu",
    "character_error_rate",
    "chrf",
    "exact_match",
    "phoneme_error_rate",
    "score",
    "sequence_error_rate",
    "ter",
    "word_error_rate",
]


class Score(NamedTuple):
    """A number and what it depends on.

    Args:
        value: 0–100; an error rate may go above 100.
        signature: Metric options and version, `key:value` joined by `|`.
    """

    value: float
    signature: str


def bleu(hypotheses: Iterable[str], references: References, *, lowercase: bool = False, tokenize: str = "13a") -> Score:
    """Compute corpus BLEU with sacreBLEU.

    Args:
        hypotheses: One detokenised text per sentence.
        references: One text per hypothesis, or a list of texts per hypothesis.
        lowercase: Compare in lower case.
        tokenize: sacreBLEU's tokenizer: "13a", "intl", "char", "zh", "ja-mecab", ...; "none" for tokenised text.

    Returns:
        BLEU, 0–100, and sacreBLEU's signature.

    Raises:
        ValueError: For unequal counts, no hypotheses, an unknown tokenizer or one that needs a package.

    Example:
        >>> bleu(["the cat sat on the mat"], ["the cat sat on a mat"], lowercase=True)
        Score(value=53.7..., signature='nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:2...')

    Source:
        Papineni et al. 2002; Post 2018.
    """
    return _sacrebleu("bleu", hypotheses, references, lowercase=lowercase, tokenize=tokenize)


def chrf(hypotheses: Iterable[str], references: References, *, lowercase: bool = False) -> Score:
    """Compute corpus chrF2 with sacreBLEU: character n-grams up to 6, recall weighted twice.

    Args:
        hypotheses: One text per sentence.
        references: One text per hypothesis, or a list of texts per hypothesis.
        lowercase: Compare in lower case.

    Returns:
        chrF, 0–100, and sacreBLEU's signature.

    Raises:
        ValueError: For unequal counts or no hypotheses.

    Example:
        >>> chrf(["a cat"], ["a cat"]).value
        100.0

    Source:
        Popović 2015.
    """
    return _sacrebleu("chrf", hypotheses, references, lowercase=lowercase)


def ter(hypotheses: Iterable[str], references: References, *, lowercase: bool = False) -> Score:
    """Compute the translation edit rate with sacreBLEU: edits and shifts of words per word of the references.

    sacreBLEU's command ignores case unless told otherwise; here case counts, as in the other metrics, unless
    `lowercase` is set. The signature says which.

    Args:
        hypotheses: One text per sentence.
        references: One text per hypothesis, or a list of texts per hypothesis.
        lowercase: Compare in lower case.

    Returns:
        TER in percent, lower is better, and sacreBLEU's signature.

    Raises:
        ValueError: For unequal counts or no hypotheses.

    Example:
        >>> ter(["on the mat a cat sat"], ["a cat sat on the mat"]).value  # one shift, six words
        16.66...

    Source:
        Snover et al. 2006.
    """
    return _sacrebleu("ter", hypotheses, references, lowercase=lowercase)


def exact_match(hypotheses: Iterable[str], references: References, *, lowercase: bool = False) -> Score:
    """Count the hypotheses that equal one of their references, character by character.

    For spelling to sound this is the word accuracy; 100 minus it is `sequence_error_rate`.

    Args:
        hypotheses: One text per sentence.
        references: One text per hypothesis, or a list of texts per hypothesis.
        lowercase: Compare in lower case.

    Returns:
        The share of equal ones in percent.

    Raises:
        ValueError: For unequal counts or no hypotheses.

    Example:
        >>> exact_match(["R EH D", "R AY T"], [["R IY D", "R EH D"], ["R AY D"]])
        Score(value=50.0, signature='metric:exact_match|nrefs:var|case:mixed|version:1')
    """
    pairs = cased(paired(hypotheses, references), lowercase)
    right = sum(hypothesis in allowed for hypothesis, allowed in pairs)
    return Score(100 * right / len(pairs), signature("exact_match", pairs, lowercase))


def sequence_error_rate(hypotheses: Iterable[str], references: References, *, lowercase: bool = False) -> Score:
    """Count the hypotheses that equal none of their references: 100 minus `exact_match`.

    For spelling to sound this is what the field calls WER, where a word is wrong if it equals none of its
    pronunciations: not `word_error_rate`, which counts the words of a sentence, and there the phonemes.

    Args:
        hypotheses: One text per sentence.
        references: One text per hypothesis, or a list of texts per hypothesis.
        lowercase: Compare in lower case.

    Returns:
        The share of wrong ones in percent, lower is better.

    Raises:
        ValueError: For unequal counts or no hypotheses.

    Example:
        >>> sequence_error_rate(["R EH D", "R AY T"], [["R IY D", "R EH D"], ["R AY D"]])
        Score(value=50.0, signature='metric:sequence_error_rate|nrefs:var|case:mixed|version:1')
    """
    return _error_rate("sequence_error_rate", paired(hypotheses, references), lowercase)


def word_error_rate(hypotheses: Iterable[str], references: References, *, lowercase: bool = False) -> Score:
    """Count the wrong, missing and superfluous words per word of the references, over the whole set.

    Words stand between white space. Of several references the nearest counts: the one of the fewest edits, and of these
    the longest.

    Args:
        hypotheses: One text per sentence.
        references: One text per hypothesis, or a list of texts per hypothesis.
        lowercase: Compare in lower case.

    Returns:
        Edits per reference word in percent, lower is better.

    Raises:
        ValueError: For unequal counts, no hypotheses, or references without a single word.

    Example:
        >>> word_error_rate(["the cat sat"], ["the cat sat down"])
        Score(value=25.0, signature='metric:word_error_rate|nrefs:1|case:mixed|tok:space|version:1')
    """
    return _error_rate("word_error_rate", paired(hypotheses, references), lowercase)


def phoneme_error_rate(hypotheses: Iterable[str], references: References, *, lowercase: bool = False) -> Score:
    """Count the wrong, missing and superfluous phonemes per phoneme of the references, over the whole set.

    Phonemes stand between white space. Of several pronunciations the nearest counts: the one of the fewest edits, and
    of these the longest.

    Args:
        hypotheses: One pronunciation per word, for example `"K AE T"`.
        references: One pronunciation per hypothesis, or a list of pronunciations per hypothesis.
        lowercase: Compare in lower case.

    Returns:
        Edits per reference phoneme in percent, lower is better.

    Raises:
        ValueError: For unequal counts, no hypotheses, or references without a single phoneme.

    Example:
        >>> phoneme_error_rate(["R EH T", "K AE T"], [["R IY D", "R EH D"], ["K AE T"]])
        Score(value=16.66..., signature='metric:phoneme_error_rate|nrefs:var|case:mixed|tok:space|version:1')
    """
    return _error_rate("phoneme_error_rate", paired(hypotheses, references), lowercase)


def character_error_rate(hypotheses: Iterable[str], references: References, *, lowercase: bool = False) -> Score:
    """Count the wrong, missing and superfluous characters per character of the references, over the whole set.

    Characters are Unicode code points, spaces among them. Of several references the nearest counts: the one of the
    fewest edits, and of these the longest.

    Args:
        hypotheses: One text per sentence.
        references: One text per hypothesis, or a list of texts per hypothesis.
        lowercase: Compare in lower case.

    Returns:
        Edits per reference character in percent, lower is better.

    Raises:
        ValueError: For unequal counts, no hypotheses, or empty references only.

    Example:
        >>> character_error_rate(["colour"], ["color"]).value
        20.0
    """
    return _error_rate("character_error_rate", paired(hypotheses, references), lowercase)


METRICS: dict[str, Callable[..., Score]] = {
    "bleu": bleu,
    "chrf": chrf,
    "ter": ter,
    "exact_match": exact_match,
    "sequence_error_rate": sequence_error_rate,
    "word_error_rate": word_error_rate,
    "phoneme_error_rate": phoneme_error_rate,
    "character_error_rate": character_error_rate,
}
"""The metrics by name."""

HIGHER_IS_BETTER: dict[str, bool] = {
    "bleu": True,
    "chrf": True,
    "ter": False,
    "exact_match": True,
    "sequence_error_rate": False,
    "word_error_rate": False,
    "phoneme_error_rate": False,
    "character_error_rate": False,
}
"""Which way each metric points."""


def score(
    name: str,
    hypotheses: Iterable[str],
    references: References,
    *,
    lowercase: bool = False,
    tokenize: str = "13a",
) -> Score:
    """Compute a metric by its name.

    Args:
        name: A key of `METRICS`.
        hypotheses: One text per sentence.
        references: One text per hypothesis, or a list of texts per hypothesis.
        lowercase: Compare in lower case.
        tokenize: sacreBLEU's tokenizer, for BLEU; the other metrics cut their texts in their own way.

    Returns:
        The value and its signature.

    Raises:
        ValueError: For an unknown name, and where the metric refuses.

    Example:
        >>> score("exact_match", ["a", "b"], ["a", "c"]).value
        50.0
    """
    metric = choose("metric", name, METRICS)
    if name == "bleu":
        return bleu(hypotheses, references, lowercase=lowercase, tokenize=tokenize)
    return metric(hypotheses, references, lowercase=lowercase)


def alike(names: Iterable[str], hypotheses: Iterable[str], references: References) -> list[str]:
    """Say which of some metrics cannot differ on these texts, and why.

    Args:
        names: Keys of `METRICS`.
        hypotheses: One text per sentence.
        references: One text per hypothesis, or a list of texts per hypothesis.

    Returns:
        A sentence for each two of them; none where every number says something of its own.

    Example:
        >>> alike(["phoneme_error_rate", "word_error_rate"], ["K AE T"], ["K AE T"])
        ['phoneme_error_rate and word_error_rate are one number: both count what stands between spaces.']
    """
    chosen = dict.fromkeys(names)
    found = []
    if {"exact_match", "sequence_error_rate"} <= chosen.keys():
        found.append("sequence_error_rate is 100 minus exact_match: both ask whether the whole text is right.")
    # An empty hypothesis is one error whatever it is cut into.
    texts = {text for said, allowed in paired(hypotheses, references) for text in (said or allowed[0], *allowed)}
    for pair in combinations([name for name in chosen if name in TOKENS], 2):
        first, second = (TOKENS[name][1] for name in pair)
        if all(first(text) == second(text) for text in texts):
            unit = next(_UNITS[name] for name in _UNITS if name in pair)
            both = first is second
            why = "both count what stands between spaces" if both else f"every text here is one {unit}"
            found.append(f"{' and '.join(pair)} are one number: {why}.")
    return found


# The finest first.
_UNITS = {"character_error_rate": "character", "phoneme_error_rate": "phoneme", "word_error_rate": "word"}


def _error_rate(name: str, pairs: Pairs, lowercase: bool) -> Score:
    pairs = cased(pairs, lowercase)
    counted = edits(name, pairs)
    wrong, length = (sum(column) for column in zip(*counted, strict=True))
    if not length:
        raise ValueError(
            f"{name} counts errors per token of the references, so there must be at least one. "
            f"Received: {len(pairs)} hypotheses, and 0 tokens in their references."
        )
    return Score(100 * wrong / length, signature(name, pairs, lowercase))


def _sacrebleu(
    name: str, hypotheses: Iterable[str], references: References, *, lowercase: bool, tokenize: str = ""
) -> Score:
    metric = sacrebleu_metric(name, lowercase=lowercase, tokenize=tokenize)
    pairs = paired(hypotheses, references)
    found = metric.corpus_score([said for said, _ in pairs], streams(pairs))
    return Score(float(found.score), str(metric.get_signature()))
