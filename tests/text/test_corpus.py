import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text import reading
from seq2seq.text.corpus import Corpus, CorpusError, Pair, corpus_from_pairs, hold_out, sample
from seq2seq.text.reading import read_corpus

STREAMING = pytest.mark.parametrize("streaming", [False, True])


class TestCorpus:
    @STREAMING
    def test_empty_pairs_are_skipped_counted_and_told(self, streaming):
        pairs = [Pair("a", "1"), Pair("", "2"), Pair("b", " \t"), Pair("\u3000", ""), Pair("c", "3")]
        corpus = Corpus(lambda: iter(pairs), name="letters", streamed=streaming)
        for _ in range(2):
            assert list(corpus) == [pairs[0], pairs[-1]]
            assert corpus.skipped == {"empty": 3}
        size = "streamed" if streaming else "2 pairs"
        assert corpus.report() == f"letters: {size}, skipped: 3 empty"

    def test_in_memory_is_read_once(self):
        reads = []
        corpus = Corpus(lambda: reads.append(1) or iter([Pair("a", "b")]), name="once")
        assert list(corpus) == list(corpus) == [Pair("a", "b")]
        assert (len(corpus), corpus.sources, corpus.targets, len(reads)) == (1, ["a"], ["b"], 1)

    def test_lists_are_copies(self):
        corpus = corpus_from_pairs([("a", "b")])
        corpus.sources.append("c")
        corpus.skipped["x"] = 1
        assert (corpus.sources, corpus.skipped) == (["a"], {})

    def test_streamed_refuses_what_needs_the_whole(self):
        corpus = Corpus(lambda: iter([Pair("a", "b")]), name="stream", streamed=True)
        for ask in (len, lambda c: c.sources, lambda c: c.targets):
            with pytest.raises(TypeError, match=r"in memory: .*corpus='stream', streamed=True. Iterate"):
                ask(corpus)

    def test_streamed_keeps_memory_flat(self):
        def peak(count):
            corpus = Corpus(lambda: (Pair("x" * 50, str(i)) for i in range(count)), name="long", streamed=True)
            tracemalloc.start()
            assert sum(1 for _ in corpus) == count
            size = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return size

        assert peak(20_000) < peak(200) + 100_000  # the pairs themselves are 3 MB

    def test_read_only_as_far_as_asked(self):
        read = []
        corpus = Corpus(lambda: (read.append(i) or Pair("a", str(i)) for i in range(100)), name="lazy", streamed=True)
        pairs = iter(corpus)
        next(pairs), next(pairs)
        assert read == [0, 1]


class TestReadCorpus:
    @STREAMING
    @pytest.mark.parametrize(
        "kind", ["parallel", "gz", "bz2", "xz", "tsv", "txt", "csv", "jsonl", "json", "parquet", "saved"]
    )
    def test_every_kind_gives_the_same(self, write, tmp_path, kind, streaming):
        pairs = [("NULL", "007"), ("zwei\u2028drei", '"two'), ("vier", "four")]
        if kind in ("parallel", "gz", "bz2", "xz"):
            for language, side in zip(("de", "en"), zip(*pairs, strict=True), strict=True):
                write(
                    f"train.{language}{'' if kind == 'parallel' else f'.{kind}'}", "".join(f"{text}\n" for text in side)
                )
        elif kind == "saved":
            import datasets

            rows = datasets.Dataset.from_list([{"de": source, "en": target} for source, target in pairs])
            datasets.DatasetDict({"train": rows}).save_to_disk(tmp_path)
        else:
            import pandas

            table = pandas.DataFrame(pairs, columns=["de", "en"])
            if kind == "parquet":
                table.to_parquet(tmp_path / "train.parquet")
            elif kind in ("jsonl", "json"):
                table.to_json(tmp_path / f"train.{kind}", orient="records", lines=kind == "jsonl")
            elif kind == "csv":
                table.to_csv(tmp_path / "train.csv", index=False)
            else:
                write(f"train.{kind}", "de\ten\n" + "".join(f"{source}\t{target}\n" for source, target in pairs))
        corpus = read_corpus(tmp_path, "train", source="de", target="en", streaming=streaming)
        assert corpus.streamed == streaming
        assert list(corpus) == list(corpus) == pairs
        assert corpus.name == f"{tmp_path.name}/train"

    @STREAMING
    def test_unequal_lines_are_told(self, write, tmp_path, streaming):
        write("train.de", "a\nb\nc\n"), write("train.en", "a\nb\n")
        with pytest.raises(CorpusError, match=r"train.de with 3 lines, .*train.en with 2 lines"):
            list(read_corpus(tmp_path, "train", source="de", target="en", streaming=streaming))

    @STREAMING
    def test_what_is_missing_is_told_at_once(self, write, tmp_path, streaming):
        write("train.tsv", "de\ten\na\tb\n")
        with pytest.raises(CorpusError, match="column 'fr'"):
            read_corpus(tmp_path, "train", source="de", target="fr", streaming=streaming)
        with pytest.raises(CorpusError, match="instead the split: 'train'"):
            read_corpus(tmp_path, "dev", source="de", target="en", streaming=streaming)

    @STREAMING
    def test_nothing_but_empty_pairs_is_no_corpus(self, write, tmp_path, streaming):
        write("train.de", "\n\n"), write("train.en", "a\n\n")
        with pytest.raises(CorpusError, match=r"at least one pair .* skipped: 2 empty"):
            read_corpus(tmp_path, "train", source="de", target="en", streaming=streaming)

    def test_several_files_follow_each_other(self, write, tmp_path):
        write("train-00000-of-00002.tsv", "de\ten\na\t1\n"), write("train-00001-of-00002.tsv", "en\tde\n2\tb\n")
        assert list(read_corpus(tmp_path, "train", source="de", target="en")) == [("a", "1"), ("b", "2")]

    def test_a_pattern_names_the_corpus(self, write, tmp_path):
        write("fre_dev.tsv", "a\tb\n")
        assert read_corpus(tmp_path / "fre_{split}.tsv", "dev", source="0", target="1").name == "fre_dev.tsv"

    def test_the_file_of_the_keras_tutorial(self, write, tmp_path):
        write("fra.txt", "Go.\tVa !\tCC-BY 2.0 (France)\nHi.\tSalut !\tCC-BY 2.0 (France)\n")
        for path in (tmp_path, tmp_path / "fra.txt"):
            assert list(read_corpus(path, "fra", source="0", target="1")) == [("Go.", "Va !"), ("Hi.", "Salut !")]

    @pytest.mark.parametrize("path", ["nowhere", "./nowhere/x", "/nowhere/x", "nowhere/x/y", "../nowhere"])
    def test_what_is_nowhere_does_not_ask_the_hub(self, path, monkeypatch):
        monkeypatch.setattr(reading, "read_hub", lambda *_, **__: pytest.fail("asked the hub"))
        with pytest.raises(CorpusError, match=f"Received: path='{path}', which is not there"):
            read_corpus(path, "train", source="de", target="en")

    @STREAMING
    @pytest.mark.parametrize("name", ["owner/name", "owner/na.me-1:de-en"])
    def test_a_hub_name_asks_the_hub(self, monkeypatch, name, streaming):
        asked = []

        def read_hub(*arguments, streaming):
            asked.append((*arguments, streaming))
            return iter([Pair("a", "b")])

        monkeypatch.setattr(reading, "read_hub", read_hub)
        corpus = read_corpus(name, "train", source="de", target="en", streaming=streaming)
        assert list(corpus) == [("a", "b")]
        assert asked[0] == (name, "train", "de", "en", streaming)
        assert corpus.name == f"{name}/train"

    def test_dates_are_built_in(self):
        assert len(read_corpus("dates", "validation", source="", target="")) > 0
        with pytest.raises(CorpusError, match="split='dev'"):
            read_corpus("dates", "dev", source="", target="")

    def test_public_data(self, data):
        read = read_corpus(data / "multi30k" / "tok", "val.lc.norm.tok", source="de", target="en")
        assert list(read) == list(read_corpus(data / "multi30k" / "tok", "val", source="de", target="en"))
        assert len(read) == 1014
        words = read_corpus(data / "cmudict_g2p", "g014b2b.train", source="0", target="1")
        assert (len(words), len(set(words.sources))) == (113438, 106837)
        assert "NULL" in words.sources


class TestHoldOut:
    PAIRS = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("123")), min_size=1)

    @given(PAIRS, st.integers(1, 9), st.integers(0, 5))
    def test_no_source_is_on_both_sides(self, pairs, count, seed):
        corpus = corpus_from_pairs(pairs)
        distinct = set(corpus.sources)
        if count >= len(distinct):
            with pytest.raises(CorpusError, match=f"count={count}, {len(distinct)} distinct sources in memory"):
                hold_out(corpus, count, seed)
            return
        rest, held = hold_out(corpus, count, seed)
        assert len(set(held.sources)) == count
        assert not set(held.sources) & set(rest.sources)
        inside = set(held.sources)
        assert list(held) == [pair for pair in pairs if pair[0] in inside]
        assert list(rest) == [pair for pair in pairs if pair[0] not in inside]

    @given(PAIRS, st.integers(0, 5), st.randoms(use_true_random=False))
    def test_depends_on_text_and_seed_alone(self, pairs, seed, shuffler):
        pairs = [*pairs, ("y", "1"), ("z", "1")]
        _, held = hold_out(corpus_from_pairs(pairs), 1, seed)
        shuffler.shuffle(pairs)
        stream = Corpus(lambda: map(Pair._make, pairs), name="stream", streamed=True)
        rest_again, held_again = hold_out(stream, 1, seed)
        assert set(held.sources) == set(held_again.sources)
        assert rest_again.streamed
        assert len(list(rest_again)) + len(held_again) == len(pairs)

    def test_another_seed_holds_out_others(self):
        corpus = corpus_from_pairs((str(i), "x") for i in range(1000))
        first, second = (set(hold_out(corpus, 100, seed)[1].sources) for seed in (0, 1))
        # Two independent choices of a tenth share about a tenth.
        assert len(first & second) < 30

    def test_is_fair(self):
        corpus = corpus_from_pairs((str(i), "x") for i in range(1000))
        numbers = sorted(int(source) for source in hold_out(corpus, 500, 0)[1].sources)
        assert 400 < sum(numbers) / len(numbers) < 600

    def test_what_is_held_out_twice_is_named_for_its_purpose(self):
        corpus = corpus_from_pairs([(letter, letter) for letter in "abcdef"], name="letters")
        rest, validation = hold_out(corpus, 1, 0, purpose="validation")
        rest, test = hold_out(rest, 1, 1, purpose="test")
        assert validation.name == "letters, held out for validation"
        assert test.name == "letters, held out for test"
        assert rest.name == "letters without what is held out"

    @STREAMING
    def test_what_the_whole_skipped_is_told_with_the_rest(self, streaming):
        pairs = [Pair("a", "1"), Pair("", "2"), Pair("b\n", "3\n"), Pair("c", " "), Pair("d", "4")]
        corpus = Corpus(lambda: iter(pairs), name="letters", streamed=streaming)
        rest, validation = hold_out(corpus, 1, 0)
        rest, test = hold_out(rest, 1, 1)
        assert sorted([*rest, *validation, *test]) == [pair for pair in pairs if pair.source and pair.target != " "]
        size = "streamed" if streaming else "1 pair"
        assert rest.report() == f"letters without what is held out: {size}, skipped: 2 empty"
        assert (rest.skipped, validation.skipped, test.skipped) == ({"empty": 2}, {}, {})

    def test_nothing_to_hold_out_is_refused(self):
        with pytest.raises(CorpusError, match=r"positive number of sources. Received: count=0"):
            hold_out(corpus_from_pairs([("a", "b")]), 0)


class TestSample:
    @given(TestHoldOut.PAIRS, st.integers(1, 9))
    def test_has_all_pairs_of_so_many_sources_and_lies_in_every_larger_one(self, pairs, count):
        corpus = corpus_from_pairs(pairs)
        if count > len(set(corpus.sources)):
            with pytest.raises(CorpusError, match=f"from one to all distinct sources. Received: count={count}, "):
                sample(corpus, count)
            return
        drawn = sample(corpus, count)
        inside = set(drawn.sources)
        assert len(inside) == count
        assert list(drawn) == [pair for pair in pairs if pair[0] in inside]
        assert inside <= set(sample(corpus, min(count + 1, len(set(corpus.sources)))).sources)

    def test_a_stream_gives_the_same_and_tells_what_it_skipped(self):
        pairs = [Pair("a", "1"), Pair("", "2"), Pair("b", "3"), Pair("c", "4")]
        corpora = [Corpus(lambda: iter(pairs), name="letters", streamed=streamed) for streamed in (False, True)]
        first, second = (sample(corpus, 2) for corpus in corpora)
        assert list(first) == list(second)
        assert first.report() == second.report() == "letters, a sample: 2 pairs, skipped: 1 empty"

    def test_nothing_is_no_sample(self):
        with pytest.raises(CorpusError, match="Received: count=0, "):
            sample(corpus_from_pairs([("a", "b")]), 0)


def test_text_to_be_scored_is_kept_whole(tmp_path):
    for language, lines in (("de", "eins\n\n \nvier\n"), ("en", "one\ntwo\nthree\n\n")):
        (tmp_path / f"test.{language}").write_text(lines)
        (tmp_path / f"none.{language}").write_text("\n \n")
    corpus = read_corpus(tmp_path, "test", source="de", target="en", whole=True)
    assert corpus.sources == ["eins", "", " ", "vier"] and corpus.targets == ["one", "two", "three", ""]
    assert corpus.skipped == {} and corpus.report().endswith("/test: 4 pairs, 3 of them with an empty side")
    for streaming in (False, True):
        with pytest.raises(CorpusError, match="at least one pair with text on both sides"):
            read_corpus(tmp_path, "none", source="de", target="en", streaming=streaming, whole=True)
