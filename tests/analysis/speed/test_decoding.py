import os

import pytest

from seq2seq.analysis.speed import decoding
from seq2seq.analysis.speed.decoding import benchmark_decoding
from seq2seq.recipe.build import build_model
from seq2seq.recipe.corpora import read_corpora
from seq2seq.recipe.tokenizers import build_tokenizers
from seq2seq.settings import to_table
from seq2seq.system.terminal import UsageError
from seq2seq.translation.translator import Translator


@pytest.fixture(scope="module")
def model(recipe, tmp_path_factory):
    tokenizers = build_tokenizers(recipe.tokenizer, read_corpora(recipe).train)
    model = build_model(recipe, *(each.vocab_size for each in tokenizers))
    about = {"decoding": to_table(recipe.decoding)}
    path = tmp_path_factory.mktemp("model") / "model.s2s"
    Translator(model, *tokenizers, recipe=recipe.to_toml(), about=about).save(path)
    return path


@pytest.mark.slow
def test_translates_the_held_out_text_of_the_recipe(recipe, model):
    measured = benchmark_decoding(model)
    test = read_corpora(recipe).test
    assert test is not None and measured.sentences == len(test)
    assert measured.source_tokens == sum(len(source.split()) + 1 for source in test.sources)
    assert [str(each.search) for each in measured.searches] == ["greedy", "beam 2"]
    assert all(each.tokens_per_second >= each.sentences_per_second > 0 for each in measured.searches)
    assert measured.load_seconds > 0 and measured.first_seconds > 0
    report = measured.report()
    assert str(model) in report and "beam 2" in report and "4 sentences of" in report


def test_translates_given_text_from_all_over(model, monkeypatch):
    monkeypatch.setattr(decoding, "_SENTENCES", 3)
    measured = benchmark_decoding(model, texts=["eins", "", "zwei drei", "vier", "fünf eins", "zwei zwei drei"])
    assert measured.sentences == 3
    assert measured.source_tokens == 2 + 3 + 3  # "eins", "zwei drei", "fünf eins": the first, second and fourth of five


@pytest.mark.slow
def test_without_text_the_way_out_is_told(recipe, model, monkeypatch):
    corpus = os.environ["COUNTING"]
    monkeypatch.setenv("COUNTING", "absent")
    with pytest.raises(UsageError, match=r"cannot be read\. Received: .*Name a file of sentences with --input"):
        benchmark_decoding(model)
    assert benchmark_decoding(model, data=corpus).sentences == 4
    with pytest.raises(UsageError, match="only empty lines"):
        benchmark_decoding(model, texts=["", " "])
