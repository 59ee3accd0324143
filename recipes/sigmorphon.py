"""SIGMORPHON 2020: how a word sounds, from its spelling, in a language with a few thousand words to learn from.

Task     `abîme` → `a b i m`: 3,600 words to learn from, 450 to validate on, 450 to report on, in each of French, Hindi,
         Hungarian, Icelandic and Korean, all with the same settings. Letters are taken as they stand.
Paper    Gorman et al. 2020 (the shared task); Bahdanau, Cho and Bengio 2015 (the attention)
Data     train/fre_train.tsv.gz, dev/fre_dev.tsv.gz, test/fre_test.tsv.gz in $SEQ2SEQ_DATA/sigmorphon2020_g2p
Command  python recipes/sigmorphon.py      (another language: --data 'FOLDER/{split}/kor_{split}.tsv.gz')
Cost     in minutes, on 2 cores (Intel Xeon): SIGMORPHON 2020, mean of five languages (minutes: sum): 27; French: 5.9;
         Hindi: 5.1; Hungarian: 5.3; Icelandic: 5.5; Korean, syllables in parts: 6.3; Korean: 5.5
Result   SIGMORPHON 2020, mean of five languages (minutes: sum): WER 12.84, PER 3.50 (1 seed); published: WER 15.02, PER
         4.62 (LSTM with attention, best of 36 settings for each language, reported)
         French: WER 5.44 ± 0.16, PER 1.28 ± 0.06 (2 seeds); published: WER 6.22, PER 1.32 (LSTM with attention, best of
         36 settings, reported)
         Hindi: WER 6.11 ± 0.16, PER 1.66 ± 0.05 (2 seeds); published: WER 6.67, PER 1.47 (LSTM with attention, best of
         36 settings, reported)
         Hungarian: WER 4.56 ± 0.16, PER 1.12 ± 0.00 (2 seeds); published: WER 5.33, PER 1.18 (LSTM with attention, best
         of 36 settings, reported)
         Icelandic: WER 9.33 ± 0.00, PER 1.92 ± 0.07 (2 seeds); published: WER 10.00, PER 2.36 (LSTM with attention,
         best of 36 settings, reported)
         Korean, syllables in parts: WER 27.33, PER 4.92 (1 seed)
         Korean: WER 38.67, PER 11.57 (1 seed); published: WER 46.89, PER 16.78 (LSTM with attention, best of 36
         settings, reported)
         metric:sequence_error_rate|nrefs:1|case:mixed|version:1
         metric:phoneme_error_rate|nrefs:1|case:mixed|tok:space|version:1
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
    name="sigmorphon",
    data=Data(
        path="$SEQ2SEQ_DATA/sigmorphon2020_g2p/{split}/fre_{split}.tsv.gz", source="0", target="1", validation="dev"
    ),
    # Letters one by one; a phone is what stands between spaces.
    tokenizer=TokenizerSettings(
        kind="word",
        vocab_size=2000,
        joint=False,
        normalization="identity",
        source=SourceTokenizerSettings(kind="char"),
    ),
    # Sorted as a whole, as when the results were measured.
    batches=BatchSettings(size=32, pool=0),
    model=ModelSettings(
        embedding=128,
        dropout=0.3,
        embedding_dropout=0.3,
        encoder=EncoderSettings(units=(256,), bidirectional="all"),
        attention=AttentionSettings("additive", input_feeding=True),
        decoder=DecoderSettings(units=(512,), output_dropout=0.3),
    ),
    training=TrainingSettings(
        learning_rate=1e-3, schedule="cosine", warmup_steps=200, epochs=40, monitor="sequence_error_rate"
    ),
    decoding=DecodingSettings(Beam(5)),
    evaluation=EvaluationSettings(metrics=("sequence_error_rate", "phoneme_error_rate")),
)

if __name__ == "__main__":
    main(recipe)
