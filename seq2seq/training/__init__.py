"""Training: Keras `fit` with optimizers, schedules, validation by real decoding, a run folder and resume.

The one call is :func:`seq2seq.training.train.train`; it is not imported here, so that this package loads no TensorFlow.
"""
