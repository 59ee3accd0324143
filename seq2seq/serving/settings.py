"""How much a server takes on at a time."""

from __future__ import annotations

from dataclasses import dataclass

from seq2seq.settings import Count, NotNegative, Positive, SettingsError, check_settings


@dataclass(frozen=True, kw_only=True)
class ServingSettings:
    """How much a server takes on at a time; what is beyond is refused in words.

    Args:
        batch_size: Most texts translated together.
        batch_tokens: Most source tokens translated together, padding counted; a longer text is translated alone.
        wait: Milliseconds that a text waits for others to be translated with it, where nothing is being translated.
        queue: Most texts that wait; a request beyond is answered with 503 and when to come again.
        max_texts: Most texts of one request.
        max_characters: Most characters of all texts of one request.
        max_tokens: Most tokens of all texts of one request: a sign may become many.
        max_bytes: Most bytes of the body of a request.
        max_terms: Most terms of one request: each makes every step of a search slower.
        max_beam: Widest beam, and most translations of a text, that can be asked for.
        body_seconds: Seconds in which a request must have arrived, and that its client may stop reading the answer.
        seconds: Seconds after which a translation is given up; the request is answered with 503.
        drain_seconds: Seconds that requests have to end when the server is stopped.
        connections: Most connections that are open at a time.
    """

    batch_size: Count = 64
    batch_tokens: Count = 4096
    wait: NotNegative = 2.0
    queue: Count = 1024
    max_texts: Count = 128
    max_characters: Count = 5000
    max_tokens: Count = 4000
    max_bytes: Count = 1_000_000
    max_terms: Count = 50
    max_beam: Count = 10
    body_seconds: Positive = 10.0
    seconds: Positive = 60.0
    drain_seconds: Positive = 60.0
    connections: Count = 512

    def __post_init__(self) -> None:
        check_settings(self)
        if self.max_texts > self.queue:
            raise SettingsError(
                "A request waits as a whole, so the queue has room for its texts. "
                f"Received: max_texts={self.max_texts}, queue={self.queue}. Lengthen the queue, or allow fewer texts."
            )
