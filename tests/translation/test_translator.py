import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seq2seq
from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.metrics import character_error_rate
from seq2seq.models import Ensemble
from seq2seq.recipe import DecodingSettings
from seq2seq.search import Beam, Greedy, Hypotheses, Sample
from seq2seq.settings import to_table
from seq2seq.text import END, PAD, Batches, LengthLimit
from seq2seq.translation import Cuts, Hypothesis, Shortlist, read_about
from seq2seq.translation.keras_file import fingerprint_of
from seq2seq.translation.model_file import FORMAT

WORDS = ["ein", "Haus", "am", "See", "und", "der", "Wald", "a", "house", "by", "the", "lake"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(WORDS, kind="char")


@pytest.fixture(scope="module")
def translator(tokenizer: Tokenizer) -> Translator:
    keras.utils.set_random_seed(3)
    encoder = Encoder(tokenizer.vocab_size, 8, [12], bidirectional="all")
    decoder = Decoder(tokenizer.vocab_size, 8, [24], attention="general")
    model = Seq2Seq(encoder, StateBridge([24]), decoder)
    for weight in model.trainable_variables:  # large weights: an untrained model would say the same to everything
        weight.assign(4 * weight)
    return Translator(model, tokenizer, tokenizer, recipe='name = "tiny"\n', about={"decoding": {"beam_size": 3}})


class Column:
    """A shuffled column of a table, as pandas has it: goes through its rows, and `[...]` takes labels."""

    def __init__(self, values: list[str]) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __getitem__(self, label: int) -> str:
        return self._values[-1 - label]


sentences = st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join) | st.just("  \t"), max_size=7)


class TestTranslate:
    @settings(max_examples=15)
    @given(texts=sentences, batch_size=st.integers(1, 4))
    def test_each_text_alone_gives_the_same_in_the_same_order(
        self, translator: Translator, texts: list[str], batch_size: int
    ) -> None:
        alone = [translator.translate([text])[0] for text in texts]
        assert translator.translate(texts, batch_size=batch_size) == alone
        assert all(alone[place] == "" for place, text in enumerate(texts) if not text.strip())

    def test_different_texts_give_different_translations(self, translator: Translator) -> None:
        assert len(set(translator.translate(["ein Haus", "Wald", "am See"]))) > 1

    def test_what_the_tokenizer_drops_altogether_is_an_empty_text(self, translator: Translator) -> None:
        texts = ["\u200b", "ein Haus", "\u200b \ufeff\u200b"]
        assert [translator.source_tokenizer.encode(texts[place]) for place in (0, 2)] == [[], []]
        found = translator.hypotheses(texts)
        assert found[0] == found[2] == [Hypothesis("", 0.0)]
        assert found[1] == translator.hypotheses(["ein Haus"])[0]

    def test_hypotheses_come_best_first_and_the_first_is_the_translation(self, translator: Translator) -> None:
        texts = ["ein Haus", "", "am See und am Wald"]
        found = translator.hypotheses(texts, Beam(3, n_best=3))
        assert [len(hypotheses) for hypotheses in found] == [3, 1, 3]
        assert found[1] == [Hypothesis("", 0.0)]
        for hypotheses in found:
            scores = [hypothesis.score for hypothesis in hypotheses]
            assert scores == sorted(scores, reverse=True)
        assert [hypotheses[0].text for hypotheses in found] == translator.translate(texts)

    def test_settings_not_given_are_those_of_the_file(self, translator: Translator, tokenizer: Tokenizer) -> None:
        texts = ["ein Haus am See", "Wald"]
        assert translator.search == Beam(3)
        assert translator.hypotheses(texts) == translator.hypotheses(texts, Beam(3, length_penalty=1.0))
        plain = Translator(translator.model, tokenizer, tokenizer)
        assert DecodingSettings(plain.search, plain.batch_size) == DecodingSettings()

    def test_what_ended_by_itself_is_known(self, translator: Translator) -> None:
        texts = ["ein Haus am See", "Wald", ""]
        ids = translator.source_tokenizer.encode_batch(texts[:2])
        source = np.full((2, max(map(len, ids)) + 1), PAD)
        for row, sentence in zip(source, ids, strict=True):
            row[: len(sentence) + 1] = [*sentence, END]
        for factor in (0.1, 9.0):
            search = Beam(3, n_best=2, max_length_factor=factor)
            expected = translator.model.decode(source, search=search).ended.numpy().tolist()
            found = translator.hypotheses(texts, search)
            assert [[one.ended for one in each] for each in found] == [*expected, [True]]

    def test_settings_of_the_present_format_keep_their_meaning(
        self, translator: Translator, tokenizer: Tokenizer
    ) -> None:
        said = {"beam_size": 2, "length_penalty": 0.5, "max_length_factor": 1.5, "batch_size": 3}
        read = Translator(translator.model, tokenizer, tokenizer, about={"decoding": said})
        assert read.search == Beam(2, length_penalty=0.5, max_length_factor=1.5)
        assert read.batch_size == 3
        with pytest.raises(ValueError, match=r"There is no setting search\.beam_sise\. Did you mean search\.beam_size"):
            Translator(translator.model, tokenizer, tokenizer, about={"decoding": {"beam_sise": 2}})

    def test_several_batches_draw_their_own(self, translator: Translator) -> None:
        texts = ["ein Haus am See"] * 8
        found = translator.translate(texts, Sample(seed=3), batch_size=4)
        assert found == translator.translate(texts, Sample(seed=3), batch_size=4)
        assert len(set(found)) > 4

    def test_a_translation_has_at_most_a_factor_of_the_sources_tokens_plus_ten(
        self, translator: Translator, tokenizer: Tokenizer
    ) -> None:
        for text in ["Haus", "ein Haus am See und am Wald"]:
            for factor in (0.1, 1.5):
                found = translator.translate([text], Greedy(max_length_factor=factor))[0]
                assert len(tokenizer.encode(found)) <= np.ceil(factor * len(tokenizer.encode(text))) + 10

    def test_any_iterable_in_its_order(self, translator: Translator, tmp_path: Path) -> None:
        texts = ["ein Haus am See", "", "Wald", "der See"]
        expected = translator.translate(texts)
        (tmp_path / "texts").write_text("".join(f"{text}\n" for text in texts))
        with (tmp_path / "texts").open() as file, (tmp_path / "texts").open() as again:
            for given in (
                tuple(texts), (text for text in texts), map(str, texts), np.array(texts), Column(texts), file,
                again.readlines(), [f"{text}\r\n" for text in texts],
            ):  # fmt: skip
                assert translator.translate(given) == expected
        assert translator.hypotheses(iter(texts)) == translator.hypotheses(texts)
        assert translator.translate(iter([])) == []

    def test_what_is_refused(self, translator: Translator) -> None:
        with pytest.raises(
            TypeError, match=r"texts needs texts one after.* Received: texts='ein Haus'.*\['ein Haus'\]"
        ):
            translator.translate("ein Haus")
        with pytest.raises(TypeError, match=r"a set, which has no order"):
            translator.translate({"ein Haus", "Wald"})
        with pytest.raises(TypeError, match=r"Received: texts\[1\]=None"):
            translator.translate(["ein Haus", None])  # type: ignore[list-item]
        with pytest.raises(ValueError, match=r"n_best=4, beam_size=3\. Widen the beam"):
            replace(translator.search, n_best=4)
        with pytest.raises(ValueError, match=r"batch_size must be a whole number from 1 up\. Received: batch_size=0"):
            translator.translate([], batch_size=0)


class TestLengthLimit:
    """Letters into five signs each: what a limit by the factor 2 cut, and a learnt one does not."""

    WORDS = ("ab", "abba", "bacabab", "cabbacabbac", "ccc")

    def test_what_was_learnt_is_enough_and_a_factor_of_two_is_not(self) -> None:
        before, after = (speller(self.WORDS, learnt) for learnt in (False, True))
        found = [translator.hypotheses(self.WORDS) for translator in (before, after)]
        assert [Cuts.of(each) for each in found] == [Cuts(5, 3), Cuts(5, 0)]
        signs = [spelt(word) for word in self.WORDS]
        wrong = [character_error_rate([best.text for (best,) in each], signs)[0] for each in found]
        assert wrong[0] > 25 and wrong[1] == 0
        # One longer than any that was seen.
        (best,) = after.hypotheses(["abc" * 30])[0]
        assert best.ended and best.text == spelt("abc" * 30)

    def test_a_search_may_say_another(self) -> None:
        translator = speller(self.WORDS, learnt=True)
        for search in (Greedy(max_length_factor=2.0), replace(translator.search, max_length_factor=2.0)):
            assert Cuts.of(translator.hypotheses(self.WORDS, search)).cut == 3
        said = {"search": {"kind": "greedy", "max_length_factor": 2.0}}
        old = Translator(
            translator.model,
            translator.source_tokenizer,
            translator.target_tokenizer,
            about={**translator.about, "decoding": said},
        )
        assert Cuts.of(old.hypotheses(self.WORDS)).cut == 3

    def test_a_hypothesis_in_parts_ended_where_all_parts_did(self, monkeypatch: pytest.MonkeyPatch) -> None:
        translator = speller(self.WORDS, learnt=True)
        monkeypatch.setattr("seq2seq.translation.parts.LONGEST", 4)
        short = Greedy(max_length_factor=2.0)  # 4 letters may have 18 signs, of 20; what is left, 3 letters, 16 of 15
        (best,), (whole,) = translator.hypotheses(["abcabca", "abc"], short)
        assert (best.ended, best.parts, whole.ended, whole.parts) == (False, 2, True, 1)
        (best,) = translator.hypotheses(["abcabca"])[0]
        assert (best.ended, best.parts) == (True, 2)

    def test_travels_with_the_file(self, translator: Translator, tokenizer: Tokenizer, tmp_path: Path) -> None:
        limit = LengthLimit.learn([3, 5], [11, 21])
        about = {"length_limit": limit.to_table()}
        Translator(translator.model, tokenizer, tokenizer, about=about).save(tmp_path / "learnt.s2s")
        assert Translator.load(tmp_path / "learnt.s2s").length_limit == limit
        assert translator.length_limit == LengthLimit.by_factor()

    def test_a_damaged_one_is_told(self, translator: Translator, tokenizer: Tokenizer) -> None:
        with pytest.raises(
            ValueError, match=r"table of lines, each a slope and a whole number\. Received: {'lines': 2}"
        ):
            Translator(translator.model, tokenizer, tokenizer, about={"length_limit": {"lines": 2}})


def test_it_shows_itself_in_a_notebook(translator: Translator, tokenizer: Tokenizer) -> None:
    shown = translator._repr_html_()
    assert f"{tokenizer.vocab_size} pieces" in shown and 'alt="encoder, state bridge and decoder"' in shown
    measured = Translator(
        Ensemble([translator.model]),
        tokenizer,
        tokenizer,
        about={"metrics": {"test": {"bleu": 1 / 3}}, "weights": "x"},
    )
    assert "bleu 0.33" in measured._repr_html_() and "<img" in measured._repr_html_()


def test_tokenizers_of_another_size_are_refused(translator: Translator) -> None:
    model, known = translator.model, translator.source_tokenizer
    small, large = (
        Tokenizer.train([text], kind="char", normalization="identity") for text in ("ab", "abcdefghijklmnopqrstuvwxyz")
    )
    for source, target in ((large, known), (known, small)):
        with pytest.raises(
            ValueError, match=rf"Received: tokenizers of {source.vocab_size} and {target.vocab_size} pieces"
        ):
            Translator(model, source, target)


def spelt(word: str) -> str:
    return "".join(f"{letter}1234" for letter in word)


def speller(words: tuple[str, ...], learnt: bool) -> Translator:
    """A translator of letters into five signs each, whose model is a stand-in that makes no mistake."""
    source, target = (Tokenizer.train(text, kind="char") for text in (words, map(spelt, words)))
    ids = [tokenizer.encode_batch(side) for tokenizer, side in ((source, words), (target, [*map(spelt, words)]))]
    about = {"length_limit": Batches(*ids).length_limit.to_table()} if learnt else {}
    return Translator(SpellingModel(source, target), source, target, about=about)  # type: ignore[arg-type]


class SpellingModel:
    """Decodes without a mistake, and ends where it has to."""

    def __init__(self, source: Tokenizer, target: Tokenizer) -> None:
        self._source, self._target = source, target
        self.encoder, self.decoder = source, target  # of sizes that fit

    def decode(self, source: np.ndarray, max_length: list[int], *_: object, constraints: None = None) -> Hypotheses:
        words = self._source.decode_batch([[id for id in row if id not in (PAD, END)] for row in source.tolist()])
        written = [[*ids, END] for ids in self._target.encode_batch([*map(spelt, words)])]
        ended = np.array([[len(ids) <= longest] for ids, longest in zip(written, max_length, strict=True)])
        tokens = np.full((len(written), 1, max(map(len, written))), PAD)
        for row, ids, longest in zip(tokens[:, 0], written, max_length, strict=True):
            short = ids[:longest]
            row[: len(short)] = [*short[:-1], END]
        scores = np.zeros(ended.shape)
        return Hypotheses(tokens, scores, np.zeros(tokens.shape), ended)


class TestPrecision:
    @pytest.mark.slow
    def test_scores_are_close_to_those_of_float32(self, translator: Translator) -> None:
        # Few tokens: an untrained model soon takes another path for a difference in the last bit.
        texts, few = ["ein Haus am See", "Wald"], Beam(3, max_length_factor=0.1)
        exact, rounded = (translator.hypotheses(texts, few, precision=name) for name in ("float32", "bfloat16"))
        assert exact == translator.hypotheses(texts, few)
        assert rounded != exact
        for (one, *_), (other, *_) in zip(exact, rounded, strict=True):
            assert abs(one.score - other.score) < 0.05

    def test_what_is_refused(self, translator: Translator) -> None:
        with pytest.raises(ValueError, match=r"precision is one of: bfloat16, float32.*Received: precision='int8'"):
            translator.translate(["Haus"], precision="int8")


class TestShortlist:
    @pytest.mark.slow
    def test_all_pieces_give_what_no_shortlist_gives(self, translator: Translator, tokenizer: Tokenizer) -> None:
        ids = np.arange(tokenizer.vocab_size, dtype=np.int32)
        whole = Shortlist(ids, np.zeros((len(ids), 1), np.int32))
        texts = ["ein Haus am See", "", "Wald und See"]
        shortlisted = Translator(translator.model, tokenizer, tokenizer, shortlist=whole)
        assert shortlisted.translate(texts, shortlist=True) == shortlisted.translate(texts)

    @pytest.mark.slow
    def test_only_its_pieces_are_written_and_it_travels_with_the_file(
        self, translator: Translator, tokenizer: Tokenizer, tmp_path: Path
    ) -> None:
        sources, targets = [tokenizer.encode("ein Haus")], [tokenizer.encode("a house")]
        learnt = Shortlist.learn(sources, targets, tokenizer.vocab_size, tokenizer.vocab_size)
        Translator(translator.model, tokenizer, tokenizer, shortlist=learnt).save(tmp_path / "short.s2s")
        loaded = Translator.load(tmp_path / "short.s2s")
        found = loaded.translate(["ein Haus am See", "Wald"], shortlist=True)
        assert found != loaded.translate(["ein Haus am See", "Wald"])
        assert set("".join(found)) <= set("a house")

    def test_what_is_refused(self, translator: Translator, tokenizer: Tokenizer) -> None:
        with pytest.raises(ValueError, match=r"has no shortlist. Received: shortlist=True. Learn one with `seq2seq"):
            translator.translate(["Haus"], shortlist=True)
        with pytest.raises(ValueError, match="for vocabularies of"):
            Translator(translator.model, tokenizer, tokenizer, shortlist=Shortlist.learn([[4]], [[4]], 5, 5))


class TestFile:
    @pytest.mark.slow
    def test_a_fresh_process_elsewhere_translates_alike(self, translator: Translator, file: Path) -> None:
        texts = ["ein Haus am See", "", "Wald"]
        code = (
            "import json, sys, seq2seq; seq2seq.quiet()\n"
            "print(json.dumps(seq2seq.load(sys.argv[1]).translate(json.loads(sys.argv[2]))))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(file), json.dumps(texts)],
            cwd=file.parent, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert json.loads(done.stdout) == translator.translate(texts)
        assert done.stderr == ""

    def test_what_travels_with_the_model(self, translator: Translator, file: Path) -> None:
        loaded = seq2seq.load(file)
        assert loaded.recipe == translator.recipe
        assert loaded.about == read_about(file)
        decoding = to_table(DecodingSettings(Beam(3)))
        assert {"decoding": decoding, "format": FORMAT, "joint": True}.items() <= loaded.about.items()
        assert loaded.source_tokenizer is loaded.target_tokenizer
        assert [entry.name for entry in file.parent.iterdir()] == ["model.s2s"]

    def test_what_was_set_in_python_travels_too(self, file: Path, tmp_path: Path) -> None:
        translator = seq2seq.load(file)
        translator.search, translator.batch_size = Sample(seed=4), 5
        translator.length_limit = LengthLimit.by_factor(7)
        translator.save(tmp_path / "set.s2s")
        loaded = seq2seq.load(tmp_path / "set.s2s")
        assert (loaded.search, loaded.batch_size) == (Sample(seed=4), 5)
        assert loaded.length_limit == LengthLimit.by_factor(7)

    @pytest.mark.slow
    def test_metrics_are_of_the_weights_that_they_stand_beside(
        self, tokenizer: Tokenizer, file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        measured = {"metrics": {"test": {"bleu": 30.0}}, "signatures": {"bleu": "nrefs:1"}}
        translator = seq2seq.load(file)
        translator.about |= measured
        translator.save(file)
        again = seq2seq.load(file)
        again.save(file)
        assert measured.items() <= read_about(file).items() and capsys.readouterr().err == ""
        weight = again.model.trainable_variables[0]
        weight.assign_add(weight)  # as more training does
        again.save(file)
        assert not measured.keys() & read_about(file).keys() and not measured.keys() & again.about.keys()
        assert "have changed since they were measured" in capsys.readouterr().err
        again.about |= measured  # anew, as it happens with the same numbers
        again.save(file)
        assert measured.items() <= read_about(file).items() and capsys.readouterr().err == ""
        weight.assign_add(weight)
        again.save(file)  # of an object that has measured and saved itself
        assert not measured.keys() & read_about(file).keys()

    def test_a_file_without_a_fingerprint_is_read_with_one(self, translator: Translator) -> None:
        about = {"metrics": {"test": {"bleu": 30.0}}}
        old = Translator(translator.model, translator.source_tokenizer, translator.target_tokenizer, about=about)
        assert old._weights == fingerprint_of(translator.model)

    def test_another_backend_is_not_laid_to_the_file(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "seq2seq.models", None)  # type: ignore[arg-type]
        with pytest.raises(ImportError):
            seq2seq.load(file)

    def test_two_vocabularies(self, translator: Translator, tokenizer: Tokenizer, tmp_path: Path) -> None:
        other = Tokenizer.train(["".join(WORDS), "xyz"], kind="char")
        Translator(translator.model, tokenizer, other).save(tmp_path / "two.s2s")
        loaded = Translator.load(tmp_path / "two.s2s")
        assert loaded.target_tokenizer.fingerprint == other.fingerprint
        assert loaded.source_tokenizer.fingerprint == tokenizer.fingerprint

    def test_the_optimizer_stays_at_home_and_training_goes_on(
        self, translator: Translator, file: Path, tmp_path: Path
    ) -> None:
        model = translator.model
        model.compile(optimizer="adam")
        optimizer = model.optimizer
        optimizer.build(model.trainable_variables)
        translator.save(tmp_path / "after.s2s")
        assert model.optimizer is optimizer and model.compiled
        assert abs((tmp_path / "after.s2s").stat().st_size - file.stat().st_size) < 2000
        assert Translator.load(tmp_path / "after.s2s").translate(["Haus"]) == translator.translate(["Haus"])

    def test_a_failed_save_leaves_the_file_as_it_was(
        self, translator: Translator, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = file.read_bytes()
        monkeypatch.setattr(translator.source_tokenizer, "to_bytes", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            translator.save(file)
        assert file.read_bytes() == before
        assert [entry.name for entry in file.parent.iterdir()] == ["model.s2s"]
