"""What a search is told: frozen settings, one class for each kind of search, readable without TensorFlow."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from seq2seq.settings import Range, SettingsError, check_settings


@dataclass(frozen=True, kw_only=True)
class Search:
    """What every search is told; abstract: a search is a :class:`Greedy`, a :class:`Beam` or a :class:`Sample`.

    Two settings that differ only in numbers share a graph, which takes the numbers as tensors. What decides which
    operations there are stands in ``structure``. ``max_length_factor`` is for those who know a source; a graph is
    told the limits of its sentences. What costs operations only where it is used stands in ``switches``: a number that
    is off at 0.

    Args:
        length_penalty: A score is the sum of log-probabilities / length ** length_penalty, the end of the sentence
            counted: 0 the plain sum, 1 the mean per token, above 1 favours long sentences.
        length_form: What is raised to the length_penalty: "power" the length, "gnmt" (5 + length) / 6, which treats
            short sentences more alike (Wu et al. 2016, equation 14).
        word_reward: Nats added to the sum for each token before it is divided, the end counted.
        max_length_factor: Longest translation in tokens: this factor times the source's tokens, plus 10. By default
            the model file says it, as the training pairs showed; where it does not, the factor is 2.
        min_length: Tokens before a sentence may end; where it has to end sooner, it does.
        no_repeat_ngram: Length in tokens of what a translation may not hold twice; 0 for no such rule.
    """

    structure: ClassVar[tuple[str, ...]] = ("length_form", "no_repeat_ngram")
    switches: ClassVar[tuple[str, ...]] = ("word_reward",)

    length_penalty: Annotated[float, Range(0)] = 1.0
    length_form: Literal["power", "gnmt"] = "power"
    word_reward: Annotated[float, Range()] = 0.0
    max_length_factor: Annotated[float, Range(0, open_low=True)] | Literal["learnt"] = "learnt"
    min_length: Annotated[int, Range(0)] = 0
    no_repeat_ngram: Annotated[int, Range(0)] = 0

    def __post_init__(self) -> None:
        check_settings(self)
        if self.word_reward and self.length_penalty == 1 and self.length_form == "power":
            raise SettingsError(
                "The mean per token grows by a word_reward whatever the length, so that no other sentence is found. "
                f"Received: word_reward={self.word_reward}, length_penalty=1.0. Use length_penalty=0, or leave one out."
            )

    def form(self) -> Self:
        """Give the settings with every number at its default, or at 1 where it is switched on: what tells its graph.

        Example:
            >>> Beam(3, length_penalty=0.5).form() == Beam(3), Beam(4).form() == Beam(3)
            (True, False)
        """
        default = {field.name: field.default for field in dataclasses.fields(self) if field.name not in self.structure}
        return self.fed({**default, **{name: 1 for name in self.switches if self.has(name)}})

    def numbers(self) -> dict[str, int | float]:
        """Give by name what a graph takes as tensors: no ``structure``, no ``max_length_factor``, none that is off."""
        names = (field.name for field in dataclasses.fields(self))
        left_out = {*self.structure, "max_length_factor", *(name for name in self.switches if not self.has(name))}
        return {name: getattr(self, name) for name in names if name not in left_out}

    def has(self, switch: str) -> bool:
        """Tell whether one of ``switches`` is on; where it is a tensor, it is: others are not fed."""
        value = getattr(self, switch)
        return not isinstance(value, int | float) or value != 0

    def fed(self, numbers: Mapping[str, Any]) -> Self:
        """Give the settings with tensors in the place of numbers, as the search functions take them too.

        Args:
            numbers: Scalar tensors by name, such as a graph has for :meth:`numbers`. What they hold was checked where
                the settings were made.
        """
        settings = copy.copy(self)
        for name, number in numbers.items():
            object.__setattr__(settings, name, number)
        return settings

    def looks(self) -> bool:
        """Tell whether the search asks what the model looked at."""
        return False

    def greedy(self) -> Greedy:
        """Give greedy search with the same length penalty and limits."""
        return Greedy(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Greedy)})

    def for_batch(self, number: int) -> Self:
        """Give the settings for one of several batches: where tokens are drawn, each batch draws its own."""
        return self


@dataclass(frozen=True)
class Greedy(Search):
    """Follow the most probable token until the sentence ends.

    Example:
        >>> Greedy(length_penalty=-1)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        seq2seq.settings.fields.NoSuchSettingError: length_penalty must be a number from 0 up. Received: ...
    """

    def __str__(self) -> str:
        return "greedy"


@dataclass(frozen=True)
class Beam(Search):
    """Keep the best few hypotheses side by side.

    Args:
        beam_size: Open hypotheses per sentence; 1 is greedy search, but for a coverage penalty.
        n_best: Hypotheses given back per sentence, at most ``beam_size``.
        coverage_penalty: Times the sum over the source's tokens of log min(1, attention that the token got) is added to
            the score of a finished hypothesis; it needs a model with attention (Wu et al. 2016, equation 14).
        groups: Diverse beam search: ``beam_size`` hypotheses in so many groups, each kept away from the tokens of those
            before it (Vijayakumar et al. 2018). ``n_best`` are the best of all groups.
        diversity: Nats that a token loses, as hypotheses go on, for each time that a group before has chosen it at the
            same place; scores do not.
        stop: When a sentence is done: "full" also once it has ``beam_size`` finished hypotheses and no open one is
            better, as it stands; "exact" only when no open one can still become better.

    Example:
        >>> str(Beam(5, length_penalty=0.6))
        'beam 5'
    """

    structure: ClassVar[tuple[str, ...]] = (*Search.structure, "beam_size", "n_best", "stop", "groups")
    switches: ClassVar[tuple[str, ...]] = (*Search.switches, "coverage_penalty", "diversity")

    beam_size: Annotated[int, Range(1)] = 5
    n_best: Annotated[int, Range(1)] = 1
    coverage_penalty: Annotated[float, Range(0)] = 0.0
    groups: Annotated[int, Range(1)] = 1
    diversity: Annotated[float, Range(0)] = 0.0
    stop: Literal["full", "exact"] = "full"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_best > self.beam_size:
            raise SettingsError(
                "The n best hypotheses are taken from the beam, so there are at most beam_size of them. "
                f"Received: n_best={self.n_best}, beam_size={self.beam_size}. Widen the beam, or ask for fewer."
            )
        if self.beam_size % self.groups:
            raise SettingsError(
                "The groups of a beam are of one size. "
                f"Received: beam_size={self.beam_size}, groups={self.groups}. Use a multiple for beam_size."
            )
        if (self.groups > 1) != self.has("diversity"):
            raise SettingsError(
                "Groups keep away from each other by their diversity; without it all would find the same. "
                f"Received: groups={self.groups}, diversity={self.diversity}. Give both, as groups=4, diversity=0.5."
            )

    def looks(self) -> bool:
        """Tell whether the search asks what the model looked at."""
        return self.has("coverage_penalty")

    def __str__(self) -> str:
        return "greedy" if self.beam_size == 1 else f"beam {self.beam_size}"


@dataclass(frozen=True)
class Sample(Search):
    """Draw every token at random, with the probabilities of the model.

    Args:
        temperature: Logits are divided by it: below 1 sharper, above 1 flatter.
        top_k: Draw among this many most probable tokens only; 0 for all.
        top_p: Draw among the fewest most probable tokens whose probabilities (after temperature and top_k) sum to at
            least this much; 1 for all.
        seed: What is drawn depends on it, on the place of a sentence in its batch and on the number of the batch.
        n_best: Hypotheses drawn per sentence. They are given back by their scores, best first.
        draw: How several are drawn: "independent" each on its own, so that the same one may come twice; "distinct"
            without replacement, so that none does (Kool et al. 2019).
    """

    structure: ClassVar[tuple[str, ...]] = (*Search.structure, "n_best", "draw")

    temperature: Annotated[float, Range(0, open_low=True)] = 1.0
    top_k: Annotated[int, Range(0)] = 0
    top_p: Annotated[float, Range(0, 1, open_low=True)] = 1.0
    seed: Annotated[int, Range(0, 2**63 - 1)] = 0
    n_best: Annotated[int, Range(1)] = 1
    draw: Literal["independent", "distinct"] = "independent"

    def __post_init__(self) -> None:
        if self.temperature == 0:
            raise SettingsError(
                f"temperature is above 0; its limit at 0 is greedy search. Received: temperature={self.temperature}. "
                "Use Greedy()."
            )
        super().__post_init__()

    def for_batch(self, number: int) -> Self:
        """Give the settings with a seed for one of several batches, far from those of seeds nearby."""
        return dataclasses.replace(self, seed=(self.seed + (number << 32)) % 2**63)

    def __str__(self) -> str:
        return "sampling"


def need_one_beam(settings: Search) -> None:
    """Refuse a search that cannot look for phrases.

    Raises:
        ValueError: It is no beam, or one of several groups.
    """
    if not isinstance(settings, Beam):
        raise ValueError(
            "Phrases that must appear are looked for by several hypotheses side by side. "
            f"Received: phrases, with settings={settings!r}. Use Beam(10), wider than the phrases have tokens."
        )
    if settings.groups > 1:
        raise ValueError(
            "Phrases share the beam out by what each hypothesis has of them, and groups by diversity. "
            f"Received: phrases, with groups={settings.groups}. Leave one of them out."
        )


@dataclass(frozen=True)
class DecodingSettings:
    """How text is translated.

    Args:
        search: What to search with.
        batch_size: Sentences decoded together.
        mbr: What is chosen among the several hypotheses of the search: "none" the best by its score; "chrf" or "bleu"
            the one that is most like all of them by this metric (minimum Bayes risk).
        unknown: What stands where the model says unknown: "keep" a sign, "copy" the word of the source that it looked
            at most; that takes attention (Luong et al. 2015b).
        protect: A regular expression: what of a source it finds (numbers, addresses, tags) is to come through
            unchanged; "" for nothing. It takes a beam.
    """

    section: ClassVar[str] = "decoding"
    renamed: ClassVar[Mapping[str, str]] = {
        name: f"search.{name}" for name in ("beam_size", "length_penalty", "max_length_factor")
    }

    search: Greedy | Beam | Sample = Beam()
    batch_size: Annotated[int, Range(1)] = 64
    mbr: Literal["none", "chrf", "bleu"] = "none"
    unknown: Literal["keep", "copy"] = "keep"
    protect: str = ""

    def __post_init__(self) -> None:
        check_settings(self)
        if self.protect:
            protected_pattern(self.protect)
            if not isinstance(self.search, Beam) or self.search.groups > 1:
                raise SettingsError(
                    "What is protected is looked for by several hypotheses side by side. Received: "
                    f"decoding.protect={self.protect!r}, decoding.search={self.search}. Use a beam, without groups."
                )
        if self.mbr != "none" and getattr(self.search, "n_best", 1) == 1:
            raise SettingsError(
                "Minimum Bayes risk chooses among several hypotheses, and the search gives one. Received: "
                f"decoding.mbr={self.mbr}, decoding.search={self.search}. Use sampling or a beam with n_best above 1."
            )


def protected_pattern(text: str) -> re.Pattern[str]:
    """Read what is protected.

    Raises:
        SettingsError: It is no regular expression.
    """
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise SettingsError(
            f"protect is a regular expression as Python reads it. Received: protect={text!r}, where {error}. Mend it."
        ) from None
