import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq.analysis.verify import compare, read_parts, verify_resume
from seq2seq.commands.command import main
from seq2seq.recipe import (
    BatchSettings,
    Data,
    DecoderSettings,
    EncoderSettings,
    EvaluationSettings,
    ModelSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)

RECIPE = Recipe(
    name="letters",
    data=Data("corpus", "lower", "upper", hold_out=4, validation=""),
    tokenizer=TokenizerSettings(kind="char", vocab_size=24),
    batches=BatchSettings(size=2),
    model=ModelSettings(embedding=4, encoder=EncoderSettings((4,)), decoder=DecoderSettings((8,))),
    training=TrainingSettings(epochs=1, ema=0.9, tensorboard=True, schedule="cosine", warmup_steps=3),
    evaluation=EvaluationSettings(metrics=("exact_match", "chrf")),
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("letters") / "corpus"
    folder.mkdir()
    words = [f"{first}{second}" for first in "abcd" for second in "efgh"]
    for language, text in (("lower", words), ("upper", map(str.upper, words))):
        (folder / f"train.{language}").write_text("".join(f"{word}\n" for word in text))
    return folder


@pytest.fixture(scope="module")
def verified(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path]:
    """Status and folder of the command; four steps make an epoch, so the checkpoint of step 6 lies in its middle."""
    out = tmp_path_factory.mktemp("verified")
    recipe = out / "letters.toml"
    # Streamed, and the test part set aside from the training part as well.
    recipe.write_text(replace(RECIPE, data=replace(RECIPE.data, test="", streaming=True)).to_toml())
    options = ["--steps", "9", "--kill-at", "7", "--data", str(corpus), "--out", str(out / "runs"), "--seed", "3"]
    status = main(["verify-resume", str(recipe), *options])
    return status, out / "runs"


@pytest.mark.slow
def test_a_killed_and_resumed_run_equals_the_straight_one(verified: tuple[int, Path]) -> None:
    status, folder = verified
    assert status == 0
    found = sorted(path.name for path in folder.iterdir())
    assert found == [".tokenised", "killed-7", "recipe.toml", "straight"]
    log = [json.loads(line) for line in (folder / "killed-7" / "log.jsonl").read_text().splitlines()]
    (resumed,) = (event for event in log if event["event"] == "resume")
    assert (resumed["update"], resumed["epoch"], resumed["step"]) == (6, 1, 2)
    assert not (folder / "killed-7" / "lock").exists()
    parts = {part.name: len(part.items) for part in read_parts(folder / "straight")}
    assert list(parts) == [
        "weights",
        "random generators",
        "optimizer",
        "averages of the weights",
        "metrics of the epoch",
        "counters",
        "best weights",
        "log",
        "TensorBoard",
    ]
    assert all(parts.values()) and parts["averages of the weights"] == parts["weights"]


@pytest.mark.slow
def test_any_difference_is_seen_and_named(verified: tuple[int, Path], tmp_path: Path) -> None:
    _, folder = verified
    found = need_differences(folder / "straight", tmp_path / "other", "TensorBoard")
    assert found["counters"] == ["best_score.waited"]


def test_any_difference_between_two_runs_is_seen(here: Path) -> None:
    need_differences(here, here.parent / "other")


def need_differences(straight: Path, other: Path, *more: str) -> dict[str, list[str]]:
    """Spoil a copy of a run and see that just that is told."""
    shutil.copytree(straight, other)
    parts = read_parts(straight)
    assert not any(part.different for part in compare(parts, read_parts(other)))

    (newest,) = sorted((other / "last").glob("*.ckpt"))[-1:]
    with zipfile.ZipFile(newest) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["optimizer/00000.npy"] = members["optimizer/00000.npy"][:-1] + b"?"
    document = json.loads(members["state.json"])
    document["state"]["best_score"]["waited"] += 1
    members["state.json"] = json.dumps(document).encode()
    with zipfile.ZipFile(newest, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    (other / "best.weights.h5").unlink()
    log = other / "log.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    for events in (other / "tensorboard").glob("*"):
        events.unlink()
    found = {part.name: part.different for part in compare(parts, read_parts(other))}
    assert [name for name, different in found.items() if different] == [
        "optimizer",
        "counters",
        "best weights",
        "log",
        *more,
    ]
    assert [name.partition(" ")[0] for name in found["optimizer"]] == ["0"]
    assert found["best weights"] == ["best.weights.h5"]
    return found


def test_refuses_a_folder_that_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="which is not empty"):
        next(verify_resume(RECIPE, steps=2, kill_at=[1], folder=tmp_path))
    with pytest.raises(ValueError, match="steps=2, kill_at=nothing"):
        next(verify_resume(RECIPE, steps=2, kill_at=[], folder=tmp_path))


@pytest.mark.slow
def test_a_training_that_fails_is_told_in_its_words(tmp_path: Path) -> None:
    recipe = replace(RECIPE, data=replace(RECIPE.data, path=str(tmp_path / "absent")))
    with pytest.raises(ValueError, match=r"ended with status 1, not 0\. It said:[\s\S]*absent"):
        next(verify_resume(recipe, steps=2, kill_at=[1], folder=tmp_path / "runs"))


@pytest.mark.slow
def test_a_run_killed_in_the_second_window_of_a_stream(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for split, pairs in (("train", 45_000), ("validation", 40)):  # windows of 20,000
        lines = [[f"w{(pair * step + pair // 50) % 50}" for step in range(1, 3 + pair % 3)] for pair in range(pairs)]
        (corpus / f"{split}.a").write_text("".join(" ".join(line) + "\n" for line in lines))
        (corpus / f"{split}.b").write_text("".join(" ".join(reversed(line)) + "\n" for line in lines))
    recipe = Recipe(
        "windows",
        Data(str(corpus), "a", "b", test="", streaming=True),
        tokenizer=TokenizerSettings(kind="word", vocab_size=60),
        batches=BatchSettings(size=1000),  # 20 batches of a window
        model=ModelSettings(
            embedding=16, encoder=EncoderSettings((16,), bidirectional="never"), decoder=DecoderSettings((16,))
        ),
        training=TrainingSettings(ema=0.9),
    )
    (verdict,) = verify_resume(recipe, steps=44, kill_at=[29], folder=tmp_path / "runs")
    assert verdict.resumed_from == 28
    assert verdict.identical, verdict.report()
