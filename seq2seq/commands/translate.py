"""`seq2seq translate`: translate text, line by line."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from seq2seq.commands.arguments import (
    add_ensemble,
    count,
    file_or_stream,
    lines_of,
    model_in,
    standard_input,
)
from seq2seq.commands.decoding_options import add_decoding, chosen_search
from seq2seq.commands.exports import MODEL_OR_EXPORT, model_or_export, options_of_a_model
from seq2seq.commands.layout import (
    add_layout,
    cells,
    check_layout,
    further_columns,
    need_alignment,
    needs_details,
    written,
)
from seq2seq.runtime.folder import is_exported
from seq2seq.system.continued import continuing
from seq2seq.system.files import fingerprint, is_readable, naming, replacing
from seq2seq.system.pipe import ArrivingLines
from seq2seq.system.terminal import UsageError, need_stdout, progress, tell
from seq2seq.system.threads import one_core_per_operation
from seq2seq.system.versions import installed_versions
from seq2seq.system.workers import Workers

if TYPE_CHECKING:
    from seq2seq.search.settings import Search
    from seq2seq.text.annotating import Annotating
    from seq2seq.translation import Terms, Translation

_Item = TypeVar("_Item")

# Batches of lines read before any is translated, where so many are there: enough to batch by length, few enough that
# results keep coming.
_CHUNK = 32

# What is asked for beside a translation decides nothing of it.
_NO_SETTINGS = {"run", "argv", "debug", "output", "resume", "workers"}


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "translate",
        help="translate text, line by line",
        description="Translate text, line by line: one output line for each input line, an empty one for an empty one. "
        "What comes through a pipe is answered as it arrives.",
    )
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help=MODEL_OR_EXPORT,
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
    parser.add_argument(
        "--columns", type=_columns, metavar="NAME[,NEW]",
        help="--input is a table (.tsv, .csv, .jsonl, .parquet): translate this column, and write the table with the "
        "translations in a further one (default: translation); a number is a column of a table without header, from 0",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=count, default=1, metavar="N",
        help="translate in N processes, each with the model in its memory (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--resume", action="store_true",
        help="keep what is translated so far in OUTPUT.part, and go on behind it where there is some: for large files",
    )  # fmt: skip
    add_ensemble(parser)
    add_decoding(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    from seq2seq.translation import Terms

    _check(arguments)
    translator = _loaded(arguments)
    search, how = chosen_search(arguments, translator, arguments.n_best), _how(arguments, translator)
    terms = Terms(how.get("terms", {}))
    table = _table(arguments)
    size = _CHUNK * (arguments.batch_size or translator.batch_size)
    told = _Told()
    try:
        with ExitStack() as stack:
            rows, would_wait = stack.enter_context(_opened(arguments, table))
            output = stack.enter_context(_output(arguments))
            told = _Told(**output.state)
            chunks = itertools.islice(_chunked(rows, size, would_wait, arguments), output.pieces, None)
            pairs = ((chunk, chunk.asked) for chunk in chunks)
            if arguments.workers > 1:
                workers = stack.enter_context(Workers(arguments.workers, _worker, arguments, search, how))
                done = workers.map(pairs, would_wait)
            else:
                work = _translating(translator, search, how, needs_details(arguments))
                done = ((chunk, work(asked)) for chunk, asked in pairs)
            moved = stack.enter_context(progress(_lines(arguments, table), told.translations, "lines"))
            for chunk, found in done:
                told = told.and_of(found, terms)
                output.write(_laid_out(chunk, found, table, arguments), asdict(told))
                moved(len(chunk.rows))
            if rest := b"" if table is None else table.end():
                output.write(rest, asdict(told))
    except BrokenPipeError:
        told = _Told()  # nobody reads on
        raise
    finally:
        told.tell()


class _Asked(NamedTuple):
    """What is translated together."""

    number: int  # of the chunk
    texts: list[str]
    prefixes: list[str] | None


class _Chunk(NamedTuple):
    """What is translated together, and what stays here of it."""

    first: int  # the number of its first line
    rows: list[Any]
    asked: _Asked


@dataclass(frozen=True)
class _Told:
    """What is told at the end of a translation."""

    translations: int = 0
    cut: int = 0
    in_parts: int = 0
    missing: int = 0
    lost: int = 0
    first_lost: str = ""

    def and_of(self, found: Sequence[Translation], terms: Terms) -> _Told:
        """Count some more."""
        from seq2seq.translation import Cuts

        cuts = Cuts(self.translations, self.cut, self.in_parts) + Cuts.of(each.hypotheses for each in found)
        missing = sum(len(terms.missing(each.source, each.text)) for each in found)
        lost = [
            f"line {line:,}: {piece!r}"
            for line, each in enumerate(found, start=self.translations + 1)
            for piece in each.hypotheses[0].lost
        ]
        first = self.first_lost or next(iter(lost), "")
        return _Told(**asdict(cuts), missing=self.missing + missing, lost=self.lost + len(lost), first_lost=first)

    def tell(self) -> None:
        """Tell it."""
        from seq2seq.translation import Cuts
        from seq2seq.translation.hypothesis import lost_pieces

        if self.missing:
            told = f"{self.missing:,} translation{'s' * (self.missing != 1)} of terms did not find a place."
            tell(f"seq2seq: warning: {told}")
        if self.lost:
            tell(f"seq2seq: warning: {lost_pieces(self.lost)}, the first of {self.first_lost}.")
        if cuts := Cuts(self.translations, self.cut, self.in_parts):
            tell(f"seq2seq: warning: {cuts}")


def _how(arguments: argparse.Namespace, translator: Any) -> dict[str, Any]:
    """Give how texts are translated, as the options say, what they name read: a pipe can be read once."""
    from seq2seq.translation import Terms

    return {
        "batch_size": arguments.batch_size,
        "avoid": [] if arguments.avoid is None else lines_of(arguments.avoid),
        "terms": {} if arguments.terms is None else Terms.read(arguments.terms).table,
        **options_of_a_model(arguments, translator, arguments.model),
    }


def _translating(
    translator: Any, search: Search, how: Mapping[str, Any], details: bool
) -> Callable[[_Asked], list[Translation]]:
    """Give what translates a chunk."""
    from seq2seq.translation import Translation

    def translate(asked: _Asked) -> list[Translation]:
        own = search.for_batch(_CHUNK * asked.number)  # where tokens are drawn, each chunk draws its own
        if details:
            return translator.translate(asked.texts, own, prefixes=asked.prefixes, **how, details=True)
        found = translator.hypotheses(asked.texts, own, prefixes=asked.prefixes, **how)
        return [Translation(text, (), (), tuple(each), "") for text, each in zip(asked.texts, found, strict=True)]

    return translate


def _worker(
    arguments: argparse.Namespace, search: Search, how: Mapping[str, Any]
) -> Callable[[_Asked], list[Translation]]:
    """Load the model in a process of its own."""
    return _translating(_loaded(arguments), search, how, needs_details(arguments))


def _loaded(arguments: argparse.Namespace) -> Any:
    """Load the model, or the export, that is named."""
    translator = model_or_export(arguments, arguments.model)
    if not is_exported(arguments.model):
        need_alignment(arguments, translator)
    return translator


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be, before the model is loaded."""
    check_layout(arguments)
    given, output = arguments.input, arguments.output
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
    if output is None:
        need_stdout()
    one_core_per_operation()
    if given is not None and output is not None and given.is_file() and given.resolve() == output.resolve():
        raise UsageError(f"The output would overwrite the input. Received: --input and --output {given}.")
    if output is not None and output.is_dir():
        raise UsageError(f"Translations go into a file. Received: --output {output}, a folder. Name a file in it.")
    if arguments.columns is not None:
        _check_table(arguments)
    if arguments.resume:
        _check_resume(arguments)
    if arguments.beam_size is not None and arguments.beam_size < arguments.n_best:
        raise UsageError(
            "The N best translations are taken from the beam, which has to be as wide. "
            f"Received: --n-best {arguments.n_best} --beam-size {arguments.beam_size}."
        )


def _check_table(arguments: argparse.Namespace) -> None:
    from seq2seq.text.annotating import table_ending

    given, output = arguments.input, arguments.output
    if arguments.text or given is None:
        raise UsageError("Columns are those of a table in a file. Received: --columns without --input FILE. Name it.")
    if arguments.n_best > 1 or arguments.json:
        raise UsageError(
            "Each row of the table is written once, with its best translation. Received: --columns and "
            f"{'--json' if arguments.json else f'--n-best {arguments.n_best}'}. Leave one of them out."
        )
    if output is not None and table_ending(output) != table_ending(given):
        raise UsageError(
            "A table is written as it was read, with a further column. "
            f"Received: --input {given}, --output {output}. Give both the same ending."
        )


def _check_resume(arguments: argparse.Namespace) -> None:
    given, output = arguments.input, arguments.output
    for name, path in (("input", given), ("output", output)):
        if path is None or (path.exists() and not path.is_file()):
            raise UsageError(
                "To go on where it was stopped takes a file that can be read again, and one that can be written on. "
                f"Received: --resume {f'without --{name} FILE' if path is None else f'--{name} {path}'}. Name a file."
            )
    if arguments.columns is not None and output.suffix == ".parquet":
        raise UsageError(
            "A Parquet file is whole or nothing, and cannot be gone on with. "
            f"Received: --resume, --output {output}. Make the table a .jsonl, or leave --resume out."
        )


def _lines(arguments: argparse.Namespace, table: Annotating | None) -> int | None:
    """Count what is to be translated, where somebody sees how far it is."""
    from seq2seq.text.lines import read_lines

    given = arguments.input
    seen = sys.stderr is not None and sys.stderr.isatty() and (arguments.output is not None or not sys.stdout.isatty())
    if not seen or given is None or not given.is_file():
        return None
    rows = read_lines(given, nul=True, invalid=lambda _: None) if table is None else table.rows()
    return sum(1 for _ in rows)


def _chunked(
    rows: Iterator[Any], size: int, would_wait: Callable[[], bool], arguments: argparse.Namespace
) -> Iterator[_Chunk]:
    """Give rows together, with what is asked of their translations."""
    prefixes = None if arguments.prefixes is None else iter(lines_of(arguments.prefixes))
    first = 1
    for number, taken in enumerate(_chunks(rows, size, would_wait)):
        texts = [row if isinstance(row, str) else row.text for row in taken]
        begun = None if prefixes is None else list(itertools.islice(prefixes, len(texts)))
        if begun is not None and len(begun) < len(texts):
            raise _other_prefixes(arguments, "fewer")
        yield _Chunk(first, taken, _Asked(number, texts, begun))
        first += len(taken)
    if prefixes is not None and next(prefixes, None) is not None:
        raise _other_prefixes(arguments, "more")


def _other_prefixes(arguments: argparse.Namespace, how: str) -> ValueError:
    return ValueError(
        f"Each line has its prefix. Received: --prefixes {arguments.prefixes} with {how} lines than there are to "
        "translate. Put an empty line where a translation may begin with anything."
    )


def _names_file(text: str) -> bool:
    try:
        return is_readable(Path(text))  # a folder cannot be translated: its name is a text as any other
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False


def _columns(text: str) -> tuple[str, str]:
    """Read the names of the column to translate and of the one to write."""
    column, comma, new = text.partition(",")
    if not column or "," in new or (comma and not new):
        raise argparse.ArgumentTypeError(
            f"needs the name of a column, and, behind a comma, that of a new one. Received: {text}"
        )
    return column, new or "translation"


def _table(arguments: argparse.Namespace) -> Annotating | None:
    """Open the table that is to be translated, if it is one."""
    if arguments.columns is None:
        return None
    from seq2seq.text.annotating import annotating

    column, new = arguments.columns
    return annotating(arguments.input, column, further_columns(arguments) | {new: str})


@contextmanager
def _opened(
    arguments: argparse.Namespace, table: Annotating | None
) -> Iterator[tuple[Iterator[Any], Callable[[], bool]]]:
    """Open what is to be translated: its texts or rows, and whether the next one has yet to arrive."""
    from seq2seq.text.lines import read_lines, read_stream

    given = arguments.input
    if table is not None:
        yield table.rows(), lambda: False
    elif arguments.text:
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


def _chunks(texts: Iterator[_Item], count: int, would_wait: Callable[[], bool]) -> Iterator[list[_Item]]:
    """Give texts together, as many as are counted or have arrived; those before a bad line, then its error."""
    taken: list[_Item] = []
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


def _laid_out(
    chunk: _Chunk, found: Sequence[Translation], table: Annotating | None, arguments: argparse.Namespace
) -> bytes:
    """Lay out what is written for a chunk."""
    if table is not None:
        return table.written(chunk.rows, [cells(each, 0, arguments) for each in found], first=chunk.asked.number == 0)
    return "".join(written(line, each, arguments) for line, each in enumerate(found, start=chunk.first)).encode()


class _Output(Protocol):
    """What translations are written to."""

    pieces: int
    state: dict[str, Any]

    def write(self, piece: bytes, state: Mapping[str, Any]) -> None:
        """Write the next piece."""


class _Stream:
    """Writes to an open file from its beginning."""

    def __init__(self, file: IO[bytes], place: str) -> None:
        self.pieces = 0
        self.state: dict[str, Any] = {}
        self._file, self._place = file, place

    def write(self, piece: bytes, state: Mapping[str, Any]) -> None:
        with naming(self._place):
            self._file.write(piece)
            self._file.flush()


@contextmanager
def _output(arguments: argparse.Namespace) -> Iterator[_Output]:
    """Open what is written to."""
    path = arguments.output
    if path is None:
        yield _Stream(sys.stdout.buffer, "stdout")
    elif arguments.resume:
        with continuing(path, _job(arguments)) as output:
            if output.pieces:
                tell(f"Going on behind line {output.state['translations']:,} of {arguments.input}.")
            yield output
    else:
        with replacing(path) as place, place.open("wb") as file:
            yield _Stream(file, str(path))


def _job(arguments: argparse.Namespace) -> dict[str, str]:
    """Name all that decides what is written: options, what is in the files that they name, and versions."""
    job = {f"version of {name}": version for name, version in installed_versions().items() if name != "system"}
    for name, value in vars(arguments).items():
        option = "MODEL" if name == "model" else f"--{name.replace('_', '-')}"
        if name not in _NO_SETTINGS and value is not None and value is not False and value != []:  # 0 is a setting
            each = value if isinstance(value, list | tuple) else [value]
            job[option] = ", ".join(_content(option, one) if isinstance(one, Path) else str(one) for one in each)
    return job


def _content(option: str, path: Path) -> str:
    path = path / "translator.json" if is_exported(path) else model_in(path)  # which holds the checksums of the rest
    if not path.is_file():
        raise UsageError(
            "To go on where it was stopped, all files are read again. "
            f"Received: --resume, {option} {path}. Name a file."
        )
    return f"of content {fingerprint(path)[:16]}"
