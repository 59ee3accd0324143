"""Who is examined: a recipe before training, a run at its newest checkpoint, or a model file; and on which batch."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq.recipe import Recipe
from seq2seq.runs.record import RunRecord, model_file
from seq2seq.system.terminal import UsageError, tell
from seq2seq.training.run_folder import RunFolder

if TYPE_CHECKING:
    from seq2seq.models import Seq2Seq
    from seq2seq.recipe.corpora import Corpora
    from seq2seq.text.batches import Batch
    from seq2seq.text.corpus import Corpus
    from seq2seq.text.tokenizer import Tokenizer

_PAIRS = 20_000  # of a larger text, from all over: enough for one batch, and for a tokenizer much like that of all


class Subject(NamedTuple):
    """Who is examined.

    Attributes:
        title: What it is, for people.
        model: The model; compiled with its optimizer where one is known.
        batch: What it reads, and what it has to say of it.
        updates: Optimizer steps done; None where that is not known.
    """

    title: str
    model: Seq2Seq
    batch: tuple[Mapping[str, Any], Any]
    updates: int | None


def of_recipe(recipe: Recipe, data: str | None = None) -> Subject:
    """Build what a recipe describes, as training would begin."""
    from seq2seq.recipe.corpora import read_also, together
    from seq2seq.runs.preparing import new_model, new_tokenizers, read_origin

    origin = read_origin(recipe)
    corpora = _corpora(recipe, data)
    corpus, also = _some(corpora.train), [_some(each) for each in read_also(recipe, corpora)]
    tokenizers = new_tokenizers(recipe, together([corpus, *also]), origin)
    batch = _batch(recipe, corpus, *tokenizers)
    model = new_model(recipe, *tokenizers, origin)
    _compile(model, recipe)
    return Subject(f"{recipe.name}, before training", model, batch, 0)


def of_run(record: RunRecord, data: str | None = None) -> Subject:
    """Take a run as its newest checkpoint has it, with its optimizer; without one, as its model file has it.

    Raises:
        UsageError: There is neither.
    """
    from seq2seq.recipe.build import build_model
    from seq2seq.text.tokenizer import Tokenizer
    from seq2seq.training.checkpoint_file import find_checkpoint, load_latest

    folder, recipe = RunFolder(record.folder), record.recipe
    if find_checkpoint(folder.last) is None:
        if model_file(folder).exists():
            return of_model(model_file(folder), record.data if data is None else data)
        raise UsageError(
            f"The run in this folder has no checkpoint yet. Received: {record.folder}. Wait for it, or examine its "
            f"recipe: {folder.recipe}."
        )
    source = Tokenizer.load(folder.source_tokenizer)
    target = Tokenizer.load(folder.target_tokenizer) if folder.target_tokenizer.exists() else source
    batch = _batch(recipe, _some(_corpora(recipe, record.data if data is None else data).train), source, target)
    model = build_model(recipe, source.vocab_size, target.vocab_size)
    _compile(model, recipe)
    loaded = load_latest(folder.last, model)
    # The last one of a schedule that falls to nothing would show a step of nothing.
    model.optimizer.learning_rate = recipe.training.learning_rate
    updates = 0 if loaded is None else int(loaded.state["run"]["update"])
    title = f"{record.folder}, after {updates:,} optimizer steps{_kept(record)}"
    return Subject(title, model, batch, updates)


def _kept(record: RunRecord) -> str:
    """Say that the model file of a finished run has other weights than its newest checkpoint; "" if it has not."""
    result = record.result or {}
    best, epochs = result.get("best_epoch"), result.get("epochs")
    if best is None or epochs is None or best >= epochs:
        return ""
    return f"; {model_file(RunFolder(record.folder))} has the weights of epoch {best:g} of {epochs:g}, the best ones"


def of_model(path: Path, data: str | None = None) -> Subject:
    """Take a model as its file has it, and text of the recipe that it was trained with.

    Raises:
        UsageError: The text cannot be read.
    """
    from seq2seq.translation.translator import Translator

    translator = Translator.load(path)
    if not translator.recipe:
        raise UsageError(
            f"A model is examined on text of the recipe that it learnt from. Received: {path}, which has none. Call "
            "seq2seq.analysis.diagnosis.examine with a batch of your own."
        )
    try:
        recipe = Recipe.from_text(translator.recipe)
        corpus = _some(_corpora(recipe, data).train)
    except (ValueError, OSError) as error:
        raise UsageError(
            "A model is examined on a batch of the text of its recipe, which cannot be read. "
            f"Received: {str(error).rstrip('.')}. Name the place of the text with --data."
        ) from error
    batch = _batch(recipe, corpus, translator.source_tokenizer, translator.target_tokenizer)
    return Subject(str(path), translator.model, batch, None)


def is_model(path: Path) -> bool:
    """Tell whether a file is a model file, and no recipe."""
    return path.is_file() and zipfile.is_zipfile(path)


def _compile(model: Seq2Seq, recipe: Recipe) -> None:
    from seq2seq.training.optimizers import build_optimizer

    model.freeze(recipe.training.freeze)
    model.compile(optimizer=build_optimizer(recipe.training))
    model.optimizer.build(model.trainable_variables)


def _corpora(recipe: Recipe, data: str | None) -> Corpora:
    from seq2seq.recipe.corpora import read_corpora

    tell("Reading the text ...")
    return read_corpora(recipe, data)


def _some(corpus: Corpus) -> Corpus:
    """Give a corpus, or of a large one pairs from all over it."""
    from seq2seq.text.corpus import corpus_from_pairs

    every = 1 if corpus.streamed else -(-len(corpus) // _PAIRS)
    if every == 1 and not corpus.streamed:
        return corpus
    return corpus_from_pairs(list(islice(corpus, 0, _PAIRS if corpus.streamed else None, every)), corpus.name)


def _batch(recipe: Recipe, corpus: Corpus, source: Tokenizer, target: Tokenizer) -> Batch:
    """Give the first batch that training would read of a corpus."""
    from seq2seq.recipe.build import build_batches

    if recipe.data.also.paths:
        tell(f"The batch is of {corpus.name}; what data.also mixes in is not looked at.")
    return next(iter(build_batches(recipe, corpus, source, target).run(0)))
