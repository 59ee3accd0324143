"""SCAN: commands to sequences of actions, where the test asks for something else than the training showed.

Task     `jump twice after look` → `I_LOOK I_JUMP I_JUMP`; 13 words, 6 actions. Four splits: simple (any 80 % to learn
         from), length (short actions, then long ones), addprim_jump and addprim_turn_left (training has this command
         alone, or with few others; the test has it with all the rest)
Paper    Lake and Baroni 2018, the network that was best overall: two layers of 200 LSTM units, no attention, dropout
         0.5; 100,000 updates by one pair each, drawn with replacement; Adam 1e-3, gradients clipped at 5; half of the
         time the network reads its own outputs
Data     SPLIT.train.tsv.gz and SPLIT.test.tsv.gz (command, tab, actions; no header) in $SEQ2SEQ_DATA/scan, or the
         folder of --data
Command  python recipes/scan.py --seed N      and for another split, with its own folder by --out:
         python recipes/scan.py --seed N --set data.train=length.train --set data.test=length.test --out FOLDER
Departs  Every pair once an epoch, in place of drawing: 6 epochs are 87,000 to 131,000 updates by split. 100 commands of
         the training are set aside and measured at the end; nothing is chosen by them. Own outputs are those without
         dropout, and a target counts as a whole where the network ends it early.
Cost     in minutes, on 2 cores (AMD EPYC): 35; SCAN, `jump` alone: 29; SCAN, length: 32; SCAN, `turn left` alone: 45
Result   exact match 99.76 (1 seed); published: exact match 99.70 (Lake and Baroni 2018, their overall best network,
         mean of five runs, reported)
         SCAN, `jump` alone: exact match 0.00 (1 seed); published: exact match 0.08 (Lake and Baroni 2018, their overall
         best network, mean of five runs, reported); by --set data.train=addprim_jump.train
         --set data.test=addprim_jump.test
         SCAN, length: exact match 16.07 (1 seed); published: exact match 13.80 (Lake and Baroni 2018, their overall
         best network, mean of five runs, reported); by --set data.train=length.train --set data.test=length.test
         SCAN, `turn left` alone: exact match 73.34 (1 seed); published: exact match 90.00 (Lake and Baroni 2018, their
         overall best network, mean of five runs, reported); by --set data.train=addprim_turn_left.train
         --set data.test=addprim_turn_left.test
         metric:exact_match|nrefs:1|case:mixed|version:1
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
    EvaluationSettings,
    ModelSettings,
    Recipe,
    TeacherForcingSettings,
    TokenizerSettings,
    TrainingSettings,
)
from seq2seq.search import Greedy

recipe = Recipe(
    name="scan",
    data=Data(
        path="$SEQ2SEQ_DATA/scan",
        source="0",
        target="1",
        train="simple.train",
        validation="",
        test="simple.test",
        hold_out=100,
    ),
    # Closed vocabularies, written with spaces between the words.
    tokenizer=TokenizerSettings(kind="word", vocab_size=30, joint=False, normalization="identity"),
    # Each pair is an update.
    batches=BatchSettings(size=1),
    model=ModelSettings(
        embedding=200,
        dropout=0.5,
        embedding_dropout=0.5,
        encoder=EncoderSettings(units=(200, 200), bidirectional="never"),
        bridge=BridgeSettings("per_layer"),
        attention=AttentionSettings("none"),
        decoder=DecoderSettings(units=(200, 200), output_dropout=0.0),
    ),
    # On average half of the targets of each step are fed as the network says them.
    training=TrainingSettings(
        learning_rate=1e-3,
        clip_norm=5.0,
        label_smoothing=0.0,
        epochs=6,
        validate_every=1_000_000,  # at the end alone, which keeps the last weights, as in the paper
        teacher_forcing=TeacherForcingSettings("sentences", share=0.5),
    ),
    # Up to 48 actions for 9 words; a limit learnt from the short targets of `length` would cut the long ones off.
    decoding=DecodingSettings(Greedy(max_length_factor=5)),
    evaluation=EvaluationSettings(metrics=("exact_match",)),
)

if __name__ == "__main__":
    main(recipe)
