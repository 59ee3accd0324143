import re
import subprocess
import sys
import unicodedata
from datetime import date, timedelta

import pytest
from babel import Locale
from babel.dates import format_date
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.text import dates
from seq2seq.text.dates import DIGITS, LANGUAGES, SIZES, SYMBOLS, date_forms, dates_corpus, form_table
from seq2seq.text.pairs import CorpusError

ALL_DATES = {"train": 71_049, "validation": 1_000, "test": 1_000}


def as_typed(text, locale):
    """Babel's text with what Babel leaves out, the digits of the locale, and without what nobody types."""
    zero = {"latn": "0", "arab": "\u0660", "beng": "\u09e6"}[Locale.parse(locale).default_numbering_system]
    digits = {ord("0") + digit: chr(ord(zero) + digit) for digit in range(10)}
    return text.translate(digits).replace("\u202f", " ").replace("\u200f", "")


def read_target(source, target):
    """Find the date in a target with nothing but Unicode's digits and Babel's names of the months."""
    language = re.match(r"<(\w\w)> ", source)[1]
    numbers = [int(number) for number in re.findall(r"\d+", target)]
    if len(numbers) == 3:  # Chinese, Japanese and Korean
        return date(*numbers)
    day, year = sorted(numbers)
    names = Locale.parse(LANGUAGES[language].locales[0]).months["format"]["wide"]
    return date(year, max((n for n in names if names[n] in target), key=lambda n: len(names[n])), day)


@pytest.fixture(scope="module")
def whole():
    """Every pair that the three splits can have."""
    return {split: dates_corpus(split, size=count) for split, count in ALL_DATES.items()}


def test_languages_and_scripts():
    assert len(LANGUAGES) >= 8
    assert len({script for script, _ in LANGUAGES.values()}) == 8
    unicode_names = {"Han": "CJK"}
    for row in form_table("test"):
        if row.form == "full":
            letters = [unicodedata.name(letter) for letter in row.example if letter.isalpha()]
            assert letters and all(
                name.startswith(unicode_names.get(row.script, row.script.upper())) for name in letters
            )


def test_digits_are_those_of_unicode():
    for digits in DIGITS.values():
        assert [unicodedata.decimal(digit) for digit in digits] == list(range(10))


@settings(deadline=None)  # the first example reads CLDR
@given(day=st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_forms_are_what_babel_writes(day):
    for form in date_forms():
        if form.can_write(day):
            locale = Locale.parse(form.locale)
            babel = locale.date_formats[form.name] if form.name in locale.date_formats else None
            pattern = babel or locale.datetime_skeletons[form.name]
            expected = as_typed(format_date(day, pattern.pattern, locale), form.locale)
            assert form.write(day) == (f"{form.tag} {expected}" if form.tag else expected)


def test_targets_are_what_babel_writes(whole):
    for source, target in [*whole["validation"], *whole["test"]]:
        locale = LANGUAGES[source[1:3]].locales[0]
        day = read_target(source, target)
        long, full = (as_typed(format_date(day, length, locale), locale) for length in ("long", "full"))
        assert target in (long, full)


def test_the_examples_of_the_issue():
    written = {(form.locale, form.name): form.write(date(1979, 5, 3)) for form in date_forms()}
    assert written["en_GB", "full"] == "Thursday, 3 May 1979"
    assert written["en_US", "short"] == "<en-US> 5/3/79"
    assert written["fr_FR", "long"] == "3 mai 1979"
    assert written["ja_JP", "long"] == "1979年5月3日"
    assert written["ar_EG", "long"] == "٣ مايو ١٩٧٩"


def test_every_source_has_one_target(whole):
    target_of = {}
    for corpus in whole.values():
        for source, target in corpus:
            assert target_of.setdefault(source, target) == target


def test_every_text_means_one_date():
    """Not only in the corpus: whatever form is drawn for whatever date."""
    meaning = {}
    for year in (1901, 1911, 1999, 2001, 2010, 2012):  # years, months and days that look alike
        for days in range(365):
            day = date(year, 1, 1) + timedelta(days)
            for form in date_forms():
                if form.can_write(day):
                    assert meaning.setdefault(form.write(day), (day, form.weekday)) == (day, form.weekday)


def test_numbered_months_are_tagged():
    for form in date_forms():
        named = "MMM" in form.pattern or "月" in form.pattern
        assert bool(form.tag) != named
    # This is why: the same numbers mean two dates.
    form = {form.locale: form for form in date_forms() if form.name == "yMd"}
    _, march_in_mexico = form["es_MX"].write(date(1979, 3, 5)).split()
    _, may_in_america = form["en_US"].write(date(1979, 5, 3)).split()
    assert march_in_mexico == may_in_america


def test_the_target_has_a_weekday_where_the_source_has_one():
    for split in SIZES:
        corpus = dates_corpus(split, size=1_000)
        for (form, language, day), (_, target) in zip(dates._draw(split, 1_000), corpus, strict=True):
            name = Locale.parse(LANGUAGES[language].locales[0]).days["format"]["wide"][day.weekday()]
            assert (name in target) == form.weekday == any(letter in form.pattern for letter in "Ec")


def test_two_digit_years_are_of_one_century(whole):
    for corpus in whole.values():
        for (source, target), year in ((pair, read_target(*pair).year) for pair in corpus):
            if not re.search(r"\d{4}", source):
                assert 1950 <= year <= 2049, (source, target)


def test_held_out_by_date(whole):
    seen = {split: {read_target(*pair) for pair in corpus} for split, corpus in whole.items()}
    assert {split: len(days) for split, days in seen.items()} == ALL_DATES
    assert not seen["train"] & seen["validation"]
    assert not seen["train"] & seen["test"]
    assert not seen["validation"] & seen["test"]
    assert sum(map(len, seen.values())) == (date(2100, 1, 1) - date(1900, 1, 1)).days


@pytest.mark.parametrize("split", SIZES)
def test_every_language_and_form_is_there(split):
    corpus = dates_corpus(split)
    assert len(corpus) == SIZES[split]
    assert corpus.skipped == {}
    assert split in corpus.report()
    rows = form_table(split)
    assert sum(row.pairs for row in rows) == len(corpus)
    share = len(corpus) / len(LANGUAGES)
    for language in LANGUAGES:
        assert sum(row.pairs for row in rows if row.language == language) == pytest.approx(share, rel=0.3)
        targets = sum(source.startswith(f"<{language}> ") for source in corpus.sources)
        assert targets == pytest.approx(share, rel=0.3)
    if split == "train":
        assert all(row.pairs >= 100 for row in rows)


def test_nothing_is_its_own_translation(whole):
    for corpus in whole.values():
        assert all(source.partition("> ")[2] != target for source, target in corpus)


def test_a_smaller_corpus_starts_a_larger_one():
    assert list(dates_corpus("train", size=500))[:200] == list(dates_corpus("train", size=200))
    assert sum(row.pairs for row in form_table("train", size=200)) == 200


def test_the_same_in_every_process():
    code = (
        "import sys, seq2seq.text.dates as dates; assert 'babel' not in sys.modules;"
        "print(ascii(list(dates.dates_corpus('test', 50))))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert runs == {ascii(list(dates_corpus("test", 50)))}


def test_symbols_are_all_tags_and_digits(whole):
    used = set()
    for corpus in whole.values():
        for source, target in corpus:
            used |= {*re.findall(r"<[^>]*>|\d", source), *re.findall(r"\d", target)}
            assert "<" not in target
    assert used == set(SYMBOLS)
    assert len(SYMBOLS) == len(used)


def test_nothing_that_nobody_types(whole):
    text = "".join(source + target for corpus in whole.values() for source, target in corpus)
    odd = {character for character in set(text) if unicodedata.category(character) in ("Cf", "Zs", "Cc")}
    assert odd == {" "}


def test_unknown_split():
    with pytest.raises(CorpusError, match=r"splits train, validation, test\. Received: split='dev'"):
        dates_corpus("dev")


@pytest.mark.parametrize("size", [0, -1, 1_001])
def test_size_out_of_range(size):
    with pytest.raises(CorpusError, match=rf"1,000 dates.*Received: size={size}\."):
        dates_corpus("validation", size=size)


def test_years_out_of_range():
    form = next(form for form in date_forms() if form.locale == "de_DE" and form.name == "short")
    with pytest.raises(CorpusError, match=r"de_DE short .* 1950 to 2049\. Received: day=1949-12-31"):
        form.write(date(1949, 12, 31))
    form = next(form for form in date_forms() if form.locale == "de_DE" and form.name == "full")
    with pytest.raises(CorpusError, match=r"1900 to 2099\. Received: day=2100-01-01"):
        form.write(date(2100, 1, 1))
