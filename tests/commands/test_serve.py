import sys
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="serving needs starlette: pip install 'seq2seq[serve]'")

from seq2seq import serving
from seq2seq.commands import serve
from seq2seq.commands.command import make_parser
from tests.serving.scripted import Scripted


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A file of a model that says nothing of languages; it is read by a script."""
    path = tmp_path / "run" / "model.s2s"
    path.parent.mkdir()
    path.touch()
    return str(path)


@pytest.fixture
def served(monkeypatch):
    """What the command would serve."""
    found = {}

    def keep(app, taken):
        found["state"] = app.state.server
        return True

    monkeypatch.setattr(serving, "serve", keep, raising=False)
    monkeypatch.setattr(serving, "load_engine", lambda path, threads: Scripted(None), raising=False)
    return found


def test_serves_a_model_by_the_languages_that_are_named(seq2seq, model: str, served, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("sesame\n")
    status, out, err = seq2seq(
        "serve", f"de:en={model}", "--port", "0", "--queue", "200", "--wait", "5", "--keys", str(keys)
    )
    assert (status, out, err) == (0, b"", "")
    state = served["state"]
    assert (state.settings.queue, state.settings.wait, bool(state.keys)) == (200, 5.0, True)
    assert list(state.models._fresh) == [("de", "en")]
    assert state.models._fresh["de", "en"][0] == "run"


def test_other_sites_and_the_log_reach_the_server(seq2seq, model: str, served, monkeypatch) -> None:
    given, application = [], serving.application
    monkeypatch.setattr(
        serving, "application", lambda state, **options: given.append(options) or application(state, **options),
        raising=False,
    )  # fmt: skip
    plain = ["serve", f"de:en={model}", "--port", "0"]
    origins = ["https://a.example", "http://localhost:443", "http://[::1]:8000", "*"]
    for options in ([], [*(word for origin in origins for word in ("--cors", origin)), "--log-text"]):
        assert seq2seq(*plain, *options) == (0, b"", "")
    assert given == [
        {"origins": [], "log_text": False},
        {"origins": origins, "log_text": True},
    ]


def test_threads_reach_an_exported_model(seq2seq, served, monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "translator.json").touch()
    seen: list[tuple[Path, int]] = []

    def load(path: Path, threads: int) -> Scripted:
        seen.append((path, threads))
        return Scripted(None)

    monkeypatch.setattr(serving, "load_engine", load, raising=False)
    for options in ([], ["--threads", "3"]):
        assert seq2seq("serve", f"de:en={tmp_path}", "--port", "0", *options) == (0, b"", "")
    assert seen == [(tmp_path, 1), (tmp_path, 3)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["de:en=MODEL", "--threads", "2"], "Received: --threads 2, with model files alone."),
        (["MODEL"], "A model is asked for by its languages."),
        (["de:en=MODEL", "de:en=MODEL"], "There is one model for a pair of languages."),
        (["de:en=absent"], "There is no model file. Received: absent."),
        (["de:en=MODEL", "--threads", "2"], "Received: --threads 2, with model files alone."),
        (["de:en=MODEL", "--max-texts", "9", "--queue", "8"], "Received: max_texts=9, queue=8."),
        (["de:en=MODEL", "--host", "no.such.host.invalid"], "Received: --host no.such.host.invalid --port 5000:"),
    ],
)
def test_refuses_in_words(seq2seq, model: str, served, arguments: list[str], message: str) -> None:
    status, _, err = seq2seq("serve", *(one.replace("MODEL", model) for one in arguments))
    assert status in (1, 2) and message in err and not served


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "65536"], "needs a whole number from 0 to 65535. Received: 65536"),
        (["--wait", "-1"], "needs a number from 0 up. Received: -1"),
        ([""], "argument MODEL: needs a name. Received: an empty one"),
        (["de:en="], "argument MODEL: needs a name. Received: an empty one"),
        *(
            (["--cors", origin], f"as https://example.org or http://localhost:8000; or * for all. Received: {origin!r}")
            for origin in (
                "",
                "example.org",
                "https://example.org/",
                "https://example.org/page",
                "https://Example.org",
                "https://example.org:443",
                "https://*",
                "http://",
                "https://bücher.example",
            )
        ),
    ],
)
def test_what_a_server_cannot_be_told_is_refused(capsys, arguments: list[str], message: str) -> None:
    with pytest.raises(SystemExit):
        make_parser().parse_args(["serve", "model.s2s", *arguments])
    assert message in " ".join(capsys.readouterr().err.split())


def test_needs_what_is_of_an_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(
        ValueError, match=r"an environment without uvicorn\. Install them: pip install 'seq2seq\[serve\]'"
    ):
        serve._need_packages()
