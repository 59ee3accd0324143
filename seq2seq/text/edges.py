"""Where words begin and end: at white space and signs in most writing, and nowhere that shows in some."""

import re
import unicodedata

# Thai, Lao, Burmese, Khmer, kana, bopomofo and Han with its variation selectors: words stand without spaces between.
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3021-\u302d\u3031-\u3035\u3038-\u303c\u3040-\u312f"
    "\u3190-\u31ff\u3400-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff\U000e0100-\U000e01ef]"
)


def is_spaceless(sign: str) -> bool:
    """Tell whether a character is of a writing whose words stand without spaces between.

    Example:
        >>> is_spaceless("年"), is_spaceless("a")
        (True, False)
    """
    return _SPACELESS.match(sign) is not None


def inside_word(text: str, place: int) -> bool:
    """Tell whether a word goes on from the character before a place to the one behind it.

    Example:
        >>> inside_word("A4-Blatt", 1), inside_word("在2015年", 1), inside_word("a b", 1)
        (True, False, False)
    """
    return 0 < place < len(text) and _is_of_word(text[place - 1]) and _is_of_word(text[place])


def stands_as_word(text: str, begin: int, end: int, *, before: bool = True, after: bool = True) -> bool:
    """Tell whether a part of a text begins and ends where words do, in writing that shows it.

    A letter, a digit or a combining mark beside it closes an edge, but for those of writing without spaces.

    Args:
        text: The text.
        begin: Where the part begins.
        end: Where it ends.
        before: Whether its beginning has to be that of a word.
        after: Whether its end has to be that of a word.

    Example:
        >>> [stands_as_word(text, text.index("GPU"), text.index("GPU") + 3) for text in ("使用GPU加速", "GPUs")]
        [True, False]
    """
    closed_before = before and begin > 0 and not is_spaceless(text[begin]) and _is_of_word(text[begin - 1])
    closed_after = after and end < len(text) and not is_spaceless(text[end - 1]) and _is_of_word(text[end])
    return not closed_before and not closed_after


def count_as_word(phrase: str, text: str, *, before: bool = True, after: bool = True) -> int:
    """Count how often a phrase stands in a text as `stands_as_word` says.

    Example:
        >>> count_as_word("3", "3 und 33, 3")
        2
    """
    number, place = 0, text.find(phrase)
    while place >= 0:
        found = stands_as_word(text, place, place + len(phrase), before=before, after=after)
        number += found
        place = text.find(phrase, place + (len(phrase) if found else 1))
    return number


def _is_of_word(sign: str) -> bool:
    return (sign.isalnum() or sign == "_" or unicodedata.category(sign)[0] == "M") and not is_spaceless(sign)
