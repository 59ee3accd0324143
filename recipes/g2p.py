"""CMUdict: how an English word sounds, from its spelling.

Task     `ABATING` → `AH B EY T IH NG`: 106,837 words to learn from, of which 2,670 are held out to validate on, and
         12,000 to report on; a word with several pronunciations is right with any of them. Phones have no stress.
Paper    Yao and Zweig 2015 (encoder–decoders on it); Toshniwal and Livescu 2016 (with attention)
Data     g014b2b.train.tsv.gz and g014b2b.test.tsv.gz in $SEQ2SEQ_DATA/cmudict_g2p, or the folder of --data
Command  python recipes/g2p.py --data FOLDER
Cost     in minutes, on 2 cores (AMD EPYC): 69
Result   WER 22.75, PER 5.33 (1 seed); published: WER 22.20 (LSTM 2×256, g2p-seq2seq); WER 21.69, PER 5.04 (LSTM 3×512
         with attention, reported by Toshniwal and Livescu 2016); WER 20.20, PER 3.91 (Transformer 3×256, g2p-seq2seq)
         metric:sequence_error_rate|nrefs:var|case:mixed|version:1
         metric:phoneme_error_rate|nrefs:var|case:mixed|tok:space|version:1
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
    SourceTokenizerSettings,
    TokenizerSettings,
    TrainingSettings,
)
from seq2seq.search import Beam

recipe = Recipe(
    name="g2p",
    data=Data(
        path="$SEQ2SEQ_DATA/cmudict_g2p",
        source="0",
        target="1",
        train="g014b2b.train",
        validation="",
        test="g014b2b.test",
        hold_out=2670,
    ),
    # Letters one by one; a phone is what stands between spaces.
    tokenizer=TokenizerSettings(
        kind="word",
        vocab_size=2000,
        joint=False,
        normalization="identity",
        source=SourceTokenizerSettings(kind="char"),
    ),
    # Words are short: within larger pools there are enough of one length, and less is padded.
    batches=BatchSettings(size=128, pool=20),
    model=ModelSettings(
        embedding=128,
        dropout=0.2,
        embedding_dropout=0.1,
        residual_from=1,
        encoder=EncoderSettings(units=(192, 192), bidirectional="all"),
        attention=AttentionSettings("general"),
        decoder=DecoderSettings(units=(384, 384), output_dropout=0.2),
    ),
    training=TrainingSettings(
        learning_rate=1e-3,
        schedule="cosine",
        warmup_steps=400,
        label_smoothing=0.1,
        epochs=20,
        monitor="sequence_error_rate",
    ),
    decoding=DecodingSettings(Beam(5)),
    evaluation=EvaluationSettings(metrics=("sequence_error_rate", "phoneme_error_rate"), several_references=True),
)

if __name__ == "__main__":
    main(recipe)
