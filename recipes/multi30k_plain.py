"""Multi30k without attention: all that a decoder knows of a caption is the final state of each encoder layer.

Task     Captions of pictures, German to English, lowercased and tokenised in the files: 29,000 pairs to learn from,
         1,014 to validate on, and 1,000 (test_2016_flickr) to report on. The source is read from its end;
         --set model.encoder.reverse=false reads it from its beginning.
Paper    Sutskever, Vinyals and Le 2014
Data     train.lc.norm.tok.de.gz, train.lc.norm.tok.en.gz, val.…, test_2016_flickr.… in $SEQ2SEQ_DATA/multi30k/tok
Command  python recipes/multi30k_plain.py --data FOLDER
Cost     in minutes, on 2 cores (Intel Xeon): 47
Result   BLEU 22.32, chrF 40.22 (1 seed); published: BLEU 13.76 (two LSTM layers of 512 in a public PyTorch tutorial)
         The same, source read from its beginning: not measured yet; by --set model.encoder.reverse=false
         nrefs:1|case:lc|eff:no|tok:none|smooth:exp|version:2.6.0
         nrefs:1|case:lc|eff:yes|nc:6|nw:0|space:no|version:2.6.0
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
from seq2seq.search import Greedy

recipe = Recipe(
    name="multi30k_plain",
    data=Data(path="$SEQ2SEQ_DATA/multi30k/tok", source="de", target="en", validation="val", test="test_2016_flickr"),
    tokenizer=TokenizerSettings(kind="unigram", vocab_size=5000, joint=True, normalization="identity"),
    # Sorted as a whole, as when the results were measured.
    batches=BatchSettings(size=64, pool=0),
    model=ModelSettings(
        embedding=256,
        dropout=0.4,
        embedding_dropout=0.4,
        encoder=EncoderSettings(units=(512, 512), bidirectional="never", reverse=True),
        attention=AttentionSettings("none"),
        decoder=DecoderSettings(units=(512, 512), output_dropout=0.4),
    ),
    training=TrainingSettings(
        learning_rate=1e-3, schedule="cosine", warmup_steps=400, label_smoothing=0.1, epochs=20, monitor="bleu"
    ),
    decoding=DecodingSettings(Greedy()),
    evaluation=EvaluationSettings(lowercase=True, tokenize="none"),
)

if __name__ == "__main__":
    main(recipe)
