import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seq2seq.analysis.comparison import Refused, SearchResult, SettingsSearch, Study, StudyResult, Trial, plan_named
from seq2seq.commands.command import main
from seq2seq.runs import read_run
from tests.letters import RECIPE


def test_a_finished_run_is_compared(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "runs", "--out", "report"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("1 variant, 1 run, scored on 3 test sentences.")
    cost = out[out.index("Cost") :].splitlines()[4].split()
    assert cost[0] == "letters" and int(cost[1].replace(",", "")) > 100
    assert err == "Written: report/comparison.json, report/comparison.csv, report/report.md, report/report.html\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent", "."], "There is no such recipe or folder of runs. Received: absent. Give one recipe, or folders"),
        ([".", "--vary", "seed=1,2", "--jobs", "2"], "for a recipe, not for finished runs. Received: --vary --jobs."),
        (["a.toml", "."], "or of folders of finished runs. Received: a.toml .. Give one recipe, or folders alone."),
        ([".", "--out", "a.toml"], "A comparison needs a folder of its own. Received: a.toml, which is a file."),
        (["a.toml"], "The runs need a place. Name a folder with --out."),
        (["a.toml", "--out", "o", "--vary", "model.dropout"], "Received: model.dropout."),
        (["a.toml", "--out", "o", "--variants", "absent"], "There is no such list of variants. Received: absent."),
        (["a.toml", "--out", "o", "--variants", "b", "--vary", "seed=1"], "Received: --vary and --variants."),
        (["a.toml", "--out", "o", "--trials", "2"], "This option is for a search, with --search. Received: --trials."),
        (["a.toml", "--out", "o", "--search", "tpe"], "A search needs settings to draw."),
        (["a.toml", "--out", "o", "--search", "tpe", "--shard", "1/2", "--seeds", "2"], "Received: --seeds --shard."),
        (["a.toml", "--out", "o", "--vary", "model.dropuot=1,2"], "Every variant is refused; see above."),
    ],
)
def test_bad_usage_ends_with_status_2(arguments, message, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").write_text(RECIPE.to_toml())
    assert main(["compare", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.toml"]


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b"])
def test_a_share_is_one_of_so_many(shard, capsys) -> None:
    with pytest.raises(SystemExit):
        main(["compare", "a.toml", "--shard", shard])
    assert f"needs a share and the number of shares, as in 2/3. Received: {shard}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("result", "status", "message"),
    [
        (StudyResult(None, [], [], 3, "SIGTERM"), 143, "The same command once more goes on from here."),
        (
            StudyResult(None, [], [Refused("a, seed 0", "No text.")], 1, None),
            1,
            "1 of the trainings failed: a, seed 0: No",
        ),
        (StudyResult(None, [Refused("a", "No.")], [], 0, None), 2, "Every variant is refused"),
        (StudyResult(None, [Refused("a", "No.")], [], 2, None), 0, "Nothing to compare yet: 2 runs are not finished"),
    ],
)
def test_the_exit_status_says_how_a_study_ended(result, status, message, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(Study, "run", lambda self, **_: result)
    (tmp_path / "a.toml").write_text(RECIPE.to_toml())
    try:
        found = main(["compare", str(tmp_path / "a.toml"), "--out", str(tmp_path / "out")])
    except SystemExit as stop:
        found = stop.code
    assert found == status and message in capsys.readouterr().err


def test_a_search_ends_with_the_command_that_compares_its_best(tmp_path, monkeypatch, capsys) -> None:
    found = SearchResult("bleu", [Trial(1, {"model.dropout": 0.31}, "finished", 40.0)], None, tmp_path / "best.toml")
    monkeypatch.setattr(SettingsSearch, "__init__", lambda self, *_, **__: None)
    monkeypatch.setattr(SettingsSearch, "run", lambda self, *_, **__: found)
    (tmp_path / "a.toml").write_text(RECIPE.to_toml())
    arguments = ["--search", "random", "--vary", "model.dropout=0..1", "--out", "out", "--set", "training.epochs=2"]
    assert main(["compare", str(tmp_path / "a.toml"), *arguments]) == 0
    out, err = capsys.readouterr()
    assert "1  dropout=0.31" in out and "40.00  finished" in out
    assert err == (
        f"To compare the best with the recipe: seq2seq compare {tmp_path}/a.toml --variants {tmp_path}/best.toml "
        "--seeds 3 --set training.epochs=2 --out out-best\n"
    )


@pytest.mark.slow
def test_variants_are_trained_in_processes_stopped_and_taken_up_again(here: Path) -> None:
    Path("letters.toml").write_text(RECIPE.to_toml())
    command = [
        sys.executable,
        "-m",
        "seq2seq",
        "compare",
        "letters.toml",
        "--vary",
        "model.dropout=0.2,0.3",
        "--out",
        "out",
    ]
    command += ["--seeds", "1", "--set", "training.epochs=15"]
    log = Path("out/dropout=0.2-seed-0/log.jsonl")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not (log.exists() and '"epoch"' in log.read_text()):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()
    assert process.returncode == 130 and "SIGINT: stopping after this step" in told
    assert read_run("out/dropout=0.2-seed-0").result is None
    assert not Path("out/dropout=0.3-seed-0").exists()
    done = subprocess.run([*command, "--jobs", "2"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Going on with dropout=0.2, seed 0" in done.stderr
    assert done.stdout.startswith("2 variants, 2 runs")
    assert '"resume"' in log.read_text()
    assert Path("out/report.md").exists()


@pytest.mark.slow
def test_a_search_trains_its_trials_stops_and_goes_on(here: Path) -> None:
    Path("letters.toml").write_text(RECIPE.to_toml())
    command = [sys.executable, "-m", "seq2seq", "compare", "letters.toml", "--search", "tpe", "--out", "out"]
    command += ["--vary", "model.dropout=0..0.5", "--set", "training.epochs=15"]
    log = Path("out/trial-2/log.jsonl")
    with subprocess.Popen([*command, "--trials", "2"], stderr=subprocess.PIPE, text=True) as process:
        while not (log.exists() and '"epoch"' in log.read_text()):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert process.returncode == 143
    states = [json.loads(path.read_text())["state"] for path in sorted(Path("out").glob("trial-*.json"))]
    assert states == ["finished", "running"]
    other = subprocess.run([*command, "--set", "training.ema=0.5"], capture_output=True, text=True, check=False)
    assert other.returncode == 2 and "another training.ema than out/search.json says" in other.stderr
    done = subprocess.run([*command, "--trials", "2"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"resume"' in log.read_text() and len(done.stdout.splitlines()) > 4
    best = plan_named(RECIPE, Path("out/best.toml")).variants
    assert best[0].name == "recipe" and len(best) == 3
