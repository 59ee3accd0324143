"""What is most like all that a model says, of samples and of beams, in Python, in a recipe and on the command line."""

import keras
import pytest

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.commands.command import main
from seq2seq.metrics import expected_utility
from seq2seq.search import Beam, DecodingSettings, Greedy, Sample
from seq2seq.settings import SettingsError
from seq2seq.translation.hypothesis import Hypothesis, most_alike

TEXTS = ["ein Haus am See", "", "Wald"]


@pytest.fixture(scope="module")
def translator():
    tokenizer = Tokenizer.train([*TEXTS, "a house by the lake"], kind="char")
    keras.utils.set_random_seed(3)
    size = tokenizer.vocab_size
    model = Seq2Seq(Encoder(size, 8, [12]), StateBridge([12]), Decoder(size, 8, [12]))
    for weight in model.trainable_variables:
        weight.assign(3 * weight)
    decoding = {"search": {"kind": "sample", "n_best": 6, "seed": 4}, "mbr": "chrf"}
    return Translator(model, tokenizer, tokenizer, about={"decoding": decoding})


def by_hand(hypotheses, utility):
    texts = [one.text for one in hypotheses]
    return sorted(hypotheses, key=lambda one: -expected_utility(texts, utility)[hypotheses.index(one)])


@pytest.mark.parametrize("utility", ["chrf", "bleu"])
def test_the_most_alike_comes_first(translator, utility):
    search = Sample(n_best=6, seed=4)
    plain = translator.hypotheses(TEXTS, search)
    found = translator.hypotheses(TEXTS, search, mbr=utility)
    assert found == [by_hand(each, utility) for each in plain]
    assert translator.translate(TEXTS, search, mbr=utility) == [best.text for best, *_ in found]
    assert translator.hypotheses(TEXTS, search, mbr="none") == plain


def test_what_does_not_exist_has_no_say():
    missing = [Hypothesis("", -float("inf"))] * 5
    a, b = Hypothesis("a red house", -0.5, length=4), Hypothesis("a red horse", -0.4, length=4)
    for found in ([a, b, *missing], [*missing, a, b]):
        ranked = most_alike(found, "chrf")
        assert ranked[:2] == [a, b] and ranked[2:] == missing


def test_its_own_goes_with_its_own_search(translator):
    assert translator.hypotheses(TEXTS) == translator.hypotheses(TEXTS, translator.search, mbr="chrf")
    assert translator.hypotheses(TEXTS, Greedy())[0][0].score == translator.hypotheses(TEXTS, Beam(1))[0][0].score


def test_refusals(translator):
    for search in (Greedy(), Beam(4)):
        with pytest.raises(ValueError, match=r"Received: mbr='chrf', search=.*\. Use Sample\(n_best=32\)"):
            translator.translate(TEXTS, search, mbr="chrf")
        with pytest.raises(SettingsError, match=r"Received: decoding\.mbr=bleu"):
            DecodingSettings(search, mbr="bleu")
    with pytest.raises(ValueError, match="Did you mean 'chrf'"):
        translator.translate(TEXTS, mbr="chrff")


@pytest.mark.slow
def test_the_command(translator, saved, capsysbinary):
    def said(*options):
        status = main(["translate", str(saved), *options, TEXTS[0]])
        out, err = capsysbinary.readouterr()
        return status, out.decode(), err.decode()

    sample = Sample(seed=4, n_best=8)
    (eight,) = translator.hypotheses(TEXTS[:1], sample, mbr="bleu")
    assert said("--mbr", "bleu", "--candidates", "8")[:2] == (0, f"{eight[0].text}\n")
    assert said()[:2] == (0, translator.translate(TEXTS[:1])[0] + "\n")
    assert said("--mbr", "none", "--n-best", "2")[1].count("\n") == 2
    status, _, err = said("--search", "greedy", "--mbr", "chrf", "--candidates", "4")
    assert status == 2 and "greedy search gives one. Received: --search greedy. Add --mbr none" in err
    status, _, err = said("--mbr", "none", "--candidates", "4")
    assert status == 2 and "--candidates 4 without it" in err
