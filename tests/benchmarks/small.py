"""Small recipes, of which a training step is mostly not arithmetic: the quickstart, and letters to phones."""

import runpy

import numpy as np

from seq2seq.recipe import (
    AttentionSettings,
    BatchSettings,
    Data,
    DecoderSettings,
    EncoderSettings,
    ModelSettings,
    Recipe,
    TrainingSettings,
)
from seq2seq.recipe.build import build_batches
from seq2seq.recipe.corpora import read_corpora
from seq2seq.recipe.tokenizers import build_tokenizers
from seq2seq.text.batches import Batches
from tests.benchmarks.environments import ROOT

# As the Hungarian words of SIGMORPHON 2020 have them: ids, special ones counted; and mean and deviation of the letters
# of a word, `</s>` counted, and of its phones less its letters.
WORDS, LETTERS, PHONES = 3600, 38, 74
LENGTH, DIFFERENCE = (8.31, 2.56), (-0.5, 0.67)

G2P = Recipe(
    name="g2p",
    data=Data(path="dates", source="letters", target="phones"),
    batches=BatchSettings(size=32),
    model=ModelSettings(
        embedding=128,
        dropout=0.3,
        embedding_dropout=0.3,
        encoder=EncoderSettings((256,), bidirectional="all"),
        attention=AttentionSettings("additive", input_feeding=True),
        decoder=DecoderSettings((512,), output_dropout=0.3),
    ),
    training=TrainingSettings(learning_rate=1e-3),
)


def quickstart() -> tuple[Recipe, Batches, tuple[int, int]]:
    """The quickstart as it stands in `recipes/`: recipe, batches, sizes of the vocabularies."""
    recipe = runpy.run_path(str(ROOT / "recipes" / "quickstart.py"))["recipe"]
    corpus = read_corpora(recipe).train
    source, target = build_tokenizers(recipe.tokenizer, corpus)
    return recipe, build_batches(recipe, corpus, source, target), (source.vocab_size, target.vocab_size)


def g2p() -> tuple[Recipe, Batches, tuple[int, int]]:
    """Letters to phones of 3,600 words, which are made up: as long as real ones."""
    random = np.random.default_rng(0)
    letters = np.maximum(np.rint(random.normal(*LENGTH, WORDS)), 2).astype(int)
    phones = np.maximum(letters + np.rint(random.normal(*DIFFERENCE, WORDS)).astype(int), 2)
    source, target = (
        [random.integers(4, vocab, length - 1).tolist() for length in lengths]
        for vocab, lengths in ((LETTERS, letters), (PHONES, phones))
    )
    return G2P, Batches(source, target, size=G2P.batches.size, pool=0), (LETTERS, PHONES)


SMALL = {"quickstart": quickstart, "g2p": g2p}
"""What `--only recipes` trains, by name."""
