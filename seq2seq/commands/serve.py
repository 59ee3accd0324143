"""`seq2seq serve`: a server that translates."""

from __future__ import annotations

import argparse
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.commands.arguments import count, named_path
from seq2seq.commands.decoding_options import SettingValue
from seq2seq.serving.settings import ServingSettings
from seq2seq.settings import defaults, kinds, meanings, words
from seq2seq.system.signals import HANG_UP
from seq2seq.system.terminal import UsageError

if TYPE_CHECKING:
    from seq2seq.serving import Place


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "serve",
        help="serve translators over HTTP",
        description="Serve translators over HTTP: LibreTranslate's API, so that clients written for it work, and one "
        "of its own at /v1/translate; /openapi.json describes both. SIGHUP reads models and keys again, SIGTERM ends "
        "once what was asked for is answered. Needs pip install 'seq2seq[serve]'.",
    )
    parser.add_argument(
        "models", nargs="+", metavar="MODEL", type=_model,
        help="model file (.s2s), folder of a finished run, or folder of seq2seq export, which needs no TensorFlow; "
        "one for each pair of languages, as de:en=MODEL where it does not say its own",
    )  # fmt: skip
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at; 0.0.0.0 for all of the machine (default: 127.0.0.1)",
    )
    parser.add_argument("--port", type=_port, default=5000, metavar="N", help="port, 0 for any (default: 5000)")
    parser.add_argument(
        "--keys", type=named_path, metavar="FILE",
        help="translate only for those who give one of the keys in this file, one a line; SIGHUP reads it again "
        "(default: for all)",
    )  # fmt: skip
    parser.add_argument(
        "--cors", action="append", default=[], type=_origin, metavar="ORIGIN",
        help="another site whose pages may ask the server, as https://example.org; * for all (may be repeated)",
    )  # fmt: skip
    parser.add_argument("--log-text", action="store_true", help="write into the log what is translated, too")
    parser.add_argument(
        "--threads", type=count, metavar="N",
        help="threads of onnxruntime for one operation of an exported model (default: 1)",
    )  # fmt: skip
    said, usual = meanings(ServingSettings), defaults(ServingSettings)
    for name, kind in kinds(ServingSettings).items():
        text = said[name].rstrip(".").replace("%", "%%")
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=SettingValue(kind), default=usual[name],
            metavar="N" if words(kind).startswith("a whole number") else "X",
            help=f"{text[0].lower()}{text[1:]} (default: {usual[name]:g})",
        )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    settings = ServingSettings(**{name: getattr(arguments, name) for name in kinds(ServingSettings)})
    places = [_place(*model) for model in arguments.models]
    if arguments.threads is not None and all(place.path.is_file() for place in places):
        raise UsageError(
            "Threads of onnxruntime are those of exported models. Received: "
            f"--threads {arguments.threads}, with model files alone. Leave it out, or export one (seq2seq export)."
        )
    _need_packages()
    from seq2seq.serving import Keys, Metrics, Models, State, application, listen, load_engine, serve

    keys = Keys() if arguments.keys is None else Keys.read(arguments.keys)
    with _hang_up_ignored(), listen(arguments.host, arguments.port) as taken:  # first: to read models takes a while
        metrics = Metrics()
        state = State(
            Models(places, partial(load_engine, threads=arguments.threads or 1), settings, metrics),
            settings,
            keys,
            metrics,
        )
        if not serve(application(state, origins=arguments.cors, log_text=arguments.log_text), taken):
            os._exit(0)  # else Python would wait for the batch at work


@contextmanager
def _hang_up_ignored() -> Iterator[None]:
    """Ignore SIGHUP until the server listens to it: models that are being read are read anew as it is."""
    before = signal.signal(HANG_UP, signal.SIG_IGN) if HANG_UP else None
    try:
        yield
    finally:
        if HANG_UP:
            signal.signal(HANG_UP, before)


def _place(path: Path, languages: tuple[str, str] | None) -> Place:
    from seq2seq.serving.models import Place

    if not (path / "translator.json").is_file():
        from seq2seq.commands.arguments import model_in, need_model

        path = model_in(path)
        need_model(path)
    return Place(path, languages)


def _model(text: str) -> tuple[Path, tuple[str, str] | None]:
    named = re.fullmatch(r"([^:=/\\]+):([^:=/\\]+)=(.*)", text)
    return named_path(named[3] if named else text), (named[1], named[2]) if named else None


def _origin(text: str) -> str:
    """Read the origin of a page; the server compares it, letter by letter, with what a browser sends."""
    found = re.fullmatch(r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]+)?", text)
    if text != "*" and (not found or found[3] == {"http": ":80", "https": ":443"}.get(found[1], "")):
        raise argparse.ArgumentTypeError(
            "needs scheme, host and, where it is not the usual one, port, in small letters, and nothing behind, as "
            f"https://example.org or http://localhost:8000; or * for all. Received: {text!r}"
        )
    return text


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"needs a whole number from 0 to 65535. Received: {text}")
    return int(text)


def _need_packages() -> None:
    for package in ("starlette", "uvicorn", "prometheus_client"):
        try:
            __import__(package)
        except ModuleNotFoundError as error:
            raise UsageError(
                f"Serving needs starlette, uvicorn and prometheus-client. Received: an environment without {package}. "
                "Install them: pip install 'seq2seq[serve]'."
            ) from error
