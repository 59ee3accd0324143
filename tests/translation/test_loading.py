"""Translators of several files."""

import keras
import pytest

import seq2seq
from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.search import Beam

TEXTS = ["ein Haus", "am See und am Wald", ""]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two translators of one vocabulary, the second of another architecture, and one of another vocabulary."""
    folder, tokenizer = tmp_path_factory.mktemp("ensemble"), Tokenizer.train(TEXTS[:2], kind="char")
    for name, units, pieces in (
        ("a", 6, tokenizer),
        ("b", 9, tokenizer),
        ("c", 6, Tokenizer.train(["x"], kind="char")),
    ):
        keras.utils.set_random_seed(units)
        size = pieces.vocab_size
        model = Seq2Seq(Encoder(size, 4, [units]), StateBridge([units]), Decoder(size, 4, [units]))
        for weight in model.trainable_variables:
            weight.assign(4 * weight)
        about = {"decoding": {"beam_size": 2}, "metrics": {"test": {"bleu": 1.0}}}
        Translator(model, pieces, pieces, about=about).save(folder / f"{name}.s2s")
    return folder


@pytest.mark.slow
def test_one_file_twice_is_the_file(files):
    alone, twice = seq2seq.load(files / "a.s2s"), seq2seq.load([files / "a.s2s"] * 2)
    assert twice.search == Beam(2) and "metrics" not in twice.about
    for one, other in zip(alone.hypotheses(TEXTS), twice.hypotheses(TEXTS), strict=True):
        assert [each.text for each in one] == [each.text for each in other]
        assert [each.score for each in one] == pytest.approx([each.score for each in other], abs=1e-4)
    (one,), (other,) = (each.score(TEXTS[:1], ["am See"]) for each in (alone, twice))
    assert one.log_prob == pytest.approx(other.log_prob, abs=1e-4)
    assert seq2seq.load([files / "a.s2s"]).model.count_params() == alone.model.count_params()


def test_several_files(files):
    both = seq2seq.load([files / "a.s2s", str(files / "b.s2s")], weights=[1, 1e-9], mean="log_probabilities")
    assert both.translate(TEXTS) == seq2seq.load(files / "a.s2s").translate(TEXTS)
    with pytest.raises(ValueError, match="in the files of its models"):
        both.save(files / "both.s2s")
    assert not (files / "both.s2s").exists()


def test_refusals(files):
    with pytest.raises(
        ValueError, match=r"a\.s2s and .*c\.s2s, whose source vocabularies \(\d+ and \d+ pieces\) differ"
    ):
        seq2seq.load([files / "a.s2s", files / "c.s2s"])
    with pytest.raises(ValueError, match=r"Received: weights=\[1\] for 2 models"):
        seq2seq.load([files / "a.s2s"] * 2, weights=[1])
    with pytest.raises(ValueError, match="for 0 models"):
        seq2seq.load([])


@pytest.mark.slow
def test_the_command(files, capsysbinary):
    from seq2seq.commands.command import main

    model, other = str(files / "a.s2s"), str(files / "b.s2s")
    assert main(["translate", model, "--ensemble", other, "--ensemble-weights", "1,2", TEXTS[0]]) == 0
    expected = seq2seq.load([model, other], weights=[1, 2]).translate(TEXTS[:1])
    assert capsysbinary.readouterr().out.decode() == f"{expected[0]}\n"
    assert main(["translate", model, "--ensemble-weights", "1,2", TEXTS[0]]) == 2
    assert b"--ensemble-weights without --ensemble" in capsysbinary.readouterr().err
    assert main(["translate", model, "--ensemble", f"{files}/none.s2s", TEXTS[0]]) == 2
