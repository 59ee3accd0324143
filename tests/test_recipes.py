import ast
import os
from pathlib import Path

import numpy as np
import pytest

import seq2seq
from seq2seq.analysis.comparison import plan_named
from seq2seq.distribution import open_devices
from seq2seq.recipe import Recipe, load_recipe
from seq2seq.recipe.corpora import read_corpora
from seq2seq.runs import run
from seq2seq.runs.preparing import prepare
from seq2seq.text import LengthLimit, dates
from seq2seq.training.run_folder import RunFolder
from tests.marks import quick

RECIPES = Path(__file__).parent.parent / "recipes"
SCRIPTS = sorted(RECIPES.glob("*.py"))
each_script = pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])


@each_script
def test_a_recipe_is_settings_and_one_call(script: Path) -> None:
    recipe = load_recipe(script)
    assert recipe.name == script.stem
    assert Recipe.from_text(recipe.to_toml()) == recipe
    module = ast.parse(script.read_text(encoding="utf-8"))
    kinds = [type(part) for part in module.body]
    assert kinds[-1] is ast.If and ast.unparse(module.body[-1]) == "if __name__ == '__main__':\n    main(recipe)"
    assert set(kinds[1:-1]) <= {ast.Import, ast.ImportFrom, ast.Assign}
    header = ast.get_docstring(module) or ""
    for field in ("Task", "Command", "Cost", "Result"):
        assert f"\n{field}  " in header
    assert f"python recipes/{script.name}" in header


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_variants_of_a_recipe_are_accepted(path: Path) -> None:
    recipe = load_recipe(path.with_suffix("").with_suffix(".py"))
    plan = plan_named(recipe, path)
    assert plan.variants[0].recipe == recipe and not plan.refused
    assert f"seq2seq compare recipes/{recipe.name}.py --variants recipes/{path.name} " in path.read_text("utf-8")


# One with subwords, and one with letters, phones and several references.
@pytest.mark.parametrize("script", quick([RECIPES / "eutrans.py", RECIPES / "g2p.py"]), ids=["eutrans", "g2p"])
def test_a_recipe_takes_two_steps(script: Path, tmp_path: Path) -> None:
    recipe = load_recipe(script).override(
        ["training.epochs=1", "decoding.search.kind=greedy", "decoding.search.max_length_factor=0.1"]
    )
    recipe, data = with_little_text(recipe, tmp_path / "corpus")
    result = run(recipe, folder=tmp_path / "run", data=data, progress="none")
    assert result.stopped == "finished"
    assert set(result.metrics) == {"validation", "test"}
    assert result.model is not None
    assert len(seq2seq.load(result.model).translate([result.examples[0][0], ""])) == 2
    log = (tmp_path / "run" / "log.jsonl").read_text()
    assert '"end"' in log


@pytest.mark.slow
@each_script
def test_the_model_of_a_recipe_learns_from_its_text(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dates, "SIZES", dates.SIZES | {"train": 100})
    recipe, data = with_little_text(load_recipe(script), tmp_path / "corpus")
    with open_devices() as devices:
        ready = prepare(recipe, RunFolder(tmp_path / "run"), data, "", {}, devices)
    model = ready.translator.model
    before = [weights.numpy() for weights in model.trainable_variables]
    model.compile("adam", run_eagerly=True)
    inputs, target_out = next(ready.batches.run(0))
    assert np.isfinite(model.train_on_batch(inputs, target_out, return_dict=True)["loss"])
    for weights, old in zip(model.trainable_variables, before, strict=True):
        assert (weights.numpy() != old).any(), weights.path


@pytest.mark.skipif("SEQ2SEQ_DATA" not in os.environ, reason="needs the public data sets: set SEQ2SEQ_DATA")
@pytest.mark.parametrize("split", ["simple", "length", "addprim_jump", "addprim_turn_left"])
def test_every_sequence_of_actions_has_room(split: str) -> None:
    recipe = load_recipe(RECIPES / "scan.py").override([f"data.{part}={split}.{part}" for part in ("train", "test")])
    limit = LengthLimit.chosen(recipe.decoding.search.max_length_factor)
    for corpus in read_corpora(recipe):
        lengths = ([len(text.split()) + 1 for text in side] for side in (corpus.sources, corpus.targets))
        assert not limit.beyond(*lengths).any()


@pytest.mark.slow
def test_the_quickstart_reaches_what_it_promises(tmp_path: Path) -> None:
    """Even in half of the time."""
    recipe = load_recipe(RECIPES / "quickstart.py").override(["training.epochs=1"])
    result = run(recipe, folder=tmp_path / "run", progress="none")
    assert result.metrics["test"]["exact_match"] >= 99
    assert result.metrics["validation"]["exact_match"] >= 99


@pytest.mark.slow
@pytest.mark.skipif("SEQ2SEQ_DATA" not in os.environ, reason="needs the public data sets: set SEQ2SEQ_DATA")
def test_a_small_model_reaches_on_eutrans_what_was_published_of_a_peer(tmp_path: Path) -> None:
    size = [
        "model.embedding=32",
        "model.encoder.units=32",
        "model.decoder.units=32",
        "batches.size=50",
        "training.epochs=4",
    ]
    # So small a model, for so short a time, needs no restraint.
    speed = ["training.learning_rate=1e-2", "training.schedule=constant", "training.label_smoothing=0"]
    speed += [
        "model.dropout=0",
        "model.embedding_dropout=0",
        "model.decoder.output_dropout=0",
        "decoding.search.beam_size=12",
    ]
    recipe = load_recipe(RECIPES / "eutrans.py").override([*size, *speed])
    # Five seeds ended between 79 and 86.
    assert run(recipe, folder=tmp_path / "run", progress="none").metrics["test"]["bleu"] >= 67.9


def with_little_text(recipe: Recipe, folder: Path) -> tuple[Recipe, str | None]:
    """Give a recipe one pair more than fits into a batch; and where they are, but for dates, which are made."""
    pairs = recipe.batches.size + 1
    if recipe.data.path == "dates":
        return recipe, None
    held_out = 3 if recipe.data.hold_out else 0
    recipe = recipe.override([f"data.hold_out={held_out}"])
    return recipe, write_corpus(folder, recipe, pairs + 2 * held_out)


def write_corpus(folder: Path, recipe: Recipe, pairs: int) -> str:
    folder.mkdir()
    sizes = {recipe.data.train: pairs, recipe.data.validation: 3, recipe.data.test: 3}
    for split in filter(None, sizes):  # a split without a name is held out of the training split
        for language in (recipe.data.source, recipe.data.target):
            lines = [
                f"Ein Mann {language} {'geht am See ' * (number % 3)}{number}.\n" for number in range(sizes[split])
            ]
            (folder / f"{split}.{language}").write_text("".join(lines))
    return str(folder)
