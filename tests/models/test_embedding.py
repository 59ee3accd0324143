import keras
import numpy as np
import pytest

from seq2seq.models import start_embedding
from seq2seq.models.embedding import build_embedding

VECTORS = [[0.1, 0.2, 0.0], [0.0, -0.3, 0.1]]


@pytest.mark.parametrize("also_output", [False, True])
def test_rows_start_at_vectors_as_wide_as_the_drawn_ones(also_output: bool) -> None:
    layer = build_embedding(2000, 3, keras.DTypePolicy("float32"), also_output=also_output)
    layer.build()
    before = layer.embeddings.numpy()
    factor = start_embedding(layer, np.array([7, 4]), VECTORS)
    after = layer.embeddings.numpy()
    np.testing.assert_allclose(after[[7, 4]], factor * np.array(VECTORS), rtol=1e-6)
    np.testing.assert_allclose(np.square(after[[4, 7]]).mean(), np.square(before).mean(), rtol=1e-5)
    others = [id for id in range(2000) if id not in (4, 7)]
    np.testing.assert_array_equal(after[others], before[others])


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        ([[1.0, 2.0]], r"vectors of shape \(1, 2\), embeddings of width 3\. Build"),
        ([[0.0] * 3], r"not all zero\. Received: 1 vectors"),
    ],
)
def test_vectors_that_say_nothing_are_refused(vectors: list, words: str) -> None:
    layer = build_embedding(9, 3, keras.DTypePolicy("float32"))
    layer.build()
    with pytest.raises(ValueError, match=words):
        start_embedding(layer, [4], vectors)
