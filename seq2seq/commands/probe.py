"""`seq2seq probe`: tell what the states are worth that a model passes, and what they hold."""

from __future__ import annotations

import argparse
import json
from typing import Any

from seq2seq.commands.arguments import (
    MODEL,
    add_parallel,
    count,
    given_options,
    model_in,
    named_path,
    named_translator,
    need_model,
    parallel,
    tell_what_is_left_out,
)
from seq2seq.commands.decoding_options import add_decoding, chosen_mbr, chosen_search
from seq2seq.system.files import need_writable, replacing
from seq2seq.system.terminal import UsageError, need_stdout, tell


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "probe",
        help="tell what the states that a model passes are worth and hold",
        description="Alter what each decoder layer starts from (zeros, the states of another sentence, two layers "
        "exchanged) and tell what the first metric of the recipe loses, with intervals and by source length; read "
        "length, first and last word from each state by a linear function; compare the accuracy after right tokens "
        "with that after the model's own, position by position.",
    )
    parser.add_argument(
        "model", type=named_path, metavar="MODEL", help=f"{MODEL}, which has text of its own: validation"
    )
    add_parallel(parser, "reference translations", required=False)
    parser.add_argument(
        "--sentences", type=count, metavar="N", help="at most so many, from all over the text (default: all)"
    )
    parser.add_argument("--html", type=named_path, metavar="FILE", help="also write a page, with pictures")
    parser.add_argument("--json", action="store_true", help="write JSON instead of tables")
    add_decoding(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    given = given_options(arguments, ("shortlist", "precision", "unknown", "dictionary", "protect"))
    if given:
        raise UsageError(
            "A model is probed as it is, without a shortlist, in its own precision, and nothing comes through from the "
            "source. "
            f"Received: {' '.join(given)}. Leave it out."
        )
    need_model(model_in(arguments.model))
    if arguments.html is not None:
        need_writable(arguments.html)
    pairs = list(zip(*_text(arguments), strict=True))
    if arguments.sentences is not None:
        number = min(arguments.sentences, len(pairs))
        pairs = [pairs[place * len(pairs) // number] for place in range(number)]
    translator = named_translator(arguments.model)
    if (mbr := chosen_mbr(arguments, translator)) != "none":
        raise UsageError(
            f"What is probed is the best by its score. Received: --mbr {mbr}, by option or by the model. "
            "Give --mbr none."
        )
    from seq2seq.analysis.probes import probe
    from seq2seq.analysis.probes.page import page

    tell_what_is_left_out(translator)
    search = chosen_search(arguments, translator)
    sources, references = ([pair[side] for pair in pairs] for side in (0, 1))
    found = probe(translator, sources, references, search, batch_size=arguments.batch_size)
    if arguments.html is not None:  # written first: who reads the tables may stop reading
        with replacing(arguments.html) as temporary:
            temporary.write_text(page(found, arguments.model.name), encoding="utf-8")
    print(json.dumps(found.table(), indent=2) if arguments.json else found.report())
    if arguments.html is not None:
        tell(f"Written: {arguments.html}")


def _text(arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Read the text that is named, or the validation text of a run."""
    given = [side for side in ("source", "target") if side in arguments]
    if len(given) == 2:
        return parallel(arguments)
    if given or not arguments.model.is_dir():
        received = f"--{given[0]} alone" if given else f"{arguments.model}, and no text"
        raise UsageError(
            f"A probe translates text and compares it. Received: {received}. Name --source and --target, or the folder "
            "of a run, which has its validation text."
        )
    from seq2seq.analysis.comparison.measured import read_measured

    measured = read_measured(arguments.model)
    if missing := measured.missing_texts("validation"):
        raise UsageError(
            f"The run folder has no validation text. Received: {arguments.model}, without "
            f"{', '.join(path.name for path in missing)}. Name --source and --target; or, to have them written, "
            f"without training: {measured.measure_again()}"
        )
    texts = measured.texts("validation")
    return texts.sources, texts.references
