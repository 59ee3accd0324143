"""Text to ids and back: SentencePiece, trained inside the run or given, with our ids for the special pieces."""

import hashlib
import io
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import index
from pathlib import Path
from typing import Any

from seq2seq.system.choices import need_choice
from seq2seq.system.files import replacing
from seq2seq.system.terminal import tell
from seq2seq.text.sentences import LONGEST_LINE, Sentences, encodable
from seq2seq.text.special_ids import END, PAD, PIECES, START, UNKNOWN
from seq2seq.text.texts import exact_texts, texts_of

KINDS = ("unigram", "bpe", "char", "word")
"""What a piece can be."""

NORMALIZATIONS = ("nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf", "identity")
"""What happens to text before it is cut; `_cf` folds case, `identity` changes nothing: text comes back exact."""

_SPACE = "▁"  # SentencePiece's sign for a space

_KIND_OF_TYPE = {1: "unigram", 2: "bpe", 3: "word", 4: "char"}  # as SentencePiece numbers them
_OF_TEXT, _SYMBOL = 1, 4  # the types of pieces in a SentencePiece model

# The pieces do not depend on the number of threads as long as it is fixed: each takes a fixed share of the text.
_TRAINING_THREADS = 16

_MANY = 32  # texts that SentencePiece cuts or joins by several threads


class Tokenizer:
    """A SentencePiece model whose special pieces have the ids of `seq2seq.text.special_ids`.

    A model that was trained elsewhere may keep other ids: ours come first (0 to 3), then its other pieces in order.

    Args:
        model: the bytes of a SentencePiece model file.

    Raises:
        ValueError: if the bytes are no SentencePiece model.

    Example:
        >>> tokenizer = Tokenizer.train(["hello world", "hello there"], kind="word")
        >>> ids = tokenizer.encode("hello there")
        >>> tokenizer.decode(ids), [tokenizer.piece(id) for id in ids]
        ('hello there', ['▁hello', '▁there'])
    """

    def __init__(self, model: bytes) -> None:
        from sentencepiece import SentencePieceProcessor

        self._model = bytes(model)
        self._pieces: Any = None
        self._exact: Any = None
        try:
            # An empty model is no error to SentencePiece, only a line on stderr.
            self._pieces = SentencePieceProcessor(model_proto=self._model) if model else None
        except RuntimeError:
            pass  # it only says which line of C++ did not like it
        if self._pieces is None:
            raise ValueError(
                f"A tokenizer needs the bytes of a SentencePiece model. Received: {len(self._model):,} bytes that are "
                "none. Give the .model file that SentencePiece wrote, not the .vocab beside it."
            )
        pieces = self._pieces
        size = pieces.get_piece_size()
        special = {pieces.pad_id(): PAD, pieces.bos_id(): START, pieces.eos_id(): END, pieces.unk_id(): UNKNOWN}
        others = [id for id in range(size) if id not in special]
        self._to_theirs = [-1] * len(PIECES) + others
        self._to_ours = [0] * size
        for ours, theirs in enumerate(others, start=len(PIECES)):
            self._to_ours[theirs] = ours
        for theirs, ours in special.items():
            if theirs >= 0:
                self._to_ours[theirs] = ours
                self._to_theirs[ours] = theirs
        self._kind: str | None = None
        self._symbols: frozenset[int] | None = None
        self._same_ids = self._to_ours == list(range(size))
        self.fingerprint = hashlib.sha256(self._model).hexdigest()

    @property
    def kind(self) -> str:
        """What its pieces are, one of `KINDS`."""
        if self._kind is None:
            self._kind = _KIND_OF_TYPE[_parsed(self._model).trainer_spec.model_type]
        return self._kind

    @classmethod
    def train(
        cls,
        sentences: Iterable[str],
        *,
        kind: str = "unigram",
        vocab_size: int = 8000,
        byte_fallback: bool = False,
        normalization: str = "nmt_nfkc",
        symbols: Sequence[str] = (),
        character_coverage: float = 1.0,
    ) -> "Tokenizer":
        """Train a tokenizer; the same sentences in the same order give the same bytes.

        Args:
            sentences: what to learn from, any iterable of str, read once; SentencePiece holds them in memory
                meanwhile. What it cannot learn from (see `seq2seq.text.sentences`) is left out, counted and told.
            kind: `"unigram"`, `"bpe"`, `"char"` or `"word"`.
            vocab_size: pieces, the four special ones counted; a bound: a small corpus gives fewer.
            byte_fallback: write unknown characters as bytes (256 more pieces), so that nothing is unknown.
            normalization: one of `NORMALIZATIONS`. All but `"identity"` also join runs of spaces.
            symbols: texts that are always one piece, such as the tag of a language; of kind `"word"` at the beginning
                of a text alone, for a word is one piece anyway.
            character_coverage: share of the characters of the text, by occurrence, that are in the vocabulary; a
                little less than 1 keeps the rarest of thousands of Chinese characters out.

        Returns:
            The tokenizer.

        Raises:
            ValueError: if there is no text, or `vocab_size` is too small for the characters of the text.
            TypeError: if `sentences` is one str, a table or the like, or has something else than str in a row.

        Example:
            >>> Tokenizer.train(["tea", "eat"], kind="char").vocab_size - len(PIECES)
            4
        """
        from sentencepiece import SentencePieceTrainer

        need_choice("kind", kind, KINDS)
        need_choice("normalization", normalization, NORMALIZATIONS)
        symbols = list(texts_of(symbols, "symbols"))
        learnt = Sentences(sentences, kind, symbols)
        writer = io.BytesIO()
        try:
            SentencePieceTrainer.train(
                sentence_iterator=iter(learnt),
                model_writer=writer,
                model_type=kind,
                vocab_size=vocab_size,
                hard_vocab_limit=False,
                byte_fallback=byte_fallback,
                normalization_rule_name=normalization,
                remove_extra_whitespaces=normalization != "identity",
                user_defined_symbols=symbols,
                character_coverage=character_coverage,
                # A word takes the space before it along; elsewhere the space is a piece of its own.
                unk_surface=" ⁇" if kind == "word" else "⁇",
                pad_id=PAD,
                bos_id=START,
                eos_id=END,
                unk_id=UNKNOWN,
                pad_piece=PIECES[PAD],
                bos_piece=PIECES[START],
                eos_piece=PIECES[END],
                unk_piece=PIECES[UNKNOWN],
                num_threads=_TRAINING_THREADS,
                max_sentence_length=LONGEST_LINE,
                minloglevel=2,
            )
        except RuntimeError as error:
            if learnt.error is not None:
                raise learnt.error from None
            why = _why_not_trained(str(error), kind, vocab_size)
            raise ValueError(f"{why} {learnt.report()}" if learnt.left_out else why) from error
        for line in filter(
            None, (learnt.report() if learnt.left_out else "", learnt.word_list(), learnt.symbols_behind())
        ):
            tell(line)
        return cls(writer.getvalue())

    @classmethod
    def load(cls, path: str | Path) -> "Tokenizer":
        """Read a SentencePiece model file, ours or another.

        Raises:
            ValueError: if the file is no SentencePiece model.
            FileNotFoundError: if there is no such file.
        """
        try:
            return cls(Path(path).read_bytes())
        except ValueError as error:
            raise ValueError(f"{error} File: {path}.") from None

    @classmethod
    def from_bytes(cls, data: bytes) -> "Tokenizer":
        """Make a tokenizer from the bytes of a SentencePiece model file."""
        return cls(data)

    def to_bytes(self) -> bytes:
        """Give the bytes of the SentencePiece model file, as they were given."""
        return self._model

    def grown(self, sentences: Iterable[str], pieces: int, *, symbols: Sequence[str] = ()) -> "Tokenizer":
        """Give a tokenizer with more pieces, learnt from other text; all that are there keep their ids.

        The pieces are those that a tokenizer of this kind learns from the sentences and this one has not: characters
        first, since a word with an unknown one is lost, then the likeliest.

        Args:
            sentences: what to learn from, as for `train`.
            pieces: how many to add, at most: a text may have fewer.
            symbols: texts that are always one piece, added too where they are new.

        Returns:
            The tokenizer; this one where nothing is new.

        Raises:
            ValueError: if this one was made with a normalisation of its own, or there is no text.

        Example:
            >>> small = Tokenizer.train(["hello there"], kind="word")
            >>> large = small.grown(["hello world"], 1, symbols=["<de>"])
            >>> [large.piece(id) for id in range(small.vocab_size, large.vocab_size)]
            ['▁<de>', '▁world']
        """
        model, there = _parsed(self._model), {self.piece(id) for id in range(self.vocab_size)}
        # In a vocabulary of words a piece has the space before it.
        mark = _SPACE if self.kind == "word" else ""
        new = [one for one in dict.fromkeys(texts_of(symbols, "symbols")) if not {one, mark + one} & there]
        symbols = [mark + symbol for symbol in new]
        added = [(symbol, 0.0, _SYMBOL) for symbol in symbols]
        added += self._learnt(model, list(texts_of(sentences, "sentences")), there, pieces, symbols) if pieces else []
        if not added:
            return self
        for piece, score, kind in added:
            model.pieces.add(piece=piece, score=score, type=kind)
        model.trainer_spec.vocab_size = len(model.pieces)
        return Tokenizer(model.SerializeToString())

    def _learnt(
        self, model: Any, texts: list[str], there: set[str], most: int, symbols: list[str]
    ) -> list[tuple[str, float, int]]:
        """Give the new pieces of texts, each with its score and its type."""
        kind, rule = self.kind, model.normalizer_spec.name
        if rule not in NORMALIZATIONS:
            raise ValueError(
                "More pieces are learnt from text that is normalised as that of the first ones was. Received: a model "
                f"with a rule of its own, {rule!r}. Grow it with SentencePiece, and give the model."
            )
        # Room for every character, however many are new.
        room = max(self.vocab_size + most, len(PIECES) + len(symbols) + len(set().union(*texts)) + 1)
        given = [] if kind == "word" else symbols
        learnt = Tokenizer.train(texts, kind=kind, vocab_size=room, normalization=rule, symbols=given)
        new = [each for each in _parsed(learnt.to_bytes()).pieces if each.type == _OF_TEXT and each.piece not in there]
        new.sort(key=lambda each: len(each.piece) > 1)
        # What is merged last has the lowest score: the old merges stay, and come first.
        last = min(each.score for each in model.pieces) - 1
        return [
            (each.piece, last - place if kind == "bpe" else each.score, _OF_TEXT)
            for place, each in enumerate(new[:most])
        ]

    def spell(self, piece: str) -> list[int]:
        """Cut a piece of another tokenizer into the ids of this one's pieces, exactly as it is written.

        Args:
            piece: what `piece` gives; `▁` stands for a space, and none is put before it.

        Returns:
            Ids; `UNKNOWN` for what no piece has.

        Example:
            >>> tokenizer = Tokenizer.train(["tea eat"], kind="char")
            >>> [tokenizer.piece(id) for id in tokenizer.spell("▁ate")]
            ['▁', 'a', 't', 'e']
        """
        if self._exact is None:
            from sentencepiece import SentencePieceProcessor

            model = _parsed(self._model)
            model.normalizer_spec.Clear()
            model.normalizer_spec.name = "identity"
            model.normalizer_spec.add_dummy_prefix = False
            model.normalizer_spec.remove_extra_whitespaces = False
            self._exact = SentencePieceProcessor(model_proto=model.SerializeToString())
        return [self._to_ours[id] for id in self._exact.encode(piece.replace(_SPACE, " "), out_type=int)]

    def save(self, path: str | Path) -> None:
        """Write a SentencePiece model file, in one step: whoever reads it finds the whole of it."""
        with replacing(Path(path)) as temporary:
            temporary.write_bytes(self._model)

    @property
    def vocab_size(self) -> int:
        """Pieces, the four special ones counted: every id is below."""
        return len(self._to_theirs)

    def piece(self, id: int) -> str:
        """Give the piece of an id; `▁` stands for a space.

        Raises:
            IndexError: if no piece has the id.
        """
        self._need_piece(id)
        return PIECES[id] if id < len(PIECES) else self._pieces.id_to_piece(self._to_theirs[id])

    def is_symbol(self, id: int) -> bool:
        """Tell whether a piece is always one, whatever stands around it, such as the tag of a language.

        Example:
            >>> tokenizer = Tokenizer.train(["tea", "eat"], kind="char", symbols=["<de>"])
            >>> [tokenizer.is_symbol(id) for id in tokenizer.encode("<de> a")]
            [False, True, False, False]
        """
        if self._symbols is None:
            pieces = enumerate(_parsed(self._model).pieces)
            self._symbols = frozenset(self._to_ours[theirs] for theirs, piece in pieces if piece.type == _SYMBOL)
        return id in self._symbols

    def encode(self, text: str) -> list[int]:
        """Cut a text into the ids of its pieces; no special id is added.

        Args:
            text: one sentence; what looks like a special piece (`</s>`) is text like any other, and half a surrogate
                pair, which no encoding has, is read as U+FFFD.

        Returns:
            Ids, none of them `PAD`, `START` or `END`.
        """
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Cut texts into ids, as `encode` does each, whatever iterable gives them; the end of a line is text too.

        Raises:
            TypeError: if `texts` is one str, a table or the like, or has something else than str in a row.
        """
        given = [encodable(text) for text in exact_texts(texts, "texts")]
        batch: list[list[int]] = _few_or_many(self._pieces.encode, given, out_type=int)
        if self._same_ids:
            return batch
        to_ours = self._to_ours
        return [[to_ours[id] for id in ids] for ids in batch]

    def decode(self, ids: Sequence[int]) -> str:
        """Join the pieces of ids to text.

        Args:
            ids: what a decoder gave; ends at the first `END`; `PAD` and `START` are left out, `UNKNOWN` is written
                as `⁇` (as given models have it), so that a reader sees that something was there.

        Returns:
            The text.

        Raises:
            IndexError: if no piece has an id.
            TypeError: if an id is no whole number.
        """
        return self.decode_batch([ids])[0]

    def decode_batch(self, batch: Sequence[Sequence[int]]) -> list[str]:
        """Join the pieces of many lists of ids, as `decode` does each."""
        theirs = [self._before_end(ids) for ids in batch]
        texts: list[str] = _few_or_many(self._pieces.decode, theirs)
        return [self._written(ids, text) for ids, text in zip(theirs, texts, strict=True)]

    def _written(self, theirs: Sequence[int], text: str) -> str:
        """Mend what SentencePiece decodes."""
        text = text.replace(_SPACE, " ")  # a word model with bytes spells the sign itself
        # The space before the first word is taken away by itself where that word is a piece.
        unwritten = theirs and (self._pieces.is_unknown(theirs[0]) or self._pieces.is_byte(theirs[0]))
        return text[1:] if unwritten and self.kind == "word" and text.startswith(" ") else text

    def words(self, text: str) -> list[int | None]:
        """Tell of each piece of a text, as `encode` cuts it, of which word it is.

        Returns:
            Places in `text.split()`, from 0; a space belongs to the word behind it, and where there is none, None.

        Example:
            >>> Tokenizer.train(["ab a", "ba b"], kind="char").words("ab  a")
            [0, 0, 0, 1, 1]
        """
        text = encodable(text)
        offsets = self._pieces.encode(text, return_type="offset_mapping")["offsets"]
        return words_of(text, (begin for begin, _ in offsets))

    def surfaces(self, text: str) -> list[str]:
        """Give what each piece of a text stands for in it; of a piece that is unknown, what was not known.

        Example:
            >>> Tokenizer.train(["ab a", "ba b"], kind="word").surfaces("ab ca b")
            ['ab', ' ca', ' b']
        """
        text = encodable(text)
        return [text[begin:end] for begin, end in self._pieces.encode(text, return_type="offset_mapping")["offsets"]]

    def decoded_surfaces(self, ids: Sequence[int]) -> list[str]:
        """Give what each id stands for in the decoded text: joined, they are what `decode` gives.

        Args:
            ids: As `decode` takes them, with nothing behind `END`.

        Returns:
            A text for each id; empty of special ids, and of all but the last of several bytes that are one character.
        """
        theirs = self._before_end(ids)
        surfaces: Iterator[str] = iter(())
        if theirs:
            decoded = self._pieces.decode(theirs, return_type="offset_mapping")
            text = decoded["text"].replace(_SPACE, " ")
            away = len(text) - len(self._written(theirs, text))
            surfaces = (text[max(begin, away) : end] for begin, end in decoded["offsets"])
        return ["" if id in (PAD, START, END) else next(surfaces) for id in ids]

    def _before_end(self, ids: Sequence[int]) -> list[int]:
        kept: list[int] = []
        for given in ids:
            try:
                id = index(given)
            except TypeError:
                raise TypeError(
                    f"Text is made of ids, which are whole numbers. Received: {given!r:.60} "
                    f"({type(given).__name__}). Give one list of them to decode, a list of such lists to decode_batch."
                ) from None
            if id == END:
                break
            if id != PAD and id != START:
                self._need_piece(id)
                kept.append(self._to_theirs[id])
        return kept

    def _need_piece(self, id: int) -> None:
        if not 0 <= id < self.vocab_size:
            raise IndexError(
                f"A piece needs an id below the size of the vocabulary. Received: id={id}, "
                f"vocab_size={self.vocab_size}."
            )


def _few_or_many(work: Callable[..., Any], given: Sequence[Any], **how: Any) -> list[Any]:
    """Give each to SentencePiece, or all at once: that starts threads, which takes as long as some thirty texts do."""
    return [work(each, **how) for each in given] if len(given) < _MANY else work(given, **how)


def _parsed(model: bytes) -> Any:
    """Give the message that a SentencePiece model file holds, to read and to change."""
    from sentencepiece.sentencepiece_model_pb2 import ModelProto

    return ModelProto.FromString(model)


def words_of(text: str, begins: Iterable[int]) -> list[int | None]:
    """Tell of which word of a text each place in it is: its place in `text.split()`, that of the next one at a space.

    Example:
        >>> words_of("ab  c ", [0, 1, 2, 4, 5])
        [0, 0, 1, 1, None]
    """
    ends = [word.end() for word in re.finditer(r"\S+", text)]
    found = (bisect_right(ends, begin) for begin in begins)
    return [word if word < len(ends) else None for word in found]


def _why_not_trained(error: str, kind: str, vocab_size: int) -> str:
    received = f"Received: kind={kind!r}, vocab_size={vocab_size}"
    if "sentences_.empty" in error or "all_chars_count" in error:
        return f"A tokenizer needs text to learn from. {received}, no sentence with a character in it."
    if "vocab_size" in error.lower() or "vocabulary size" in error.lower():
        least = re.search(r"\d+ vs (\d+)", error)
        return (
            f"vocab_size needs room for the special pieces, the symbols, every character of the text and byte_fallback"
            f"{f': here at least {least[1]}' if least else ''}. {received}. "
            "Use a larger vocab_size or a smaller character_coverage."
        )
    return f"SentencePiece could not train a tokenizer. {received}. It says: {error}"
