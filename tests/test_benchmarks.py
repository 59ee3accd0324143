"""The benchmark counts right and gives every system the same job. Nothing is timed here."""

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from seq2seq.layers.cells import CELLS
from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks import charts, environments, plan, small, tables, text
from tests.benchmarks.job import CELL_SIZES, LAYER_SIZES, Architecture, Job, LayerSize, Point
from tests.benchmarks.turns import Turns, Updates

SMALL = Architecture(vocab=50, embedding=6, encoder=(3, 4), decoder=(6, 8))


def groups(**chosen):
    settings = {"parts": plan.PARTS, "systems": tuple(environments.SYSTEMS), "precisions": plan.PRECISIONS}
    settings["feedings"] = (False, True)
    return list(plan.groups(**{**settings, **chosen}, text="ids.json", threads=2, scratch="scratch"))


def test_the_architecture_has_the_size_of_the_published_comparison():
    assert round(Architecture().parameters / 1e6, 1) == 15.3


@pytest.mark.parametrize("feeding", [False, True])
def test_parameters_are_counted_as_the_model_has_them(feeding):
    from tests.benchmarks.systems.ours import build

    architecture = Architecture(**{**vars(SMALL), "input_feeding": feeding})
    assert build(architecture, "float32").count_params() == architecture.parameters


def test_stock_keras_is_the_same_model():
    from tests.benchmarks.systems.keras_layers import build

    assert build(SMALL).count_params() == SMALL.parameters


def test_operations_are_three_products_per_token_with_each_weight():
    biases = sum(columns for part in ("encoder", "decoder", "logits") for _, columns in SMALL.matrices[part])
    weights = SMALL.parameters - biases - 2 * SMALL.vocab * SMALL.embedding
    # A pair of five source and five target tokens: each weight once per token, attention once per pair of tokens.
    both = 2 * SMALL.encoder[-1] + SMALL.decoder[-1]
    assert SMALL.operations([(5, 5)]) == 6 * (5 * weights + 25 * both)
    assert SMALL.operations([(5, 5), (5, 5)]) == 2 * SMALL.operations([(5, 5)])


def test_a_batch_of_a_thousand_tokens_takes_about_seventy_gflop():
    assert 60e9 < Architecture().operations([(16, 16)] * 64) < 75e9


def test_operations_of_a_layer():
    # One token through one layer of one unit: 8 weights, once forward and twice backward, 2 operations each.
    assert LayerSize(1, 1, 1, 1).operations == 8 * 3 * 2
    assert LayerSize(2, 3, 5, 7).operations == 2 * 3 * 5**2 * 7 * 8 * 3 * 2


def test_jobs_survive_the_way_to_another_process():
    point = Point("depth", 3, SMALL, beam=5)
    job = Job("ours", "curves", "bfloat16", SMALL, text="ids.json", sizes=LAYER_SIZES, points=(point,), beams=(1,))
    assert Job.from_json(job.to_json()) == job
    assert "\n" not in job.to_json()


def test_systems_of_a_group_differ_in_nothing_but_their_name():
    for group in groups():
        assert len({job.system for job in group}) == len(group)
        assert len({Job.from_json(job.to_json().replace(f'"{job.system}"', '"any"', 1)) for job in group}) == 1


def test_every_system_has_its_program_and_takes_part():
    jobs = Counter((job.system, job.part) for group in groups() for job in group)
    for name, system in environments.SYSTEMS.items():
        assert (Path(plan.__file__).parent / "systems" / f"{name}.py").exists()
        assert {part for other, part in jobs if other == name} == set(system.parts)
    assert jobs["ours", "training"] == 4


def test_updates_count_from_the_end_of_the_warm_up(monkeypatch):
    said = []
    turns = object.__new__(Turns)
    turns.job = Job("ours", "training", warm_up=2, updates=3)
    monkeypatch.setattr(Turns, "wait", lambda self, **values: said.append(values))
    updates = Updates(turns)
    for tokens in (100, 100, 1, 2, 3, 4, 5, 6, 7):
        updates.done(tokens)
    ready, first, second = said
    assert set(ready) == {"first_update_seconds"}
    assert (first["tokens"], second["tokens"]) == (1 + 2 + 3, 4 + 5 + 6)


def test_made_up_text_is_as_long_as_the_real_one(tmp_path, monkeypatch):
    monkeypatch.delenv("SEQ2SEQ_DATA", raising=False)
    monkeypatch.setattr(text, "TRAIN", 2000)
    path = text.prepare(tmp_path)
    content = json.loads(path.read_text())
    assert content["kind"] == "generated" and text.prepare(tmp_path) == path
    train, test = content["train"], content["test"]
    assert sorted(place for batch in train["batches"] for place in batch) == list(range(2000))
    assert sorted(place for batch in test["batches"] for place in batch) == list(range(1014))
    for side, mean in (("source", 16.2), ("target", 15.7)):
        assert np.mean([len(ids) + 1 for ids in train[side]]) == pytest.approx(mean, rel=0.05)
        assert all(4 <= word < content["vocab"] for ids in train[side] for word in ids)


def test_made_up_words_are_as_long_as_the_real_ones():
    recipe, batches, sizes = small.g2p()
    lengths = {"source": [], "target_in": []}
    for inputs, _ in batches.run(0):
        assert len(inputs["source"]) <= recipe.batches.size
        for side, vocab in zip(lengths, sizes, strict=True):
            assert inputs[side].max() < vocab
            lengths[side] += np.count_nonzero(inputs[side], axis=1).tolist()
    assert len(lengths["source"]) == small.WORDS
    # 8.31 letters and 7.81 phones in the words of SIGMORPHON 2020, `</s>` counted
    assert np.mean(lengths["source"]) == pytest.approx(8.31, rel=0.02)
    assert np.mean(lengths["target_in"]) == pytest.approx(7.81, rel=0.02)


def test_the_small_recipes_are_those_of_the_plan():
    assert tuple(small.SMALL) == plan.RECIPES
    assert [job.recipe for (job,) in groups(parts=["recipes"])] == list(plan.RECIPES)


def test_the_machine_names_processor_instructions_and_build():
    said = benchmarks._machine(2)
    assert re.search(r"2 of \d+ processors, .*, Python [\d.]+, tensorflow\S* [\d.]+ with(out)? oneDNN$", said)
    if "avx2" in Path("/proc/cpuinfo").read_text():
        assert "(AVX2" in said


def result(system, rates, precision="float32", **others):
    job = json.loads(Job(system, "training", precision).to_json())
    rounds = [{"tokens_per_second": rate, "tokens": 1000} for rate in rates]
    return {**job, "rounds": rounds, "ready": {}, "peak_mib": 1234.0, **others}


def test_tables_go_between_the_markers_of_a_page(tmp_path, monkeypatch):
    page, file = tmp_path / "page.md", tmp_path / "report.json"
    page.write_text(f"Before.\n\n{tables.BEGIN}\nold\n{tables.END}\n\nAfter.\n")
    origin = {
        "command": "python -m any",
        "date": "2026-01-02T03",
        "commit": "abc",
        "machine": "one",
        "text": "generated",
    }
    file.write_text(json.dumps({**origin, "results": [result("ours", [1000], gflop=[100])]}))
    monkeypatch.setattr("sys.argv", ["tables", str(file), "--page", str(page)])
    for _ in range(2):
        tables.main()
        shown = page.read_text()
        assert shown.startswith("Before.\n\n") and shown.endswith("\n\nAfter.\n") and "old" not in shown
        assert "Measured by `python -m any` on made-up text, 2026-01-02, commit abc, one." in shown
        assert shown.count("| seq2seq ") == 1


def test_curves_are_drawn_with_every_point():
    points = [Point("depth", depth, SMALL) for depth in (1, 2, 8)]
    job = json.loads(Job("ours", "curves", points=tuple(points)).to_json())
    measured = {**job, "rounds": [{"depth 1": 10.0, "depth 2": 5.0, "depth 8": 2.0}]}
    picture = charts.draw([measured], "Cost", "a step")
    assert picture.count("<circle") == 3
    assert "8: 500 ms, 0.62 of proportion" in picture


def test_ratios_are_taken_round_by_round():
    ours, other = result("ours", [100, 200, 50]), result("pytorch", [50, 100, 100])
    assert tables.ratio(ours, "tokens_per_second", other, "tokens_per_second") == 2


def test_cells_are_timed_beside_the_lstm_and_per_product():
    rates = {"lstm": 200.0, "gru": 100.0}  # GFLOP/s; three quarters of the operations at half of the rate
    values = {
        f"{size} {precision} {name}": rates.get(name, 50.0)
        for size in CELL_SIZES
        for precision in ("float32", "bfloat16")
        for name in CELLS
    }
    shown = " ".join(tables.render([{**result("ours", []), "part": "cells", "rounds": [values]}]).split())
    assert f"| LSTM, ms | {CELL_SIZES[0].operations / 2e11 * 1e3:.1f} |" in shown
    assert "| GRU | 2.00 (1.50) | 2.00 (1.50) | 2.00 (1.50) |" in shown


def test_small_recipes_have_a_table_with_milliseconds():
    results = [
        {
            **result("ours", []),
            "part": "recipes",
            "recipe": name,
            "rounds": [{"median_update_ms": ms, "tokens_per_second": 1000.0} for ms in times],
        }
        for name, times in (("quickstart", [20.04, 30.0, 25.0]), ("g2p", [101.0]))
    ]
    shown = " ".join(tables.render(results).split())
    assert "| training of small recipes | quickstart | g2p |" in shown
    origin = {"command": "any", "date": "2026-01-02T03", "commit": "abc", "machine": "one", "text": "generated"}
    assert tables.describe({**origin, "results": results}) == "Measured by `any`, 2026-01-02, commit abc, one."
    assert "| a step, ms | 25.0 (20.0–30.0) | 101 (101–101) |" in shown


def test_each_system_is_compared_in_its_fastest_precision():
    rates = {("ours", "bfloat16"): 300.0, ("exported", "int8"): 400.0, ("pytorch", "bfloat16"): 200.0}
    measured = [
        {**result(system, [], precision), "part": "decoding", "beams": [1], "rounds": [{"beam 1": rate}]}
        for (system, precision), rate in {**rates, ("pytorch", "int8"): 100.0}.items()
    ]
    shown = " ".join(tables.render(measured).split())
    assert "- Greedy, each in its fastest precision: seq2seq 400 (int8); PyTorch 200 (bfloat16): 2.00." in shown
    assert "| seq2seq, exported | – | 400 (400–400) |" in shown


def test_tables_show_medians_spread_and_ratios():
    ours = result("ours", [1000, 3000, 2000], gflop=[100, 100, 100])
    products = {"matrix product float32": 400.0}
    layer = {**result("ours", []), "part": "layer", "rounds": [products]}
    shown = " ".join(tables.render([layer, ours, result("pytorch", [500, 1000, 800])]).split())
    assert "| seq2seq | 2,000 (1,000–3,000) | 1,234 |" in shown
    assert "| seq2seq / PyTorch | 2.50 |" in shown
    # 100 GFLOP per 1,000 tokens, at 2,000 tokens per second
    assert "does 200 GFLOP/s: 50 % of the machine's 400 GFLOP/s" in shown
