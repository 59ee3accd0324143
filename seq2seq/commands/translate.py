"""`seq2seq translate`: translate text, line by line."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq.commands.arguments import (
    add_ensemble,
    count,
    file_or_stream,
    lines_of,
    model_in,
    named_path,
    need_model,
    standard_input,
)
from seq2seq.commands.chunks import Asked, Chunk, check_table, chunked, columns, lines_to_show, opened, table_of
from seq2seq.commands.decoding_options import add_decoding, check_decoding, chosen_search, named_dictionary
from seq2seq.commands.exports import MODEL_OR_EXPORT, model_or_export, options_of_a_model
from seq2seq.commands.layout import add_layout, cells, check_layout, need_alignment, needs_details, written
from seq2seq.commands.output import check_resume, output_of
from seq2seq.commands.told import Told
from seq2seq.runtime.folder import is_exported
from seq2seq.system.files import is_readable
from seq2seq.system.terminal import UsageError, need_stdout, progress
from seq2seq.system.threads import one_core_per_operation
from seq2seq.system.workers import Workers
from seq2seq.text.asked import PrefixError
from seq2seq.text.compression import without_compression

if TYPE_CHECKING:
    from seq2seq.search.settings import DecodingSettings, Search
    from seq2seq.text.annotating import Annotating
    from seq2seq.translation import Translation


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
        "model", type=named_path, metavar="MODEL", help=MODEL_OR_EXPORT,
    )  # fmt: skip
    parser.add_argument(
        "text", nargs="*", default=[], metavar="TEXT",
        help="text to translate, not the name of a file (default: what is read)",
    )  # fmt: skip
    parser.add_argument("--input", type=file_or_stream, metavar="FILE", help="file to read, - is stdin (default: -)")
    parser.add_argument("--output", type=file_or_stream, metavar="FILE", help="file to write, - is stdout (default: -)")
    add_layout(parser)
    parser.add_argument(
        "--prefixes", type=named_path, metavar="FILE",
        help="what the translation of each line begins with, line by line; an empty line for anything",
    )  # fmt: skip
    parser.add_argument(
        "--avoid", type=named_path, metavar="FILE", help="phrases that no translation may have, line by line"
    )
    parser.add_argument(
        "--terms", type=named_path, metavar="FILE",
        help="how phrases of the source are to be translated, line by line: phrase, TAB, translation; what finds no "
        "place is told",
    )  # fmt: skip
    parser.add_argument(
        "--columns", type=columns, metavar="NAME[,NEW]",
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
    _check(arguments)
    # Workers have the model; here it would only take room.
    alone = arguments.workers == 1 or is_exported(arguments.model)
    translator = _loaded(arguments) if alone else None
    settings = _settings(arguments) if translator is None else translator
    search, how = chosen_search(arguments, settings, arguments.n_best), _how(arguments, settings)
    table = table_of(arguments)
    size = _CHUNK * (arguments.batch_size or settings.batch_size)
    told = Told()
    try:
        with ExitStack() as stack:
            rows, would_wait = stack.enter_context(opened(arguments, table))
            output = stack.enter_context(output_of(arguments))
            told = Told(**output.state)
            chunks = itertools.islice(chunked(rows, size, would_wait, arguments, table), output.pieces, None)
            pairs = ((chunk, chunk.asked) for chunk in chunks)
            if arguments.workers > 1:
                workers = stack.enter_context(Workers(arguments.workers, _worker, arguments, search, how))
                done = workers.map(pairs, would_wait)
            else:
                work = _translating(translator, search, how, needs_details(arguments))
                done = ((chunk, work(asked)) for chunk, asked in pairs)
            moved = stack.enter_context(progress(lines_to_show(arguments, table), told.translations, "lines"))
            for chunk, (found, missing) in done:
                told = told.and_of(found, missing)
                output.write(_laid_out(chunk, found, table, arguments), asdict(told))
                moved(len(chunk.rows))
            if rest := b"" if table is None else table.end():
                output.write(rest, asdict(told))
    except BrokenPipeError:
        told = Told()  # nobody reads on
        raise
    finally:
        told.tell()


def _settings(arguments: argparse.Namespace) -> DecodingSettings:
    """Read what the model file says of decoding."""
    from seq2seq.translation.model_file import decoding_of, read_members

    path = model_in(arguments.model)
    need_model(path)
    return decoding_of(read_members(path)[1])


def _how(arguments: argparse.Namespace, settings: Any) -> dict[str, Any]:
    """Give how texts are translated, as the options say, what they name read: a pipe can be read once."""
    from seq2seq.translation import Terms

    return {
        "batch_size": arguments.batch_size,
        "avoid": [] if arguments.avoid is None else lines_of(arguments.avoid),
        "terms": {} if arguments.terms is None else Terms.read(arguments.terms).table,
        **options_of_a_model(arguments, settings, arguments.model, named_dictionary(arguments)),
    }


class _Done(NamedTuple):
    """What came of a chunk."""

    found: list[Translation]
    missing: int  # translations of terms that did not find a place


def _translating(translator: Any, search: Search, how: Mapping[str, Any], details: bool) -> Callable[[Asked], _Done]:
    """Give what translates a chunk."""
    from seq2seq.translation import Terms, Translation

    terms = Terms(how.get("terms", {})).written(translator.target_tokenizer)

    def found_of(asked: Asked) -> list[Translation]:
        own = search.for_batch(_CHUNK * asked.number)  # where tokens are drawn, each chunk draws its own
        if details:
            return translator.translate(asked.texts, own, prefixes=asked.prefixes, **how, details=True)
        found = translator.hypotheses(asked.texts, own, prefixes=asked.prefixes, **how)
        return [Translation(text, (), (), tuple(each), "") for text, each in zip(asked.texts, found, strict=True)]

    def translate(asked: Asked) -> _Done:
        try:
            found = found_of(asked)
        except PrefixError as error:
            raise ValueError(f"{error} It is that of line {asked.first + error.place:,}.") from error
        return _Done(found, sum(len(terms.missing(one.source, one.text)) for one in found))

    return translate


def _worker(arguments: argparse.Namespace, search: Search, how: Mapping[str, Any]) -> Callable[[Asked], _Done]:
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
    if output is not None and (plain := without_compression(output.name)) != output.name:
        raise UsageError(
            f"What is written is not packed. Received: --output {output}. Name it {plain}, and pack it afterwards."
        )
    if arguments.columns is not None:
        check_table(arguments)
    if arguments.resume:
        check_resume(arguments)
    check_decoding(arguments, arguments.n_best)


def _names_file(text: str) -> bool:
    try:
        return is_readable(Path(text))  # a folder cannot be translated: its name is a text as any other
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False


def _laid_out(
    chunk: Chunk, found: Sequence[Translation], table: Annotating | None, arguments: argparse.Namespace
) -> bytes:
    """Lay out what is written for a chunk."""
    if table is not None:
        return table.written(chunk.rows, [cells(each, 0, arguments) for each in found], first=chunk.asked.number == 0)
    return "".join(written(line, each, arguments) for line, each in enumerate(found, start=chunk.asked.first)).encode()
