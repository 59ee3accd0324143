import datasets
import pyarrow.parquet
import pytest

from seq2seq.text.hub import read_hub, read_parquet, read_saved
from seq2seq.text.pairs import CorpusError, Pair

ROWS = [
    {"id": 1, "translation": {"de": "1979-05-03", "en": "NULL"}},
    {"id": 2, "translation": {"de": None, "en": "two"}},
    {"id": 3, "translation": None},
]
PAIRS = [("1979-05-03", "NULL"), ("", "two"), ("", "")]

STREAMING = pytest.mark.parametrize("streaming", [False, True])


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Keep `datasets` out of the user's cache, and quiet."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture
def repository(tmp_path):
    """A data set as it lies on the hub, in a folder: `load_dataset` reads both alike."""
    folder = tmp_path / "repository"
    for split in ("train", "validation"):
        (folder / "data").mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_list(ROWS).to_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
    return str(folder)


@STREAMING
@pytest.mark.parametrize(("source", "target"), [("de", "en"), ("translation.de", "translation.en")])
def test_reads_nested_columns(repository, streaming, source, target):
    assert list(read_hub(repository, "train", source, target, streaming=streaming)) == PAIRS


def test_reads_json_lines_of_a_repository(tmp_path):
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "train.jsonl").write_text('{"a": "one", "b": "two"}\n')
    assert list(read_hub(str(tmp_path / "json"), "train", "a", "b", streaming=True)) == [("one", "two")]


def test_reads_a_slice(repository):
    assert list(read_hub(repository, "train[:1]", "de", "en", streaming=False)) == PAIRS[:1]


@STREAMING
def test_a_missing_split_lists_the_splits(repository, streaming):
    with pytest.raises(CorpusError, match=r"split='dev', .*There is instead: 'train', 'validation'\."):
        list(read_hub(repository, "dev", "de", "en", streaming=streaming))


@STREAMING
def test_a_missing_column_lists_the_columns(repository, streaming):
    with pytest.raises(CorpusError, match=r"column 'fr', .*instead: 'id', 'translation.de', 'translation.en'"):
        list(read_hub(repository, "train", "de", "fr", streaming=streaming))


def test_a_column_without_text_is_named(repository):
    assert next(read_hub(repository, "train", "id", "en", streaming=True)) == ("1", "NULL")
    with pytest.raises(CorpusError, match=r"column 'translation', .*row 1, dict"):
        list(read_hub(repository, "train", "translation", "en", streaming=True))


def test_a_missing_configuration_is_told(repository):
    with pytest.raises(CorpusError, match=r"'owner/name:configuration'. Received: .*'nope'"):
        list(read_hub(f"{repository}:nope", "train", "de", "en", streaming=True))


@pytest.mark.parametrize("error", [datasets.exceptions.DatasetNotFoundError, ConnectionError])
def test_what_is_not_on_the_hub_is_told(monkeypatch, error):
    def fail(*_arguments, **_settings):
        raise error("no such thing")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(CorpusError, match=r"path='owner/name', which is no folder here .*\(no such thing\)"):
        list(read_hub("owner/name", "train", "de", "en", streaming=False))


@STREAMING
@pytest.mark.parametrize("begin", [{"de": ["eins"]}, {"de": pyarrow.nulls(1), "id": [1]}])
def test_files_that_differ_in_their_columns_are_told(tmp_path, begin, streaming):
    for number, columns in enumerate((begin, {"de": ["zwei"], "id": [2]})):
        pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / f"train-{number:05}-of-00002.parquet")
    with pytest.raises(CorpusError, match=rf"all with the same columns. Received: {tmp_path}, split 'train' \(.*cast"):
        list(read_hub(str(tmp_path), "train", "de", "de", streaming=streaming))


class TestParquet:
    def test_files_follow_each_other(self, tmp_path):
        files = [tmp_path / name for name in ("a.parquet", "b.parquet")]
        datasets.Dataset.from_list(ROWS[:1]).to_parquet(files[0])
        datasets.Dataset.from_list(ROWS[1:2]).to_parquet(files[1])
        assert list(read_parquet(files, "de", "en")) == PAIRS[:2]
        assert not list(tmp_path.rglob("*.arrow")), "the files are not copied"

    @pytest.mark.parametrize("other", [{"id": [7]}, {"de": ["zwei"]}, {"de": [2]}])
    def test_files_have_in_common_what_is_asked_for(self, tmp_path, other):
        files = [tmp_path / name for name in ("a.parquet", "b.parquet")]
        rows = [{"de": pyarrow.nulls(1), "en": ["one"]}, {"de": ["zwei"], "en": ["two"], **other}]
        for file, columns in zip(files, rows, strict=True):
            pyarrow.parquet.write_table(pyarrow.table(columns), file)
        assert list(read_parquet(files, "de", "en")) == [("", "one"), (str(*rows[1]["de"]), "two")]
        with pytest.raises(CorpusError, match=r"column 'id', \S*/[ab]\.parquet\. There is instead: 'de', 'en'"):
            list(read_parquet(files, "id", "en"))

    def test_a_row_is_named_by_its_own_file(self, tmp_path):
        files = [tmp_path / name for name in ("a.parquet", "b.parquet")]
        for file, columns in zip(files, ({"de": ["eins"] * 3}, {"de": ["eins", "z\0"]}), strict=True):
            pyarrow.parquet.write_table(pyarrow.table(columns), file)
        with pytest.raises(CorpusError, match=rf"column 'de', {files[1]}, row 2, NUL at character 1"):
            list(read_parquet(files, "de", "de"))

    def test_text_that_is_not_utf8_is_named_by_row_and_column(self, tmp_path):
        cells = pyarrow.array([b"eins"] * 1_003 + [b"sch\xf6n"]).view(pyarrow.string())
        table = pyarrow.table({"de": ["eins"] * 1_004, "t": pyarrow.StructArray.from_arrays([cells], ["en"])})
        pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
        with pytest.raises(
            CorpusError, match=rf"in UTF-8. Received: column 'en', {tmp_path}/a.parquet, row 1004, byte 4 .* 0xf6"
        ):
            list(read_parquet([tmp_path / "a.parquet"], "de", "en"))

    def test_brackets_in_a_path_are_part_of_its_name(self, tmp_path):
        for place, text in (("c[1]", "right"), ("c1", "wrong")):
            (tmp_path / place).mkdir()
            datasets.Dataset.from_dict({"de": [text], "en": [text]}).to_parquet(tmp_path / place / "train.parquet")
        assert list(read_parquet([tmp_path / "c[1]" / "train.parquet"], "de", "en")) == [Pair("right", "right")]

    def test_an_empty_file_has_no_rows(self, tmp_path):
        files = [tmp_path / name for name in ("a.parquet", "b.parquet", "c.parquet")]
        rows = datasets.Dataset.from_list(ROWS).data.table
        for file, count in zip(files, (0, 1, 0), strict=True):
            pyarrow.parquet.write_table(rows.slice(0, count), file)
        assert list(read_parquet(files, "de", "en")) == PAIRS[:1]
        assert not list(read_parquet(files[:1], "de", "en"))

    def test_a_torn_file_is_named(self, tmp_path):
        path = tmp_path / "a.parquet"
        path.write_bytes(b"PAR1 and then nothing")
        with pytest.raises(CorpusError, match=rf"needs to be whole. Received: {path}"):
            list(read_parquet([path], "de", "en"))


class TestSaved:
    def test_rows_come_in_their_order(self, tmp_path):
        rows = datasets.Dataset.from_list(ROWS[:2] * 3)
        rows.save_to_disk(tmp_path / "plain", num_shards=2)
        assert list(read_saved(tmp_path / "plain", "de", "en")) == PAIRS[:2] * 3
        rows.select([1, 0]).save_to_disk(tmp_path / "chosen")
        assert list(read_saved(tmp_path / "chosen", "de", "en")) == PAIRS[1::-1]

    def test_a_missing_column_lists_the_columns(self, tmp_path):
        datasets.Dataset.from_list(ROWS).save_to_disk(tmp_path / "rows")
        with pytest.raises(CorpusError, match=r"column 'fr', .*rows. .*instead: 'id', 'translation.de'"):
            list(read_saved(tmp_path / "rows", "fr", "en"))

    @pytest.mark.parametrize("name", ["state.json", "dataset_info.json", "data-00000-of-00001.arrow"])
    @pytest.mark.parametrize("content", [None, b"", b"torn"])
    def test_what_is_not_whole_is_named(self, tmp_path, name, content):
        datasets.Dataset.from_list(ROWS).save_to_disk(tmp_path / "rows")
        (tmp_path / "rows" / name).unlink()
        if content is not None:
            (tmp_path / "rows" / name).write_bytes(content)
        with pytest.raises(CorpusError, match=rf"needs to be whole. Received: {tmp_path / 'rows'} \("):
            list(read_saved(tmp_path / "rows", "de", "en"))
