"""Tatoeba: everyday sentences, English to French, split so that no English sentence is on two sides.

Task     Sentences of half a dozen words; 98,659 of them with one or more translations, of which 3,500 are held out to
         validate on and 3,500 to report on, each with all its translations as references.
Paper    Luong, Pham and Manning 2015 (the attention)
Data     eng-fra.tsv.gz in $SEQ2SEQ_DATA/tatoeba_fra_eng, or the folder of --data: English, a tab, French
Command  python recipes/tatoeba.py --data FOLDER      (with less text to learn from: recipes/tatoeba.sizes.toml)
Cost     not measured yet
Result   not measured yet
"""

from seq2seq.commands import main
from seq2seq.metrics import EvaluationSettings
from seq2seq.recipe import (
    AttentionSettings,
    BatchSettings,
    Data,
    DecoderSettings,
    DecodingSettings,
    EncoderSettings,
    ModelSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)
from seq2seq.search import Beam

recipe = Recipe(
    name="tatoeba",
    data=Data(
        path="$SEQ2SEQ_DATA/tatoeba_fra_eng",
        source="0",
        target="1",
        train="eng-fra",
        validation="",
        test="",
        hold_out=3500,
    ),
    tokenizer=TokenizerSettings(kind="unigram", vocab_size=8000, joint=True),
    batches=BatchSettings(size=128),
    model=ModelSettings(
        embedding=256,
        dropout=0.3,
        embedding_dropout=0.3,
        tied="all",
        encoder=EncoderSettings(units=(256, 256), bidirectional="all"),
        attention=AttentionSettings("general"),
        decoder=DecoderSettings(units=(512, 512), output_dropout=0.3),
    ),
    training=TrainingSettings(
        learning_rate=1e-3, schedule="cosine", warmup_steps=400, label_smoothing=0.1, epochs=15, monitor="bleu"
    ),
    decoding=DecodingSettings(Beam(5)),
    evaluation=EvaluationSettings(several_references=True),
)

if __name__ == "__main__":
    main(recipe)
