"""Sentences on their way into the training of a tokenizer: what SentencePiece cannot learn from is counted and told."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from seq2seq.text.texts import texts_of

LONGEST_LINE = 1 << 20
"""Bytes of a sentence; longer ones SentencePiece leaves out without a word (its own bound is 4,192)."""

LONGEST_RUN = {"unigram": 1 << 13, "word": 1 << 10}
"""Bytes without a space that a tokenizer of the kind learns from; the other kinds take what a line may have.

Unigram training sums the probabilities of all ways to cut such a run in single precision. From some 16,000 letters on
its vocabulary is another than that of the same text in short lines, at 130,000 pieces are missing, at 200,000 it ends
in an error. (A piece has 16 characters at most: what is left out has more than 128 tokens.) A word becomes one piece,
and a model with a piece of 8,000 bytes cannot be loaded; normalisation may write a sign of 3 bytes with 18.
"""

_RESERVED = "▅"  # SentencePiece's sign for what is unknown: it leaves out a line that has it, without a word
_SURROGATE = re.compile("[\ud800-\udfff]")
_SHOWN = 30  # characters of a sentence in a message: enough to find it


class Sentences:
    """The sentences that SentencePiece can learn from, and how many it cannot.

    Args:
        texts: any iterable of str, read once.
        kind: of the tokenizer.
        symbols: what is one piece in any case.

    Example:
        >>> sentences = Sentences(["ein Haus", "x" * 10_000], "unigram")
        >>> list(sentences), sentences.left_out
        (['ein Haus'], 1)
    """

    def __init__(self, texts: Iterable[str], kind: str, symbols: Sequence[str] = ()) -> None:
        self._texts = texts
        self._symbols = symbols if kind == "word" else ()
        self._longest_run = LONGEST_RUN.get(kind, LONGEST_LINE)
        self._first = ""
        self._kind = kind
        self._alone: Counter[str] = Counter()  # of word lists: sentences of one word
        self._given = 0
        self._behind, self._first_behind = 0, ""  # sentences with a symbol behind a word
        self.left_out = 0
        self.error: BaseException | None = None
        """What the texts raised: SentencePiece would report it as an error of its own."""

    def __iter__(self) -> Iterator[str]:
        try:
            for text in texts_of(self._texts, "sentences"):
                text = encodable(text)
                if self._is_too_long(text):
                    self._first = self._first or f"{len(text.encode()):,} bytes and begins {text[:_SHOWN]!r}"
                    self.left_out += 1
                else:
                    self._look_for_symbols(text)
                    self._count(text)
                    yield text.replace(_RESERVED, " ")
        except BaseException as error:
            self.error = error
            raise

    def report(self) -> str:
        """Tell what was left out, in one line.

        Example:
            >>> sentences = Sentences(["x" * 10_000], "unigram")
            >>> list(sentences)
            []
            >>> sentences.report()
            "The tokenizer does not learn from 1 sentence: more than 8,192 bytes without a space, or 1,048,576 in all,
            are too many for SentencePiece. The first has 10,000 bytes and begins 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'."
        """
        run = f"{self._longest_run:,} bytes without a space, or " if self._longest_run < LONGEST_LINE else ""
        return (
            f"The tokenizer does not learn from {self.left_out:,} sentence{'s' * (self.left_out != 1)}: more than "
            f"{run}{LONGEST_LINE:,} {'in all, ' if run else 'bytes '}are too many for SentencePiece. "
            f"The first has {self._first}."
        )

    def word_list(self) -> str:
        """Say that words are cut into words of which nearly each is another one; nothing where they are not.

        Example:
            >>> sentences = Sentences(["cat", "dog", "a dog"], "word")
            >>> list(sentences)
            ['cat', 'dog', 'a dog']
            >>> sentences.word_list()
            "2 of 3 sentences are one word, and 2 of these words differ: kind='word' makes each a single token, which
            tells nothing of how it is spelt. Use kind='char' where the letters count."
        """
        alone, words = self._alone.total(), len(self._alone)
        if 2 * alone < self._given or 2 * words <= alone:
            return ""
        return (
            f"{alone:,} of {self._given:,} sentences are one word, and {words:,} of these words differ: "
            "kind='word' makes each a single token, which tells nothing of how it is spelt. Use kind='char' where the "
            "letters count."
        )

    def symbols_behind(self) -> str:
        """Say that symbols stand behind words, which SentencePiece then does not count; nothing where none does.

        Example:
            >>> sentences = Sentences(["<de> a b", "a <de> b"], "word", ["<de>"])
            >>> list(sentences)
            ['<de> a b', 'a <de> b']
            >>> sentences.symbols_behind()
            "1 sentence has a symbol behind a word, the first begins 'a <de> b': in a vocabulary of words SentencePiece
            does not count that word there. A word needs no symbol to be one piece."
        """
        if not self._behind:
            return ""
        return (
            f"{self._behind:,} sentence{'s have' if self._behind != 1 else ' has'} a symbol behind a word, the first "
            f"begins {self._first_behind!r}: in a vocabulary of words SentencePiece does not count that word there. A "
            "word needs no symbol to be one piece."
        )

    def _look_for_symbols(self, text: str) -> None:
        places = [place for symbol in self._symbols if (place := text.rfind(symbol)) > 0]
        if places and any(word not in self._symbols for word in text[: max(places)].split()):
            self._first_behind = self._first_behind or text[:_SHOWN]
            self._behind += 1

    def _count(self, text: str) -> None:
        if self._kind == "word":
            self._given += 1
            self._alone.update(text.split() if len(text.split(None, 1)) == 1 else ())

    def _is_too_long(self, text: str) -> bool:
        if 4 * len(text) <= self._longest_run:  # no character has more bytes
            return False
        data = text.encode()
        return len(data) > LONGEST_LINE or max(map(len, data.split(b" "))) > self._longest_run


def encodable(text: str) -> str:
    r"""Join surrogates that make a character, and put U+FFFD for those that do not.

    Example:
        >>> encodable("a\ud83d\ude00\ud800") == "a\U0001f600\ufffd"
        True
    """
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
