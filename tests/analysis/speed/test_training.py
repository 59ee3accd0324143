import json
from dataclasses import asdict, replace
from itertools import chain

import numpy as np
import pytest

from seq2seq.analysis.operations import count_operations
from seq2seq.analysis.speed import training
from seq2seq.analysis.speed.training import benchmark_training
from seq2seq.recipe.build import build_batches, build_model
from seq2seq.recipe.corpora import read_corpora
from seq2seq.recipe.tokenizers import build_tokenizers


@pytest.mark.slow
def test_text_that_is_mixed_in_and_a_model_to_go_on_from_count(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_WARM_UP", 1)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more").mkdir()
    for language in ("de", "en"):
        (tmp_path / "more" / f"train.{language}").write_text("sechs sieben\n" * 64)
    plain = benchmark_training(recipe, steps=1)
    mixed = benchmark_training(recipe.override(["data.also.paths=more"]), steps=1)
    assert mixed.epoch_tokens == plain.epoch_tokens + 4 * 16 * 3
    assert (mixed.pairs, plain.pairs) == (52 + 64, 52)
    assert mixed.setting.parameters > plain.setting.parameters  # for its words
    with pytest.raises(FileNotFoundError):
        benchmark_training(recipe.override(["start_from=absent.s2s"]), steps=1)


@pytest.mark.slow
def test_what_is_counted_is_what_was_trained_on_and_nothing_is_written(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_WARM_UP", 2)
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    measured = benchmark_training(recipe, steps=5)
    assert sorted(tmp_path.rglob("*")) == before

    corpora = read_corpora(recipe)
    tokenizers = build_tokenizers(recipe.tokenizer, corpora.train)
    batches = build_batches(recipe, corpora.train, *tokenizers)
    steps = batches.steps(0)
    assert steps == 4  # 60 pairs less 2 × 4, by 16: the seven steps are those of one epoch and of three of the next
    seen = [batches.batch(batch) for epoch in range(2) for batch in batches.order(epoch)][2:7]
    sources = list(chain.from_iterable(np.count_nonzero(inputs["source"], axis=1) for inputs, _ in seen))
    targets = list(chain.from_iterable(np.count_nonzero(target_out, axis=1) for _, target_out in seen))
    model = build_model(recipe, *(each.vocab_size for each in tokenizers))
    expected = count_operations(model, sources, targets)
    assert sum(measured.operations.values()) == pytest.approx(expected.total / 5)
    seconds = expected.total / measured.operations_per_second
    assert measured.tokens_per_second == pytest.approx(sum(targets) / seconds)
    assert measured.product_share == pytest.approx(measured.operations_per_second / measured.product_limit)
    assert measured.epoch_tokens == batches.tokens and measured.fill == batches.fill
    assert measured.epoch_hours == pytest.approx(
        (batches.tokens / measured.tokens_per_second + measured.validation_seconds) / 3600
    )
    assert measured.hours == pytest.approx(recipe.training.epochs * measured.epoch_hours)
    assert measured.step_tokens_per_second.low <= measured.step_tokens_per_second.high
    assert (measured.steps, measured.traces) == (5, 1) and 0 < measured.first_step
    assert measured.setting.parameters == model.count_params()
    assert [(each["part"], each["layer"]) for each in measured.setting.kernels] == [("encoder", 0), ("decoder", 0)]

    assert json.loads(json.dumps(asdict(measured)))["setting"]["name"] == "counting"
    report = replace(measured, compilations=3, compile_seconds=2.5, product_share=0.5).report()
    for words in (
        "counting\n",
        "target tokens/s over 5 steps",
        "50 % of the limit",
        "3 shapes compiled in 2.5 s",
        "batches of 16 sentences",
        "for 10 epochs",
        "kernel",
    ):
        assert words in report


@pytest.mark.slow
def test_a_part_of_a_larger_text_is_scaled_up(recipe, monkeypatch):
    monkeypatch.setattr(training, "_WARM_UP", 1)
    monkeypatch.setattr(training, "PAIRS", 30)
    measured = benchmark_training(recipe, steps=1)
    assert measured.pairs == 26  # every second one of 52
    train = read_corpora(recipe).train
    part = [pair for number, pair in enumerate(train) if number % 2 == 0]
    words = sum(len(pair.target.split()) + 1 for pair in part)
    assert measured.epoch_tokens == pytest.approx(2 * words)


@pytest.mark.slow
def test_a_stream_has_no_known_end(recipe, monkeypatch):
    monkeypatch.setattr(training, "_WARM_UP", 1)
    data = replace(recipe.data, streaming=True, validation="train", test="", hold_out=0)
    measured = benchmark_training(replace(recipe, data=data), steps=1)
    assert (measured.epoch_tokens, measured.hours) == (0, 0)
    assert "an epoch          not known" in measured.report()
