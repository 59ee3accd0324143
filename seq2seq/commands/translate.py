"""`seq2seq translate`: translate text, line by line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from seq2seq.commands.arguments import MODEL, count, named_translator
from seq2seq.commands.decoding_options import add_decoding, chosen_search
from seq2seq.system.files import replacing
from seq2seq.system.terminal import UsageError, tell

if TYPE_CHECKING:
    from seq2seq.translation import Translator

# Lines read before any is translated: enough to batch by length, few enough that results keep coming.
_CHUNK = 32


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "translate",
        help="translate text, line by line",
        description="Translate text, line by line: one output line for each input line, an empty one for an empty one.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help=MODEL)
    parser.add_argument("--input", type=Path, metavar="FILE", help="file to read (default: stdin)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="file to write (default: stdout)")
    parser.add_argument(
        "--n-best", type=count, default=1, metavar="N",
        help="write the N best translations of each line, each as: number of the line, TAB, translation",
    )  # fmt: skip
    parser.add_argument(
        "--scores", action="store_true",
        help="write the score and a TAB before each translation: its log-probability (nats), divided by its length in "
        "tokens to the power of the length penalty",
    )  # fmt: skip
    parser.add_argument(
        "--ended", action="store_true",
        help="write `ended` or `cut` and a TAB before each translation: whether it ended by itself, or the limit of "
        "length cut it",
    )  # fmt: skip
    add_decoding(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    from seq2seq.text.lines import read_lines, read_stream

    given, written = arguments.input, arguments.output
    if given is not None and not given.is_file():
        raise UsageError(f"There is no file to translate. Received: --input {given}.")
    if given is not None and written is not None and given.resolve() == written.resolve():
        raise UsageError(f"The output would overwrite the input. Received: --input and --output {given}.")
    if arguments.beam_size is not None and arguments.beam_size < arguments.n_best:
        raise UsageError(
            "The N best translations are taken from the beam, which has to be as wide. "
            f"Received: --n-best {arguments.n_best} --beam-size {arguments.beam_size}."
        )
    translator = named_translator(arguments.model)
    live = given is None and sys.stdin.isatty()
    chunk = 1 if live else _CHUNK * (arguments.batch_size or translator.batch_size)
    if given is None:
        lines = read_stream(sys.stdin.buffer, "stdin", nul=True, invalid=_warn)
    else:
        lines = read_lines(given, nul=True, invalid=_warn)
    with nullcontext(sys.stdout.buffer) if written is None else _whole(written) as output:
        for result in _translated(translator, lines, chunk, arguments):
            output.write(result.encode())
            output.flush()


def _warn(error: ValueError) -> None:
    tell(f"seq2seq: warning: {error} It is translated with U+FFFD in that place; later lines are not mentioned.")


def _translated(
    translator: Translator, texts: Iterator[str], chunk: int, arguments: argparse.Namespace
) -> Iterator[str]:
    """Give the output for one chunk of lines after the other; what came before a bad line is given before the error."""
    from seq2seq.text.lines import one_line
    from seq2seq.translation import Cuts

    search = chosen_search(arguments, translator, arguments.n_best)
    number, cuts = 0, Cuts()
    while True:
        lines, error = _take(texts, chunk)
        found = translator.hypotheses(
            lines,
            search,
            batch_size=arguments.batch_size,
            shortlist=arguments.shortlist,
            precision=arguments.precision,
        )
        cuts += Cuts.of(found)
        output = []
        for hypotheses in found:
            number += 1
            for one in hypotheses:
                columns = [str(number)] * (arguments.n_best > 1) + [f"{one.score:.4f}"] * arguments.scores
                columns += ["ended" if one.ended else "cut"] * arguments.ended
                # One line for one translation, and one column, whatever a vocabulary of bytes may put into it.
                clean = one_line(one.text).replace("\t", " ") if columns else one_line(one.text)
                output.append("\t".join([*columns, clean]) + "\n")
        yield "".join(output)
        if cuts and (error is not None or len(lines) < chunk):
            tell(f"seq2seq: warning: {cuts}")
        if error is not None:
            raise error
        if len(lines) < chunk:
            return


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that is there whole or not at all; a device or a pipe is written to as it is."""
    if path.exists() and not path.is_file():
        try:
            with path.open("wb") as output:
                yield output
        except OSError as error:  # of a device that is full, which names no file
            error.filename = error.filename or str(path)
            raise
        return
    # Where the path is a link, what it leads to is replaced.
    with replacing(path.resolve()) as temporary, temporary.open("wb") as output:
        yield output


def _take(texts: Iterator[str], count: int) -> tuple[list[str], ValueError | None]:
    taken: list[str] = []
    try:
        for text in islice(texts, count):
            taken.append(text)  # one by one: those before a bad line are kept
    except ValueError as error:
        return taken, error
    return taken, None
