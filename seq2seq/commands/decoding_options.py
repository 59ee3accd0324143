"""The options of search that every command has which translates: one for each setting of a search."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from seq2seq.commands.arguments import count, named_path
from seq2seq.search.settings import DecodingSettings, Search, protected_pattern
from seq2seq.settings import SettingsError, convert, kind_name, kinds, meanings, parse_value, section_classes, words
from seq2seq.system.terminal import UsageError

if TYPE_CHECKING:
    from seq2seq.translation import Translator

SEARCHES: Mapping[str, type[Search]] = {
    kind_name(each): each for each in section_classes(kinds(DecodingSettings)["search"])
}
"""The kinds of search by name."""

_OWN = {"n_best"}  # has an option of its own, where several translations can be written


def add_decoding(parser: argparse.ArgumentParser) -> None:
    """Add the options of search."""
    parser.add_argument(
        "--search", choices=SEARCHES, help="kind of search (default: as the recipe says, or as another option needs)"
    )
    for name, kind in _fields().items():
        owners = [each for each in SEARCHES.values() if name in kinds(each)]
        only = "" if len(owners) == len(SEARCHES) else f" ({kind_name(owners[0])})"
        text = meanings(owners[0])[name].rstrip(".").replace("``", "").replace("%", "%%")
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=SettingValue(kind), metavar="N" if _is_whole(kind) else "X",
            help=f"{text[0].lower()}{text[1:]}{only} (default: as the recipe says)",
        )  # fmt: skip
    parser.add_argument(
        "--mbr", choices=list(get_args(kinds(DecodingSettings)["mbr"])),
        help="take what is most like all --candidates by this metric, not what has the best score (default: as the "
        "recipe says)",
    )  # fmt: skip
    parser.add_argument(
        "--candidates",
        type=count,
        metavar="N",
        help="hypotheses that --mbr chooses among (default: as the recipe says)",
    )
    parser.add_argument(
        "--unknown", choices=list(get_args(kinds(DecodingSettings)["unknown"])),
        help="what stands where the model says unknown: a sign, or the word of the source that it looked at most "
        "(default: as the recipe says)",
    )  # fmt: skip
    parser.add_argument(
        "--dictionary", type=named_path, metavar="FILE",
        help="with --unknown copy, how words are written instead, line by line: word of the source, TAB, translation",
    )  # fmt: skip
    parser.add_argument(
        "--protect", type=_pattern, metavar="REGEX",
        help="what of a line this regular expression finds (numbers, addresses, tags) comes through unchanged; what "
        "does not is told; '' for nothing (default: as the recipe says)",
    )  # fmt: skip
    parser.add_argument(
        "--batch-size", type=count, metavar="N", help="sentences together (default: as the recipe says)"
    )
    parser.add_argument(
        "--shortlist", action="store_true", help="score only pieces that a batch is likely to need (seq2seq shortlist)"
    )
    parser.add_argument(
        "--precision", choices=["float32", "bfloat16"],
        help="of the decoder's matrix products; bfloat16 is faster on a processor with units for it "
        "(default: as trained)",
    )  # fmt: skip


def check_decoding(arguments: argparse.Namespace, n_best: int = 1) -> None:
    """Refuse what cannot be, whatever the model: fewer hypotheses than are asked for.

    Args:
        arguments: What :func:`add_decoding` parsed.
        n_best: Hypotheses that are asked for.
    """
    beam, candidates = arguments.beam_size, arguments.candidates
    if candidates is not None and candidates < max(2, n_best):
        raise UsageError(
            f"Minimum Bayes risk chooses {f'the {n_best} best' if n_best > 1 else 'one'} among more hypotheses. "
            f"Received: {f'--n-best {n_best} ' * (n_best > 1)}--candidates {candidates}. "
            "Say how many: --candidates 32."
        )
    for name, number in (("--n-best", n_best), ("--candidates", candidates or 1)):
        if beam is not None and beam < number:
            raise UsageError(
                "The N best translations are taken from the beam, which has to be as wide. "
                f"Received: {name} {number} --beam-size {beam}. Widen the beam, or ask for fewer."
            )


def chosen_search(arguments: argparse.Namespace, settings: DecodingSettings | Translator, n_best: int = 1) -> Search:
    """Give the settings of search of a model, changed as the options say, with the hypotheses asked for.

    An option that one kind of search alone has chooses that kind.

    Args:
        arguments: What :func:`add_decoding` parsed.
        settings: What holds where no option says otherwise, or a translator, which has it.
        n_best: Hypotheses that are asked for.

    Raises:
        UsageError: The options belong to different kinds of search.
    """
    check_decoding(arguments, n_best)
    mbr = chosen_mbr(arguments, settings)
    if mbr != "none":
        n_best = max(n_best, arguments.candidates or getattr(settings.search, "n_best", 1))
        if n_best == 1:
            raise UsageError(
                f"Minimum Bayes risk chooses among several hypotheses. Received: --mbr {mbr} without --candidates. "
                "Say how many: --candidates 32."
            )
        if arguments.beam_size is not None and arguments.beam_size < n_best:
            raise UsageError(
                f"Minimum Bayes risk, as the model says, chooses among {n_best} hypotheses of a beam. Received: "
                f"--beam-size {arguments.beam_size}. Widen it, say fewer with --candidates, or add --mbr none."
            )
    elif arguments.candidates is not None:
        raise UsageError(
            f"Candidates are what --mbr chooses among. Received: --candidates {arguments.candidates} without it. "
            "Add --mbr chrf; to write several translations, use --n-best."
        )
    given = {name: value for name in _fields() if (value := getattr(arguments, name)) is not None}
    asked = {**given, **({"n_best": n_best} if n_best > 1 else {})}
    own = type(settings.search)
    kind = _kind(asked, own) if arguments.search is None else SEARCHES[arguments.search]
    strange = [f"--{name.replace('_', '-')}" for name in asked if name not in kinds(kind)]
    if strange == ["--n-best"] and mbr != "none":
        raise UsageError(
            f"Minimum Bayes risk ({mbr}) chooses among several hypotheses, and {kind_name(kind)} search gives one. "
            f"Received: --search {kind_name(kind)}. Add --mbr none, or choose another --search."
        )
    if strange:
        raise UsageError(
            f"{', '.join(strange)} is no option of this kind of search. Received: {' '.join(strange)} with "
            f"{kind_name(kind)} search. It has: {', '.join(kinds(kind))}. Leave it out, or choose another --search."
        )
    kept = {name: getattr(settings.search, name) for name in kinds(kind) if name in kinds(own)}
    changed = {**kept, **given}
    if "n_best" in kinds(kind):
        changed["n_best"] = n_best
    if n_best > 1 and "beam_size" in kinds(kind) and arguments.beam_size is None:
        groups = changed.get("groups", 1)
        changed["beam_size"] = max(changed.get("beam_size", n_best), -(-n_best // groups) * groups)
    return kind(**changed)


def chosen_mbr(arguments: argparse.Namespace, settings: DecodingSettings | Translator) -> str:
    """Give what chooses among several hypotheses: as the options say, or else as the model does."""
    return settings.mbr if arguments.mbr is None else arguments.mbr


def named_dictionary(arguments: argparse.Namespace) -> dict[str, str] | None:
    """Read the dictionary that a command names, which may be a pipe; None for none."""
    from seq2seq.translation.copying import read_dictionary

    return None if arguments.dictionary is None else read_dictionary(arguments.dictionary)


def chosen_copying(
    arguments: argparse.Namespace, settings: DecodingSettings | Translator, dictionary: Mapping[str, str] | None
) -> dict[str, Any]:
    """Give what comes through from the source, as arguments of ``Translator.hypotheses``."""
    unknown = settings.unknown if arguments.unknown is None else arguments.unknown
    if arguments.dictionary is not None and unknown != "copy":
        raise UsageError(
            "A dictionary says how words are copied where the model says unknown. "
            f"Received: --dictionary {arguments.dictionary} without --unknown copy. Add it, or use --terms."
        )
    return {
        "unknown": unknown,
        "dictionary": dictionary,
        "protect": settings.protect if arguments.protect is None else arguments.protect,
    }


def _kind(asked: Mapping[str, Any], own: type[Search]) -> type[Search]:
    """Give the kind of search that has all that is asked for: the translator's own, if it does."""
    return next((each for each in (own, *SEARCHES.values()) if asked.keys() <= kinds(each).keys()), own)


def _fields() -> dict[str, Any]:
    """The settings of all kinds of search, by name."""
    every = {name: kind for each in SEARCHES.values() for name, kind in kinds(each).items()}
    return {name: kind for name, kind in every.items() if name not in _OWN}


def _is_whole(kind: Any) -> bool:
    return words(kind).startswith("a whole number")


def _pattern(text: str) -> str:
    """Read a regular expression."""
    try:
        protected_pattern(text)
    except SettingsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


class SettingValue:
    """Reads the value of a setting from a command line."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def __call__(self, text: str) -> Any:
        """Read it."""
        try:
            return convert(parse_value(text, self._kind), self._kind, "value")
        except SettingsError:
            raise argparse.ArgumentTypeError(f"needs {words(self._kind)}. Received: {text}") from None
