"""Multi30k: captions of pictures, German to English, or between any two languages that are there.

Task     A sentence of a dozen words about what a picture shows; 29,000 pairs to learn from, 1,014 to validate on, and
         1,000 (test_2016_flickr) to report on. Text is cased and untokenised; BLEU is detokenised (13a).
Paper    Elliott, Frank, Sima'an and Specia 2016 (the corpus); Luong, Pham and Manning 2015 (the attention)
Data     train.de.gz, train.en.gz, val.…, test_2016_flickr.… in $SEQ2SEQ_DATA/multi30k/raw, or the folder of --data
Command  python recipes/multi30k.py --data FOLDER      (--source en --target de goes to runs/multi30k-en-de)
Cost     in minutes, on 2 cores (Intel Xeon): 46
Result   BLEU 40.38 ± 0.37, chrF 59.71 ± 0.51 (3 seeds); published: BLEU 33.50 (attention with sentencepiece, by its
         model card)
         nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0
         nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0
"""

from seq2seq.commands import main
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
    name="multi30k",
    data=Data(path="$SEQ2SEQ_DATA/multi30k/raw", source="de", target="en", validation="val", test="test_2016_flickr"),
    # Few pieces: with 29,000 sentences a larger vocabulary is seen too rarely to be learnt.
    tokenizer=TokenizerSettings(kind="unigram", vocab_size=5000, joint=True),
    # Sorted as a whole, as when the results were measured.
    batches=BatchSettings(size=64, pool=0),
    # Both directions of an encoder layer side by side are as wide as a decoder layer: states pass as they are.
    model=ModelSettings(
        embedding=256,
        dropout=0.3,
        embedding_dropout=0.3,
        tied="all",
        encoder=EncoderSettings(units=(256, 256), bidirectional="all"),
        bridge=BridgeSettings("per_layer"),
        attention=AttentionSettings("general"),
        decoder=DecoderSettings(units=(512, 512), output_dropout=0.3),
    ),
    training=TrainingSettings(
        learning_rate=1e-3, schedule="cosine", warmup_steps=400, label_smoothing=0.1, epochs=20, monitor="bleu"
    ),
    decoding=DecodingSettings(Beam(5)),
)

if __name__ == "__main__":
    main(recipe)
