"""Text in: pairs from the hub, files and streams, SentencePiece tokenizers, padded batches.

Nothing is imported here: `seq2seq.text.corpus`, `.tokenizer` and `.batches` load `datasets`, SentencePiece and
TensorFlow only when they are used.
"""
