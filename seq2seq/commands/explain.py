"""`seq2seq explain`: say why a translation is as it is."""

from __future__ import annotations

import argparse
import shutil
from typing import Any

from seq2seq.commands.arguments import MODEL, given_options, named_path, named_translator, tell_what_is_left_out
from seq2seq.commands.decoding_options import add_decoding, chosen_mbr, chosen_search
from seq2seq.system.files import replacing
from seq2seq.system.terminal import UsageError, need_stdout, tell


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "explain",
        help="say why a translation is as it is: alignment, beam, what else was probable",
        description="Translate a sentence, and show what the model looked at, the probability of each token and of "
        "three others, and what the search kept; with a reference, whether the search or the model is wrong.",
    )
    parser.add_argument("model", type=named_path, metavar="MODEL", help=MODEL)
    parser.add_argument("text", metavar="TEXT", help="the sentence to translate")
    parser.add_argument("--reference", metavar="TEXT", help="a right translation, to tell whose error it is")
    parser.add_argument("--html", type=named_path, metavar="FILE", help="also write it as a page, with pictures")
    parser.add_argument("--svg", type=named_path, metavar="FILE", help="also draw the alignment into this file")
    add_decoding(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    given = given_options(arguments, ("shortlist", "precision", "batch_size", "unknown", "dictionary", "protect"))
    if given:
        raise UsageError(
            "One sentence is explained as the model says it, without a shortlist, in its own precision, and nothing "
            "comes through from the source. "
            f"Received: {' '.join(given)}. Leave it out."
        )
    from seq2seq.analysis.explanation import explain
    from seq2seq.analysis.explanation.page import page, picture
    from seq2seq.analysis.explanation.words import text

    translator = named_translator(arguments.model)
    if arguments.svg is not None and translator.model.decoder.attention is None:
        raise UsageError(
            f"An alignment is what attention looked at. Received: --svg {arguments.svg}, for a model without. Write a "
            "page, with --html."
        )
    if (mbr := chosen_mbr(arguments, translator)) != "none":
        raise UsageError(
            f"What is explained is the best by its score. Received: --mbr {mbr}, by option or by the model. "
            "Give --mbr none."
        )
    tell_what_is_left_out(translator)
    search = chosen_search(arguments, translator)
    found = explain(translator, arguments.text, search, reference=arguments.reference)
    written = []  # first: who reads the text may stop reading
    for path, write in (
        (arguments.html, lambda: page(found, arguments.text)),
        (arguments.svg, lambda: picture(found)),
    ):
        if path is not None:
            content = write()
            with replacing(path) as temporary:
                temporary.write_text(content, encoding="utf-8")
            written.append(str(path))
    print(text(found, shutil.get_terminal_size((120, 24)).columns))
    if written:
        tell(f"Written: {', '.join(written)}")
