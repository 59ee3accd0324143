"""The targets of tests/fuzz on inputs that are nearly right, and on every input that ever failed."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import targets
from tests.fuzz.targets import TARGETS, seeds

# The examples are many and the inputs large: model files are changed in few places each.
EXAMPLES = {"corpus": 200, "recipe": 100, "model_file": 40, "keras_file": 60, "keras_config": 60}

# Signs that mean something to one reader or another.
SIGNS = [b"", b"\0", b"\n", b"\r", b"\t", b'"', b"[", b"{", b"\xff", b"\xef\xbb\xbf", b"\\ud800", b"1e999", b"=", b"#"]


@st.composite
def changed(draw: st.DrawFn, name: str) -> bytes:
    """A seed with bytes changed, cut out, doubled or put in."""
    known = seeds(name)
    data = bytearray(known[draw(st.integers(0, len(known) - 1))])
    for _ in range(draw(st.integers(0, 5))):
        # From the end as often as from the beginning: there zip files keep their table.
        start = draw(st.integers(0, min(len(data), 400)) | st.integers(0, len(data)))
        start = len(data) - start if draw(st.booleans()) else start
        length = draw(st.integers(0, 8))
        data[start : start + length] = draw(st.binary(max_size=8) | st.sampled_from(SIGNS)) * draw(st.integers(1, 3))
    if name == "corpus" and data and draw(st.booleans()):
        data = bytearray([data[0] | 4]) + gzip.compress(bytes(data[1:]))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 9)) == 0 else data)


@pytest.mark.parametrize("name", TARGETS)
def test_nearly_right_inputs(name: str) -> None:
    @settings(max_examples=EXAMPLES[name])
    @given(data=changed(name))
    def holds(data: bytes) -> None:
        TARGETS[name](data)

    holds()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("recipe", b"seed = " + b"[" * 5000),
        ("recipe", b"seed = " + b"9" * 5000),
        ("recipe", b"seed=" + b"{x=" * 5000),
        ("corpus", b"\x03" + b"[" * 100_000),
        ("corpus", b"\x03" + b"9" * 5000),
        ("model_file", b""),
        ("model_file", b"PK\x05\x06" + bytes(18)),
        ("keras_file", b"PK\x05\x06" + bytes(18)),
    ],
)
def test_what_once_failed_or_might(name: str, data: bytes) -> None:
    TARGETS[name](data)


@pytest.mark.parametrize("change", [(b"DTypePolicy", b"TFSMLayer"), (b"seq2seq>Decoder", b"builtins>Decoder")])
def test_a_class_that_is_let_in_and_not_known_fails(
    change: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (config,) = seeds("keras_config")
    assert config != config.replace(*change)
    monkeypatch.setattr(targets, "check_model", lambda data: None)
    TARGETS["keras_config"](config)
    with pytest.raises(AssertionError, match="may do more than compute"):
        TARGETS["keras_config"](config.replace(*change))
