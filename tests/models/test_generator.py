"""The graphs behind decoding: shared by all numbers, few, traced once whatever the threads do, and unseen by Keras."""

import gc
import weakref
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.layers import StateBridge
from seq2seq.models import Decoder, Encoder, Seq2Seq, generator
from seq2seq.models.generator import Generator
from seq2seq.search import Beam, Greedy, Sample
from seq2seq.text.special_ids import PAD, START

SOURCE = np.array([[5, 6, 7, 2], [8, 2, 0, 0], [4, 9, 2, 0]])
LIMITS = np.array([9, 7, 5])


@pytest.fixture
def model():
    keras.utils.set_random_seed(1)
    return small_model("general")


def small_model(attention):
    model = Seq2Seq(Encoder(12, 4, [6]), StateBridge([6]), Decoder(12, 4, [6], attention=attention))
    for weight in model.trainable_variables:  # an untrained model would say the same to everything
        weight.assign(4 * weight)
    return model


@pytest.fixture
def traces(monkeypatch):
    """Counts how often the graph of each kind of search is begun."""
    counts = Counter()
    search = generator.search

    def counted(settings, *arguments, **options):
        counts[type(settings), getattr(settings, "beam_size", 1), options["source_time"] is not None] += 1
        return search(settings, *arguments, **options)

    monkeypatch.setattr(generator, "search", counted)
    return counts


def same(found, expected):
    tf.nest.map_structure(np.testing.assert_array_equal, found, expected)


def test_five_length_penalties_are_one_graph(model, traces):
    found = [model.decode(SOURCE, LIMITS, Beam(3, n_best=3, length_penalty=each)) for each in (0.0, 0.3, 0.6, 1.0, 1.5)]
    assert sum(traces.values()) == 1
    assert len({scores.tobytes() for scores in (each.scores.numpy() for each in found)}) == 5
    lengths = np.count_nonzero(found[0].tokens, axis=2)
    for each, penalty in zip(found, (0.0, 0.3, 0.6, 1.0, 1.5), strict=True):
        lengths = np.count_nonzero(each.tokens, axis=2)
        expected = each.token_scores.numpy().sum(axis=2) / np.maximum(lengths, 1) ** penalty
        np.testing.assert_allclose(np.where(lengths, each.scores, 0.0), expected, rtol=1e-5)


def test_five_ways_to_sample_are_one_graph(model, traces):
    kinds = [Sample(), Sample(temperature=0.5), Sample(top_k=2), Sample(top_p=0.5), Sample(seed=2**62)]
    found = [model.decode(SOURCE, LIMITS, kind).tokens.numpy() for kind in kinds]
    assert sum(traces.values()) == 1
    assert len({each.tobytes() for each in found}) == 5
    same(model.decode(SOURCE, LIMITS, kinds[0]).tokens, found[0])


@pytest.mark.slow
def test_eight_threads_with_mixed_settings(model, traces):
    kinds = [Greedy(), Beam(3, n_best=2), Beam(3, n_best=2, length_penalty=0.2), Sample(seed=3)]
    jobs = [*((kind, False) for kind in kinds), (Greedy(), True)] * 9

    def decode(job):
        return model.decode(SOURCE, LIMITS, job[0], attention=job[1])

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(decode, jobs))
    assert set(traces.values()) == {1} and len(traces) == 4
    same(found, [decode(job) for job in jobs])


@pytest.mark.slow
def test_few_graphs_are_kept_and_others_are_freed(model, traces, monkeypatch):
    monkeypatch.setattr(generator, "KEPT", 2)
    graphs = []
    monkeypatch.setattr(generator._Graph, "__init__", remembered(generator._Graph.__init__, graphs))
    searching = Generator([model])
    for beam_size in (2, 3, 2, 4, 2, 3):
        searching.search(Beam(beam_size), SOURCE, LIMITS)
    gc.collect()
    # 2 was used again in time; 3 was not, and was traced again.
    assert [traces[Beam, beam_size, False] for beam_size in (2, 3, 4)] == [1, 2, 1]
    assert [graph() is not None for graph in graphs] == [True, False, False, True]


def remembered(init, graphs):
    def wrapped(self, *arguments):
        graphs.append(weakref.ref(self))
        init(self, *arguments)

    return wrapped


@pytest.mark.slow
def test_attention_is_that_of_the_teacher_forced_pass_over_what_was_written(model):
    for kind in (Greedy(), Beam(3, n_best=2), Sample(seed=1)):
        found = model.decode(SOURCE, LIMITS, kind, attention=True)
        assert found.attention.shape == (*found.tokens.shape, SOURCE.shape[1])
        for place in range(found.tokens.shape[1]):
            tokens = found.tokens.numpy()[:, place]
            target_in = np.concatenate([np.full((3, 1), START), tokens[:, :-1]], axis=1)
            encoded = model.encoder(SOURCE)
            seen = model.decoder.look(target_in, model.bridge(encoded), encoded).numpy()
            expected = np.where((tokens != PAD)[:, :, None], seen, 0.0)
            np.testing.assert_allclose(found.attention[:, place], expected, atol=1e-6)
        same(model.decode(SOURCE, LIMITS, kind)[:4], found[:4])


def test_attention_needs_attention():
    with pytest.raises(ValueError, match="Received: attention=True, and a decoder with attention=None"):
        small_model(None).decode(SOURCE, LIMITS, attention=True)


@pytest.mark.slow
def test_a_coverage_penalty_is_of_the_attention(model):
    kind = Beam(3, n_best=3, length_penalty=0.0, coverage_penalty=2.0)
    found, plain = (model.decode(SOURCE, LIMITS, each, attention=True) for each in (kind, replace(kind, stop="exact")))
    same(found[:2], model.decode(SOURCE, LIMITS, kind)[:2])
    for each in (found, plain):
        got = np.minimum(np.asarray(each.attention).sum(axis=2), 1)
        covered = np.where(SOURCE[:, None] != PAD, np.log(np.maximum(got, 1e-30)), 0).sum(axis=2)
        expected = np.asarray(each.token_scores).sum(axis=2) + 2 * covered
        exist = np.isfinite(each.scores)
        np.testing.assert_allclose(np.asarray(each.scores)[exist], expected[exist], rtol=1e-4)
    with pytest.raises(ValueError, match="Received: a coverage_penalty, and a decoder with attention=None"):
        small_model(None).decode(SOURCE, LIMITS, Beam(2, coverage_penalty=0.1))


@pytest.mark.slow
def test_a_limit_not_given_is_that_of_the_settings(model):
    for kind in (Greedy(max_length_factor=0.5), Beam(2, max_length_factor=0.5)):
        same(model.decode(SOURCE, search=kind), model.decode(SOURCE, [12, 11, 11], kind))
    # What was learnt is known to a translator; a model alone has the old limit.
    same(model.decode(SOURCE, search=Greedy()), model.decode(SOURCE, search=Greedy(max_length_factor=2.0)))


@pytest.mark.slow
def test_a_model_that_has_decoded_is_saved_as_any_other(model, tmp_path):
    tracked = model._tracked, [name for name, _ in model._trackable_children().items()]
    found = model.decode(SOURCE, LIMITS, Beam(3))
    model.decode(SOURCE, LIMITS, Beam(3, length_penalty=0.5))
    assert (model._tracked, [name for name, _ in model._trackable_children().items()]) == tracked
    model.save(tmp_path / "model.keras")
    same(keras.models.load_model(tmp_path / "model.keras").decode(SOURCE, LIMITS, Beam(3)), found)
    tf.saved_model.save(model, str(tmp_path / "saved"))


def test_settings_of_one_form_are_equal():
    assert replace(Beam(4), length_penalty=0.2).form() == Beam(4).form() != Beam(4, n_best=2).form()
