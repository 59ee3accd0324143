"""What a run needs before it trains: text, tokenizers, batches and a model, and the record of what was begun."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.recipe import Recipe
from seq2seq.runs.record import RunRecord, model_in, read_run
from seq2seq.settings import SettingsError, to_table
from seq2seq.system.terminal import tell
from seq2seq.system.versions import installed_versions
from seq2seq.text.settings import place_of
from seq2seq.training.run_folder import RunFolder, RunFolderError

if TYPE_CHECKING:
    from seq2seq.distribution.devices import Devices
    from seq2seq.distribution.workers import Workers
    from seq2seq.models import Seq2Seq
    from seq2seq.recipe.corpora import Corpora
    from seq2seq.text.batches import Batches
    from seq2seq.text.corpus import Corpus
    from seq2seq.text.length_limit import LengthLimit
    from seq2seq.text.mixing import MixedBatches
    from seq2seq.text.streaming import StreamedBatches
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.translation.translator import Translator

_MUCH = 0.25  # of the text to validate on, for a single reference
_FEW = 20  # references, of which one may well be so large a part


@dataclass(frozen=True)
class Ready:
    """Everything that training takes, once the text is read and the folder is taken.

    Attributes:
        corpora: The text of each part.
        batches: Those of the training part.
        validation: Those of the validation part, in order.
        translator: The model, not trained yet, with its tokenizers.
        record: What the run folder says of the run, once it is written.
        moved: Where the text of a run that goes on was, and is now; empty where that is the same.
    """

    corpora: Corpora
    batches: Batches | StreamedBatches | MixedBatches
    validation: Batches | StreamedBatches
    translator: Translator
    record: RunRecord
    moved: str


def prepare(
    recipe: Recipe,
    run_folder: RunFolder,
    data: str | None,
    command: str,
    changed: Mapping[str, object],
    devices: Devices,
) -> Ready:
    """Read the text, and make tokenizers, batches and model; nothing of it is written yet.

    Args:
        recipe: What to run.
        run_folder: The folder of the run; where it resumes one, that gives the tokenizers, and text and command.
        data: Where to read text instead of ``recipe.data.path``.
        command: The command that makes this run from its beginning, for the record; "" is the one that began it.
        changed: Settings that differ from the recipe as it was published, for the record.
        devices: What the run is shared among; the chief alone writes.

    Raises:
        SettingsError: The run that is to go on has other settings that cannot change.
        RunFolderError: Its tokenizers are not those that it began with.
    """
    from seq2seq.recipe.build import (
        build_batches,
        build_model,
        check_model,
        check_vectors,
        mix_batches,
        start_embeddings,
    )
    from seq2seq.recipe.corpora import read_also, read_corpora, together
    from seq2seq.training.checkpoint_file import find_checkpoint

    workers = devices.workers
    begun = _begun(run_folder, recipe) if workers.chief else None
    # Of a run that goes on from a checkpoint, that has all of it.
    first = workers.from_chief(begun is None or find_checkpoint(run_folder.last) is None)
    origin = read_origin(recipe, workers) if first else None
    check_model(recipe, origin)
    if first:
        check_vectors(recipe)
    known = workers.from_chief(dict(begun.origin) if begun else {}) or _known(recipe, origin)
    if origin is not None and known["weights"] != origin.fingerprint:
        raise RunFolderError(
            "A run goes on from the model that it began with, and has no checkpoint yet. Received: "
            f'{run_folder.path}, where start_from="{recipe.start_from}" is another model now. Put that back, or start '
            "a new run in another folder."
        )
    began_with = workers.from_chief(begun.data if begun else None)
    data = began_with if data is None else data
    corpora = read_corpora(recipe, data)
    also = read_also(recipe, corpora)
    learnt = together([corpora.train, *also])
    source, target = _shared_tokenizers(workers, lambda: _tokenizers(run_folder, recipe, learnt, begun, origin))
    cache = _cache(run_folder.path) if workers.chief else None
    train, *others = (build_batches(recipe, each, source, target, cache=cache) for each in (corpora.train, *also))
    batches = mix_batches(recipe, train, others)
    validation = build_batches(recipe, corpora.validation, source, target, cache=cache, shuffle=False)
    limit = _length_limit(workers, begun, batches)
    record = RunRecord(
        run_folder.path,
        recipe,
        command or (begun.command if begun else ""),
        data,
        {**(begun.changed_settings if begun else {}), **changed},
        (source.fingerprint, target.fingerprint),
        limit,
        known,
    )
    with devices.strategy.scope():
        model = build_model(recipe, source.vocab_size, target.vocab_size)
    if first:
        start_embeddings(recipe, model, source, target)
    if origin is not None:
        _start(model, source, target, origin, recipe.start_from)
    for corpus in (*corpora, *also):
        if corpus is not None:
            tell(corpus.report())
    if told := _outweighing(corpora.validation.targets, recipe.evaluation.metrics):
        tell(told)
    tell(f"training batches: {batches.report()}")
    tell(f"validation batches: {validation.report()}")
    _tell_limit(limit.chosen(recipe.decoding.search.max_length_factor, limit), batches)
    tell(f"model: {model.count_params():,} parameters, vocabulary {source.vocab_size:,} → {target.vocab_size:,}")
    translator = _translator(record, model, source, target)
    return Ready(corpora, batches, validation, translator, record, _moved(recipe, began_with, data) if begun else "")


def read_origin(recipe: Recipe, workers: Workers | None = None) -> Translator | None:
    """Read the trained model that a recipe goes on from; None where it goes on from none.

    Args:
        recipe: The recipe.
        workers: Who reads it: the chief has it, the others get it from there.

    Raises:
        FileNotFoundError: There is no such file.
        TranslatorFileError: It is no model file.
        UsageError: It is the folder of a run that has not ended.
    """
    if not recipe.start_from:
        return None
    from seq2seq.distribution import Workers
    from seq2seq.translation import Translator

    workers = workers or Workers()
    file = None
    if workers.chief:
        place = place_of(recipe.start_from, "start_from", "the model lies", "write the file itself")
        file = model_in(Path(place))
    with workers.file_from_chief(file) as kept:
        return Translator.load(kept) if kept else None


def new_tokenizers(recipe: Recipe, corpus: Corpus, origin: Translator | None) -> tuple[Tokenizer, Tokenizer]:
    """Make the tokenizers of a new run: those of the model that it goes on from, grown by its text, or new ones.

    Args:
        recipe: The recipe.
        corpus: What they learn from.
        origin: The model that the recipe goes on from; None for none.
    """
    from seq2seq.recipe.tokenizers import build_tokenizers, gone_on_tokenizers

    return build_tokenizers(recipe.tokenizer, corpus) if origin is None else gone_on_tokenizers(recipe, corpus, origin)


def new_model(recipe: Recipe, source: Tokenizer, target: Tokenizer, origin: Translator | None) -> Seq2Seq:
    """Build the model of a new run with the weights that training would begin with.

    Args:
        recipe: The recipe.
        source: Tokenizer of the source.
        target: Tokenizer of the target.
        origin: The model that the recipe goes on from; None for none.

    Raises:
        SettingsError: The recipe does not go with that model, or vectors cannot be read.
    """
    from seq2seq.recipe.build import build_model, check_model, check_vectors, start_embeddings

    check_model(recipe, origin)
    check_vectors(recipe)
    model = build_model(recipe, source.vocab_size, target.vocab_size)
    start_embeddings(recipe, model, source, target)
    if origin is not None:
        _start(model, source, target, origin, recipe.start_from)
    return model


def _known(recipe: Recipe, origin: Translator | None) -> dict[str, str]:
    return {"model": recipe.start_from, "weights": origin.fingerprint} if origin is not None else {}


def _start(model: Seq2Seq, source: Tokenizer, target: Tokenizer, origin: Translator, name: str) -> None:
    """Let a model go on from a trained one, and tell what is new."""
    from seq2seq.translation import start_from

    growths = start_from(model, source, target, origin)
    for side, growth in zip(("source", "target"), growths, strict=True):
        if growth.new:
            unspelt = f", {growth.unspelt:,} of them at the mean of all" if growth.unspelt else ""
            tell(
                f"{side} vocabulary: {growth.kept:,} pieces as they were, {growth.new:,} new, which start at the mean "
                f"of the old pieces that they are spelt with{unspelt}"
            )
    tell(f"weights: those of {name} ({origin.fingerprint[:16]})")


def _begun(folder: RunFolder, recipe: Recipe) -> RunRecord | None:
    """Give what was written down when the run in a folder began; None where none did."""
    begun = read_run(folder.path) if folder.resume else None
    if begun is not None and (differing := begun.fixed_differences(recipe)):
        raise SettingsError(
            "A run goes on with the data, the model, the optimizer and the seed that it began with. "
            f"Received: {folder.path}, where {'; '.join(differing.values())}. Set them back, or start a new run in "
            "another folder."
        )
    return begun


def begin(folder: RunFolder, ready: Ready) -> None:
    """Write down what is run, once training has accepted it: until then the folder is as it was."""
    source, target = ready.translator.source_tokenizer, ready.translator.target_tokenizer
    ready.record.announce()
    source.save(folder.source_tokenizer)
    if target is source:
        folder.target_tokenizer.unlink(missing_ok=True)  # of a run that was here before
    else:
        target.save(folder.target_tokenizer)
    ready.record.settle()


def _moved(recipe: Recipe, before: str | None, now: str | None) -> str:
    """Say where the text of a run was and is; nothing where it stayed."""
    was, here = (recipe.data.path if data is None else data for data in (before, now))
    return "" if was == here else f" The text was in {was} and is now in {here}."


def _tokenizers(
    folder: RunFolder, recipe: Recipe, corpus: Corpus, begun: RunRecord | None, origin: Translator | None
) -> tuple[Tokenizer, Tokenizer]:
    """Load the tokenizers of a run that goes on, or make those of a new one."""
    from seq2seq.text.tokenizer import Tokenizer

    if begun is None:
        return new_tokenizers(recipe, corpus, origin)
    fingerprints = begun.tokenizers
    source = target = Tokenizer.load(folder.source_tokenizer)
    joint = fingerprints[0] == fingerprints[1] if fingerprints else not folder.target_tokenizer.exists()
    if not joint:
        target = Tokenizer.load(folder.target_tokenizer)
    if fingerprints and fingerprints != (source.fingerprint, target.fingerprint):
        raise RunFolderError(
            f"A run goes on with the tokenizers that it began with. Received: {folder.path}, where "
            f"{folder.source_tokenizer.name} or {folder.target_tokenizer.name} is another. Put the file back, or start "
            "a new run in another folder."
        )
    return source, target


def _shared_tokenizers(
    workers: Workers, make: Callable[[], tuple[Tokenizer, Tokenizer]]
) -> tuple[Tokenizer, Tokenizer]:
    """Let the chief make the tokenizers, and give all workers the same."""
    from seq2seq.text.tokenizer import Tokenizer

    if workers.count == 1:
        return make()
    if workers.chief:
        source, target = make()
        workers.from_chief([base64.b64encode(each.to_bytes()).decode() for each in (source, target)])
        return source, target
    models = [base64.b64decode(text) for text in workers.from_chief()]
    source = Tokenizer.from_bytes(models[0])
    return source, source if models[0] == models[1] else Tokenizer.from_bytes(models[1])


def _length_limit(
    workers: Workers, begun: RunRecord | None, batches: Batches | StreamedBatches | MixedBatches
) -> LengthLimit:
    """Learn from what is trained on how long a translation may become; a run that goes on keeps what it began with."""
    from seq2seq.text.length_limit import LengthLimit

    limit = batches.length_limit if begun is None else begun.length_limit
    return LengthLimit.from_table(workers.from_chief(limit.to_table()))


def _tell_limit(limit: LengthLimit, batches: Batches | StreamedBatches | MixedBatches) -> None:
    """Tell how long translations may become, and what of the training text a limit that was set would cut."""
    tell(f"longest translations: {limit}")
    if cut := batches.beyond(limit):
        tell(
            f"{cut:,} of the targets to learn from are longer than that, and translations like them will be cut. "
            "A higher decoding.search.max_length_factor gives them room."
        )


def _cache(folder: Path) -> Path | None:
    """Name where tokenised text is kept: beside the run folder, for all runs over it, where that can be written."""
    beside = folder.absolute().parent
    return beside / ".tokenised" if os.access(beside, os.W_OK) else None


def _translator(record: RunRecord, model: Seq2Seq, source: Tokenizer, target: Tokenizer) -> Translator:
    from seq2seq.translation.translator import Translator

    recipe = record.recipe
    about = {
        "name": recipe.name,
        "max_source_length": recipe.batches.max_source_length,
        "source": recipe.data.source,
        "target": recipe.data.target,
        "seed": recipe.seed,
        "decoding": to_table(recipe.decoding),
        "length_limit": record.length_limit.to_table(),
        "evaluation": to_table(recipe.evaluation),
        **({"origin": dict(record.origin)} if record.origin else {}),
        "versions": installed_versions(),
    }
    return Translator(model, source, target, recipe=recipe.to_toml(), about=about)


def _outweighing(references: Sequence[str | Sequence[str]], metrics: Sequence[str]) -> str:
    """Say that one reference is more than a quarter of all the text that scores are counted over; "" if none is."""
    counted = set(metrics) - {"exact_match", "sequence_error_rate"}  # these count each sentence once
    sizes = [len(each if isinstance(each, str) else each[0]) for each in references]
    longest = max(sizes, default=0)
    if not counted or len(sizes) < _FEW or longest <= sum(sizes) * _MUCH:
        return ""
    return (
        f"One reference of {len(sizes):,} to validate on, the {sizes.index(longest) + 1:,}th, has "
        f"{longest / sum(sizes):.0%} of all their characters. It decides {', '.join(sorted(counted))}, and with them "
        "which weights are kept: cut it, or take it out."
    )
