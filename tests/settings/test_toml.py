import tomllib

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.settings import from_table, to_table, to_toml
from seq2seq.settings.toml import write_table

from .toy import STUDIO, Studio

plain = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
plain |= st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(plain, st.lists, max_leaves=5)
names = st.text("abcxyz_-", min_size=1, max_size=3)
tables = st.recursive(
    st.dictionaries(names, values, max_size=3),
    lambda inner: st.dictionaries(names, values | inner, max_size=3),
    max_leaves=4,
)

WRITTEN = """\
# A studio.
name = "old"  # of the house

[album]
# as many as fit
pages = 4
gone = 1

[camera.lens]
blades = [
    7, # five are too few
]
"""


@given(tables)
def test_what_is_written_is_read_again(table: dict) -> None:
    assert tomllib.loads(write_table(table)) == table


@given(tables, tables)
def test_any_text_becomes_any_table(before: dict, after: dict) -> None:
    assert tomllib.loads(write_table(after, onto=write_table(before))) == after


def test_plain_values_come_before_sections() -> None:
    text = to_toml(STUDIO)
    assert text.startswith('name = "s"\nseed = 0\n\n[album]\npages = 4\nmargin = 0.1\n\n[camera]\n')
    assert "\n\n[camera.lens]\nlength = 50.0\nblades = [7]\n" in text
    assert from_table(Studio, tomllib.loads(text)) == STUDIO


def test_comments_stay() -> None:
    text = to_toml(STUDIO, onto=WRITTEN)
    assert tomllib.loads(text) == to_table(STUDIO)
    for kept in ("# A studio.\n", 'name = "s"  # of the house\n', "# as many as fit\npages = 4\n", "7, # five"):
        assert kept in text
    assert "gone" not in text


@given(tables, tables)
def test_a_section_on_one_line_stays_there(before: dict, after: dict) -> None:
    text = f"kept = {tomlkit.item(before, _parent=tomlkit.inline_table()).as_string()}  # so"
    written = write_table({"kept": after}, onto=text)
    assert tomllib.loads(written) == {"kept": after}
    assert written.startswith("kept = {") and "# so" in written


@pytest.mark.parametrize("text", ["x.y.z = 1\nx.y = {z = 1}", "a = [", "[a.b]\nc = 1\n[d]\n[a]\nx = 2\n[a.e]\ny = 1\n"])
def test_a_text_that_cannot_be_changed_in_place_is_written_anew(text: str) -> None:
    assert tomllib.loads(to_toml(STUDIO, onto=text)) == to_table(STUDIO)
