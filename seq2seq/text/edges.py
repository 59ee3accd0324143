"""Where words begin and end: at white space and signs in most writing, and nowhere that shows in some."""

import re
import unicodedata
from functools import cache
from itertools import chain

# Thai, Lao, Burmese, Khmer, kana and Han: words stand without spaces between.
_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
_IS_SPACELESS = re.compile(f"[{_SPACELESS}]")


def is_spaceless(sign: str) -> bool:
    """Tell whether a character is of a writing whose words stand without spaces between.

    Example:
        >>> is_spaceless("年"), is_spaceless("a")
        (True, False)
    """
    return _IS_SPACELESS.match(sign) is not None


def inside_word(text: str, place: int) -> bool:
    """Tell whether a word goes on from the character before a place to the one behind it.

    Example:
        >>> inside_word("A4-Blatt", 1), inside_word("在2015年", 1), inside_word("a b", 1)
        (True, False, False)
    """
    return not any(re.compile(look).match(text, place) for look in _looks())


def as_word(phrase: str, *, before: bool = True, after: bool = True) -> str:
    """Give the pattern of a phrase that begins and ends where words do, in writing that shows it.

    A letter, a digit or a combining mark beside it closes an edge, but for those of writing without spaces.

    Args:
        phrase: The phrase.
        before: Whether its beginning has to be that of a word.
        after: Whether its end has to be that of a word.

    Example:
        >>> [bool(re.search(as_word("GPU"), text)) for text in ("使用GPU加速", "GPUs", "eine GPU.")]
        [True, False, True]
    """
    begin, end = _looks()
    begin = begin if before and not is_spaceless(phrase[0]) else ""
    end = end if after and not is_spaceless(phrase[-1]) else ""
    return f"{begin}{re.escape(phrase)}{end}"


@cache
def _looks() -> tuple[str, str]:
    """The patterns that hold where no word goes on, before and behind a place."""
    word = rf"[^\W{_SPACELESS}]"
    codes = chain(range(0x300, 0x1F000), range(0xE0100, 0xE01F0))
    marks = [chr(code) for code in codes if unicodedata.category(chr(code))[0] == "M" and not is_spaceless(chr(code))]
    mark = f"[{''.join(marks)}]"
    return f"(?<!{word})(?<!{mark})", f"(?!{word})(?!{mark})"
