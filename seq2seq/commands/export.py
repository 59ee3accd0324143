"""`seq2seq export`: write a translator for machines without TensorFlow."""

from __future__ import annotations

import argparse
from typing import Any

from seq2seq.commands.arguments import MODEL, file_or_stream, lines_of, model_in, named_path, named_translator, parallel
from seq2seq.export.precisions import PRECISIONS
from seq2seq.runtime.folder import CARD, TRANSLATOR
from seq2seq.system.files import filling, need_own
from seq2seq.system.hub import checked, need_client, publish
from seq2seq.system.terminal import UsageError, format_table, need_stdout, tell

# The other formats, by what writes them; and the options that only ONNX has, with their defaults.
_OTHERS = {"saved_model": "export_saved_model", "litert": "export_litert"}
_ONNX_ALONE = {"precision": "float32", "browser": False, "onnxruntime_web": None, "push": None}
_TEXTS = ("sample", "source", "target")  # of which None, too, is one: standard input


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "export",
        help="write a translator for machines without TensorFlow",
        description="Write a translator as two ONNX graphs with all that a search needs, once they have proved that "
        "they translate as the model does. seq2seq.runtime translates with them on onnxruntime, NumPy and "
        "SentencePiece alone. Needs pip install 'seq2seq[export]'.",
    )
    parser.add_argument("model", type=named_path, metavar="MODEL", help=MODEL)
    parser.add_argument("--to", type=named_path, metavar="FOLDER", required=True, help="where to write it")
    parser.add_argument(
        "--format", choices=["onnx", *_OTHERS], default="onnx",
        help="onnx, for seq2seq.runtime and browsers; saved_model, ids to ids with the search, for TensorFlow Serving; "
        "litert, one file for a sentence at a time on a device (default: onnx)",
    )  # fmt: skip
    parser.add_argument(
        "--precision", choices=list(PRECISIONS), default="float32",
        help="how weights are kept: " + "; ".join(f"{name}, {way}" for name, way in PRECISIONS.items()),
    )  # fmt: skip
    parser.add_argument(
        "--sample", type=file_or_stream, metavar="FILE", default=argparse.SUPPRESS,
        help="source text to compare both on, line by line (default: --source, or texts made of the vocabulary)",
    )  # fmt: skip
    parser.add_argument(
        "--browser", action="store_true",
        help="add a page that translates in the browser: for any web server, and without a network once it is loaded",
    )  # fmt: skip
    parser.add_argument(
        "--onnxruntime-web",
        type=named_path,
        metavar="FOLDER",
        help="with --browser: where onnxruntime-web lies, as node_modules/onnxruntime-web (default: npm brings it)",
    )
    parser.add_argument(
        "--push", metavar="OWNER/NAME",
        help="publish the export and the model on the Hugging Face hub, where seq2seq.load reads hf://OWNER/NAME; the "
        "licence in its card, README.md, is yours to fill in",
    )  # fmt: skip
    for option, what in (("--source", "source text, line by line"), ("--target", "reference translations")):
        parser.add_argument(
            option, type=file_or_stream, metavar="FILE", default=argparse.SUPPRESS, help=f"test set: {what}"
        )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run it."""
    need_stdout()
    if arguments.format in _OTHERS:
        _write_other(arguments)
        return
    if [getattr(arguments, name, "") for name in _TEXTS].count(None) > 1:
        raise UsageError("Standard input is one text. Received: - more than once. Name a file for the others.")
    sources, references = _test_set(arguments)
    sample = lines_of(arguments.sample) if "sample" in arguments else sources
    named = next((name for name in ("sample", "source") if name in arguments), None)
    if named and not any(text.strip() for text in sample):
        raise UsageError(
            f"What is named to prove an export on has a sentence. Received: --{named} with empty lines alone. Name "
            "another text, or none: then the sample is made of the vocabulary."
        )
    engine = _engine(arguments)
    if arguments.push is not None:
        checked(arguments.push)
        need_client()
    need_own(arguments.to, TRANSLATOR)
    translator = named_translator(arguments.model)
    from seq2seq.export import export
    from seq2seq.export.browser import add_page

    name = (arguments.model if arguments.model.is_dir() else arguments.model.parent).resolve().name
    with filling(arguments.to, TRANSLATOR) as part:  # before the proof, which takes a while, where it cannot be written
        made = export(translator, part, precision=arguments.precision, sample=sample, name=name)
        files = {**made.files, **(add_page(part, name, engine) if engine else {})}
    tell(f"float32 against the model: {made.parity}")
    if arguments.precision != "float32":
        tell(f"{arguments.precision} against the model: {made.written}")
    rows = [[file, f"{size:,}"] for file, size in files.items()]
    print(format_table(["file", "bytes"], rows, numbers=[1]))
    if sources:
        _measure(arguments, translator, sources, references)
    if arguments.push is not None:
        from seq2seq.translation.loading import ON_HUB

        told = [*made.files, TRANSLATOR, CARD]
        tell(f"Published: {publish(arguments.push, arguments.to, told, {ON_HUB: model_in(arguments.model)})}")


def _write_other(arguments: argparse.Namespace) -> None:
    """Write another format than ONNX."""
    given = [name.replace("_", "-") for name, default in _ONNX_ALONE.items() if getattr(arguments, name) != default]
    given += [name for name in _TEXTS if name in arguments]
    if given:
        raise UsageError(
            f"--{given[0]} is an option of ONNX. "
            f"Received: --{given[0]} with --format {arguments.format}. Leave one out."
        )
    import seq2seq.export

    write = getattr(seq2seq.export, _OTHERS[arguments.format])
    files = write(named_translator(arguments.model), arguments.to)
    print(format_table(["file", "bytes"], [[file, f"{size:,}"] for file, size in files.items()], numbers=[1]))


def _test_set(arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    given = [option for option in ("source", "target") if option in arguments]
    if len(given) == 1:
        raise UsageError(f"A test set has two sides. Received: --{given[0]} alone. Name --source and --target.")
    return parallel(arguments) if given else ([], [])


def _engine(arguments: argparse.Namespace) -> dict[str, bytes]:
    """Get what runs the graphs in a browser, before anything takes time."""
    if not arguments.browser:
        if all((arguments.to / name).exists() for name in ("offline.js", "files.json")):
            raise UsageError(
                "A page that is kept by browsers has to change with its model. "
                f"Received: --to {arguments.to}, which has the page of an earlier export, without --browser. "
                "Add --browser, or name another folder."
            )
        if arguments.onnxruntime_web is not None:
            raise UsageError(
                f"A page is made with --browser. Received: --onnxruntime-web {arguments.onnxruntime_web} without it. "
                "Add --browser, or leave it out."
            )
        return {}
    from seq2seq.export.browser import engine

    return engine(arguments.onnxruntime_web)


def _measure(arguments: argparse.Namespace, translator: Any, sources: list[str], references: list[str]) -> None:
    """Tell what the model and its export reach on a test set."""
    from seq2seq.metrics import measure
    from seq2seq.runs.measuring import evaluation_of
    from seq2seq.runtime import load

    evaluation = evaluation_of(translator, [], None)
    by_model, by_export = (
        measure(one.translate(sources), references, evaluation, sources) for one in (translator, load(arguments.to))
    )
    rows = [
        [name, f"{score.value:.2f}", f"{by_export[name].value:.2f}", f"{by_export[name].value - score.value:+.2f}"]
        for name, score in by_model.items()
    ]
    print(format_table(["metric", "model", arguments.precision, "difference"], rows, numbers=[1, 2, 3]))
