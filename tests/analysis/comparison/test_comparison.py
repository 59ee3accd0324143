import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import mean, stdev

import pytest

from seq2seq.analysis.comparison import compare_runs
from seq2seq.analysis.comparison.comparison import Comparison, MetricResult, VariantResult
from seq2seq.analysis.comparison.statistics import Difference
from seq2seq.analysis.comparison.words import ByFrequency
from seq2seq.metrics import exact_match
from tests.analysis.comparison.fabricated import REFERENCES, SOURCES, finished_folder, make_corpus, spoilt
from tests.letters import RECIPE


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three variants of three seeds: a poor one, one that is as poor, and a good one."""
    monkeypatch.chdir(tmp_path)
    make_corpus(tmp_path)
    for name, share, settings in (
        ("a", 0.3, []),
        ("b", 0.3, ["model.dropout=0.1"]),
        ("c", 0.01, ["model.dropout=0.3"]),
    ):
        for seed in range(3):
            translations = spoilt(share, 10 * seed + ord(name))
            finished_folder(tmp_path / "runs" / f"{name}-{seed}", *settings, seed=seed, translations=translations)
    return tmp_path / "runs"


def test_runs_of_one_recipe_but_for_the_seed_are_a_variant(runs: Path) -> None:
    found = compare_runs([runs])
    assert [variant.name for variant in found.variants] == ["dropout=0.2", "dropout=0.1", "dropout=0.3"]
    assert [variant.seeds for variant in found.variants] == [[0, 1, 2]] * 3
    assert (found.part, found.sentences, found.notes, found.refused) == ("test", 40, [], [])
    first = found.variants[0]
    scores = [exact_match(spoilt(0.3, 10 * seed + ord("a")), REFERENCES).value for seed in range(3)]
    result = first.metrics["exact_match"]
    assert result.scores == pytest.approx(scores)
    assert (result.mean, result.spread) == pytest.approx((mean(scores), stdev(scores)))
    assert (first.parameters, first.minutes, first.tokens_per_second) == (1234, 1.5, 150.0)
    assert found.monitor == "exact_match" and first.curves == [[(10, 30.0), (20, 60.0)]] * 3


def test_runs_in_a_folder_have_the_order_of_the_comparison_there(runs: Path) -> None:
    compare_runs([runs / f"{name}-{seed}" for name in "cab" for seed in range(2)]).write(runs)
    found = compare_runs([runs]).variants
    assert [variant.name for variant in found] == ["dropout=0.3", "dropout=0.2", "dropout=0.1"]
    assert [variant.seeds for variant in found] == [[0, 1, 2]] * 3  # those that came later have their place behind
    (runs / "comparison.json").write_text('{"variants": [{}]}')
    assert [variant.name for variant in compare_runs([runs]).variants] == ["dropout=0.2", "dropout=0.1", "dropout=0.3"]


def test_the_others_are_compared_with_the_first_and_the_words_say_what_it_is_worth(runs: Path) -> None:
    found = compare_runs([runs])
    first, same, better = (variant.metrics["exact_match"] for variant in found.variants)
    assert first.difference is None
    assert not same.difference.detected and same.difference.low < 0 < same.difference.high
    assert better.difference.detected and better.difference.value == pytest.approx(better.mean - first.mean)
    assert better.difference.corrected == pytest.approx(2 * better.difference.p)
    report = found.report()
    rows = {line.split("  ")[0]: line for line in report.splitlines()[4:9]}
    assert rows["dropout=0.3"].endswith("better") and rows["dropout=0.1"].endswith("no difference detected")
    assert (
        "dropout=0.1 and dropout=0.2: no difference detected. With these sentences and seeds one of "
        f"{same.difference.smallest:.2f} would have been, about four times in five" in report
    )


def test_the_first_run_named_is_what_the_others_are_compared_with(runs: Path) -> None:
    found = compare_runs([runs / "c-0", runs / "a-0"])
    assert [variant.name for variant in found.variants] == ["dropout=0.3", "dropout=0.2"]
    assert found.notes[0].startswith("Of one seed: dropout=0.3, dropout=0.2. That shows nothing of what the seed does")
    assert found.variants[1].metrics["exact_match"].difference.value < 0


def test_nothing_is_judged_that_has_one_seed(runs: Path) -> None:
    found = compare_runs([*(runs / f"a-{seed}" for seed in range(3)), runs / "c-0"])
    difference = found.variants[1].metrics["exact_match"].difference
    assert difference.corrected < 0.05 and not difference.detected
    report = found.report()
    assert "Of one seed: dropout=0.3." in report and "four times in five" not in report
    assert next(line for line in report.splitlines() if line.startswith("dropout=0.3")).endswith("one seed: not judged")


def test_what_is_unfinished_or_damaged_inside_a_folder_is_named(runs: Path) -> None:
    (runs / "a-1" / "result.json").unlink()
    (runs / "b-0" / "result.json").write_text("")
    (runs / "b-1" / "recipe.toml").unlink()
    (runs / "c-0" / "result.json").write_text('{"minutes": 1}')
    texts = runs / "c-1" / "test.translations.txt"
    texts.write_text("".join(texts.read_text().splitlines(keepends=True)[:-3]))
    found = compare_runs([runs])
    assert [variant.seeds for variant in found.variants] == [[0, 2], [2], [2]]
    assert [Path(each.name).name for each in found.refused] == ["a-1", "b-0", "b-1", "c-0", "c-1"]
    why = [each.reason for each in found.refused]
    assert "has no result yet" in why[0] and "b-0/result.json, which holds no JSON object" in why[1]
    assert "There is no run to compare" in why[2] and "with metrics=null, signatures=null" in why[3]
    assert "c-1/test.translations.txt with 37 lines" in why[4]
    assert "a-1" in found.report()
    with pytest.raises(ValueError, match="with 37 lines"):  # named by itself it is not left out
        compare_runs([runs / "a-0", runs / "c-1"])


@pytest.mark.parametrize(
    "damage",
    [
        {"metrics": {}},
        {"metrics": None},
        {"metrics": {"validation": {"chrf": None}}},
        {"minutes": "x"},
        {"minutes": True},
        {"signatures": []},
    ],
)
def test_a_damaged_result_is_named(runs: Path, damage: dict) -> None:
    path = runs / "a-0" / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **damage}))
    with pytest.raises(ValueError, match=rf"a-0/result\.json with {next(iter(damage))}="):
        compare_runs([runs / "a-0"])


def test_a_damaged_log_is_named(runs: Path) -> None:
    with (runs / "a-0" / "log.jsonl").open("a") as log:
        log.write('{"event": "validation", "val_exact_match": 3.0}\n')
    with pytest.raises(ValueError, match=r"a-0/log\.jsonl, with the event \{\"event"):
        compare_runs([runs / "a-0"])


def test_texts_that_are_not_those_of_the_result_are_noted(runs: Path) -> None:
    texts = runs / "a-1" / "test.translations.txt"
    texts.write_text("x\n" * 40)
    found = compare_runs([runs]).notes
    assert any("a-1 come to exact_match 0.00, its result says 4" in note for note in found), found


def test_runs_behind_a_link_are_found_once(runs: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "linked").symlink_to(runs / "a-0")
    (elsewhere / "round").symlink_to(elsewhere)
    finished_folder(elsewhere / "own", seed=5)
    assert [variant.seeds for variant in compare_runs([elsewhere]).variants] == [[0, 5]]


def test_few_sentences_are_said_to_be_few(tmp_path: Path) -> None:
    folders = [
        finished_folder(
            tmp_path / f"{dropout}-{seed}", f"model.dropout={dropout}", seed=seed, sources=SOURCES[:7],
            references=REFERENCES[:7], translations=REFERENCES[:5] + ["x"] * 2,
        )
        for dropout, seeds in ((0.2, 10), (0.3, 3))
        for seed in range(seeds)
    ]  # fmt: skip
    found = compare_runs(folders)
    difference = found.variants[1].metrics["exact_match"].difference
    assert (difference.value, difference.smallest, difference.detected) == (0, 0, False)  # the sums differ in a bit
    assert "they have the very same scores" in found.report()
    assert any("There are 7 sentences of different sources: too few" in note for note in found.notes)


def test_variants_that_say_the_same_whatever_the_source_are_noted(tmp_path: Path) -> None:
    for seed, said in enumerate((["x"] * 40, ["x", "y"] * 20)):
        finished_folder(tmp_path / f"same-{seed}", "model.dropout=0.3", seed=seed, translations=said)
        finished_folder(tmp_path / f"few-{seed}", seed=seed, translations=["a", "b", "c", "d"] * 10)
    found = [note for note in compare_runs([tmp_path]).notes if "different translations" in note]
    assert found == [
        "dropout=0.3 gives 2 different translations to 40 sources, whose references are 40: it has learnt little of "
        "what tells one source from another."
    ]


def test_words_of_text_that_is_mixed_in_are_counted(runs: Path) -> None:
    (runs.parent / "more").mkdir()
    for language in ("lower", "upper"):
        (runs.parent / "more" / f"train.{language}").write_text("A B C D E F G H\n" * 500)
    mixed = [finished_folder(runs.parent / f"mixed-{seed}", "data.also.paths=['more']", seed=seed) for seed in range(2)]
    assert compare_runs(mixed).frequencies.names == ["100–999"]


def test_other_text_of_another_variant_is_noted(runs: Path) -> None:
    for seed in range(3):
        begun = runs / f"c-{seed}" / "run.json"
        begun.write_text(json.dumps({**json.loads(begun.read_text()), "data": "elsewhere"}))
    (note,) = compare_runs([runs]).notes
    assert note.startswith("The variants name more than one place") and note.endswith("dropout=0.3 elsewhere.")


def test_a_recipe_beside_the_folders_of_runs_is_no_run(runs: Path) -> None:
    (runs / "recipe.toml").touch()
    assert len(compare_runs([runs]).variants) == 3


def test_results_without_settings_or_a_monitor_are_read(runs: Path) -> None:
    folder = runs / "a-0"
    result = json.loads((folder / "result.json").read_text())
    del result["settings"]
    (folder / "result.json").write_text(json.dumps(result))
    (folder / "log.jsonl").write_text('{"event": "start"}\n')
    found = compare_runs([runs])
    assert found.variants[0].seeds == [0, 1, 2] and found.monitor == ""


def test_what_is_no_number_is_not_compared(tmp_path: Path) -> None:
    recipe = RECIPE.override(["evaluation.metrics=word_error_rate,exact_match"])
    references = ["a", *[""] * 39]
    folders = [
        finished_folder(
            tmp_path / dropout,
            f"model.dropout={dropout}",
            recipe=recipe,
            references=references,
            translations=["a"] * 40,
        )
        for dropout in ("0.1", "0.2")
    ]
    found = compare_runs(folders)
    word, exact = (found.variants[1].metrics[name].difference for name in ("word_error_rate", "exact_match"))
    assert exact is not None
    # About a third of the sets that are drawn have no word in any reference.
    assert word is not None and any("word_error_rate is no number of" in note for note in found.notes)
    for folder in folders:
        (folder / "test.reference.txt").write_text("\n" * 40)
    found = compare_runs(folders)
    assert found.variants[1].metrics["word_error_rate"].difference is None
    assert any("No interval of word_error_rate" in note for note in found.notes)


def test_sentences_of_one_source_count_as_one(tmp_path: Path) -> None:
    apart, twice = [], []
    for number in range(2):
        said = spoilt(0.3, number)
        setting = f"model.dropout=0.{number + 1}"
        apart.append(finished_folder(tmp_path / f"apart-{number}", setting, translations=said))
        twice.append(finished_folder(
            tmp_path / f"twice-{number}", setting, sources=[*SOURCES] * 2, references=[*REFERENCES] * 2,
            translations=said * 2,
        ))  # fmt: skip
    once, again = (compare_runs(folders).variants[1].metrics["exact_match"].difference for folders in (apart, twice))
    assert (again.low, again.high) == pytest.approx((once.low, once.high))
    distinct = len(set(SOURCES))
    assert any(f"The 80 sentences have {distinct} sources" in note for note in compare_runs(twice).notes)


def test_notes_say_what_tables_do_not_show(runs: Path) -> None:
    for name, more in (
        ("a-0", {"machine": {"processor": "one"}, "cuts": {"test": {"translations": 40, "cut": 3}}}),
        ("a-1", {"machine": {"processor": "two"}, "cuts": {"test": {"translations": 40, "cut": 2}}}),
        ("b-0", {"skipped_pairs": {"train": {"empty": 3, "over-long": 3}}}),
    ):
        path = runs / name / "result.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **more}))
    begun = runs / "c-0" / "run.json"
    begun.write_text(json.dumps({**json.loads(begun.read_text()), "data": "elsewhere"}))
    result = json.loads((runs / "c-1" / "result.json").read_text())
    del result["metrics"]["test"]["chrf"]
    (runs / "c-1" / "result.json").write_text(json.dumps(result))
    assert compare_runs([runs]).notes == [
        "Not compared: chrf, which some of the runs were not scored by.",
        "The runs of dropout=0.3 name more than one place of their text: elsewhere, that of the recipe.",
        "Translations that were cut at the limit of length, all seeds together: dropout=0.2 5 of 80.",
        "Training pairs left out as empty or over-long, a run: 0 of dropout=0.2, 2 of dropout=0.1, 0 of dropout=0.3.",
        "Minutes and tokens per second are those of several machines: one; two.",
    ]


def test_variants_with_names_of_their_own_are_called_by_them(tmp_path: Path) -> None:
    small = finished_folder(tmp_path / "1", "name=small")
    large = finished_folder(tmp_path / "2", "name=large", "model.encoder.units=8", "model.decoder.units=16")
    report = compare_runs([small, large]).report()
    assert "all are compared with small" in report
    assert "model.encoder.units  [4]    [8]" in report


def test_names_that_are_not_one_for_each_variant_do_not_name_them(tmp_path: Path) -> None:
    folders = [
        finished_folder(tmp_path / "1", "name=one"),
        finished_folder(tmp_path / "2", "name=two", seed=1),
        finished_folder(tmp_path / "3", "name=two", "model.dropout=0.1"),
    ]
    assert [variant.name for variant in compare_runs(folders).variants] == ["dropout=0.2", "dropout=0.1"]
    assert [variant.name for variant in compare_runs(folders[:2]).variants] == ["one / two"]


def test_sentences_are_told_apart_by_length_and_words_by_frequency(runs: Path) -> None:
    found = compare_runs([runs])
    assert found.lengths.what == "words in the source" and sum(found.lengths.sizes) == len(SOURCES)
    assert found.lengths.names[0].startswith("1") and found.lengths.names[-1].endswith("7")
    best = found.variants[2]
    whole = sum(
        size * value / 40
        for size, value in zip(found.lengths.sizes, best.metrics["exact_match"].by_length, strict=True)
    )
    assert whole == pytest.approx(best.metrics["exact_match"].mean)
    # Three pairs each are set aside for validation and test.
    assert set(found.frequencies.names) <= {"1–9", "10–99"} and sum(found.frequencies.sizes) == sum(
        len(text.split()) for text in REFERENCES
    )
    assert all(value > 95 for value in best.by_frequency)


def test_training_text_that_is_not_here_costs_one_table(runs: Path) -> None:
    (runs.parent / "corpus").rename(runs.parent / "elsewhere")
    found = compare_runs([runs])
    assert found.frequencies is None and found.lengths is not None
    assert found.notes == [
        "Nothing by word frequency: the training text cannot be read here. A corpus is a folder, a file pattern or a "
        "data set of the hub. Received: path='corpus', which is not there. Check the spelling, or where you are."
    ]


def test_runs_without_their_texts_are_compared_by_their_scores_and_it_is_said_what_is_missing(runs: Path) -> None:
    for name in ("source", "reference"):
        (runs / "b-1" / f"test.{name}.txt").unlink()
    found = compare_runs([runs])
    whole = [variant.metrics["exact_match"] for variant in found.variants]
    assert [result.difference for result in whole] == [None] * 3 and whole[0].spread > 0
    (note,) = found.notes
    folder = runs / "b-1"
    assert f"texts are missing: test.source.txt, test.reference.txt in {folder}." in note
    assert note.endswith(f"seq2seq train {folder}/recipe.toml --out {folder} --resume")
    assert note in found.report()


def test_what_has_no_test_text_is_compared_on_validation(runs: Path) -> None:
    folder = runs / "a-0"
    result = json.loads((folder / "result.json").read_text())
    del result["metrics"]["test"]
    (folder / "result.json").write_text(json.dumps(result))
    found = compare_runs([runs])
    assert found.part == "validation"
    assert found.notes[0].startswith(f"Scored on validation, because {folder} has no test text.")


def test_everything_is_written(runs: Path, tmp_path: Path) -> None:
    found = compare_runs([runs])
    paths = {path.name: path.read_text() for path in found.write(tmp_path / "deep" / "report")}
    assert "| dropout=0.3 | 3 |" in paths["report.md"] and "no difference detected" in paths["report.md"]
    table = json.loads(paths["comparison.json"])
    assert table["variants"][1]["metrics"]["chrf"]["difference"]["p"] == pytest.approx(
        found.variants[1].metrics["chrf"].difference.p
    )
    rows = list(csv.DictReader(paths["comparison.csv"].splitlines()))
    assert [(row["variant"], row["metric"]) for row in rows[:2]] == [
        ("dropout=0.2", "exact_match"), ("dropout=0.2", "chrf")
    ]  # fmt: skip
    assert float(rows[2]["high"]) == found.variants[1].metrics["exact_match"].difference.high
    assert rows[0]["difference"] == ""


def test_tensorflow_is_not_loaded(runs: Path) -> None:
    code = (
        "import sys; from seq2seq.commands.command import main; status = main(['compare', 'runs'])\n"
        "print(status, [name for name in ('tensorflow', 'keras', 'datasets') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=runs.parent, capture_output=True, text=True, check=False)
    assert (shown.stdout.splitlines()[-1:], shown.stderr) == (["0 []"], "")


def test_lines_of_one_source_are_one_sentence_where_the_recipe_says_so(tmp_path: Path) -> None:
    recipe = RECIPE.override(
        ["evaluation.several_references=true", "evaluation.metrics=exact_match,phoneme_error_rate"]
    )
    sources, references = ["read", "tomato", "read", "cats"], ["R IY D", "T AH M", "R EH D", "K AE T S"]
    said = ["R EH D", "T AH", "R EH D", "K AE T S"]
    folders = [
        finished_folder(tmp_path / "1", recipe=recipe, sources=sources, references=references, translations=said),
        finished_folder(tmp_path / "2", "model.dropout=0.1", recipe=recipe, sources=sources, references=references),
    ]
    found = compare_runs(folders)
    assert found.sentences == 3
    stored = json.loads((folders[0] / "result.json").read_text())
    for name, value in stored["metrics"]["test"].items():
        assert found.variants[0].metrics[name].mean == pytest.approx(value)
        assert found.signatures[name] == stored["signatures"][name]
    assert sum(found.lengths.sizes) == 3


def test_words_are_compared_in_lower_case_where_the_metrics_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_corpus(tmp_path)
    said = [text.lower() for text in REFERENCES]
    folder = finished_folder(tmp_path / "1", "evaluation.lowercase=true", translations=said)
    found = compare_runs([folder])
    assert found.frequencies.names == ["10–99"] and found.variants[0].by_frequency == [100]


def test_a_word_is_right_as_often_as_the_reference_has_it() -> None:
    # Two of four words are right, of two that are wanted.
    assert ByFrequency(Counter(), ["a b"], str.split).scores(["a a a b"]) == pytest.approx([100 * 2 * 2 / (4 + 2)])


def test_the_runs_of_a_variant_are_in_the_order_of_their_seeds(tmp_path: Path) -> None:
    folders = [finished_folder(tmp_path / str(seed), seed=seed) for seed in (10, 2)]
    assert compare_runs(folders).variants[0].seeds == [2, 10]


def test_a_score_that_is_no_number_is_null_in_json(tmp_path: Path) -> None:
    folder = finished_folder(tmp_path / "1", recipe=RECIPE.override(["evaluation.metrics=word_error_rate"]))
    (folder / "test.reference.txt").write_text("\n" * len(REFERENCES))
    compare_runs([folder]).write(tmp_path / "out")
    table = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert table["variants"][0]["metrics"]["word_error_rate"]["scores"] == [None]


@pytest.mark.parametrize("p", [0.03, 0.3])
def test_an_interval_that_leaves_0_out_by_chance_is_explained(p: float) -> None:
    difference = Difference(1.0, 0.1, 1.9, p, 2 * p, 2.0, True)
    variants = [
        VariantResult(name, {}, [0, 1], [], {"bleu": MetricResult([1.0, 2.0], 1.5, 0.7, found)}, None, 1.0, None)
        for name, found in (("a", None), ("b", difference))
    ]
    report = Comparison("test", 40, {"bleu": ""}, "", variants, None, None, [], []).report()
    assert "b and a: no difference detected" in report and ("Its interval leaves 0 out" in report) == (p < 0.05)


class TestRefusals:
    def test_a_seed_that_is_there_twice(self, tmp_path: Path) -> None:
        folders = [finished_folder(tmp_path / name) for name in ("1", "2")]
        with pytest.raises(ValueError, match=rf"{folders[0]} and {folders[1]}, both with seed=0\. Leave one out"):
            compare_runs(folders)

    def test_other_sentences(self, tmp_path: Path) -> None:
        one = finished_folder(tmp_path / "1")
        other = finished_folder(tmp_path / "2", seed=1, references=[*REFERENCES[:-1], "another"])
        with pytest.raises(ValueError, match="whose test references differ from line 40 on"):
            compare_runs([one, other])

    def test_texts_that_are_not_line_by_line(self, tmp_path: Path) -> None:
        one = finished_folder(tmp_path / "1")
        (one / "test.translations.txt").write_text("one line\n")
        with pytest.raises(ValueError, match=r"test\.translations\.txt with 1 lines\. To measure the run again"):
            compare_runs([one])

    def test_another_measure(self, tmp_path: Path) -> None:
        one = finished_folder(tmp_path / "1")
        other = finished_folder(tmp_path / "2", "evaluation.lowercase=true")
        with pytest.raises(
            ValueError, match=r"evaluation\.lowercase=false in .*, true in .*--set evaluation\.lowercase=false"
        ):
            compare_runs([one, other])
        for folder in (one, other):
            (folder / "test.source.txt").unlink()
        with pytest.raises(ValueError, match="Only numbers of equal signatures may be compared"):
            compare_runs([one, other])

    def test_no_metric_in_common(self, tmp_path: Path) -> None:
        one = finished_folder(tmp_path / "1")
        other = finished_folder(tmp_path / "2", "evaluation.metrics=bleu")
        with pytest.raises(ValueError, match=r"by a metric that all have.*1 with exact_match, chrf; .*2 with bleu"):
            compare_runs([one, other])

    def test_what_is_no_finished_run(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="There is no finished run in the folder"):
            compare_runs([tmp_path])
        stopped = finished_folder(tmp_path / "1")
        (stopped / "result.json").unlink()
        with pytest.raises(ValueError, match=rf"has no result yet.*seq2seq train {stopped}/recipe.toml .* --resume"):
            compare_runs([stopped])


def test_a_metric_by_which_lower_is_better_is_judged_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = RECIPE.override(["evaluation.metrics=word_error_rate"])
    folders = []
    for seed in range(2):
        poor, good = tmp_path / f"poor-{seed}", tmp_path / f"good-{seed}"
        folders += [
            finished_folder(poor, recipe=recipe, seed=seed, translations=spoilt(0.5, seed)),
            finished_folder(good, "model.dropout=0.1", recipe=recipe, seed=seed, translations=REFERENCES),
        ]
    report = compare_runs(folders).report()
    assert "word_error_rate (lower is better)" in report
    assert next(line for line in report.splitlines() if line.startswith("dropout=0.1")).endswith("better")
