"""What a translation must keep, in pairs of a Chinese text and an English one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.evaluation.sysbench.back_check import Fault, find_faults

GOOD: dict[str, tuple[str, str]] = {
    "digits": ("不超过3句、每句20字", "At most 3 sentences of 20 words each"),
    "word": ("推荐3本书", "Recommend three books."),
    "ordinal": ("第1款怎么样", "What about the first model?"),
    "article": ("写1首诗", "Write a poem."),
    "none": ("0个标点", "with no punctuation"),
    "thousands": ("12000字", "12,000 words"),
    "full-width": ("共\uff15\uff10字", "50 words in all"),
    "ten-thousand": ("2万元", "20,000 yuan"),
    "ten-thousand-in-words": ("2万元", "20 thousand yuan"),
    "hundred-million": ("1.5亿人", "150 million people"),
    "decimal": ("身高1.75米", "1.75 m tall"),
    "month": ("5月1日", "May 1"),
    "percent": ("至少30%", "at least 30 %"),
    "chinese-numeral": ("三句话", "3 sentences"),
    "list": ("1. 问好\n2. 回答", "1. Greet\n2. Answer"),
    "quoted-letters": ("以“OK”结尾", 'End with "OK".'),
    "quoted-chinese": ("必须说“谢谢”", 'Say "thank you".'),
    "corner-brackets": ("「你好」和『再见』", '"Hello" and "Goodbye"'),
    "code": ("运行`ls -l`", "Run `ls -l`."),
    "title": ("读《红楼梦》", "Read Dream of the Red Chamber."),
    "name-kept": ("推荐热干面", "Recommend hot dry noodles (热干面) every time you are asked."),
    "nothing": ("你好", "Hello"),
}
BAD: dict[str, tuple[str, str, Fault]] = {
    "lost": ("不超过3句", "Few sentences", Fault.NUMBER_LOST),
    "changed": ("不超过30句", "At most 13 sentences", Fault.NUMBER_LOST),
    "part-of-another": ("第3款", "model 13", Fault.NUMBER_LOST),
    "unit-lost": ("2亿元", "20,000 yuan", Fault.NUMBER_LOST),
    "added": ("说说天气", "Tell me of the weather in 3 sentences", Fault.NUMBER_ADDED),
    "quote-changed": ("以“OK”结尾", 'End with "Okay".', Fault.QUOTE_LOST),
    "quote-lost": ("必须说“谢谢”", "Say thank you.", Fault.QUOTE_LOST),
    "one-quote-of-two": ("说“早”或“晚”", 'Say "morning" or evening.', Fault.QUOTE_LOST),
    "chinese": ("说说天气", "说说天气", Fault.NOT_TRANSLATED),
    "half-chinese": ("说说天气和风景", "Tell 天气和风景", Fault.NOT_TRANSLATED),
}


@pytest.mark.parametrize(("original", "translation"), GOOD.values(), ids=GOOD)
def test_a_translation_that_keeps_numbers_and_quotes_passes(
    original: str, translation: str
) -> None:
    assert find_faults(original, translation) == []


@pytest.mark.parametrize(("original", "translation", "fault"), BAD.values(), ids=BAD)
def test_a_translation_that_loses_or_adds_one_is_found(
    original: str, translation: str, fault: Fault
) -> None:
    assert fault in {found.fault for found in find_faults(original, translation)}


@given(st.text(), st.text())
def test_any_two_texts_can_be_compared(original: str, translation: str) -> None:
    assert all(found.said for found in find_faults(original, translation))


@given(st.integers(13, 10**9), st.sampled_from("字句元个"))
def test_a_number_of_digits_passes_as_it_is_and_no_other_does(number: int, unit: str) -> None:
    assert find_faults(f"共{number}{unit}", f"{number:,} in all") == []
    assert find_faults(f"共{number}{unit}", f"{number + 1} in all")
