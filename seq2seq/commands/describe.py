"""`seq2seq describe`: show what a recipe or a model is made of."""

from __future__ import annotations

import argparse
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seq2seq.commands.arguments import (
    EITHER,
    add_settings,
    model_in,
    named_path,
    named_translator,
    need_file,
    recipe_of,
)
from seq2seq.system.files import replacing
from seq2seq.system.terminal import UsageError, format_table, need_stdout, tell
from seq2seq.text.length_limit import LengthLimit

if TYPE_CHECKING:
    from seq2seq.translation import Translator


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "describe",
        help="show layers, parameters, how states are passed and which kernels run",
        description="Show layers, widths, parameter counts, how states are passed, which kernel runs each layer on "
        "this machine and what the decoder reads in training, of a recipe or a trained model.",
    )
    parser.add_argument("what", type=named_path, metavar="RECIPE|MODEL", help=EITHER)
    parser.add_argument("--svg", type=named_path, metavar="FILE", help="also draw the wiring into this file")
    parser.add_argument(
        "--unrolled",
        type=named_path,
        metavar="FILE",
        help="also draw it step by step, hidden and cell apart, into this file",
    )
    add_settings(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    what = model_in(arguments.what)
    need_file(what)
    if what.is_file() and zipfile.is_zipfile(what):
        if arguments.settings:
            raise UsageError("The settings of a trained model are what they are. Received: --set. Describe its recipe.")
        translator = named_translator(what)
        limit = LengthLimit.chosen(translator.search.max_length_factor, translator.length_limit)
        frozen: tuple[str, ...] = ()
        started = _started(translator.about.get("origin", {}))
        model, title = translator.model, f"{what}\nlongest translations: {limit}\n{_known(translator)}"
        from seq2seq.models.depth import told_depth

        if told := told_depth(model):
            tell(told)
    else:
        recipe = recipe_of(arguments, what)
        from seq2seq.recipe.build import build_model, check_model
        from seq2seq.recipe.tokenizers import given_tokenizers
        from seq2seq.runs.preparing import read_origin

        origin, settings = read_origin(recipe), recipe.tokenizer
        check_model(recipe, origin)
        given = given_tokenizers(settings)
        if origin is not None:
            own = (origin.source_tokenizer, origin.target_tokenizer)
            sizes = [tokenizer.vocab_size + settings.grow for tokenizer in own]
        else:
            sizes = [int(side.vocab_size) for side in settings.sides()]
        source, target = (
            size if tokenizer is None else tokenizer.vocab_size for size, tokenizer in zip(sizes, given, strict=True)
        )
        pieces = f"{source:,}" if source == target else f"{source:,} and {target:,}"
        learns = None in given and (origin is None or settings.grow > 0)
        learnt = ", as far as the text supports them" if learns else ""
        title = f"{recipe.name} ({pieces} pieces{learnt})"
        model, frozen = build_model(recipe, source, target), recipe.training.freeze
        started = "" if origin is None else _started({"model": recipe.start_from, "weights": origin.fingerprint})
    from seq2seq.models import drawing, unrolled, wiring
    from seq2seq.models.kernels import KERNEL_COLUMNS, kernel_table

    # Written first: who reads the tables may stop reading.
    for file, picture in ((arguments.svg, drawing.draw), (arguments.unrolled, unrolled.unroll)):
        if file is not None:
            with replacing(file) as path:
                path.write_text(picture(model), encoding="utf-8")
    print(title, end="\n\n")
    print(format_table(wiring.LAYER_COLUMNS, wiring.layer_table(model), numbers=[3, 4, 5]), end="\n\n")
    print(format_table(wiring.STATE_COLUMNS, wiring.state_table(model)), end="\n\n")
    print(format_table(KERNEL_COLUMNS, kernel_table(model)), end="\n\n")
    print(model.teacher_forcing.words())
    if started:
        print(started)
    if frozen:
        print(wiring.told_frozen(model, frozen))


def _started(origin: Mapping[str, str]) -> str:
    """Say which model the weights went on from; nothing where there is none."""
    return f"Weights go on from {origin['model']} ({origin['weights'][:16]})." if origin else ""


def _known(translator: Translator) -> str:
    """Say which model it is, and what is known of its translations."""
    curve = translator.calibration
    sure = "not known" if curve is None else f"{curve.metric}, as {curve.sentences:,} translations showed"
    return f"confidence: {sure}\nfingerprint: {translator.fingerprint}"
