import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text.pairs import CorpusError
from seq2seq.text.tables import TABLES, read_csv, read_json, read_jsonl, read_tsv, read_txt

# What readers that guess types would change.
TEXTS = ["NULL", "NaN", "None", "null", "007", "1e3", "1.50", "true", "1979-05-03", '"', "'a", 'a "b" c', " a ", "½"]
PAIRS = list(zip(TEXTS, reversed(TEXTS), strict=True))

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r\t\ufeff"))


@pytest.fixture(params=["tsv", "txt", "csv", "jsonl", "json", "json array", "json data"])
def table(request, write):
    """Write pairs as a table of the kind and read them back."""

    def round_trip(pairs, ending="", begin=""):
        rows = [("de", "en"), *pairs]
        name, _, layout = request.param.partition(" ")
        objects = [dict(zip(rows[0], row, strict=True)) for row in pairs]
        if layout:
            content = json.dumps(
                objects if layout == "array" else {"version": 2, "data": objects}, indent=len(pairs) % 3
            )
        elif name in ("jsonl", "json"):
            content = "".join(json.dumps(row) + "\n" for row in objects)
        elif name in ("tsv", "txt"):
            content = "".join("\t".join(row) + "\n" for row in rows)
        else:
            file = io.StringIO()
            csv.writer(file, lineterminator="\n").writerows(rows)
            content = file.getvalue()
        path = write(f"a.{name}{ending}", begin + content)
        return list(TABLES[f".{name}"](path, "de", "en"))

    return round_trip


@pytest.mark.parametrize("ending", ["", ".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("begin", ["", "\ufeff"])
def test_a_cell_is_text_as_it_is_written(table, ending, begin):
    assert table(PAIRS, ending, begin) == PAIRS


def test_any_text_comes_back(table):
    @given(st.lists(st.tuples(WORDS, WORDS), max_size=5))
    def comes_back(pairs):
        assert table(pairs) == pairs

    comes_back()


class TestTsv:
    def test_without_header_columns_are_numbers(self, write):
        path = write("a.tsv", "a\tb\tc\n\nd\te\tf\n")
        assert list(read_tsv(path, "2", "0")) == [("c", "a"), ("", ""), ("f", "d")]

    def test_a_missing_column_lists_what_there_is(self, write):
        path = write("a.tsv", "de\ten\na\tb\n")
        with pytest.raises(CorpusError, match=rf"column 'fr', {path}. There is instead: 'de', 'en'. If the table has"):
            list(read_tsv(path, "fr", "en"))

    @pytest.mark.parametrize(("read", "between"), [(read_tsv, "\t"), (read_csv, ",")])
    def test_two_columns_of_one_name_are_refused_where_it_is_meant(self, write, read, between):
        path = write("a", between.join(["de", "en", "id", "de", "id"]) + "\n" + between.join("abcde") + "\n")
        with pytest.raises(CorpusError, match=r"a name of its own .* column 'de', .*a, where 2 columns are called so"):
            list(read(path, "en", "de"))
        assert list(read(path, "en", "en")) == [("b", "b")]

    def test_a_missing_number_tells_how_many(self, write):
        with pytest.raises(CorpusError, match=r"target='2', .*a.tsv, line 1 with 2 columns"):
            list(read_tsv(write("a.tsv", "a\tb\n"), "0", "2"))

    def test_a_stray_tab_is_named_by_line(self, write):
        path = write("a.tsv", "a\tb\nc\td\te\n")
        with pytest.raises(CorpusError, match=rf"{path}, line 2 with 3 columns, 2 in the first line"):
            list(read_tsv(path, "0", "1"))

    def test_nothing_gives_nothing(self, write):
        assert list(read_tsv(write("a.tsv", ""), "0", "1")) == []


class TestCsv:
    def test_quotes_hold_commas_and_lines(self, write):
        path = write("a.csv", 'de,en\n"a, b","c\nd"\n"say ""hi""",e\n')
        assert list(read_csv(path, "de", "en")) == [("a, b", "c\nd"), ('say "hi"', "e")]

    def test_an_open_quote_is_named(self, write):
        with pytest.raises(CorpusError, match=r"quotes closed .*a.csv, line 2"):
            list(read_csv(write("a.csv", 'de,en\n"a,b\n'), "de", "en"))

    def test_a_carriage_return_outside_of_quotes_is_told_as_that(self, write):
        with pytest.raises(CorpusError, match=r"quotes around a cell .* Received: .*a.csv, line 3, a carriage return"):
            list(read_csv(write("a.csv", 'de,en\n"a\rb",c\nd\re,f\n'), "de", "en"))

    def test_a_cell_that_is_too_long_is_told_as_that(self, write):
        long = "x" * (csv.field_size_limit() + 1)
        with pytest.raises(CorpusError, match=r"no more than 131,072 characters in a cell.*a.csv, line 2"):
            list(read_csv(write("a.csv", f"de,en\n{long},b\n"), "de", "en"))
        assert list(read_tsv(write("a.tsv", f"de\ten\n{long}\tb\n"), "de", "en")) == [(long, "b")]

    def test_invalid_utf8_is_named_by_line(self, write):
        with pytest.raises(CorpusError, match=r"a.csv, line 2, byte 3"):
            list(read_csv(write("a.csv", b"de,en\na,\xff\n"), "de", "en"))


class TestJsonl:
    def test_columns_may_be_nested(self, write):
        path = write("a.jsonl", '{"id": 1, "translation": {"de": "a", "en": "b"}}\n')
        for source, target in (("de", "en"), ("translation.de", "translation.en")):
            assert list(read_jsonl(path, source, target)) == [("a", "b")]

    def test_nothing_is_empty_and_numbers_are_as_written(self, write):
        path = write("a.jsonl", '{"de": null, "en": 1.50}\n\n{"de": 7, "en": 1e400}\n')
        assert list(read_jsonl(path, "de", "en")) == [("", "1.50"), ("", ""), ("7", "1e400")]

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ('{"de": "a"', "one JSON object per line. Received: .*a.jsonl, line 2"),
            ('["a", "b"]', "line 2, list"),
            ('{"de": "a"}', "column 'en', .*line 2. There is instead: 'de'."),
            ('{"de": ["a"], "en": "b"}', "column 'de', .*line 2, list"),
            ('{"de": true, "en": "b"}', "column 'de', .*line 2, bool True"),
            ('{"de": "\\\\ud800", "en": "b"}'.replace("\\\\", "\\"), "column 'de', .*line 2, half a surrogate pair"),
        ],
    )
    def test_a_bad_line_is_named(self, write, line, message):
        path = write("a.jsonl", '{"de": "a", "en": "b"}\n' + line + "\n")
        with pytest.raises(CorpusError, match=message):
            list(read_jsonl(path, "de", "en"))


class TestJson:
    @pytest.mark.parametrize("begin", ["", "\n "])
    def test_an_array_on_one_line_is_parsed_once(self, write, monkeypatch, begin):
        parsed = []
        loads = json.loads
        monkeypatch.setattr(json, "loads", lambda text, **options: parsed.append(text) or loads(text, **options))
        path = write("a.json", begin + json.dumps([{"de": "a", "en": "b"}]))
        assert list(read_json(path, "de", "en")) == [("a", "b")] and len(parsed) == 1

    @pytest.mark.parametrize("content", ["", "\n \n", "[]", '{"data": []}'])
    def test_nothing_gives_nothing(self, write, content):
        assert list(read_json(write("a.json", content), "de", "en")) == []

    def test_lines_are_read_one_by_one(self, write):
        pairs = read_json(write("a.json", '{"de": "a", "en": "b"}\n\n{"de": null, "en": 1.50}\ntorn'), "de", "en")
        assert [next(pairs) for _ in range(3)] == [("a", "b"), ("", ""), ("", "1.50")]
        with pytest.raises(CorpusError, match=r"a.json, line 4 \("):
            next(pairs)

    def test_columns_may_be_nested_and_numbers_are_as_written(self, write):
        path = write("a.json", '[{"translation": {"de": "a", "en": 1.50}},\n {"translation": {"de": null, "en": 7}}]')
        assert list(read_json(path, "translation.de", "en")) == [("a", "1.50"), ("", "7")]

    def test_a_column_may_be_called_data(self, write):
        path = write("a.json", '{"data": "a", "en": "b"}\n{"data": ["c"], "en": "d"}\n')
        assert next(read_json(path, "data", "en")) == ("a", "b")
        with pytest.raises(CorpusError, match=r"column 'data', .*line 2, list"):
            list(read_json(path, "data", "en"))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ('[{"de": "a", "en": "b"},\n {"de": "a" "en"}]', r"Received: .*a.json \(.*line 2 column"),
            ('{"de": "a",', r"Received: .*a.json \("),
            ('{\n"de": ["a"], "en": ["b"]\n}', "a.json, an object of 'de', 'en'"),
            ("7", "a.json, str"),
            ('[{"de": "a", "en": "b"}, ["a", "b"]]', "a.json, object 2, list"),
            ('[{"de": "a", "en": "b"}, {"de": "a"}]', "column 'en', .*a.json, object 2. There is instead: 'de'"),
            ('{"data": [{"de": true, "en": "b"}]}', "column 'de', .*a.json, object 1, bool True"),
        ],
    )
    def test_what_is_none_is_named(self, write, content, message):
        with pytest.raises(CorpusError, match=message):
            list(read_json(write("a.json", content), "de", "en"))


class TestTxt:
    def test_columns_by_number(self, write):
        path = write("fra.txt", "Go.\tVa !\tCC-BY 2.0\nHi.\tSalut !\tCC-BY 2.0\n")
        assert list(read_txt(path, "0", "1")) == [("Go.", "Va !"), ("Hi.", "Salut !")]

    def test_what_has_no_tabs_is_no_table(self, write):
        with pytest.raises(
            CorpusError, match=r"needs tabs .* Received: .*a.txt, line 1 without one. Parallel text is two"
        ):
            list(read_txt(write("a.txt", "eins\nzwei\n"), "de", "en"))
        assert list(read_txt(write("a.txt", ""), "de", "en")) == []
