import pytest

from seq2seq.text.folder import find_files
from seq2seq.text.pairs import CorpusError


@pytest.fixture
def folder(tmp_path):
    """Make a folder with empty files of these names, and find a split in it: the names found and the ending."""

    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()

        def find(split, source="de", target="en", pattern=""):
            paths, ending = find_files(str(tmp_path / pattern), split, source, target)
            return [path.relative_to(tmp_path).as_posix() for path in paths], ending

        return find

    return make


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (["train.de", "train.en"], "train"),
        (["train.de.gz", "train.en"], "train"),
        (["train.de.bz2", "train.en.xz"], "train"),
        (["train.de.txt", "train.en.txt.gz"], "train"),
        (["train.tok.de.txt", "train.tok.en.txt"], "train"),
        (["train.lc.norm.tok.de.gz", "train.lc.norm.tok.en.gz"], "train"),
        (["train.lc.norm.tok.de.gz", "train.lc.norm.tok.en.gz"], "train.lc.norm.tok"),
        (["train.de-en.de", "train.de-en.en"], "train"),
        (["sub/train.de", "sub/train.en"], "sub/train"),
    ],
)
def test_finds_parallel_text(folder, names, split):
    find = folder(*names, "test.de", "test.en", "training.de", "training.en", "train.fr", "test.tsv")
    assert find(split) == (names, "")


@pytest.mark.parametrize(
    ("names", "ending"),
    [
        (["train.tsv"], ".tsv"),
        (["train.tsv.gz"], ".tsv"),
        (["train.csv"], ".csv"),
        (["train.jsonl.gz"], ".jsonl"),
        (["train.csv.bz2"], ".csv"),
        (["train.tsv.xz"], ".tsv"),
        (["train.parquet"], ".parquet"),
        (["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"], ".parquet"),
    ],
)
def test_finds_tables(folder, names, ending):
    find = folder(*names, "test.tsv", "training.tsv", "train.txt", "train.de")
    assert find("train") == (names, ending)


@pytest.mark.parametrize(
    ("names", "ending"),
    [
        (["train.json"], ".json"),
        (["train.json.xz"], ".json"),
        (["train.txt"], ".txt"),
        (["train.txt.bz2"], ".txt"),
        (["train-00000-of-00002.json", "train-00001-of-00002.json"], ".json"),
    ],
)
def test_what_may_be_anything_is_a_table_where_nothing_else_is_there(folder, names, ending):
    find = folder(*names, "test.txt", "test.tsv", "test.json", "dev.de", "dev.en", "dev.txt", "dev.json")
    assert find("train") == (names, ending)
    assert find("test") == (["test.tsv"], ".tsv")
    assert find("dev") == (["dev.de", "dev.en"], "")


def test_a_plain_name_goes_before_one_with_txt(folder):
    assert folder("train.de", "train.en", "train.de.txt", "train.en.txt")("train") == (["train.de", "train.en"], "")


@pytest.mark.parametrize("name", ["train.xlsx", "train.tsv.zst", "train.parquet.gz", "train.de.zip"])
def test_of_what_is_not_read_the_endings_that_are_are_named(folder, name):
    find = folder(name, "test.tsv")
    with pytest.raises(
        CorpusError, match=rf"where '{name}' is of no kind that is read. There is instead the split: 'test'"
    ) as told:
        find("train")
    for ending in (".tsv", ".csv", ".jsonl", ".parquet", ".json", ".txt", ".gz", ".bz2", ".xz", "save_to_disk"):
        assert ending in str(told.value)


class TestSaved:
    """Folders as `save_to_disk` of datasets leaves them."""

    def test_a_split_of_several(self, folder):
        find = folder(
            *(f"{split}/{name}" for split in ("train", "test") for name in ("state.json", "dataset_info.json"))
        )
        assert find("train") == (["train"], "save_to_disk")
        with pytest.raises(CorpusError, match=r"There is instead the split: 'test', 'train'\."):
            find("dev")

    def test_files_of_the_split_go_first(self, folder):
        find = folder("train.de", "train.en", "train/state.json", "train/dataset_info.json")
        assert find("train") == (["train.de", "train.en"], "")

    def test_one_alone_is_the_split_that_it_was_or_is_called(self, folder, tmp_path):
        find = folder("mine/dataset_info.json", "mine/state.json")
        for state, names in [
            ('{"_split": null}', ["mine"]),
            ('{"_split": "train"}', ["train", "mine"]),
            ("[", ["mine"]),
        ]:
            (tmp_path / "mine" / "state.json").write_text(state)
            for name in names:
                assert find(name, pattern="mine") == (["mine"], "save_to_disk")
            with pytest.raises(CorpusError, match=rf"one split. Received: split='dev', .*mine, which is '{names[0]}'"):
                find("dev", pattern="mine")

    def test_a_file_of_that_name_alone_is_no_saved_folder(self, folder):
        with pytest.raises(CorpusError, match=r"There is instead: 'state\.json', 'train/'"):
            folder("state.json", "train/state.json")("train")


def test_the_exact_name_goes_first(folder):
    find = folder("train.de", "train.en", "train.tok.de", "train.tok.en")
    assert find("train") == (["train.de", "train.en"], "")


@pytest.mark.parametrize(
    "names",
    [
        ["train.a.de", "train.a.en", "train.b.de", "train.b.en"],
        ["train.de", "train.de.gz", "train.en"],
        ["train.de", "train.en", "train.tsv"],
        ["train.tsv", "train.csv"],
        ["train.tsv", "train.tsv.gz"],
    ],
)
def test_several_that_fit_are_all_told(folder, names):
    with pytest.raises(CorpusError, match="several fit") as raised:
        folder(*names)("train")
    assert all(repr(name) in str(raised.value) for name in names)


def parts(*numbers, count=3, ending=".tsv"):
    return [f"train-{number:05}-of-{count:05}{ending}" for number in numbers]


@pytest.mark.parametrize("pattern", ["", "{split}-*"])
@pytest.mark.parametrize(
    ("names", "told"),
    [
        (parts(0), r"where of 3 parts are missing: '1', '2'\. Bring the missing ones"),
        (parts(0, 2), "where of 3 parts are missing: '1'"),
        (parts(1, 3), "where of 3 parts are missing: '2'"),
        (parts(0, 1, 3), r"parts are missing: '2', beyond the last: '.*train-00003-of-00003\.tsv'\. "),
        (parts(0, 1, 2) + parts(1, ending=".tsv.gz"), r"more than once: '.*00001-of-00003\.tsv', '.*00001.*\.tsv\.gz'"),
        (parts(0, 1, 2) + parts(0, count=1), r"the parts of one table\. .*, where parts of several are"),
    ],
)
def test_parts_that_are_not_one_whole_table_are_refused(folder, names, told, pattern):
    with pytest.raises(CorpusError, match=told):
        folder(*names)("train", pattern=pattern)


def test_a_file_with_brackets_in_its_path_is_that_file(folder):
    find = folder("c[1]/train.tsv", "c1/train.tsv")
    assert find("train", pattern="c[1]/train.tsv") == (["c[1]/train.tsv"], ".tsv")


def test_one_file_alone_is_told_how_it_is_named(folder):
    find = folder("numbers.tsv.gz")
    assert find("numbers", pattern="numbers.tsv.gz") == (["numbers.tsv.gz"], ".tsv")
    with pytest.raises(CorpusError, match=r'For this one file set data\.train="numbers", data\.validation="" and'):
        find("train", pattern="numbers.tsv.gz")
    with pytest.raises(CorpusError, match=r"by the stem of its file\.$"):
        find("train", pattern="absent.tsv.gz")


def test_a_pattern_may_fit_several_whole_tables(folder):
    names = [f"{place}/train-00000-of-00001.tsv" for place in "ab"]
    assert folder(*names)("train", pattern="*/{split}-*") == (names, ".tsv")
    more = [f"train-{place}-{number}-of-2.tsv" for place in "ab" for number in (0, 1)]
    assert folder(*more)("train", pattern="{split}-*") == (more, ".tsv")


def test_parts_beside_a_table_in_one_are_whole_too(folder):
    with pytest.raises(CorpusError, match="of 3 parts are missing: '1'"):
        folder("train.tsv", *parts(0, 2))("train", pattern="{split}*")


@pytest.mark.parametrize(
    ("split", "pattern"),
    [
        ("train-00001-of-00003", ""),
        ("train-00001-of-00003", "{split}.tsv"),
        ("train-00001-of-00003", "train-00001-of-00003.tsv"),
        ("train", "{split}-0000[1]-of-00003.tsv"),
    ],
)
def test_a_part_that_is_named_is_taken(folder, split, pattern):
    assert folder(*parts(0, 1, 2))(split, pattern=pattern) == (parts(1), ".tsv")


@pytest.mark.parametrize("pattern", ["", "{split}-*"])
@pytest.mark.parametrize("first", [0, 1])
def test_parts_come_in_the_order_of_their_numbers(folder, first, pattern):
    names = [f"train-{number}-of-11.tsv" for number in range(first, first + 11)]
    assert folder(*names)("train", pattern=pattern) == (names, ".tsv")


def test_a_missing_split_lists_the_splits(folder):
    find = folder("train.de", "train.en", "val.tok.de.gz", "val.tok.en.gz", "test.tsv", "x-00000-of-00002.csv", "y.de")
    with pytest.raises(CorpusError, match=r"instead the split: 'test', 'train', 'val.tok', 'x'\."):
        find("dev")


def test_without_any_split_the_files_and_folders_are_told(folder):
    with pytest.raises(CorpusError, match=r"There is instead: 'notes.txt', 'raw/'\."):
        folder("notes.txt", "raw/train.de")("train")
    with pytest.raises(CorpusError, match="There is instead: nothing"):
        folder()("inside/train")


def test_a_missing_language_is_told(folder):
    find = folder("train.de", "train.en")
    with pytest.raises(CorpusError, match=r"'train.de' has no partner in 'fr'"):
        find("train", target="fr")
    with pytest.raises(CorpusError, match=r"'train.en' has no partner in 'fr'"):
        find("train", source="fr")


def test_many_names_are_cut(folder):
    find = folder(*(f"{number}.tsv" for number in range(1000)))
    with pytest.raises(CorpusError, match="and 980 more"):
        find("train")


class TestPattern:
    def test_split_and_language(self, folder):
        find = folder("a/train.x.de.gz", "a/train.x.en.gz", "a/dev.x.de.gz")
        assert find("train", pattern="a/{split}.x.{lang}.gz") == (["a/train.x.de.gz", "a/train.x.en.gz"], "")

    def test_wildcards(self, folder):
        find = folder("b/train-2.tsv", "b/train-1.tsv", "b/dev-1.tsv")
        assert find("train", pattern="*/{split}-?.tsv") == (["b/train-1.tsv", "b/train-2.tsv"], ".tsv")

    def test_the_split_may_stand_twice(self, folder):
        assert folder("dev/fre_dev.tsv.gz")("dev", pattern="{split}/fre_{split}.tsv.gz")[0] == ["dev/fre_dev.tsv.gz"]

    def test_a_table_in_txt_or_json(self, folder):
        find = folder("fra.txt", "train.json.gz")
        assert find("fra", pattern="fra.txt") == (["fra.txt"], ".txt")
        assert find("fra", pattern="{split}.txt") == (["fra.txt"], ".txt")
        assert find("train", pattern="{split}.json.gz") == (["train.json.gz"], ".json")

    @pytest.mark.parametrize("name", ["train.parquet.gz", "train.xlsx"])
    def test_of_what_is_not_read_the_endings_that_are_are_named(self, folder, name):
        with pytest.raises(CorpusError, match=r"\.tsv, .*\.json, \.txt; .* \.gz, \.bz2, \.xz behind.* It fits: "):
            folder(name)("train", pattern=name)

    def test_a_split_is_no_pattern(self, folder):
        find = folder("train.tsv")
        with pytest.raises(CorpusError, match="It fits: nothing"):
            find("tr*", pattern="{split}.tsv")

    def test_one_file_is_the_split_of_its_stem(self, folder):
        find = folder("all.tsv.gz")
        assert find("all", pattern="all.tsv.gz") == (["all.tsv.gz"], ".tsv")
        with pytest.raises(CorpusError, match=r"needs \{split\} where .* every split would be the same"):
            find("train", pattern="all.tsv.gz")

    @pytest.mark.parametrize("pattern", ["{split}.*", "{split}.xlsx", "{split}.json"])
    def test_what_is_no_table_is_told(self, folder, pattern):
        with pytest.raises(CorpusError, match=r"needs to fit tables of one kind .* It fits: "):
            folder("train.tsv", "train.csv", "train.txt")("train", pattern=pattern)

    def test_a_language_without_a_file_is_told(self, folder):
        with pytest.raises(CorpusError, match=r"It fits '.*train.de' for the source and nothing for the target"):
            folder("train.de")("train", pattern="{split}.{lang}")
