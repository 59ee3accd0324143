"""The `seq2seq` command: train, launch, translate, evaluate, describe, benchmark, verify-resume."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from seq2seq import __version__
from seq2seq.commands import script
from seq2seq.recipe import Recipe, load_recipe
from seq2seq.runs.experiment import evaluation_of, measure
from seq2seq.settings import SettingsError
from seq2seq.system.files import replacing
from seq2seq.system.terminal import UsageError, exit_status, format_table, tell

if TYPE_CHECKING:
    from seq2seq.analysis.speed.decoding import DecodingBenchmark
    from seq2seq.analysis.speed.training import TrainingBenchmark
    from seq2seq.translation.translator import Translator

# Lines read before any is translated: enough to batch by length, few enough that results keep coming.
_CHUNK = 32


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: Arguments after the name of the command; None takes those of the process.

    Returns:
        Exit status: 0, 1 for a failed job, 2 for bad usage.
    """
    argv = sys.argv[1:] if argv is None else argv
    arguments = _parser().parse_args(argv, argparse.Namespace(argv=argv))
    return exit_status(lambda: arguments.run(arguments), debug=arguments.debug)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="seq2seq",
        description="Train and use deep stacked LSTM encoder-decoders.",
        epilog="Exit status: 0, 1 for a failed job, 2 for bad usage. Messages go to stderr, data to stdout.",
    )
    parser.add_argument("--version", action="version", version=f"seq2seq {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_train(commands)
    _add_launch(commands)
    _add_translate(commands)
    _add_evaluate(commands)
    _add_shortlist(commands)
    _add_describe(commands)
    _add_benchmark(commands)
    _add_verify_resume(commands)
    for command in commands.choices.values():
        command.add_argument("--debug", action="store_true", help="show where an error was raised")
    return parser


def _add_train(commands: Any) -> None:
    parser = commands.add_parser(
        "train",
        help="train a translator by a recipe",
        description="Train a translator by a recipe, measure it, and write it to a run folder.",
    )
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help=_RECIPE)
    script.add_arguments(parser)
    parser.set_defaults(run=_train)


def _add_launch(commands: Any) -> None:
    parser = commands.add_parser(
        "launch",
        help="start several workers on this machine",
        description="Start a command several times on this machine, as the workers of one job, as in: "
        "seq2seq launch --workers 2 -- seq2seq train RECIPE --strategy multiworker. When a worker is gone, all end, "
        "with the exit status of that one.",
    )
    parser.add_argument("--workers", type=_count, metavar="N", required=True, help="how many to start")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command of each worker")
    parser.set_defaults(run=_launch)


def _add_translate(commands: Any) -> None:
    parser = commands.add_parser(
        "translate",
        help="translate text, line by line",
        description="Translate text, line by line: one output line for each input line, an empty one for an empty one.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help=_MODEL)
    parser.add_argument("--input", type=Path, metavar="FILE", help="file to read (default: stdin)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="file to write (default: stdout)")
    parser.add_argument(
        "--n-best", type=_count, default=1, metavar="N",
        help="write the N best translations of each line, each as: number of the line, TAB, translation",
    )  # fmt: skip
    parser.add_argument(
        "--scores", action="store_true",
        help="write the score and a TAB before each translation: its log-probability (nats), divided by its length in "
        "tokens to the power of the length penalty",
    )  # fmt: skip
    _add_decoding(parser)
    parser.set_defaults(run=_translate)


def _add_evaluate(commands: Any) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure a translator on a test set",
        description="Translate a test set and compare it with its reference translations.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help=_MODEL)
    parser.add_argument("--source", type=Path, metavar="FILE", required=True, help="source text, line by line")
    parser.add_argument("--target", type=Path, metavar="FILE", required=True, help="reference translations")
    parser.add_argument("--metrics", metavar="NAMES", help="names with commas between (default: as the recipe says)")
    parser.add_argument("--json", action="store_true", help="write JSON instead of a table")
    _add_decoding(parser)
    parser.set_defaults(run=_evaluate)


def _add_shortlist(commands: Any) -> None:
    parser = commands.add_parser(
        "shortlist",
        help="learn which target pieces a source is likely to need",
        description="Learn from parallel text which target pieces go with which source pieces, and write a translator "
        "that knows it: translate --shortlist then scores only those.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help=_MODEL)
    parser.add_argument("--source", type=Path, metavar="FILE", required=True, help="source text, line by line")
    parser.add_argument("--target", type=Path, metavar="FILE", required=True, help="its translations, line by line")
    parser.add_argument("--output", type=Path, metavar="FILE", help="model file to write (default: MODEL, replaced)")
    parser.set_defaults(run=_shortlist)


def _add_describe(commands: Any) -> None:
    parser = commands.add_parser(
        "describe",
        help="show layers, parameters, how states are passed and which kernels run",
        description="Show layers, widths, parameter counts, how states are passed and which kernel runs each layer "
        "on this machine, of a recipe or a trained model.",
    )
    parser.add_argument("what", type=Path, metavar="RECIPE|MODEL", help=_EITHER)
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also draw the wiring into this file")
    script.add_settings(parser)
    parser.set_defaults(run=_describe)


def _add_benchmark(commands: Any) -> None:
    parser = commands.add_parser(
        "benchmark",
        help="measure how fast a recipe trains, or a model translates, on this machine",
        description="Train some steps of a recipe, or translate with a model, and tell the speed, the share of what "
        "this machine can do, where the rest goes, and for a recipe the hours that it will take. Nothing is written "
        "but the FILE of --json.",
    )
    parser.add_argument("what", type=Path, metavar="RECIPE|MODEL", help=_EITHER)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure into this file")
    script.add_data(parser)
    parser.add_argument(
        "--steps", type=_count, metavar="N", help="training steps to measure (default: 40), after 8 to warm up"
    )
    parser.add_argument(
        "--input", type=Path, metavar="FILE",
        help="sentences for a model to translate (default: the held-out text of its recipe)",
    )  # fmt: skip
    script.add_settings(parser)
    parser.set_defaults(run=_benchmark)


def _add_verify_resume(commands: Any) -> None:
    parser = commands.add_parser(
        "verify-resume",
        help="prove that a killed and resumed training ends like one that was never stopped",
        description="Train a recipe without a stop, then again with a SIGKILL and a resume, each in fresh processes; "
        "compare every tensor, counter and log line (wall times left out). Exit status 1 where anything differs.",
    )
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help=_RECIPE)
    parser.add_argument("--steps", type=_count, metavar="N", required=True, help="optimizer steps to train for")
    parser.add_argument(
        "--kill-at", type=_count, nargs="+", metavar="K", required=True,
        help="optimizer step at which to kill; of several, each kills a training of its own",
    )  # fmt: skip
    script.add_data(parser)
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER",
        help="where the runs go and stay (default: a temporary folder, which stays only where something differs)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, metavar="N", help="seed, instead of that of the recipe")
    script.add_settings(parser)
    parser.set_defaults(run=_verify_resume)


def _add_decoding(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--beam-size", type=_count, metavar="N", help="1 is greedy (default: as the recipe says)")
    parser.add_argument(
        "--length-penalty", type=_not_negative, metavar="X",
        help="exponent of the length that scores are divided by; 0 for none (default: as the recipe says)",
    )  # fmt: skip
    parser.add_argument(
        "--batch-size", type=_count, metavar="N", help="sentences together (default: as the recipe says)"
    )
    parser.add_argument(
        "--shortlist", action="store_true", help="score only pieces that a batch is likely to need (seq2seq shortlist)"
    )
    parser.add_argument(
        "--precision", choices=["float32", "bfloat16"],
        help="of the decoder's matrix products; bfloat16 is faster on a processor with units for it "
        "(default: as trained)",
    )  # fmt: skip


_RECIPE = "recipe: a TOML file, or a Python file with a module-level `recipe`"
_MODEL = "model file (.s2s)"
_EITHER = f"{_RECIPE}; or {_MODEL}"


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"needs a whole number from 1 up. Received: {text}")
    return int(text)


def _not_negative(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"needs a number from 0 up. Received: {text}")
    return number


def _train(arguments: argparse.Namespace) -> None:
    script.run_with_arguments(_load_recipe(arguments.recipe), arguments, shlex.join(["seq2seq", *arguments.argv]))


def _launch(arguments: argparse.Namespace) -> None:
    from seq2seq.distribution.launch import launch

    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        raise UsageError("There is nothing to start. Received: no COMMAND. Write it behind --.")
    if not shutil.which(command[0]):
        raise UsageError(f"There is no such command. Received: {command[0]}.")
    status = launch(command, arguments.workers)
    if status:
        raise SystemExit(status)


def _translate(arguments: argparse.Namespace) -> None:
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
    translator = _load_translator(arguments.model)
    live = given is None and sys.stdin.isatty()
    chunk = 1 if live else _CHUNK * (arguments.batch_size or translator.decoding["batch_size"])
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

    beam = arguments.beam_size or max(translator.decoding["beam_size"], arguments.n_best)
    number = 0
    while True:
        lines, error = _take(texts, chunk)
        found = translator.hypotheses(
            lines,
            n_best=arguments.n_best,
            beam_size=beam,
            length_penalty=arguments.length_penalty,
            batch_size=arguments.batch_size,
            shortlist=arguments.shortlist,
            precision=arguments.precision,
        )
        output = []
        for hypotheses in found:
            number += 1
            for text, score in hypotheses:
                columns = [str(number)] * (arguments.n_best > 1) + [f"{score:.4f}"] * arguments.scores
                # One line for one translation, and one column, whatever a vocabulary of bytes may put into it.
                clean = one_line(text).replace("\t", " ") if columns else one_line(text)
                output.append("\t".join([*columns, clean]) + "\n")
        yield "".join(output)
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


def _evaluate(arguments: argparse.Namespace) -> None:
    from seq2seq.metrics import METRICS

    names = [name.strip() for name in arguments.metrics.split(",")] if arguments.metrics else None
    unknown = [name for name in names or [] if name not in METRICS]
    if unknown:
        raise UsageError(
            f"There is no metric {unknown[0]}. Received: --metrics {arguments.metrics}. "
            f"There are: {', '.join(METRICS)}."
        )
    sources, references = _parallel(arguments)
    translator = _load_translator(arguments.model)
    evaluation = evaluation_of(translator, names)
    hypotheses = translator.translate(
        sources,
        beam_size=arguments.beam_size,
        length_penalty=arguments.length_penalty,
        batch_size=arguments.batch_size,
        shortlist=arguments.shortlist,
        precision=arguments.precision,
    )
    scores = measure(hypotheses, references, evaluation)
    if arguments.json:
        print(json.dumps({
            "sentences": len(sources),
            "metrics": {name: score.value for name, score in scores.items()},
            "signatures": {name: score.signature for name, score in scores.items()},
        }, indent=2))  # fmt: skip
    else:
        rows = [[name, f"{score.value:.2f}", score.signature] for name, score in scores.items()]
        print(format_table(["metric", "value", "signature"], rows, numbers=[1]))


def _shortlist(arguments: argparse.Namespace) -> None:
    from seq2seq.translation.shortlist import Shortlist

    sources, targets = _parallel(arguments)
    translator = _load_translator(arguments.model)
    source, target = translator.source_tokenizer, translator.target_tokenizer
    learnt = Shortlist.learn(
        source.encode_batch(sources),
        target.encode_batch(targets),
        source.vocab_size,
        translator.model.decoder.vocab_size,
    )
    translator.shortlist = learnt
    output = arguments.output or arguments.model
    translator.save(output)
    pieces = int((learnt.likely > 0).sum())
    print(f"Wrote {output}: {len(learnt.frequent):,} pieces for every source, {pieces:,} likely ones.")


def _parallel(arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Read the lines of --source and --target."""
    sources, targets = (_lines_of(path) for path in (arguments.source, arguments.target))
    if len(sources) != len(targets):
        raise ValueError(
            "Source and target need the same number of lines. "
            f"Received: {arguments.source} with {len(sources):,}, {arguments.target} with {len(targets):,} lines."
        )
    return sources, targets


def _lines_of(path: Path) -> list[str]:
    from seq2seq.text.lines import read_lines

    if not path.is_file():
        raise UsageError(f"There is no such text file. Received: {path}.")
    return list(read_lines(path))


def _describe(arguments: argparse.Namespace) -> None:
    if not arguments.what.is_file():
        raise UsageError(f"There is no such recipe or model file. Received: {arguments.what}.")
    if zipfile.is_zipfile(arguments.what):
        if arguments.settings:
            raise UsageError("The settings of a trained model are what they are. Received: --set. Describe its recipe.")
        translator = _load_translator(arguments.what)
        model, title = translator.model, str(arguments.what)
    else:
        recipe = _override(_load_recipe(arguments.what), arguments.settings)
        from seq2seq.recipe.build import ContradictionError, build_model

        size = recipe.tokenizer.vocab_size
        title = f"{recipe.name} ({size:,} pieces, as far as the text supports them)"
        try:
            model = build_model(recipe, size, size)
        except ContradictionError as error:
            raise UsageError(str(error)) from error
    from seq2seq.analysis import drawing, wiring
    from seq2seq.models.kernels import KERNEL_COLUMNS, kernel_table

    print(title, end="\n\n")
    print(format_table(wiring.LAYER_COLUMNS, wiring.layer_table(model), numbers=[3, 4, 5]), end="\n\n")
    print(format_table(wiring.STATE_COLUMNS, wiring.state_table(model)), end="\n\n")
    print(format_table(KERNEL_COLUMNS, kernel_table(model)))
    if arguments.svg is not None:
        with replacing(arguments.svg) as path:
            path.write_text(drawing.draw(model), encoding="utf-8")


def _benchmark(arguments: argparse.Namespace) -> None:
    what = arguments.what
    if not what.is_file():
        raise UsageError(f"There is no such recipe or model file. Received: {what}.")
    is_model = zipfile.is_zipfile(what)
    strange = {"--set": arguments.settings, "--steps": arguments.steps} if is_model else {"--input": arguments.input}
    received = [option for option, value in strange.items() if value]
    if received:
        kind, other = ("model", "recipe") if is_model else ("recipe", "model")
        raise UsageError(f"This option is for a {other}, not for a {kind}. Received: {' '.join(received)} with {what}.")
    measured: TrainingBenchmark | DecodingBenchmark
    if is_model:
        from seq2seq.analysis.speed.decoding import benchmark_decoding

        texts = None if arguments.input is None else _lines_of(arguments.input)
        measured = benchmark_decoding(what, texts=texts, data=arguments.data)
    else:
        from seq2seq.analysis.speed.training import benchmark_training
        from seq2seq.recipe.build import ContradictionError

        recipe = _override(_load_recipe(what), arguments.settings)
        try:
            measured = benchmark_training(recipe, data=arguments.data, steps=arguments.steps or 40)
        except ContradictionError as error:
            raise UsageError(str(error)) from error
    print(measured.report())
    if arguments.json is not None:
        with replacing(arguments.json) as path:
            path.write_text(json.dumps(asdict(measured), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _verify_resume(arguments: argparse.Namespace) -> None:
    from seq2seq.analysis.verify import DifferentError, verify_resume
    from seq2seq.recipe.build import ContradictionError, check_model

    if max(arguments.kill_at) >= arguments.steps:
        raise UsageError(
            "A training is killed before its end. "
            f"Received: --steps {arguments.steps} --kill-at {max(arguments.kill_at)}."
        )
    seed = [] if arguments.seed is None else [f"seed={arguments.seed}"]
    recipe = _override(_load_recipe(arguments.recipe), [*arguments.settings, *seed])
    try:
        check_model(recipe)
    except ContradictionError as error:
        raise UsageError(str(error)) from error
    different = []
    for verdict in verify_resume(
        recipe, steps=arguments.steps, kill_at=arguments.kill_at, data=arguments.data, folder=arguments.out
    ):
        print(verdict.report(), end="\n\n", flush=True)
        if not verdict.identical:
            different.append(str(verdict.killed_at))
    if different:
        raise DifferentError(
            f"A resumed training differs from the straight one: killed at step {', '.join(different)}."
        )


def _load_recipe(path: Path) -> Recipe:
    try:
        return load_recipe(path)
    except (FileNotFoundError, SettingsError) as error:
        raise UsageError(str(error)) from error


def _override(recipe: Recipe, settings: Iterable[str]) -> Recipe:
    try:
        return recipe.override(settings)
    except SettingsError as error:
        raise UsageError(str(error)) from error


def _load_translator(path: Path) -> Translator:
    if not path.is_file():
        raise UsageError(f"There is no model file. Received: {path}. Name the model.s2s of a run folder.")
    from seq2seq.translation.translator import Translator

    return Translator.load(path)
