"""`seq2seq translate`: translate text, line by line."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from seq2seq.commands.arguments import (
    MODEL,
    add_ensemble,
    file_or_stream,
    lines_of,
    named_ensemble,
    standard_input,
)
from seq2seq.commands.decoding_options import add_decoding, chosen_copying, chosen_mbr, chosen_search
from seq2seq.commands.layout import add_layout, check_layout, need_alignment, needs_details, written
from seq2seq.runtime.folder import is_exported
from seq2seq.system.files import is_readable, naming, replacing
from seq2seq.system.pipe import ArrivingLines
from seq2seq.system.terminal import UsageError, need_stdout, tell
from seq2seq.system.threads import one_core_per_operation

if TYPE_CHECKING:
    from seq2seq.runtime import ExportedTranslator
    from seq2seq.translation import Translation, Translator

_TENSORFLOW_ALONE = ("ensemble", "ensemble_weights", "terms", "shortlist", "precision", "mbr", "candidates", "unknown",
                     "dictionary", "protect")  # fmt: skip

# Batches of lines read before any is translated, where so many are there: enough to batch by length, few enough that
# results keep coming.
_CHUNK = 32


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "translate",
        help="translate text, line by line",
        description="Translate text, line by line: one output line for each input line, an empty one for an empty one. "
        "What comes through a pipe is answered as it arrives.",
    )
    parser.add_argument(
        "model", type=Path, metavar="MODEL",
        help=f"{MODEL}; or the folder of an export, which onnxruntime translates with, without TensorFlow",
    )  # fmt: skip
    parser.add_argument(
        "text", nargs="*", metavar="TEXT", help="text to translate, not the name of a file (default: what is read)"
    )
    parser.add_argument("--input", type=file_or_stream, metavar="FILE", help="file to read, - is stdin (default: -)")
    parser.add_argument("--output", type=file_or_stream, metavar="FILE", help="file to write, - is stdout (default: -)")
    add_layout(parser)
    parser.add_argument(
        "--prefixes", type=Path, metavar="FILE",
        help="what the translation of each line begins with, line by line; an empty line for anything",
    )  # fmt: skip
    parser.add_argument("--avoid", type=Path, metavar="FILE", help="phrases that no translation may have, line by line")
    parser.add_argument(
        "--terms", type=Path, metavar="FILE",
        help="how phrases of the source are to be translated, line by line: phrase, TAB, translation; what finds no "
        "place is told",
    )  # fmt: skip
    add_ensemble(parser)
    add_decoding(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    from seq2seq.translation import Cuts, Terms
    from seq2seq.translation.hypothesis import lost_pieces

    _check(arguments)
    exported = _exported(arguments)
    translator: Any = exported or named_ensemble(arguments)
    if not exported:
        need_alignment(arguments, translator)
    search = chosen_search(arguments, translator, arguments.n_best)
    chunk = _CHUNK * (arguments.batch_size or translator.batch_size)
    numbers = itertools.count(1)
    cuts = Cuts()
    terms = Terms({} if arguments.terms is None else Terms.read(arguments.terms).table)
    more: dict[str, Any] = {}
    if not exported:
        more = {"shortlist": arguments.shortlist, "precision": arguments.precision, "terms": terms.table}
        more |= {"mbr": chosen_mbr(arguments, translator), **chosen_copying(arguments, translator)}
    missing = 0
    lost: list[tuple[int, str]] = []
    avoid = [] if arguments.avoid is None else lines_of(arguments.avoid)
    prefixes = None if arguments.prefixes is None else iter(lines_of(arguments.prefixes))
    try:
        with _opened(arguments) as (texts, would_wait), _output(arguments.output) as output:
            for number, lines in enumerate(_chunks(texts, chunk, would_wait)):
                found = _translated(
                    translator,
                    lines,
                    search.for_batch(_CHUNK * number),  # where tokens are drawn, each chunk draws its own
                    batch_size=arguments.batch_size,
                    prefixes=_next_prefixes(prefixes, lines, arguments),
                    avoid=avoid,
                    **more,
                    details=needs_details(arguments),
                )
                cuts += Cuts.of(each.hypotheses for each in found)
                missing += sum(len(terms.missing(each.source, each.text)) for each in found)
                with naming(str(arguments.output or "stdout")):
                    for each in found:
                        line = next(numbers)
                        lost += [(line, piece) for piece in each.hypotheses[0].lost]
                        output.write(written(line, each, arguments).encode())
                    output.flush()
        if prefixes is not None and next(prefixes, None) is not None:
            raise ValueError(
                f"Each line has its prefix. Received: --prefixes {arguments.prefixes} with more lines than there are "
                "to translate. Put an empty line where a translation may begin with anything."
            )
    except BrokenPipeError:
        cuts = Cuts()  # nobody reads on
        raise
    finally:
        if missing:
            tell(f"seq2seq: warning: {missing:,} translation{'s' * (missing != 1)} of terms did not find a place.")
        if lost:
            line, piece = lost[0]
            tell(f"seq2seq: warning: {lost_pieces(len(lost))}, the first of line {line:,}: {piece!r}.")
        if cuts:
            tell(f"seq2seq: warning: {cuts}")


def _translated(
    translator: Translator | ExportedTranslator, lines: list[str], *how: Any, details: bool, **options: Any
) -> list[Translation]:
    """Translate lines, and put each translation beside its line."""
    from seq2seq.translation import Translation

    if details:
        return translator.translate(lines, *how, **options, details=True)
    found = translator.hypotheses(lines, *how, **options)
    return [Translation(line, (), (), tuple(each), "") for line, each in zip(lines, found, strict=True)]


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be, before the model is loaded."""
    check_layout(arguments)
    given, written = arguments.input, arguments.output
    if arguments.text:
        if given is not None:
            raise UsageError(f"There are two things to translate. Received: TEXT and --input {given}. Leave one out.")
        if files := [text for text in arguments.text if _names_file(text)]:
            raise UsageError(
                f"There is a file of this name, which may be what is meant. Received: TEXT {files[0]}. "
                f"To translate what is in it: --input {files[0]}. To translate the name: pipe it in."
            )
    elif given is None:
        standard_input()
    elif not is_readable(given):
        raise UsageError(f"There is no file to translate. Received: --input {given}.")
    if written is None:
        need_stdout()
    one_core_per_operation()
    if given is not None and written is not None and given.is_file() and given.resolve() == written.resolve():
        raise UsageError(f"The output would overwrite the input. Received: --input and --output {given}.")
    if arguments.beam_size is not None and arguments.beam_size < arguments.n_best:
        raise UsageError(
            "The N best translations are taken from the beam, which has to be as wide. "
            f"Received: --n-best {arguments.n_best} --beam-size {arguments.beam_size}."
        )


def _exported(arguments: argparse.Namespace) -> ExportedTranslator | None:
    """Load the export that is named; None where MODEL is none."""
    if not is_exported(arguments.model):
        return None
    given = [name for name in _TENSORFLOW_ALONE if getattr(arguments, name)]
    if given:
        raise UsageError(
            "An export translates without TensorFlow, where this is not there. "
            f"Received: --{given[0].replace('_', '-')} with the export {arguments.model}. "
            "Leave it out, or name the model file."
        )
    from seq2seq.runtime import load

    return load(arguments.model)


def _next_prefixes(
    prefixes: Iterator[str] | None, lines: Sequence[str], arguments: argparse.Namespace
) -> list[str] | None:
    """Give the prefixes of some lines."""
    if prefixes is None:
        return None
    found = list(itertools.islice(prefixes, len(lines)))
    if len(found) < len(lines):
        raise ValueError(
            f"Each line has its prefix. Received: --prefixes {arguments.prefixes} with fewer lines than there are to "
            "translate. Put an empty line where a translation may begin with anything."
        )
    return found


def _names_file(text: str) -> bool:
    try:
        return is_readable(Path(text))  # a folder cannot be translated: its name is a text as any other
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False


@contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[tuple[Iterator[str], Callable[[], bool]]]:
    """Open what is to be translated: its texts, and whether the next one has yet to arrive."""
    from seq2seq.text.lines import read_lines, read_stream

    given = arguments.input
    if arguments.text:
        lines = (line for text in arguments.text for line in os.fsencode(text).split(b"\n"))
        yield read_stream(lines, "the command line", nul=True, invalid=_warn), lambda: False
    elif given is not None and given.is_file():
        yield read_lines(given, nul=True, invalid=_warn), lambda: False
    else:
        with nullcontext(standard_input()) if given is None else given.open("rb") as file:
            arriving = ArrivingLines(file)
            place = "stdin" if given is None else str(given)
            yield read_stream(arriving, place, nul=True, invalid=_warn), arriving.would_wait


def _warn(error: ValueError) -> None:
    tell(f"seq2seq: warning: {error} It is translated with U+FFFD in that place; later lines are not mentioned.")


def _chunks(texts: Iterator[str], count: int, would_wait: Callable[[], bool]) -> Iterator[list[str]]:
    """Give texts together, as many as are counted or have arrived; those before a bad line, then its error."""
    taken: list[str] = []
    try:
        for text in texts:
            taken.append(text)
            if len(taken) == count or would_wait():
                yield taken
                taken = []
    except ValueError:
        yield taken
        raise
    yield taken


@contextmanager
def _output(path: Path | None) -> Iterator[IO[bytes]]:
    """Open what is written to."""
    if path is None:
        yield sys.stdout.buffer
    else:
        with replacing(path) as place, place.open("wb") as output:
            yield output
