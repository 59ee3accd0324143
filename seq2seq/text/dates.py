"""The built-in corpus "dates": dates as people write them, translated into the language that a tag names.

A source is `<fr> Thursday, 3 May 1979`: the language to translate into, then a date in one of the forms that CLDR knows
for some locale. Its target is that date as CLDR writes it in full in French, `jeudi 3 mai 1979`. What makes the task
well-defined:

- A form whose month is a number (`5/3/79`) means different days in different places, so it carries the tag of its
  locale: `<fr> <en-US> 5/3/79`. Tags with a territory say where the numbers were written, tags without one what to
  translate into.
- The target has a weekday where the source has one, and only there.
- A year in two digits means 1950–2049; dates of other years are never written so.
- Digits are those of the locale: `٣` in Arabic, `৩` in Bengali. CLDR names the set, Babel leaves it to its user.
- CLDR guides typesetting, people type: its narrow no-break spaces (Russian) become spaces and its right-to-left marks
  (Arabic) are dropped, in sources and targets alike. All else is as CLDR has it, and must come back exactly, so use a
  tokenizer with `normalization="identity"`.

Each date belongs to one split, so that no day, month and year of the validation or the test set is seen in training, in
whatever language. The corpus is a pure function of the split, of `size` and of the CLDR data that Babel brings.

Source: Unicode CLDR, through the Babel package. Pattern letters: Unicode Technical Standard #35, part 4.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

from seq2seq.text.corpus import Corpus, corpus_from_pairs
from seq2seq.text.pairs import CorpusError, Pair

__all__ = [
    "DIGITS",
    "LANGUAGES",
    "SIZES",
    "SOURCES",
    "SYMBOLS",
    "TARGETS",
    "DateForm",
    "FormCount",
    "Language",
    "date_forms",
    "dates_corpus",
    "form_table",
]

FIRST_YEAR = 1900
LAST_YEAR = 2099
TWO_DIGIT_YEARS = range(1950, 2050)


class Language(NamedTuple):
    """A language of the corpus: its script, and its CLDR locales, of which the first writes the targets."""

    script: str
    locales: tuple[str, ...]


LANGUAGES = {
    "ar": Language("Arabic", ("ar_EG",)),
    "bn": Language("Bengali", ("bn_BD",)),
    "de": Language("Latin", ("de_DE",)),
    "el": Language("Greek", ("el_GR",)),
    "en": Language("Latin", ("en_US", "en_GB")),
    "es": Language("Latin", ("es_ES", "es_MX")),
    "fr": Language("Latin", ("fr_FR", "fr_CA")),
    "hi": Language("Devanagari", ("hi_IN",)),
    "ja": Language("Han", ("ja_JP",)),
    "ko": Language("Hangul", ("ko_KR",)),
    "ru": Language("Cyrillic", ("ru_RU",)),
    "zh": Language("Han", ("zh_CN",)),
}
"""The languages, by the tag that asks for them."""

DIGITS = {"latn": "0123456789", "arab": "٠١٢٣٤٥٦٧٨٩", "beng": "০১২৩৪৫৬৭৮৯"}
"""The digits, by the name that CLDR gives a set of them."""

SYMBOLS: tuple[str, ...] = (
    *(f"<{language}>" for language in LANGUAGES),
    *(f"<{locale.replace('_', '-')}>" for language in LANGUAGES.values() for locale in language.locales),
    *"".join(DIGITS.values()),
)
"""What a tokenizer should keep as one piece each: the tags, and the digits, so that a model can copy numbers."""

SOURCES = ("source", "date in any form")
"""What the side that is translated from may be called."""

TARGETS = ("target", "date in the tagged language")
"""What the side that is translated into may be called."""

SIZES = {"train": 40_000, "validation": 1_000, "test": 1_000}
"""Pairs of each split; every pair has a date of its own."""

# CLDR names four lengths and many skeletons; these are the ones that write day, month and year.
_LENGTHS = ("full", "long", "medium", "short")
_SKELETONS = ("yMMMMEEEEd", "yMMMMd", "yMMMEd", "yMMMd", "yMEd", "yMd")

_TYPED = str.maketrans({"\u202f": " ", "\u00a0": " ", "\u200e": None, "\u200f": None, "\u061c": None})
_FIELD = re.compile(r"%\((\w+)\)s")


class DateForm:
    """One way to write a date: a CLDR pattern in a locale.

    Args:
        language: a key of `LANGUAGES`.
        locale: name of the CLDR locale, such as `en_GB`.
        name: CLDR's name of the form, a length (`full`) or a skeleton (`yMMMd`).
        pattern: the CLDR pattern, such as `d MMM y`.
        template: the pattern as a Python `%` template over CLDR's fields, typed characters only.
        fields: for each field of the template what it is for each day, month, weekday or year.

    Attributes:
        tag: what a source in this form starts with, `<en-GB>`, where its month is a number; else empty.
        weekday: whether the form tells the day of the week.
    """

    def __init__(
        self, language: str, locale: str, name: str, pattern: str, template: str, fields: dict[str, dict[int, str]]
    ) -> None:
        self.language = language
        self.locale = locale
        self.name = name
        self.pattern = pattern
        self.template = template
        self.fields = fields
        self.weekday = any(field[0] in "Ec" for field in fields)
        self.short_year = "yy" in fields
        # Chinese and Japanese number their months, but say so: 5月 is May everywhere.
        numbered = ("M" in fields or "MM" in fields) and "月" not in pattern
        self.tag = f"<{locale.replace('_', '-')}>" if numbered else ""

    def __repr__(self) -> str:
        return f"<DateForm {self.locale} {self.name} {self.pattern!r}>"

    def can_write(self, day: date) -> bool:
        """Tell whether the form says which year is meant; see `TWO_DIGIT_YEARS`."""
        return not self.short_year or day.year in TWO_DIGIT_YEARS

    def write(self, day: date) -> str:
        """Write a date in this form, with the tag of the locale where the form needs it.

        Args:
            day: a date from 1900 to 2099.

        Returns:
            The text.

        Raises:
            CorpusError: if the date is outside these years, or its year cannot be written in two digits.

        Example:
            >>> form = next(form for form in date_forms() if form.locale == "en_US" and form.name == "short")
            >>> form.write(date(1979, 5, 3))
            '<en-US> 5/3/79'
        """
        if not (FIRST_YEAR <= day.year <= LAST_YEAR and self.can_write(day)):
            years = TWO_DIGIT_YEARS if self.short_year else range(FIRST_YEAR, LAST_YEAR + 1)
            raise CorpusError(
                f"{self.locale} {self.name} ({self.pattern}) writes dates of the years {years[0]} to {years[-1]}. "
                f"Received: day={day.isoformat()}. Choose another form or another date."
            )
        numbers = {"y": day.year, "M": day.month, "L": day.month, "d": day.day, "E": day.weekday(), "c": day.weekday()}
        text = self.template % {field: values[numbers[field[0]]] for field, values in self.fields.items()}
        return f"{self.tag} {text}" if self.tag else text


class FormCount(NamedTuple):
    """A row of `form_table`: a form, how it looks, and how many pairs of the split have their source written in it."""

    language: str
    script: str
    locale: str
    form: str
    pattern: str
    example: str
    pairs: int


@cache
def date_forms() -> tuple[DateForm, ...]:
    """List every form in which a source of the corpus may be written.

    Forms of one language that write every date alike are listed once, under the first name.

    Returns:
        The forms, language by language in the order of `LANGUAGES`.

    Example:
        >>> [form.name for form in date_forms() if form.locale == "de_DE"]
        ['full', 'long', 'medium', 'short', 'yMMMEd', 'yMMMd', 'yMEd', 'yMd']
    """
    # These hold every month, weekday and day of the month: what is alike on all of them is alike.
    sample = [date(2000, 1, 1) + timedelta(days) for days in range(400)]
    forms: dict[tuple[str, ...], DateForm] = {}
    for language, (_, locales) in LANGUAGES.items():
        for locale in locales:
            for form in _forms_of(language, locale):
                forms.setdefault((language, *map(form.write, sample)), form)
    return tuple(forms.values())


def form_table(split: str = "train", size: int | None = None) -> list[FormCount]:
    """Count the sources of a split by the form they are written in.

    Args:
        split: a key of `SIZES`.
        size: count in the first pairs only; as in `dates_corpus`.

    Returns:
        One row per form, in the order of `date_forms`, with 3 May 1979 as the example; `pairs` sums up to the size.

    Raises:
        CorpusError: if there is no such split, or `size` does not fit.

    Example:
        >>> rows = form_table("test")
        >>> sum(row.pairs for row in rows), rows[0].language, rows[0].script, rows[0].form
        (1000, 'ar', 'Arabic', 'full')
    """
    counts = Counter(form for form, _, _ in _draw(split, size))
    example = date(1979, 5, 3)
    return [
        FormCount(
            language=form.language,
            script=LANGUAGES[form.language].script,
            locale=form.locale,
            form=form.name,
            pattern=form.pattern,
            example=form.write(example),
            pairs=counts[form],
        )
        for form in date_forms()
    ]


def dates_corpus(split: str, size: int | None = None) -> Corpus:
    """Generate a split of the corpus "dates".

    Args:
        split: `"train"` (40,000 pairs), `"validation"` (1,000) or `"test"` (1,000).
        size: this many pairs instead. A smaller corpus is the start of a larger one. There is a pair for each date of
            the split: up to 71,049 for training, up to 1,000 for the others.

    Returns:
        The corpus, in memory.

    Raises:
        CorpusError: if there is no such split, or `size` is not between 1 and the number of dates.

    Example:
        >>> for source, target in dates_corpus("test", size=1):
        ...     print(source, "→", target)
        <de> jeu. 3 sept. 2015 → Donnerstag, 3. September 2015
    """
    pairs = (
        Pair(f"<{language}> {form.write(day)}", _target_form(language, form.weekday).write(day))
        for form, language, day in _draw(split, size)
    )
    return corpus_from_pairs(pairs, name=f"dates:{split}")


def check_languages(source: str, target: str) -> None:
    """Refuse names of languages that the corpus would not heed: it has one source and one target, in all languages.

    Args:
        source: one of `SOURCES`, or "".
        target: one of `TARGETS`, or "".

    Raises:
        CorpusError: if a name is another.
    """
    for side, name, known in (("source", source, SOURCES), ("target", target, TARGETS)):
        if name not in ("", *known):
            raise CorpusError(
                f"the corpus 'dates' has one source and one target; a tag in each source names the language of its "
                f"target, one of {', '.join(LANGUAGES)}. Received: {side}={name!r}. "
                f"Name the {side} {' or '.join(map(repr, known))}."
            )


def _draw(split: str, size: int | None) -> Iterator[tuple[DateForm, str, date]]:
    """Choose for every date of a split the form of its source and the language of its target."""
    if split not in SIZES:
        raise CorpusError(
            f"the corpus 'dates' has the splits {', '.join(SIZES)}. Received: split={split!r}. Choose one of these."
        )
    days = _days(split)
    size = SIZES[split] if size is None else size
    if not 1 <= size <= len(days):
        raise CorpusError(
            f"the split {split!r} of 'dates' has {len(days):,} dates, one for each pair. Received: size={size}. "
            f"Choose a size from 1 to {len(days)}."
        )
    languages = tuple(LANGUAGES)
    forms = {language: [form for form in date_forms() if form.language == language] for language in languages}
    chance = random.Random(f"dates:{split}").random  # the one method whose stream is the same in every Python
    for day in days[:size]:
        # Languages first, so that each has its share however many forms it has.
        possible = [form for form in forms[languages[int(chance() * len(languages))]] if form.can_write(day)]
        form = possible[int(chance() * len(possible))]
        into = int(chance() * len(languages))
        if form.write(day) == _target_form(languages[into], form.weekday).write(day):
            into = (into + 1) % len(languages)  # nothing to translate
        yield form, languages[into], day


@cache
def _days(split: str) -> list[date]:
    """The dates of a split, in random order: those held out are the same whatever the sizes asked for."""
    first = date(FIRST_YEAR, 1, 1)
    chance = random.Random("dates").random
    days = [first + timedelta(days) for days in range((date(LAST_YEAR, 12, 31) - first).days + 1)]
    order = [chance() for _ in days]
    days = [day for _, day in sorted(zip(order, days, strict=True))]
    validation, held = SIZES["validation"], SIZES["validation"] + SIZES["test"]
    return {"train": days[held:], "validation": days[:validation], "test": days[validation:held]}[split]


@cache
def _target_form(language: str, weekday: bool) -> DateForm:
    """The form of targets in a language."""
    name = "full" if weekday else "long"
    return next(form for form in date_forms() if form.language == language and form.name == name)


def _forms_of(language: str, name: str) -> Iterator[DateForm]:
    """Read the forms of one locale from CLDR."""
    from babel import Locale
    from babel.dates import DateTimeFormat

    locale = Locale.parse(name)
    digits = str.maketrans(DIGITS["latn"], DIGITS[locale.default_numbering_system])
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    # One date for each value that a field can take, and the number that stands for it in the table.
    examples = {
        "y": {year: date(year, 1, 1) for year in years},
        "M": {month: date(2001, month, 1) for month in range(1, 13)},
        "d": {day: date(2001, 1, day) for day in range(1, 32)},
        "E": {day: date(2001, 1, 1 + day) for day in range(7)},  # 1 January 2001 is a Monday, 0 for Python
    }
    examples |= {"L": examples["M"], "c": examples["E"]}
    tables: dict[str, dict[int, str]] = {}

    def table(field: str) -> dict[int, str]:
        if field not in tables:
            written = {n: str(DateTimeFormat(day, locale)[field]) for n, day in examples[field[0]].items()}
            tables[field] = {number: text.translate(digits).translate(_TYPED) for number, text in written.items()}
        return tables[field]

    patterns = {length: locale.date_formats[length] for length in _LENGTHS}
    patterns |= {key: locale.datetime_skeletons[key] for key in _SKELETONS if key in locale.datetime_skeletons}
    for key, pattern in patterns.items():
        template = pattern.format.translate(_TYPED)
        fields = {field: table(field) for field in _FIELD.findall(template)}
        yield DateForm(language, name, key, pattern.pattern, template, fields)
