"""The page: its vocabularies and its search are those of Python, and what it is made of is what it was tested with."""

import base64
import io
import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import sentencepiece

from seq2seq.export import browser
from seq2seq.text import Tokenizer
from seq2seq.text.special_ids import END
from tests.export.models import WORDS
from tests.marks import quick
from tests.search import scripted

HERE = Path(__file__).parent
PAGE = Path(browser.__file__).parent
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="JavaScript outside of a browser needs Node.js")

HOSTILE = [
    "", " ", "  a  b ", "\u3000x\u00a0y", "ﬁne ½ Ａ", "a\u0300é", "\ufeffx", "<s> </s> <unk> <pad> <0x41>", "▁a▁▁b",
    "😀👨‍👩‍👧 x", "\0a", "a\tb\r", "ſ ẞ İ", "中文ab한국", "\u200b", "．．．", "ｶﾞ ㍿", "a" * 300, "\ud800x",
    "<de> x<en>12", "ein Haus  am See", "x  <de>  y", " " * 200 + "x" + " " * 200,
]  # fmt: skip
RANGES = [(32, 127), (0xA0, 0x2FFF), (0xF900, 0xFFFF), (0x1F300, 0x1F700)]


def node(script: str, given: dict) -> list:
    """What a script says."""
    told = json.dumps({"page": PAGE.as_uri(), **given})
    done = subprocess.run(
        ["node", HERE / script], input=told, capture_output=True, text=True, timeout=300, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def trained(**settings) -> bytes:
    """A model of SentencePiece's own settings."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(HOSTILE[2:9] + WORDS * 3), model_writer=model, vocab_size=90, hard_vocab_limit=False,
        minloglevel=2, **settings,
    )  # fmt: skip
    return model.getvalue()


def tokenizers() -> dict[str, Tokenizer]:
    """Every kind and normalization, bytes and symbols; and files of others, with other ids and spaces."""
    text = [*HOSTILE[2:18], *(" ".join(WORDS[place:]) for place in range(len(WORDS)))] * 2
    ours = {
        f"{kind}, {normalization}, {bytes_ or 'no bytes'}": Tokenizer.train(
            text, kind=kind, vocab_size=500 if bytes_ else 240, normalization=normalization, byte_fallback=bool(bytes_),
            symbols=["<de>", "<en>", "ab", "1"],
        )
        for kind, normalization, bytes_ in [
            ("unigram", "nmt_nfkc", ""), ("unigram", "identity", "bytes"), ("bpe", "nmt_nfkc_cf", ""),
            ("bpe", "nfkc", "bytes"), ("word", "nmt_nfkc", ""), ("word", "nfkc_cf", "bytes"), ("char", "identity", ""),
            ("char", "nmt_nfkc", "bytes"),
        ]
    }  # fmt: skip
    others = {
        "spaces behind": {"treat_whitespace_as_suffix": True},
        "words, spaces behind": {"treat_whitespace_as_suffix": True, "model_type": "word"},
        "no space before": {"add_dummy_prefix": False, "model_type": "bpe", "pad_id": 3, "unk_id": 0},
        "every space": {"remove_extra_whitespaces": False, "bos_id": -1},
    }
    return ours | {name: Tokenizer(trained(**settings)) for name, settings in others.items()}


def lines(count: int) -> list[str]:
    drawn = random.Random(0)
    signs = [chr(sign) for start, stop in RANGES for sign in range(start, stop)]
    strange = ["".join(drawn.choices(signs, k=drawn.randrange(1, 30))) for _ in range(count // 2)]
    plain = ["".join(drawn.choices([*WORDS, " ", "  ", "<de>", "ab", "?"], k=9)) for _ in range(count // 2)]
    return [*HOSTILE, *strange, *plain]


@needs_node
@pytest.mark.parametrize("count", quick([200, 10_000]))
def test_text_becomes_ids_and_ids_text_as_in_python(count):
    texts, drawn, asked = lines(count), random.Random(1), []
    ours = tokenizers() if count < 1000 else dict(list(tokenizers().items())[:2])
    for tokenizer in ours.values():
        ids = [drawn.choices(range(tokenizer.vocab_size), k=drawn.randrange(12)) for _ in range(count // 2)]
        asked.append((tokenizer, tokenizer.encode_batch(texts), ids + tokenizer.encode_batch(texts)))
    models = [
        {"model": base64.b64encode(tokenizer.to_bytes()).decode(), "lines": texts, "ids": ids}
        for tokenizer, _, ids in asked
    ]
    for name, (tokenizer, encoded, ids), answer in zip(
        ours, asked, node("sentencepiece.mjs", {"models": models}), strict=True
    ):
        assert answer["ids"] == encoded, name
        assert answer["texts"] == tokenizer.decode_batch(ids), name


@needs_node
def test_searches_as_python_does():
    from seq2seq.search import Beam, Greedy
    from tests.runtime.test_search import run

    hows = [
        Greedy(), Greedy(min_length=3), Beam(2), Beam(3, n_best=3), Beam(4, n_best=4, length_penalty=0.0),
        Beam(5, n_best=2, length_penalty=1.5, min_length=2), Beam(12, n_best=12),
    ]  # fmt: skip
    tasks, expected = [], []
    for seed in range(5 * len(hows)):
        how, vocab, longest = hows[seed % len(hows)], 3 + seed % 7, 1 + seed % 9
        tables, looks = scripted.random_tables(seed, 1, vocab), scripted.looks(seed, 1, vocab)
        expected += run(how, tables, [longest], looks)
        settings = {"beamSize": getattr(how, "beam_size", 1), "nBest": getattr(how, "n_best", 1),
                    "lengthPenalty": how.length_penalty, "minLength": how.min_length}  # fmt: skip
        tasks.append(
            {"settings": settings, "table": tables[0].tolist(), "looks": looks[0].tolist(), "maxLength": longest}
        )
    for theirs, ours in zip(expected, node("search.mjs", {"tasks": tasks}), strict=True):
        assert [one.tokens for one in theirs] == [one["tokens"] for one in ours]
        for one, same in zip(theirs, ours, strict=True):
            assert one.ended == same["ended"] and one.tokens[-1] == END
            np.testing.assert_allclose([one.score, *one.token_scores], [same["score"], *same["tokenScores"]], atol=1e-5)
            np.testing.assert_array_equal(one.attention, np.float32(same["attention"]))


def test_an_engine_that_was_not_tested_is_refused(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"Received: .*, without ort\.wasm\.bundle\.min\.mjs"):
        browser.engine(tmp_path)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "ort.wasm.bundle.min.mjs").write_text("other")
    with pytest.raises(ValueError, match=r"which it was tested with. Received: .* whose checksum is another"):
        browser.engine(tmp_path)


def test_npm_that_is_not_there_or_fails_is_told(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"without npm. Install Node.js, or .* --onnxruntime-web node_modules"):
        browser.engine()
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'no such host' >&2\nexit 1\n")
    npm.chmod(0o755)
    with pytest.raises(ValueError, match=r"npm could not bring onnxruntime-web .* It says: no such host Look whether"):
        browser.engine()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "translator.json").write_text('{"checksums": {"step.onnx": "", "README.md": ""}}')
    (tmp_path / "step.onnx").write_bytes(b"step")
    return tmp_path


def test_a_page_lists_its_files_and_has_an_edition_of_its_own(folder: Path):
    sizes = browser.add_page(folder, "<b>", {"ort.mjs": b"engine"})
    assert sizes == json.loads((folder / "files.json").read_text())
    assert sizes == {name: (folder / name).stat().st_size for name in sizes} and "README.md" not in sizes
    assert {"step.onnx", "translator.json", "ort.mjs", *browser.PAGE} == set(sizes)
    assert "<title>&lt;b&gt;</title>" in (folder / "index.html").read_text()
    first = (folder / "offline.js").read_text()
    (folder / "step.onnx").write_bytes(b"else")
    browser.add_page(folder, "<b>", {"ort.mjs": b"engine"})
    assert (folder / "offline.js").read_text() != first


def test_nothing_of_the_page_names_another_place():
    for name in browser.PAGE:
        text = (PAGE / name).read_text("utf-8").replace("http://www.w3.org/2000/svg", "")  # the name of a language
        assert not re.search(r"//\w", text), name
