"""What README, docs and recipes tell of results is what the files in docs/results say."""

import importlib
import json
import re
import tomllib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev

import pytest

from seq2seq.analysis.comparison import compare_runs
from seq2seq.analysis.comparison.files import write as write_comparison
from seq2seq.analysis.diagnosis import GateSigns, LayerSigns
from seq2seq.metrics.scores import METRICS
from tests.analysis.comparison.fabricated import finished_folder, spoilt
from tests.letters import finished, here  # noqa: F401

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "docs" / "results").glob("*.json"))
each_file = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
# What is told of another machine, model or time than the results; the page says which.
ELSEWHERE = {"docs/explanation/decoding.md": {"40.48"}}


@pytest.fixture
def results_table(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("results_table")


def test_pages_and_headers_tell_what_the_files_say(results_table):
    rows = results_table.rows.read()
    stale = [path.name for path in results_table.pages() if results_table.told(path, rows) != path.read_text("utf-8")]
    drawn = results_table.pictures().items()
    stale += [path.name for path, text in drawn if not path.exists() or path.read_text("utf-8") != text]
    assert not stale, "run: python docs/results_table.py"


def test_no_score_stands_in_a_page_that_is_not_in_a_file(results_table):
    rows = results_table.rows.read().values()
    known = set(re.findall(r"\d+\.\d+", " ".join(f"{row.ours()} {row.theirs()}" for row in rows)))
    known |= set(re.findall(r"\d+\.\d+", results_table.results.by_run(rows)))
    for path in (ROOT / "docs" / "results" / results_table.comparisons.KIND).glob("*.json"):
        for metric in json.loads(path.read_text("utf-8"))["signatures"]:
            known |= set(re.findall(r"\d+\.\d+", results_table.comparisons.differences(path.stem, metric)))
    score = re.compile(rf"\b(?:{'|'.join(results_table.files.LABELS.values())})(?: of)? (\d+\.\d+)")
    for path in results_table.pages():
        prose = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        allowed = known | ELSEWHERE.get(path.relative_to(ROOT).as_posix(), set())
        assert set(score.findall(prose)) <= allowed, path


def test_every_comparison_is_of_a_study_that_can_be_trained_again(results_table):
    studies = results_table.studies
    carried = {path.stem: path for path in (ROOT / "docs" / "results" / results_table.comparisons.KIND).glob("*.json")}
    assert set(carried) <= set(studies.NAMES)
    for name in studies.NAMES:
        options = dict(pairwise(studies.command(name)))
        variants = tomllib.loads((ROOT / options["--variants"]).read_text("utf-8"))
        assert len(variants) > 1, name
        if name in carried:
            # Some may be refused: zeros without attention would tell the decoder nothing.
            told = json.loads(carried[name].read_text("utf-8"))["variants"]
            assert {each["name"] for each in told} <= set(variants), name


def test_every_row_is_told_and_every_recipe_has_one(results_table):
    rows = results_table.rows.read()
    page = (ROOT / "docs" / "explanation" / "results.md").read_text("utf-8")
    told = set(re.search(r"<!-- results: (.*?) -->", page)[1].split())
    each_run = {name for names in re.findall(r"<!-- runs: (.*?) -->", page) for name in names.split()}
    assert told == set(rows)
    assert each_run == {name for name, row in rows.items() if not row.mean_of}
    assert {row.recipe for row in rows.values()} == {f"recipes/{path.name}" for path in (ROOT / "recipes").glob("*.py")}


@each_file
def test_a_file_holds_what_a_row_needs(path, results_table):
    table = json.loads(path.read_text("utf-8"))
    assert set(table) <= {"title", "recipe", "command", "metrics", "published", "mean_of", "runs"}
    assert set(table["metrics"]) <= set(results_table.files.LABELS) <= set(METRICS)
    for system in table["published"]:
        assert system["system"] and set(system) - {"system"} <= set(table["metrics"])
    seeds = [run["seed"] for run in table.get("runs", ())]
    assert seeds == sorted(set(seeds))
    for run in table.get("runs", ()):
        assert set(table["metrics"]) <= set(run["metrics"]["test"]) <= set(run["signatures"])
        # A row is runs of one recipe but for the seed, and its settings are those of its command.
        assert set(run["changed_settings"]) == set(table["runs"][0]["changed_settings"])
        assert re.fullmatch(r"[0-9a-f]{7,40}", run["commit"])
    assert not re.search(r"/(?:work|home|root|tmp)/", path.read_text("utf-8"))


def test_mean_and_spread_are_those_of_the_seeds(results_table):
    values = [40.25, 41.0, 41.5]
    runs = tuple(a_run(seed, bleu=value) for seed, value in enumerate(values))
    row = results_table.rows.Row("name", "A task", "recipes/a.py", "python recipes/a.py", ("bleu",), runs=runs)
    assert row.ours() == f"BLEU {fmean(values):.2f} ± {stdev(values):.2f} (3 seeds)"
    assert row.minutes() == "2"  # 4 epochs of 30 seconds
    assert "| A task | 2 | 39.50 | 41.50 | 3 of 4 | 1,000 | 5.0 | 0123abc |" in results_table.results.by_run([row])


def test_a_mean_row_is_the_mean_of_each_seed_that_all_have(results_table, tmp_path, monkeypatch):
    table = {"title": "One", "recipe": "recipes/a.py", "command": "python recipes/a.py", "metrics": ["bleu"]}
    write(tmp_path / "first.json", {**table, "runs": [a_run(0, bleu=10.0), a_run(1, bleu=20.0)]})
    write(tmp_path / "second.json", {**table, "runs": [a_run(1, bleu=40.0)]})
    write(tmp_path / "both.json", {**table, "title": "Both", "mean_of": ["first", "second"]})
    monkeypatch.setattr(results_table.files, "RESULTS", tmp_path)
    both = results_table.rows.read()["both"]
    assert both.values("bleu") == [30.0] and both.minutes() == "4"


def test_the_hours_are_those_of_all_runs(results_table, tmp_path, monkeypatch):
    monkeypatch.setattr(results_table.files, "RESULTS", tmp_path)
    table = {"title": "One", "recipe": "recipes/a.py", "command": "python recipes/a.py", "metrics": ["bleu"]}
    runs = [{**a_run(seed, bleu=10.0), "minutes": 30.0, "epochs": 60} for seed in range(3)]
    write(tmp_path / "one.json", {**table, "runs": runs})
    write(tmp_path / "mean.json", {**table, "mean_of": ["one"]})
    (tmp_path / "comparisons").mkdir()
    variants = [{"seeds": [0, 1], "minutes": 90.0}, {"seeds": [0], "minutes": 60.0}]
    write(tmp_path / "comparisons" / "two.json", {"variants": variants})
    assert results_table.hours.told() == (
        "The 3 runs of these tables took 1.5 hours as they ran, 1.5 had all their epochs been as quick as their "
        "quickest. The 3 runs that comparisons were made of took 4.0 hours, each on one core or two."
    )


def test_a_page_that_asks_for_an_unknown_row_is_refused(results_table, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- results: nowhere -->\n<!-- end -->\n")
    with pytest.raises(ValueError, match=r"made of the files in docs/results\. Received: nowhere in page\.md"):
        results_table.told(page, results_table.rows.read())


def test_a_header_keeps_an_option_with_its_value(results_table):
    command = "python recipes/a.py --seed 1 " + " ".join(f"--set model.encoder.units={number}" for number in range(9))
    row = results_table.rows.Row("name", "A task", "recipes/a.py", command, ("bleu",), runs=(a_run(0, bleu=10.0),))
    header = results_table.results.header([row])
    assert header.startswith(
        "\nCost     in minutes, on 2 cores (Intel Xeon): 2\nResult   BLEU 10.00 (1 seed); by --set "
    )
    assert header.count("--set model.encoder.units=") == 9 and max(map(len, header.splitlines())) <= 120


@pytest.mark.slow
def test_a_run_is_carried_without_what_names_the_machine(results_table, here, tmp_path, monkeypatch):  # noqa: F811
    result = json.loads((here / "result.json").read_text("utf-8"))
    command = (
        f"python {tmp_path}/recipes/a.py --data {tmp_path} --set model.dropout=0.1 --out={tmp_path} --resume-if-begun"
    )
    write(here / "result.json", {**result, "command": command, "changed_settings": {"model.dropout": 0.1}})
    monkeypatch.setattr(results_table.files, "RESULTS", tmp_path)
    table = {"title": "One", "recipe": "recipes/a.py", "command": "python recipes/a.py", "metrics": ["exact_match"]}
    write(tmp_path / "one.json", table)
    for commit in ("0123abc", "4567def"):  # the second in the place of the first, which is of the same seed
        results_table.rows.add("one", commit, here)
    (run,) = json.loads((tmp_path / "one.json").read_text("utf-8"))["runs"]
    assert (run["metrics"], run["commit"]) == (result["metrics"], "4567def")
    assert (run["command"], run["changed_settings"]) == (
        "python recipes/a.py --set model.dropout=0.1",
        {"model.dropout": 0.1},
    )
    assert str(tmp_path) not in json.dumps(run) and "system" not in run["versions"]
    assert len(run["curve"]["val_loss"]) == run["epochs"] == 1


def test_a_run_that_is_not_finished_is_refused(results_table, tmp_path):
    with pytest.raises(ValueError, match=r"A result is of a finished run\. Received: "):
        results_table.rows.shortened(tmp_path, "0123abc")


def test_a_comparison_is_carried_and_told(results_table, tmp_path, monkeypatch):
    monkeypatch.setattr(results_table.files, "RESULTS", tmp_path)
    plain = [finished_folder(tmp_path / f"runs/plain-{seed}", seed=seed) for seed in range(3)]
    worse = [
        finished_folder(
            tmp_path / f"runs/worse-{seed}", "model.dropout=0.5", seed=seed, translations=spoilt(0.9, 100 + seed)
        )
        for seed in range(3)
    ]
    comparison = compare_runs([*plain, *worse])
    write_comparison(comparison, tmp_path / "study")
    results_table.comparisons.carry("dropout", "0123abc", tmp_path / "study")
    text = (tmp_path / "comparisons" / "dropout.json").read_text("utf-8")
    assert str(tmp_path) not in text
    found = comparison.variants[1].metrics["exact_match"]
    head, _, *rows = results_table.comparisons.differences("dropout", "exact_match").splitlines()
    assert "exact match" in head
    assert f"| {found.mean:.2f} ± {found.spread:.2f} | {found.difference.value:+.2f} |" in rows[1]
    assert rows[1].endswith("| worse |")
    by_length = results_table.comparisons.by_length("dropout", "exact_match").splitlines()
    assert len(by_length) == 4 and by_length[0].startswith("| exact match by ") and by_length[2].startswith(rows[0][:9])
    costs = results_table.comparisons.costs("dropout").splitlines()
    assert costs[2] == "| dropout=0.2 | 1,234 | 150 | 1.00 × |"
    picture = results_table.comparisons.picture("dropout", "exact_match")
    assert picture.count("<circle") == 6 and "prefers-color-scheme: dark" in picture and "body" not in picture
    with pytest.raises(ValueError, match=r"tells the metrics of its runs\. Received: dropout bleu\. There is: exact_"):
        results_table.comparisons.differences("dropout", "bleu")
    with pytest.raises(ValueError, match=r"carried before it is told\. Received: nothing\."):
        results_table.comparisons.differences("nothing", "bleu")


def test_probes_are_carried_and_told(results_table, tmp_path, monkeypatch):
    monkeypatch.setattr(results_table.files, "RESULTS", tmp_path)
    lost = {"value": 3.0, "low": 2.0, "high": 4.0}
    linear = {"where": "layer 0", "low": 80, "high": 95, "shuffled": -1.4, "constant": 0.0}
    found = {
        "metric": "bleu",
        "signature": "version:1",
        "score": 40.0,
        "search": "greedy",
        "sentences": 40,
        "lengths": {"what": "words in the source", "names": ["3–5", "9"], "sizes": [39, 1]},
        "states": [{"where": "layer 0", "how": "zeros", "score": 37.0, "lost": lost, "by_length": [lost, None]}],
        "linear": [{**linear, "what": "length", "score": 90.4}, {**linear, "what": "first word", "score": 70.0}],
        "positions": [
            {"place": place, "sentences": number, "forced": 61.0, "free": 30.0} for place, number in ((1, 40), (2, 1))
        ],
    }
    write(tmp_path / "found.json", found)
    results_table.files.carry("probes", "model", "0123abc", tmp_path / "found.json")
    assert json.loads((tmp_path / "probes" / "model.json").read_text("utf-8")) == {"commit": "0123abc", **found}
    assert results_table.probes.table("model", "states").splitlines() == [
        "| state | altered | BLEU | lost | 3–5 | 9 |",
        "| --- | --- | --- | --- | --- | --- |",
        "| layer 0 | zeros | 37.00 | 3.00 ± 1.00 | 3.00 ± 1.00 | – |",
        "",
        "As it is: 40.00 BLEU on 40 sentences with greedy, `version:1`, commit 0123abc.",
    ]
    assert results_table.probes.table("model", "linear").splitlines()[2:] == [
        "| layer 0 | 90 [80 … 95] | 70 [80 … 95] |",
        "| layer 0, shuffled labels | -1 | -1 |",
        "| always the same | 0 | 0 |",
    ]
    assert results_table.probes.table("model", "positions").splitlines()[2:] == ["| 1 | 40 | 61.0 % | 30.0 % |"]
    with pytest.raises(ValueError, match=r"Probes are told by .* Received: model other\."):
        results_table.probes.table("model", "other")


def test_what_options_of_decoding_are_worth_is_carried_and_told(results_table, tmp_path, monkeypatch):
    monkeypatch.setattr(results_table.files, "RESULTS", tmp_path)
    assert results_table.decoding.table("model", "options") == "Not measured yet."
    plain = {
        "what": "`Beam(5)`",
        "bleu": 40.0,
        "chrf": 60.0,
        "difference": None,
        "p": None,
        "seconds": 1.0,
        "cost": 1.0,
    }
    found = {
        "signature": "version:1",
        "sentences": 1000,
        "runs": 3,
        "timed": 200,
        "rounds": 3,
        "machine": {"processor": "Intel(R) Xeon(R) Processor", "cores": 2},
        "options": [plain, {**plain, "what": "`Greedy()`", "bleu": 38.5, "difference": -1.5, "p": 0.001, "cost": None}],
        "terms": {"terms": 1500, "beam": 80.0, "given": 99.5},
        "surest": [{"share": 100, "sentences": 1000, "least": -1.5, "expected": 60.1, "bleu": 40.0, "chrf": 60.0}],
    }
    write(tmp_path / "found.json", found)
    results_table.files.carry("decoding", "model", "0123abc", tmp_path / "found.json")
    assert json.loads((tmp_path / "decoding" / "model.json").read_text("utf-8")) == {"commit": "0123abc", **found}
    assert results_table.decoding.table("model", "options").splitlines() == [
        "| option | BLEU | difference | p | chrF | time |",
        "| --- | --- | --- | --- | --- | --- |",
        "| `Beam(5)` | 40.00 |  |  | 60.00 | 1.00 × |",
        "| `Greedy()` | 38.50 | -1.50 | 0.001 | 60.00 | – |",
        "",
        "On 1,000 sentences, `version:1`; times of 200 sentences, the quickest of 3, by that of the first line, "
        "on 2 cores (Intel Xeon); commit 0123abc.",
    ]
    assert results_table.decoding.table("model", "terms").splitlines()[2:] == [
        "| without | 80.0 % of 1,500 |",
        "| given as terms | 99.5 % |",
    ]
    assert results_table.decoding.table("model", "surest").splitlines()[2:] == [
        "| 100 % | 1,000 | -1.50 | 60.10 | 60.00 | 40.00 |"
    ]
    with pytest.raises(ValueError, match=r"is options, terms, surest\. Received: model other\."):
        results_table.decoding.table("model", "other")


def test_models_on_one_test_set_are_carried_and_told(results_table, tmp_path, monkeypatch):
    monkeypatch.setattr(results_table.files, "RESULTS", tmp_path)
    first = {"value": 40.0, "mean": 40.1, "reach": 1.25, "difference": None, "p": None}
    other = {"value": 38.5, "mean": 38.4, "reach": 1.5, "difference": -1.5, "p": 0.021}
    found = {
        "sentences": 1000,
        "models": [{"model": "runs/one"}, {"model": "runs/two"}],
        "compared": {"bleu": {"signature": "version:1", "systems": [first, other]}},
    }
    write(tmp_path / "found.json", found)
    assert results_table.evaluations.table("pair", "bleu") == "Not measured yet."
    results_table.files.carry("evaluations", "pair", "0123abc", tmp_path / "found.json")
    assert results_table.evaluations.table("pair", "bleu").splitlines() == [
        "| model | BLEU, 1,000 sentences | difference | p |",
        "| --- | --- | --- | --- |",
        "| `runs/one` | 40.00 ± 1.25 |  |  |",
        "| `runs/two` | 38.50 ± 1.50 | -1.50 | 0.021 |",
        "",
        "`version:1`, commit 0123abc.",
    ]
    with pytest.raises(ValueError, match=r"Received: pair ter\. There is: bleu\."):
        results_table.evaluations.table("pair", "ter")


def test_how_long_layers_remember_is_carried_and_told(results_table, tmp_path, monkeypatch):
    monkeypatch.setattr(results_table.files, "RESULTS", tmp_path)
    seeds = [
        {
            "name": "mine",
            "seed": seed,
            "layers": ["encoder layer 0", "decoder layer 0"],
            "before": [[2.1, 2.2, 2.3]] * 2,
            "after": [[1.0, 2.0 + seed, 4.0], [0.5, 6.0, 20.0]],
        }
        for seed in (0, 1)
    ]
    found = {"machine": {"processor": "Intel(R) Xeon(R) Processor", "cores": 2}, "models": seeds}
    write(tmp_path / "found.json", found)
    results_table.files.carry("timescales", "stacks", "0123abc", tmp_path / "found.json")
    assert results_table.timescales.table("stacks").splitlines()[2:] == [
        "| mine | 2 | encoder layer 0 | 2.2 | 1.0 | 2.5 | 4.0 |",
        "| mine | 2 | decoder layer 0 | 2.2 | 0.5 | 6.0 | 20.0 |",
        "",
        "Steps until half is forgotten; 2 cores (Intel Xeon), commit 0123abc.",
    ]
    assert results_table.timescales.picture("stacks").count("<circle") == 2
    with pytest.raises(ValueError, match=r"carried before it is told\. Received: nothing\."):
        results_table.timescales.table("nothing")


def test_a_timescale_is_of_a_gate_that_remembers(results_table):
    measure = importlib.import_module("measure_timescales")
    gate, other = GateSigns(0.0, 0.0, (1.0, 2.0, 3.0)), GateSigns(0.0, 0.0)
    layer = LayerSigns("encoder", 0, 8, 0.1, 0.0, 0.0, 2.0, None, {"input": other, "forget": gate})
    assert measure.half_lives([layer]) == [[1.0, 2.0, 3.0]]
    with pytest.raises(ValueError, match=r"Received: encoder layer 0, which has none\."):
        measure.half_lives([replace(layer, gates={"input": other})])


def test_the_nouns_of_references_are_the_terms_of_each_sentence(results_table):
    measure = importlib.import_module("measure_decoding")
    german = ["ein Hund rennt", "ein Haus steht", "der Hund schläft", "das Haus brennt"] * 3
    english = ["a dog runs", "a house stands", "the dog sleeps", "the house burns"] * 3
    sources, references = ["Hund und Haus", "das Haus", "der Hund"], ["hound and house", "the house", "the dog"]
    asked = measure.asked_terms(german, english, sources, references)
    assert asked == [{"Hund": None, "Haus": "house"}, {"Haus": "house"}, {"Hund": "dog"}]
    told = []

    class Writes:
        def translate(self, texts, search, *, terms):
            told.append((texts, terms))
            return [f"{' '.join(sorted(terms.values()))}s" for _ in texts]

    said = measure.with_terms(Writes(), sources, asked)
    # What is no term in one sentence is none in those beside it.
    assert told == [([sources[0], sources[1]], {"Haus": "house"}), ([sources[2]], {"Hund": "dog"})]
    assert said == ["houses", "houses", "dogs"] and measure.placed(asked, said) == 0
    assert measure.placed(asked, ["a house", "", "the dog"]) == pytest.approx(66.7)


def a_run(seed, **scores):
    return {
        "seed": seed,
        "commit": "0123abc",
        "metrics": {"validation": {name: value - 2 for name, value in scores.items()}, "test": scores},
        "signatures": dict.fromkeys(scores, "version:1"),
        "parameters": 1000,
        "epochs": 4,
        "best_epoch": 3.0,
        "minutes": 5.0,
        "fastest_epoch_seconds": 30.0,
        "machine": {"processor": "Intel(R) Xeon(R) Processor", "cores": 2},
    }


def write(path, table):
    path.write_text(json.dumps(table), encoding="utf-8")
