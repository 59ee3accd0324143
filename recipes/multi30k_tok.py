"""Multi30k as the shared task of 2017 scored it: captions of pictures, English to German, in lowercased tokens.

Task     A sentence of a dozen words about what a picture shows; 29,000 pairs to learn from, 1,014 to validate on, and
         1,000 (test_2016_flickr) to report on. Text is lowercased and tokenised in the files, BLEU counts tokens.
Paper    Elliott et al. 2017 (the task); Caglayan et al. 2017 (the best system without pictures)
Data     train.lc.norm.tok.en.gz, train.lc.norm.tok.de.gz, val.…, test_2016_flickr.… in $SEQ2SEQ_DATA/multi30k/tok
Command  python recipes/multi30k_tok.py --data FOLDER
Cost     in minutes, on 2 cores (AMD EPYC): 123
Result   BLEU 38.07, chrF 63.81 (1 seed); published: BLEU 39.00 (conditional GRU of the shared task of 2017, one run)
         nrefs:1|case:lc|eff:no|tok:none|smooth:exp|version:2.6.0
         nrefs:1|case:lc|eff:yes|nc:6|nw:0|space:no|version:2.6.0
"""

from seq2seq.commands import main
from seq2seq.metrics import EvaluationSettings
from seq2seq.recipe import (
    AttentionSettings,
    BatchSettings,
    BridgeSettings,
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
    name="multi30k_tok",
    data=Data(path="$SEQ2SEQ_DATA/multi30k/tok", source="en", target="de", validation="val", test="test_2016_flickr"),
    tokenizer=TokenizerSettings(kind="unigram", vocab_size=5000, joint=True, normalization="identity"),
    batches=BatchSettings(size=64),
    # The network of multi30k.py, with more dropped.
    model=ModelSettings(
        embedding=256,
        dropout=0.4,
        embedding_dropout=0.4,
        tied="all",
        encoder=EncoderSettings(units=(256, 256), bidirectional="all"),
        bridge=BridgeSettings("per_layer"),
        attention=AttentionSettings("general"),
        decoder=DecoderSettings(units=(512, 512), output_dropout=0.5),
    ),
    training=TrainingSettings(
        learning_rate=1e-3, schedule="cosine", warmup_steps=400, label_smoothing=0.1, epochs=30, monitor="bleu"
    ),
    decoding=DecodingSettings(Beam(5)),
    evaluation=EvaluationSettings(lowercase=True, tokenize="none"),
)

if __name__ == "__main__":
    main(recipe)
