"""What the options of decoding are worth and what they cost, for the tables of docs/explanation/decoding.md.

    python docs/measure_decoding.py runs/multi30k runs/multi30k-1 runs/multi30k-2 --to decoding.json
    python docs/results_table.py decoding multi30k --commit HASH decoding.json

The runs are seeds of one recipe over one text, so that they have one vocabulary; all options are tried on the first.
Quality is told of the whole test text, time of its first sentences: all options in turn, several times, of which the
quickest one counts. Nothing else should run beside it then.
"""

import argparse
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from seq2seq.metrics import EvaluationSettings, paired_bootstrap, score, surest
from seq2seq.search import Beam, Greedy, Sample
from seq2seq.system.machine import machine
from seq2seq.system.threads import one_core_per_operation
from seq2seq.system.versions import package_versions

METRICS = EvaluationSettings(metrics=("bleu", "chrf"))
TERMS_BEAM = Beam(10)
AVERAGED = 5  # checkpoints, where a run has as many (training.keep_checkpoints)
LIKELY = 3  # translations of a noun that may be the one that a reference has

Asked = list[dict[str, str | None]]  # of each sentence, how its nouns are to be translated; None: as they come

OPTIONS: dict[str, tuple[Any, dict[str, Any]]] = {
    "`Beam(5)`": (Beam(5), {}),
    "`Greedy()`": (Greedy(), {}),
    "`Beam(10)`": (Beam(10), {}),
    '`Beam(5, stop="exact")`': (Beam(5, stop="exact"), {}),
    '`Beam(5, length_form="gnmt")`': (Beam(5, length_form="gnmt"), {}),
    "`Beam(5, length_penalty=0, word_reward=0.3)`": (Beam(5, length_penalty=0, word_reward=0.3), {}),
    "`Beam(5, coverage_penalty=0.2)`": (Beam(5, coverage_penalty=0.2), {}),
    '`Beam(5, length_form="gnmt", length_penalty=0.2, coverage_penalty=0.2)`': (
        Beam(5, length_form="gnmt", length_penalty=0.2, coverage_penalty=0.2),
        {},
    ),
    "`Beam(5, no_repeat_ngram=3)`": (Beam(5, no_repeat_ngram=3), {}),
    "`Beam(6, groups=3, diversity=0.5)`": (Beam(6, groups=3, diversity=0.5), {}),
    '`avoid=["a group of"]`': (Beam(5), {"avoid": ["a group of"]}),
    r'`protect=r"\d+"`': (Beam(5), {"protect": r"\d+"}),
    '`unknown="copy"`': (Beam(5), {"unknown": "copy"}),
    "`details=True`": (Beam(5), {"details": True}),
    '`precision="bfloat16"`': (Beam(5), {"precision": "bfloat16"}),
    "`Sample()`": (Sample(), {}),
    '`Sample(n_best=32)`, `mbr="chrf"`': (Sample(n_best=32), {"mbr": "chrf"}),
    '`Sample(n_best=32, temperature=0.5)`, `mbr="chrf"`': (Sample(n_best=32, temperature=0.5), {"mbr": "chrf"}),
    '`Beam(10, n_best=10)`, `mbr="chrf"`': (Beam(10, n_best=10), {"mbr": "chrf"}),
    '`Beam(10, n_best=10)`, `mbr="bleu"`': (Beam(10, n_best=10), {"mbr": "bleu"}),
}
"""Search and what else is told, by what a table calls it; the first is what the others are compared with."""

Translate = Callable[[Sequence[str], slice], list[str]]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders, other seeds of one recipe")
    parser.add_argument("--data", default="$SEQ2SEQ_DATA/multi30k/raw", help="folder of the text")
    parser.add_argument("--sentences", type=int, help="of the test text (default: all), and of the validation text")
    parser.add_argument("--timed", type=int, default=200, help="sentences that are timed")
    parser.add_argument("--rounds", type=int, default=3, help="times that each option is timed; 0 for not")
    parser.add_argument("--to", type=Path, required=True, help="JSON file to write")
    arguments = parser.parse_args()
    one_core_per_operation()
    import seq2seq
    from seq2seq.runs import average_run
    from seq2seq.text import read_corpus
    from seq2seq.training.checkpoint_file import checkpoints
    from seq2seq.training.run_folder import RunFolder

    path = os.path.expandvars(arguments.data)
    train, validation, test = (
        read_corpus(path, split, source="de", target="en") for split in ("train", "val", "test_2016_flickr")
    )
    sources, references = test.sources[: arguments.sentences], test.targets[: arguments.sentences]
    files = [run / "model.s2s" for run in arguments.runs]
    first, *others = (seq2seq.load(file) for file in files)
    ways: dict[str, Translate] = {name: _way(first, *option) for name, option in OPTIONS.items()}
    begun = [" ".join(reference.split()[:2]) for reference in references]
    ways["`prefixes=`, two words of the reference"] = lambda texts, part: first.translate(
        texts, Beam(5), prefixes=begun[part]
    )
    asked = asked_terms(train.sources, train.targets, sources, references)
    ways["`Beam(10)`, `terms=`, nouns of the reference"] = lambda texts, part: with_terms(first, texts, asked[part])
    kept = [min(AVERAGED, len(checkpoints(RunFolder(run).last))) for run in arguments.runs]
    averages = [average_run(run, number, "last")[0] for run, number in zip(arguments.runs, kept, strict=True)]
    for number, other in enumerate(others, start=2):
        ways[f"`Beam(5)`, model {number}"] = _way(other, Beam(5))
    for number, (average, of) in enumerate(zip(averages, kept, strict=True), start=1):
        ways[f"mean of the last {of} checkpoints, model {number}"] = _way(average, Beam(5))
    if others:
        ways[f"ensemble of all {len(files)} models"] = _way(seq2seq.load(files), Beam(5))

    said = {name: _told(name, lambda way=way: way(sources, slice(None))) for name, way in ways.items()}
    seconds = _timed(ways, sources[: arguments.timed], arguments.rounds)
    compared = paired_bootstrap("bleu", list(said.values()), references, METRICS)
    plain = next(iter(seconds.values()), None)
    found = {
        "sentences": len(sources),
        "validation": len(validation.sources[: arguments.sentences]),
        "runs": len(files),
        "signature": compared.signature,
        "machine": machine(),
        "versions": package_versions(),
        "timed": arguments.timed,
        "rounds": arguments.rounds,
        "options": [
            {
                "what": name,
                "bleu": round(one.value, 2),
                "chrf": round(score("chrf", said[name], references).value, 2),
                "difference": None if one.difference is None else round(one.difference, 2),
                "p": None if one.p is None else round(one.p, 4),
                "seconds": round(seconds[name], 3) if name in seconds else None,
                "cost": round(seconds[name] / plain, 2) if plain else None,
            }
            for name, one in zip(said, compared.systems, strict=True)
        ],
        "terms": {
            "terms": sum(word is not None for own in asked for word in own.values()),
            **{
                name: placed(asked, said[way])
                for name, way in (("beam", "`Beam(10)`"), ("given", "`Beam(10)`, `terms=`, nouns of the reference"))
            },
        },
        "surest": _surest(first, validation, sources, references, arguments.sentences),
    }
    arguments.to.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def asked_terms(
    train_sources: Sequence[str], train_targets: Sequence[str], sources: Sequence[str], references: Sequence[str]
) -> Asked:
    """Find how the reference of each sentence translates its nouns: what German writes with a capital inside sentences.

    The translation is the likeliest one, by IBM Model 1 over the words of the training text, that the reference has.
    """
    from seq2seq.translation.shortlist import Shortlist

    words = [[re.findall(r"\w+", text) for text in texts] for texts in (train_sources, train_targets)]
    ids = [
        {word: id for id, word in enumerate(dict.fromkeys(word for text in side for word in text))} for side in words
    ]
    encoded = [[[of[word] for word in text] for text in side] for of, side in zip(ids, words, strict=True)]
    likely = Shortlist.learn(*encoded, *map(len, ids), per_piece=LIKELY).likely
    english = list(ids[1])
    nouns = {word for text in words[0] for word in text[1:] if word[0].isupper()}
    found = []
    for source, reference in zip(sources, references, strict=True):
        right = set(re.findall(r"\w+", reference))
        choices = {
            noun: [english[id] for id in likely[ids[0][noun]]] for noun in re.findall(r"\w+", source) if noun in nouns
        }
        found.append({noun: next((word for word in each if word in right), None) for noun, each in choices.items()})
    return found


def with_terms(translator: Any, texts: Sequence[str], asked: Asked) -> list[str]:
    """Translate each text with its own terms: those that do not contradict each other go together."""
    together: list[tuple[dict[str, str | None], list[int]]] = []
    for place, own in enumerate(asked):
        fitting = (each for each in together if all(each[0].get(noun, word) == word for noun, word in own.items()))
        if (found := next(fitting, None)) is None:
            together.append(found := ({}, []))
        found[0].update(own)
        found[1].append(place)
    said = [""] * len(texts)
    for table, places in together:
        terms = {noun: word for noun, word in table.items() if word is not None}
        for place, text in zip(
            places, translator.translate([texts[place] for place in places], TERMS_BEAM, terms=terms), strict=True
        ):
            said[place] = text
    return said


def placed(asked: Asked, said: Sequence[str]) -> float:
    """Give the share of the terms that stand in the translations as whole words, in percent."""
    found = [
        bool(re.search(rf"\b{re.escape(word)}\b", text))
        for own, text in zip(asked, said, strict=True)
        for word in own.values()
        if word is not None
    ]
    return round(100 * sum(found) / len(found), 1)


def _way(translator: Any, search: Any, told: dict[str, Any] | None = None) -> Translate:
    def translate(texts: Sequence[str], _: slice) -> list[str]:
        found = translator.translate(texts, search, **(told or {}))
        return [each if isinstance(each, str) else each.text for each in found]

    return translate


def _told(name: str, translate: Callable[[], list[str]]) -> list[str]:
    began = time.perf_counter()
    said = translate()
    print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)
    return said


def _timed(ways: dict[str, Translate], texts: Sequence[str], rounds: int) -> dict[str, float]:
    """Give the quickest time of each way, in seconds; all in turn, each traced right before."""
    taken: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, way in ways.items():
            way(texts, slice(len(texts)))  # there are more options than graphs that a model keeps
            began = time.perf_counter()
            way(texts, slice(len(texts)))
            taken.setdefault(name, []).append(time.perf_counter() - began)
    return {name: min(each) for name, each in taken.items()}


def _surest(
    translator: Any, validation: Any, sources: Sequence[str], references: Sequence[str], most: int | None
) -> list[dict[str, Any]]:
    """Calibrate on validation text, and give for each share of the surest translations what they are worth."""
    from seq2seq.translation import Calibration
    from seq2seq.translation.confidence import known

    held_out = validation.sources[:most], validation.targets[:most]
    curve = Calibration.learn(*known(translator.hypotheses(held_out[0], Beam(5)), held_out[1], METRICS, held_out[0]))
    best: Iterable[Any] = [each[0] for each in translator.hypotheses(sources, Beam(5))]
    means = [one.mean_log_probability for one in best]
    kept = surest(means, [one.text for one in best], references, METRICS, expected=[curve.at(mean) for mean in means])
    return [
        {"share": one.share, "sentences": one.sentences, "least": round(one.least, 3),
         "expected": round(100 * one.expected, 2), **{name: round(of.value, 2) for name, of in one.scores.items()}}
        for one in kept
    ]  # fmt: skip


if __name__ == "__main__":
    main()
