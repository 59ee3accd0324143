"""Makes sure, when it is imported, that Keras runs on TensorFlow: our Keras parts all stand on this module.

The LSTM kernel and the search use TensorFlow directly: on another backend they would fail deep inside, in words that
help nobody.
"""

import os
from importlib.util import find_spec


def _check() -> None:
    # Asked before Keras is imported, because with a backend that is not installed `import keras` itself fails; and
    # after, because Keras may have been imported before us, with the choice of its configuration file.
    received = os.environ.get("KERAS_BACKEND", "tensorflow")
    if received == "tensorflow":
        for package in ("tensorflow", "keras"):
            if find_spec(package) is None:
                raise ModuleNotFoundError(
                    "This part of seq2seq stands on TensorFlow and Keras. "
                    f"Received: an environment without {package}. Install all that it needs, pip install seq2seq; or "
                    "translate with an export of the model, which needs neither.",
                    name=package,
                )
        import keras

        received = keras.config.backend()
    if received != "tensorflow":
        raise ImportError(
            f"seq2seq needs Keras on its TensorFlow backend. Received: KERAS_BACKEND={received!r}. Keras chooses once, "
            "when it is first imported: start Python again with KERAS_BACKEND=tensorflow, or with KERAS_BACKEND unset "
            "and `import seq2seq` before `import keras`."
        )


_check()
