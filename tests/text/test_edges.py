import pytest

from seq2seq.text.edges import count_as_word, is_spaceless, stands_as_word


def test_writing_without_spaces_closes_no_edge_on_either_side():
    assert stands_as_word("東京x", 0, 2) and stands_as_word("x東京", 1, 3)
    assert not stands_as_word("ax", 0, 1)


@pytest.mark.parametrize(
    "before", ["人々", "〇", "〆", "𠮷", "葛\U000e0100", "ｶﾞ", "ヷ", "ㇰ", "𛀁", "ㄅㆠ", "နꩠ", "ខ្មែ"]
)
def test_every_sign_of_a_writing_without_spaces_is_known(before):
    assert all(map(is_spaceless, before))
    assert count_as_word("AI", f"{before}AI{before}") == 1


@pytest.mark.parametrize("before", ["ＡＩ", "ﾡ", "ㄱ", "가", "é", "7"])
def test_what_is_written_with_spaces_closes_an_edge(before):
    assert not any(map(is_spaceless, before))
    assert count_as_word("AI", f"{before}AI") == 0


def test_what_is_counted_does_not_overlap():
    assert count_as_word("1 1", "1 1 1") == "1 1 1".count("1 1") == 1
