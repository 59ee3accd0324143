"""EuTrans: what a tourist says at the desk of a hotel, Spanish to English.

Task     Short sentences of a small vocabulary; 9,900 pairs to learn from, 100 to validate on, 2,996 to report on.
Paper    Amengual et al. 2000 (the corpus); Luong, Pham and Manning 2015 (the attention)
Data     training.es.gz, training.en.gz, dev.…, test.… in $SEQ2SEQ_DATA/eutrans_esen, or the folder of --data
Command  python recipes/eutrans.py --data FOLDER
Cost     in minutes, on 2 cores (AMD EPYC): 3.1; EuTrans with 32 units, 4 epochs: 0.36
Result   BLEU 99.06 ± 0.25, chrF 99.31 ± 0.20, exact match 95.94 ± 0.92 (3 seeds)
         EuTrans with 32 units, 4 epochs: BLEU 81.41 ± 3.97 (3 seeds); published: BLEU 67.87 (attention LSTM of that
         size in the tutorial of a public toolkit); by --set training.epochs=4 --set training.schedule=constant
         --set training.learning_rate=0.01 --set training.label_smoothing=0 --set model.embedding=32
         --set model.encoder.units=32 --set model.decoder.units=32 --set model.dropout=0 --set model.embedding_dropout=0
         --set model.decoder.output_dropout=0 --set decoding.search.beam_size=12
         nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0
         nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0
         metric:exact_match|nrefs:1|case:mixed|version:1
"""

from seq2seq.commands import main
from seq2seq.recipe import (
    AttentionSettings,
    BatchSettings,
    Data,
    DecoderSettings,
    EncoderSettings,
    ModelSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)

recipe = Recipe(
    name="eutrans",
    data=Data(
        path="$SEQ2SEQ_DATA/eutrans_esen", source="es", target="en", train="training", validation="dev", test="test"
    ),
    # A closed vocabulary, tokenised in the files: 686 and 513 words, none unseen in the test.
    tokenizer=TokenizerSettings(kind="word", vocab_size=1000, joint=False, normalization="identity"),
    batches=BatchSettings(size=50),
    model=ModelSettings(
        embedding=128,
        encoder=EncoderSettings(units=(128,), bidirectional="all"),
        attention=AttentionSettings("additive", input_feeding=True),
        decoder=DecoderSettings(units=(256,)),
    ),
    training=TrainingSettings(learning_rate=2e-3, schedule="cosine", epochs=10, monitor="bleu"),
)

if __name__ == "__main__":
    main(recipe)
