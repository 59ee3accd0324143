"""What the server counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The numbers of a server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "seq2seq_requests", "Requests by address and status; 499 for clients that left.", ["route", "status"],
            registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "seq2seq_request_seconds", "From the head of a request to its answer.", ["route"], buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self._reloads = Counter(
            "seq2seq_reloads", "Times that models were read again, by what came of it.", ["result"],
            registry=self.registry,
        )  # fmt: skip
        pair = ["source", "target"]
        self.waiting = Gauge("seq2seq_queue_texts", "Texts that wait.", pair, registry=self.registry)
        self.full = Counter("seq2seq_queue_full", "Requests that found no room.", pair, registry=self.registry)
        self.waited = Histogram(
            "seq2seq_queue_seconds", "How long a text waited.", pair, buckets=_SECONDS, registry=self.registry
        )
        self.sentences = Histogram(
            "seq2seq_batch_sentences", "Texts translated together.", pair, buckets=_COUNTS, registry=self.registry
        )
        self.tokens = Counter("seq2seq_source_tokens", "Source tokens read.", pair, registry=self.registry)
        self.seconds = Histogram(
            "seq2seq_batch_seconds", "How long a batch took.", pair, buckets=_SECONDS, registry=self.registry
        )

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def reload(self, result: str) -> None:
        """Count that models were read again: "done", or "failed" and the old ones stay."""
        self._reloads.labels(result).inc()

    def of_pair(self, source: str, target: str) -> PairMetrics:
        """Give the numbers of one pair of languages."""
        return PairMetrics(self, source, target)

    def text(self) -> bytes:
        """Write all of them, as Prometheus reads them."""
        return generate_latest(self.registry)


class PairMetrics:
    """The numbers of one pair of languages."""

    def __init__(self, metrics: Metrics, source: str, target: str) -> None:
        self._waiting = metrics.waiting.labels(source, target)
        self._full = metrics.full.labels(source, target)
        self._waited = metrics.waited.labels(source, target)
        self._sentences = metrics.sentences.labels(source, target)
        self._tokens = metrics.tokens.labels(source, target)
        self._seconds = metrics.seconds.labels(source, target)

    def waiting(self, texts: int) -> None:
        """Tell how many texts wait."""
        self._waiting.set(texts)

    def full(self) -> None:
        """Count a request that found no room."""
        self._full.inc()

    def batch(self, *, sentences: int, tokens: int, waited: Sequence[float], waiting: int) -> None:
        """Count a batch that is about to be translated, and how long, in seconds, each of its texts waited."""
        self._sentences.observe(sentences)
        self._tokens.inc(tokens)
        for seconds in waited:
            self._waited.observe(seconds)
        self._waiting.set(waiting)

    def translated(self, seconds: float) -> None:
        """Count how long a batch took."""
        self._seconds.observe(seconds)
