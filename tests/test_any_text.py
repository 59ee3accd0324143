"""Whatever a line holds, there is one line for it in its place: translating text as it is found in the world."""

import gzip
import io
import sys
import unicodedata
from pathlib import Path
from typing import Any

import keras
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seq2seq import Decoder, Encoder, Seq2Seq, StateBridge, Tokenizer, Translator
from seq2seq.commands import translate
from seq2seq.commands.command import main
from seq2seq.search import Beam
from seq2seq.text.special_ids import UNKNOWN
from seq2seq.translation import Hypothesis
from seq2seq.translation.decoding import BatchDecoder
from tests.marks import quick

TEXT = ["ein Haus am See", "zwei Häuser im Wald", "ein Wald am Haus"]
# Few tokens out: what is tested is that each line has its own, not what is in it.
DECODING = {"beam_size": 1, "max_length_factor": 0.01, "batch_size": 64}

NAMED = {
    "nothing": "",
    "spaces": " \t ",
    "spaces of all kinds": "\u00a0\u2003\u3000",
    "NUL": "ein\x00Haus",
    "only NUL": "\x00\x00",
    "control characters": "\x01\x07\x08\x0b\x0c\x1b[31m\x7f\x9f",
    "ends of lines for some": "ein\x0bHaus\x0cam\x1cSee\x85und\u2028der\u2029Wald\r",
    "carriage returns": "\r\r",
    "byte order mark": "\ufeffein Haus",
    "noncharacters": "\ufffe\uffff\U0010ffff",
    "private use": "\ue000\U000f0000",
    "right to left": "שלום עולם \u202eHaus\u202c العربية",
    "emoji": "👨‍👩‍👧‍👦🏳️‍🌈🇩🇪👍🏽",
    "combining marks": unicodedata.normalize("NFD", "Häuser öäü Å ñ"),
    "composed marks": unicodedata.normalize("NFC", "Häuser öäü Å ñ"),
    "many marks on one letter": "e" + "\u0301" * 500,
    "only unknown characters": "漢字仮名",
    "zero width": "\u200b\u200c\u200d\u2060",
    "pieces of SentencePiece": "▁ <s> </s> <unk> <pad> <0x0A>",
    "one long word": "a" * 5000,
    "tab": "ein\tHaus",
}


def build(kind: str) -> Translator:
    options: dict[str, Any] = {"kind": "char"}
    if kind == "bytes":
        options = {"kind": "bpe", "vocab_size": 320, "byte_fallback": True, "normalization": "identity"}
    tokenizer = Tokenizer.train(TEXT, **options)
    keras.utils.set_random_seed(5)
    decoder = Decoder(tokenizer.vocab_size, 6, [6], attention="dot")
    model = Seq2Seq(Encoder(tokenizer.vocab_size, 6, [6]), StateBridge([6]), decoder)
    for weight in model.trainable_variables:  # large weights: an untrained model would say the same to everything
        weight.assign(6 * weight)
    return Translator(model, tokenizer, tokenizer, about={"decoding": DECODING})


@pytest.fixture(scope="module", params=["characters", "bytes"])
def translator(request: pytest.FixtureRequest) -> Translator:
    return build(request.param)


class Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)

    def isatty(self) -> bool:
        return False


class Stdout(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.buffer = io.BytesIO()


def command(translator: Translator, data: bytes, *options: str) -> bytes:
    """Give what `seq2seq translate` writes for the data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translate, "model_or_export", lambda *_: translator)
        patch.setattr(sys, "stdin", Stdin(data))
        output = Stdout()
        patch.setattr(sys, "stdout", output)
        assert main(["translate", "m.s2s", *options]) == 0
    return output.buffer.getvalue()


def lines_of(output: bytes) -> list[str]:
    """Split into lines as every program does, Python's str among them."""
    lines = output.decode().split("\n")
    assert lines.pop() == ""
    assert all(len(line.splitlines()) <= 1 for line in lines)
    return lines


texts = st.lists(st.text(max_size=30) | st.sampled_from(sorted(NAMED.values())), max_size=6)
lone = st.text(st.characters(categories=["Cs", "Ll", "So"]), max_size=8)


@settings(max_examples=25)
@given(texts=st.lists(st.text(max_size=20) | lone, max_size=5))
@example(texts=["\ud800", "ein \udfff Haus", "\ud83d\ude00", "Haus"])
def test_the_library_takes_any_text(translator: Translator, texts: list[str]) -> None:
    found = translator.translate(texts)
    assert len(found) == len(texts)
    assert found == [translator.translate([text])[0] for text in texts]
    assert all(translation.encode() is not None for translation in found)


def test_half_a_surrogate_pair_is_the_sign_for_what_cannot_be_read(translator: Translator) -> None:
    encode = translator.source_tokenizer.encode
    assert encode("Haus \ud800") == encode("Haus \ufffd")
    assert encode("Haus \ud83d\ude00") == encode("Haus 😀")  # the two halves of one character


@settings(max_examples=25)
@given(lines=texts, end=st.sampled_from(["\n", "\r\n"]), last=st.booleans())
@example(lines=list(NAMED.values()), end="\n", last=True)
@example(lines=list(NAMED.values()), end="\r\n", last=False)
def test_the_command_writes_a_line_for_each_line(
    translator: Translator, lines: list[str], end: str, last: bool
) -> None:
    lines = [line.replace("\n", " ").removesuffix("\r") for line in lines]
    data = "".join(line + end for line in lines)
    if not last and lines:  # the last line needs no end, unless it is empty
        data = data.removesuffix(end) if lines[-1] else data
    read = [line.removeprefix("\ufeff") if place == 0 else line for place, line in enumerate(lines)]
    expected = [" ".join(text.splitlines()) for text in translator.translate(read)]
    assert lines_of(command(translator, data.encode())) == expected
    numbered = lines_of(command(translator, data.encode(), "--scores"))
    assert [row.count("\t") for row in numbered] == [1] * len(lines)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_a_file_is_read_like_stdin(translator: Translator, name: str, tmp_path: Path) -> None:
    data = f"\ufeffHaus\n{NAMED[name]}\r\nSee".encode()
    (tmp_path / "in").write_bytes(data)
    assert command(translator, b"", "--input", f"{tmp_path}/in", "--output", f"{tmp_path}/out") == b""
    found = lines_of((tmp_path / "out").read_bytes())
    assert len(found) == 3 and found == lines_of(command(translator, data))
    assert [found[0], found[2]] == translator.translate(["Haus", "See"])


@pytest.mark.slow
@pytest.mark.parametrize("unit", quick(["ein Haus ", "漢", "\x00"]))
def test_a_line_of_a_megabyte(unit: str) -> None:
    translator = build("characters")
    line = unit * (2**20 // len(unit.encode()))
    found = lines_of(command(translator, f"Haus\n{line}\nSee\n".encode()))
    assert len(found) == 3
    assert [found[0], found[2]] == translator.translate(["Haus", "See"])


def test_unknown_characters_are_one_sign_and_not_nothing() -> None:
    tokenizer = build("characters").source_tokenizer
    assert UNKNOWN in tokenizer.encode("漢字") and "⁇" in tokenizer.decode(tokenizer.encode("漢字"))


def test_a_long_text_is_translated_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    translator = build("characters")
    lengths: list[int] = []

    def decode(_: BatchDecoder, ids: list[list[int]], search: Beam, *__: Any) -> list[list[Hypothesis]]:
        lengths.extend(map(len, ids))
        ranks = range(search.n_best)
        return [[Hypothesis(f"{rank}:{len(one)}", -1.0 * len(one)) for rank in ranks] for one in ids]

    monkeypatch.setattr(BatchDecoder, "decode", decode)
    text = "a" * 2499  # and the piece before a word
    (found,) = translator.hypotheses([text], Beam(2, n_best=2))
    assert sorted(lengths) == [500, 1000, 1000]
    assert found == [Hypothesis(f"{rank}:1000 {rank}:1000 {rank}:500", -2500 / 3, parts=3) for rank in range(2)]
    lengths.clear()
    translator.about["max_source_length"] = 2000  # as the model was trained
    assert [best.text for (best,) in translator.hypotheses(["a", text, ""])] == ["0:2", "0:2000 0:500", ""]


class TestOutput:
    """A file of translations is there whole, or as it was before."""

    def failing(self, patch: pytest.MonkeyPatch, *arguments: str) -> int:
        patch.setattr(translate, "model_or_export", lambda *_: build("characters"))
        return main(["translate", "m.s2s", *arguments])

    def test_of_a_file_that_breaks_off(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "in.gz").write_bytes(gzip.compress(b"Haus\nSee\n")[:-9])
        (tmp_path / "out").write_text("before\n")
        for output in ("out", "new"):
            assert self.failing(monkeypatch, "--input", f"{tmp_path}/in.gz", "--output", f"{tmp_path}/{output}") == 1
            assert "in.gz, damaged after line" in capsys.readouterr().err
        assert (tmp_path / "out").read_text() == "before\n"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in.gz", "out"]

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
    def test_on_a_full_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "in").write_text("Haus\n")
        assert self.failing(monkeypatch, "--input", f"{tmp_path}/in", "--output", "/dev/full") == 1
        assert "error: /dev/full: No space left on device. Free some space" in capsys.readouterr().err

    def test_in_a_folder_that_is_not_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "in").write_text("Haus\n")
        assert self.failing(monkeypatch, "--input", f"{tmp_path}/in", "--output", f"{tmp_path}/no/out") == 1
        assert f"error: {tmp_path}/no/out: No such file or directory. Check" in capsys.readouterr().err

    def test_through_a_link(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "in").write_text("Haus\n")
        (tmp_path / "real").write_text("before\n")
        (tmp_path / "link").symlink_to("real")
        assert self.failing(monkeypatch, "--input", f"{tmp_path}/in", "--output", f"{tmp_path}/link") == 0
        assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() != "before\n"
