import csv
import io
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.text.annotating import annotating, table_ending
from seq2seq.text.pairs import CorpusError
from seq2seq.text.tables import csv_cells

ADDED = {"score": float, "en": str}
CELLS = [[-0.25, "one"], [-1.00004, 'a "b",\tc'], [0.0, ""]]


def annotated(path: Path, column: str, cells=CELLS, added=ADDED, at_once: int = 2) -> bytes:
    """Read a table and write it again, some rows at a time."""
    table = annotating(path, column, added)
    rows = list(table.rows())
    pieces = [
        table.written(rows[start : start + at_once], cells[start : start + at_once], first=not start)
        for start in range(0, max(len(rows), 1), at_once)
    ]
    return b"".join([*pieces, table.end()])


def test_tsv_keeps_every_cell_as_it_is_written(write):
    path = write("a.tsv", 'id\tde\n007\t"eins\n\nNULL\t zwei \n')
    assert annotated(path, "de").decode() == (
        'id\tde\tscore\ten\n007\t"eins\t-0.2500\tone\n\t\t-1.0000\ta "b", c\nNULL\t zwei \t0.0000\t\n'
    )
    assert [row.text for row in annotating(path, "de", ADDED).rows()] == ['"eins', "", " zwei "]


def test_a_table_without_header_has_numbers(write):
    path = write("a.tsv.gz", "007\teins\n8\tzwei\n")
    assert annotated(path, "1", [["one"], ["two"]], {"en": str}) == b"007\teins\tone\n8\tzwei\ttwo\n"


def test_csv_comes_back_quoted_where_it_has_to_be(write):
    path = write("a.csv", 'id,de\n1,"eins, ""zwei"""\n2,"drei\nvier"\n')
    rows = list(csv.reader(io.StringIO(annotated(path, "de", CELLS[:2]).decode())))
    assert rows == [
        ["id", "de", "score", "en"],
        ["1", 'eins, "zwei"', "-0.2500", "one"],
        ["2", "drei\nvier", "-1.0000", 'a "b",\tc'],
    ]


def test_csv_with_ends_of_lines_in_its_cells_can_be_read_again(write):
    written = annotated(write("a.csv", 'id,de\r\n"1\r\nb",ein\r\n"2\rc",zwei\r\n'), "de", CELLS[:2])
    rows = [cells for _, cells in csv_cells(write("b.csv", written.decode()))]
    assert [row[:2] for row in rows] == [["id", "de"], ["1\nb", "ein"], ["2\rc", "zwei"]]


def test_what_stands_in_a_line_of_json_stays_as_it_is(write):
    lines = ['{"n": 1.50, "t": {"de": "eins"}, "big": 12345678901234567890 } ', "", '{"t": {"de": null}}']
    out = annotated(write("a.jsonl", "".join(f"{line}\n" for line in lines)), "t.de").decode().splitlines()
    assert out[0] == '{"n": 1.50, "t": {"de": "eins"}, "big": 12345678901234567890, "score": -0.25, "en": "one"}'
    assert out[1] == '{"score": -1.0, "en": "a \\"b\\",\\tc"}'
    assert json.loads(out[2]) == {"t": {"de": None}, "score": 0.0, "en": ""}


@pytest.mark.parametrize("rows", [0, 3])
def test_parquet_keeps_its_types(tmp_path, rows):
    inner = pyarrow.struct({"de": pyarrow.string()})
    schema = pyarrow.schema({"when": pyarrow.timestamp("ns"), "price": pyarrow.decimal128(9, 3), "t": inner})
    values = {"when": datetime(1979, 5, 3), "price": Decimal("1.500"), "t": {"de": "eins"}}
    table = pyarrow.Table.from_pylist([values] * rows, schema)
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(annotated(tmp_path / "a.parquet", "de", CELLS[:rows]))
    found = pyarrow.parquet.read_table(tmp_path / "b.parquet")
    assert found.select(schema.names) == table and found.num_rows == rows
    assert found.column("en").to_pylist() == [en for _, en in CELLS[:rows]]
    assert found.schema.field("score").type == pyarrow.float64()


@pytest.mark.parametrize("ending", ["tsv", "csv", "jsonl"])
def test_any_text_comes_back(write, ending):
    text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r\t\ufeff"))

    @settings(max_examples=25)
    @given(st.lists(st.tuples(text, text), max_size=4))
    def comes_back(pairs):
        objects = [{"id": id_, "de": de} for id_, de in pairs]
        file = io.StringIO()
        if ending == "jsonl":
            file.writelines(f"{json.dumps(each)}\n" for each in objects)
        elif ending == "tsv":
            file.writelines("\t".join(row) + "\n" for row in [("id", "de"), *pairs])
        else:
            csv.writer(file, lineterminator="\n").writerows([("id", "de"), *pairs])
        path = write(f"a.{ending}", file.getvalue())
        out = write(f"b.{ending}", annotated(path, "de", [[id_] for id_, _ in pairs], {"en": str}))
        again = [(row.text, row.kept) for row in annotating(out, "en", {"fr": str}).rows()]
        assert [text for text, _ in again] == [id_ for id_, _ in pairs]
        assert [row.text for row in annotating(out, "de", {"fr": str}).rows()] == [de for _, de in pairs]

    comes_back()


def test_json_has_no_infinity(write):
    assert annotated(write("a.jsonl", '{"de": "eins"}\n'), "de", [[float("-inf"), "x"]]).endswith(
        b'"score": null, "en": "x"}\n'
    )


def test_an_empty_table_is_an_empty_table(write):
    assert annotated(write("a.tsv", ""), "de", []) == annotated(write("a.jsonl", ""), "de", []) == b""
    assert annotated(write("a.csv", "id,de\n"), "de", []) == b"id,de,score,en\n"


@pytest.mark.parametrize(
    ("name", "content"), [("a.tsv", "en\tde\n"), ("a.csv", "en,de\n"), ("a.jsonl", '{"de": "eins", "en": 1}\n')]
)
def test_a_column_that_is_there_is_not_written_over(write, name, content):
    with pytest.raises(CorpusError, match=r"a name that the table does not have. Received: 'en', .*a\."):
        list(annotating(write(name, content), "de", ADDED).rows())


def test_what_is_damaged_or_no_table_is_told(write):
    torn = pyarrow.array([b"eins"] * 1_003 + [b"sch\xf6n"]).view(pyarrow.string())
    pyarrow.parquet.write_table(pyarrow.table({"de": torn}), path := write("b.parquet", b""))
    with pytest.raises(CorpusError, match=rf"column 'de', {path}, row 1004, byte 4 of the cell is 0xf6"):
        list(annotating(path, "de", ADDED).rows())
    with pytest.raises(CorpusError, match=r"a.parquet.* Write it again"):
        list(annotating(write("a.parquet", b"PAR1"), "de", ADDED).rows())
    with pytest.raises(CorpusError, match=r"column='2', .*line 1 with 2 columns"):
        list(annotating(write("a.tsv", "a\tb\n"), "2", ADDED).rows())
    for name in ("a.txt", "a.parquet.gz", "a"):
        with pytest.raises(CorpusError, match=r"A table is told by its ending: .tsv, .csv, .jsonl, .parquet"):
            table_ending(Path(name))
