"""A server of translators: LibreTranslate's API and its own, batches of many requests, models by languages."""

from typing import TYPE_CHECKING

from seq2seq.system.exports import lazily

if TYPE_CHECKING:
    from seq2seq.serving.engines import Asked, Engine, load_engine
    from seq2seq.serving.metrics import Metrics
    from seq2seq.serving.models import Models, Place
    from seq2seq.serving.reading import Keys
    from seq2seq.serving.routes import application
    from seq2seq.serving.server import listen, serve
    from seq2seq.serving.settings import ServingSettings
    from seq2seq.serving.state import State

_WHERE = {
    "seq2seq.serving.routes": ["application"],
    "seq2seq.serving.engines": ["Asked", "Engine", "load_engine"],
    "seq2seq.serving.metrics": ["Metrics"],
    "seq2seq.serving.models": ["Models", "Place"],
    "seq2seq.serving.reading": ["Keys"],
    "seq2seq.serving.server": ["listen", "serve"],
    "seq2seq.serving.settings": ["ServingSettings"],
    "seq2seq.serving.state": ["State"],
}

__all__ = [
    "Asked",
    "Engine",
    "Keys",
    "Metrics",
    "Models",
    "Place",
    "ServingSettings",
    "State",
    "application",
    "listen",
    "load_engine",
    "serve",
]

__getattr__, __dir__ = lazily(__name__, _WHERE)
