import io
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text.corpus import corpus_from_pairs
from seq2seq.text.pairs import CorpusError
from seq2seq.text.texts import exact_texts, pairs_of, texts_of

TEXTS = ["ein Haus", "am See", "", " der Wald "]
PAIRS = [("ein Haus", "a house"), ("am See", "by the lake")]


class Word(str):
    """A text that calls itself something else, as the members of an Enum do."""

    def __str__(self):
        return "Word.HOUSE"


def series(pandas, texts):
    """A column whose labels are in another order than its rows."""
    return pandas.Series(texts, index=range(len(texts) - 1, -1, -1))


class TestTexts:
    @pytest.mark.parametrize(
        "make",
        [
            list,
            tuple,
            iter,
            lambda texts: (text for text in texts),
            lambda texts: map(str, texts),
            lambda texts: dict(enumerate(texts)).values(),
            np.array,
            lambda texts: np.array(texts, object),
            lambda texts: io.StringIO("".join(f"{text}\n" for text in texts)),
            lambda texts: [f"{text}\n" for text in texts],
            lambda texts: [f"{text}\r\n" for text in texts],
        ],
    )
    def test_any_iterable_gives_its_texts_in_order(self, make):
        found = list(texts_of(make(TEXTS), "texts"))
        assert found == TEXTS
        assert {type(text) for text in found} == {str}

    def test_a_series_is_read_by_row_and_not_by_label(self):
        pandas = pytest.importorskip("pandas")
        assert list(texts_of(series(pandas, TEXTS), "texts")) == TEXTS
        frame = pandas.DataFrame({"de": TEXTS, "keep": [False, True, False, True]})
        assert list(texts_of(frame[frame["keep"]]["de"], "texts")) == TEXTS[1::2]
        assert list(texts_of(frame.sample(frac=1, random_state=3)["de"].sort_index(), "texts")) == TEXTS
        assert list(texts_of(pandas.Series(TEXTS, dtype="category"), "texts")) == TEXTS

    def test_a_column_of_datasets(self):
        import datasets

        rows = datasets.Dataset.from_dict({"de": TEXTS})
        assert list(texts_of(rows["de"], "texts")) == TEXTS
        with pytest.raises(
            TypeError, match=r"texts\[0\]=\{'de': 'ein Haus'\} \(dict\), .*Name what is meant: row\['de'\]"
        ):
            list(texts_of(rows, "texts"))

    def test_a_file_as_it_is_read_by_lines(self, write):
        path = write("a.de", "eins\nzwei\u2028drei\nvier")
        with path.open(encoding="utf-8") as file:
            assert list(texts_of(file, "texts")) == ["eins", "zwei\u2028drei", "vier"]

    @given(st.lists(st.text()))
    def test_exact_texts_come_back(self, texts):
        assert list(exact_texts(iter(texts), "texts")) == texts
        assert list(texts_of((f"{text}\n" for text in texts), "texts")) == [text.removesuffix("\r") for text in texts]

    def test_a_text_of_another_class_is_text(self):
        assert list(texts_of([Word("Haus"), np.str_("See")], "texts")) == ["Haus", "See"]

    def test_is_read_only_as_far_as_asked(self):
        texts = texts_of(iter(["eins", 2]), "texts")
        assert next(texts) == "eins"
        with pytest.raises(TypeError):
            next(texts)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ("ein Haus", "texts='ein Haus', a single one. Write ['ein Haus']."),
            (b"ein Haus", "texts=b'ein Haus', a single one."),
            ({"de": "ein Haus"}, "texts, a dict of 'de'. Take its values()"),
            ({"ein Haus"}, "texts, a set, which has no order. Make a list"),
            (None, "texts=None. Make a list"),
            (7, "texts=7 (int). Make a list"),
            (np.array("ein Haus"), "texts=array('ein Haus', dtype='<U8') (ndarray). Make a list"),
            (Path("train.de"), "train.de') (PosixPath). What a file holds is read by `read_corpus`, or line by line"),
        ],
    )
    def test_what_has_no_texts_one_after_the_other_is_refused_at_once(self, given, message):
        with pytest.raises(TypeError, match="^texts needs texts one after the other, .*" + re.escape(message)):
            texts_of(given, "texts")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (None, "texts[1]=None, rows counted from 0. Nothing stands there: leave such rows out"),
            (float("nan"), "texts[1]=nan (float), rows counted from 0. Nothing stands there"),
            (np.float64("nan"), "Nothing stands there"),
            (1.5, "texts[1]=1.5 (float), rows counted from 0. Write it as text first, `str(value)`."),
            (7, "texts[1]=7 (int)"),
            (b"ein", "texts[1]=b'ein', rows counted from 0. Decode it"),
            (["ein"], "texts[1]=['ein'] (list)"),
            ({"de": 1, "en": 2}, "Name what is meant: row['de'], row['en']."),
        ],
    )
    def test_what_is_no_text_is_refused_with_its_row(self, text, message):
        with pytest.raises(TypeError, match="^texts needs a str in every row. .*" + re.escape(message)):
            list(texts_of(["eins", text, "drei"], "texts"))

    def test_tables_and_cells_of_arrow(self):
        arrow = pytest.importorskip("pyarrow")
        table = arrow.table({"de": ["eins"], "en": ["one"]})
        with pytest.raises(TypeError, match=r"texts, a Table of 'de', 'en'\. Take one column"):
            texts_of(table, "texts")
        with pytest.raises(TypeError, match=r"StringScalar\), rows .* take the column as Python has it"):
            list(texts_of(table["de"], "texts"))
        assert list(texts_of(table["de"].to_pylist(), "texts")) == ["eins"]

    def test_a_message_is_one_line_whatever_was_given(self):
        pandas = pytest.importorskip("pandas")
        with pytest.raises(TypeError) as caught:
            list(texts_of([pandas.Series(["eins", "zwei"])], "texts"))
        assert "\n" not in str(caught.value)

    def test_tables_and_missing_cells_of_pandas(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"de": ["eins", None], "en": ["one", "two"]})
        with pytest.raises(TypeError, match=r"texts, a DataFrame of 'de', 'en'\. Take one column, such as `df\["):
            texts_of(frame, "texts")
        for missing in (None, pandas.NA, pandas.NaT, float("nan")):
            with pytest.raises(TypeError, match=r"texts\[1\]=.*Nothing stands there"):
                list(texts_of(pandas.Series(["eins", missing], dtype=object), "texts"))


class TestPairs:
    @pytest.mark.parametrize(
        "make",
        [
            list,
            iter,
            lambda pairs: map(list, pairs),
            lambda pairs: zip(*zip(*pairs, strict=True), strict=True),
            lambda pairs: dict(pairs).items(),
            np.array,
            lambda pairs: np.array(pairs, object),
            lambda pairs: zip(*(io.StringIO("\n".join(side)) for side in zip(*pairs, strict=True)), strict=True),
            lambda pairs: ((f"{source}\n", f"{target}\r\n") for source, target in pairs),
        ],
    )
    def test_any_iterable_of_rows_of_two(self, make):
        corpus = corpus_from_pairs(make(PAIRS))
        assert list(corpus) == PAIRS
        assert {type(text) for pair in corpus for text in pair} == {str}

    def test_columns_of_pandas(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(PAIRS, columns=["de", "en"], index=[1, 0])
        for rows in (zip(frame["de"], frame["en"], strict=True), frame.itertuples(index=False), frame.to_numpy()):
            assert list(corpus_from_pairs(rows)) == PAIRS

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ("ab", "pairs='ab', a single one"),
            ({"ab": "cd"}, "pairs, a dict of 'ab'. Take its values() or items()."),
            ({("a", "b")}, "pairs, a set, which has no order"),
            (None, "pairs=None"),
            ("train.tsv", "Write [(source, target)]. What a file holds is read by `read_corpus`"),
            (Path("train.tsv"), "What a file holds is read by `read_corpus`"),
        ],
    )
    def test_what_has_no_rows_is_refused(self, given, message):
        with pytest.raises(
            CorpusError, match="^pairs needs pairs of texts one after the other, .*" + re.escape(message)
        ):
            corpus_from_pairs(given)

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            (
                {"de": "eins", "en": "one"},
                "pairs[1]={'de': 'eins', 'en': 'one'} (dict), rows counted from 0. Name what is",
            ),
            ("ab", "pairs[1]='ab', rows counted from 0. Take two columns, as `zip(df"),
            (b"ab", "pairs[1]=b'ab'"),
            ({"a", "b"}, "(set), rows counted from 0. Take two columns"),
            (7, "pairs[1]=7 (int)"),
            (("a",), "pairs[1]=('a',) (tuple) with 1 items"),
            (("a", "b", "c"), "pairs[1]=('a', 'b', 'c') (tuple) with more than 2 items, rows counted from 0. Take two"),
            ((), "pairs[1]=() (tuple) with 0 items"),
            ((None, "b"), "pairs[1][0]=None, rows counted from 0. Nothing stands there"),
            (("a", float("nan")), "pairs[1][1]=nan (float), rows counted from 0. Nothing stands there"),
            (("a", 7), "pairs[1][1]=7 (int), rows counted from 0. Write it as text"),
            ([b"a", "b"], "pairs[1][0]=b'a', rows counted from 0. Decode it"),
            (("a", ("b",)), "pairs[1][1]=('b',) (tuple)"),
        ],
    )
    def test_what_is_no_pair_is_refused_with_its_row(self, row, message):
        with pytest.raises(CorpusError, match="^A row needs .*" + re.escape(message)):
            corpus_from_pairs([("a", "b"), row])

    def test_tables_are_refused_and_not_read_by_the_names_of_their_columns(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(PAIRS, columns=["de", "en"])
        with pytest.raises(CorpusError, match=r"pairs, a DataFrame of 'de', 'en'\. Take two columns, as `zip\(df\["):
            corpus_from_pairs(frame)
        with pytest.raises(CorpusError, match=r"pairs\[0\]=.* with more than 2 items"):
            corpus_from_pairs(frame.itertuples())
        frame.loc[1, "en"] = None
        with pytest.raises(CorpusError, match=r"pairs\[1\]\[1\]=.*Nothing stands there"):
            corpus_from_pairs(zip(frame["de"], frame["en"], strict=True))

    def test_rows_of_datasets_are_refused_in_words(self):
        import datasets

        rows = datasets.Dataset.from_list([{"translation": {"de": "eins", "en": "one"}}])
        with pytest.raises(CorpusError, match=r"pairs\[0\]=.*Name what is meant: row\['translation'\]"):
            corpus_from_pairs(rows)

    @given(st.lists(st.tuples(st.text(), st.text())))
    def test_pairs_come_back_without_the_end_of_the_line(self, pairs):
        lines = [(f"{source}\n", f"{target}\n") for source, target in pairs]
        expected = [(source.removesuffix("\r"), target.removesuffix("\r")) for source, target in pairs]
        assert list(pairs_of(lines, "pairs")) == expected
