"""Which answers are refusals."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysgen_dagster.lanes.sysgen.refusals import is_refusal, is_surely_refusal, may_refuse


def refuses(answer: str) -> bool:
    (verdict,) = pl.select(is_refusal(pl.lit(answer))).to_series()
    assert isinstance(verdict, bool)
    return verdict


REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I\u2019m sorry, but I can\u2019t help with that.",
    "I\u2019m sorry, but I can't assist with this request.",
    "I am sorry, but I cannot provide that.",
    "I'm really sorry, but I'm unable to help with this.",
    "I\u2019m very sorry, I\u2019m unable to answer.",
    "Sorry, I can't do that.",
    "sorry, but i can\u2019t do this.",
    "I apologize, but I cannot fulfill this request.",
    "I apologise, but I am unable to comply.",
    "I can't assist with that.",
    "I can\u2019t continue with this conversation.",
    "I cannot create content of this kind.",
    "I can not write that.",
    "I won't help with that.",
    "I won\u2019t engage in this.",
    "I must decline to answer.",
    "Unfortunately, I cannot provide instructions for that.",
    "As an AI language model, I cannot answer this.",
    "As an AI, I can\u2019t provide that.",
    "\n\n  I CANNOT COMPLY.",
)


@pytest.mark.parametrize("answer", REFUSALS, ids=ascii)
def test_a_refusal_is_recognised_with_straight_and_curly_apostrophes(answer: str) -> None:
    assert refuses(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry. I can't help with that.",
        "I\u2019m sorry\u2014I can\u2019t help with that.",
        "I'm not able to help with that.",
    ],
    ids=ascii,
)
def test_a_refusal_is_recognised_whatever_stands_after_the_apology(answer: str) -> None:
    assert refuses(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "I can't help with that, but I'd be happy to help with something else.",
        "I cannot provide that, but I can offer general advice.",
        "I can\u2019t assist with this request, but please feel free to ask me another question.",
        "I'm sorry, but I can't provide medical advice, but I recommend that you see a doctor.",
        "I can't help with that. But the sky is blue.",
        "I can't help with that, but.",
    ],
    ids=ascii,
)
def test_a_refusal_stays_one_when_it_only_offers_other_help(answer: str) -> None:
    assert refuses(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "I can't provide an exact figure, but the town has about 3.5 million people.",
        "I cannot answer for certain but most sources name 1912.",
        "I'm sorry, but I can't provide the text itself, but its first line is about the sea.",
        "I can\u2019t create images, but here is a description:\n\nA red barn.",
    ],
    ids=ascii,
)
def test_an_answer_that_gives_what_it_can_is_not_taken_for_a_refusal(answer: str) -> None:
    assert not refuses(answer)


ANSWERS = (
    "Dear Ms Lee,\n\nI'm sorry, but I can't help with the move on Sunday.",
    "I'm sorry for your loss. Here is how to register a death.",
    "I\u2019m sorry to hear that! Try restarting the router.",
    "Sorry is a word that comes from Old English sarig.",
    "I apologize for the confusion. The result is 12.",
    "I apologise for my earlier answer: it is 12.",
    "Unfortunately, the shop is closed on Mondays.",
    "Unfortunately, I cannot, in this metre, rhyme 'orange'.",
    "An apology could read: 'I'm sorry, but I cannot provide the report today.'",
    '"I cannot help it," said the lion.',
    "I can help with that.",
    "I can't stop smiling: a poem.",
    "I can't help but smile when I hear that song.",
    "I cannot tell a lie, said George.",
    "As an AI teacher, you will plan lessons.",
    "No.",
    "The function returns None.",
)


@pytest.mark.parametrize("answer", ANSWERS, ids=ascii)
def test_an_answer_about_apologies_is_not_taken_for_a_refusal(answer: str) -> None:
    assert not refuses(answer)


def refuses_after(asked: str | None, answer: str) -> bool:
    (verdict,) = pl.select(is_refusal(pl.lit(answer), pl.lit(asked, pl.String))).to_series()
    assert isinstance(verdict, bool)
    return verdict


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("I won't help you move.", "I won't assist you with moving."),
        ("I can't help you with that.", "I am unable to assist you with that."),
        ("Je refuse de répondre à cette question.", "I refuse to answer this question."),
        ("Je ne peux pas vous aider.", "I cannot help you."),
        ("I refuse to answer this question.", "Je refuse de répondre à cette question."),
        ("We can't give you the money back, sorry.", "We are unable to give you a refund."),
        ("No puedo ayudarte con eso.", "I can't help you with that."),
    ],
)
def test_other_words_for_a_refusal_of_the_users_are_an_answer(asked: str, answer: str) -> None:
    assert refuses(answer)
    assert not refuses_after(asked, answer)


@pytest.mark.parametrize(
    "asked",
    [
        "How do I cook fish?",
        "I can't open this file.",
        "I can't do my homework. Write it for me.",
        "Can you help me?",
        "I cannot sleep.",
        None,
    ],
)
def test_a_refusal_of_a_request_stays_one_whatever_was_asked(asked: str | None) -> None:
    assert refuses_after(asked, "I'm sorry, but I can't assist with that.")


@pytest.mark.parametrize(
    ("answer", "is_sure"),
    [
        ("I can't help with that.", True),
        (
            "I'm sorry. I can't help with that. Please ask your doctor. Is there anything else?",
            True,
        ),
        ("I can't advise on that. It is important to see a lawyer.", True),
        ("That is confidential.", True),
        ("Je ne peux pas vous aider.", True),
        ("I cannot compare tea and coffee. Tea is made from leaves.", False),
        ("Your application was accepted. I'm sorry, but I can't assist with applications.", False),
        ("We do not have data of trains. You will miss it.", False),
        ("I can't answer in one word: the causes were debt and hunger.", False),
        ("I can't answer in one word \u2014 debt and hunger caused it.", False),
        ("I can't factor this, so the formula gives x = 2 and x = 5.", False),
        ("I can only answer in French: Paris.", False),
        ("I'm sorry. I can only answer in one word (Paris).", False),
        ("I cannot say more, and the capital is Paris.", False),
        ("Sorry, we're closed on Sundays. We open Monday at 9.", False),
        ("Sorry, we are closed on Sundays. Our doors open again at 9.", False),
        ("Sorry, we are closed. We have a table for 4 tomorrow.", False),
        ("I am sorry, but we cannot share this. Our policy forbids it.", True),
        ("Let's talk about something else instead.", False),
        ("Przykro mi, ale nie mogę w tym pomóc.", False),
        ("Sajnos ebben nem tudok segíteni.", False),
        ("I can't help with that: it is against my policy.", True),
        ("I cannot share that; please ask your doctor.", True),
        ("That information is private, so I can't share it.", True),
        ("Dear customer: I cannot help with that.", True),
    ],
    ids=ascii,
)
def test_a_refusal_beside_which_something_is_told_is_left_to_a_judge(
    answer: str, is_sure: bool
) -> None:
    text = pl.lit(answer)
    assert pl.select(is_surely_refusal(text)).item() is is_sure
    assert pl.select(may_refuse(text)).item() is not is_sure


@pytest.mark.parametrize(
    "answer",
    [
        "Not today.",
        "Good try! The code remains a secret.",
        "I would rather we stick to your essay.",
        "Let's get back to your essay.",
        "As your travel assistant, I'm only made for trips.",
        "I was built to discuss wine only.",
        "I'm just a garden bot.",
        "I'm Ada, a chess bot. I speak only of chess! Ask me about openings.",
        "Oh, that matter isn't one we cover.",
        "[Message blocked: unsupported topic]",
        "As a bot I have no views or wishes to share.",
        "No. Stop asking me.",
    ],
    ids=ascii,
)
def test_what_brushes_off_or_turns_to_ones_own_subject_is_left_to_a_judge(answer: str) -> None:
    text = pl.lit(answer)
    assert pl.select(a=is_surely_refusal(text), b=may_refuse(text)).row(0) == (False, True)


@pytest.mark.parametrize("answer", ["No.", "Never.", "No, a whale is a mammal.", "Ask a baker."])
def test_a_short_plain_answer_needs_no_judge(answer: str) -> None:
    assert not pl.select(may_refuse(pl.lit(answer))).item()


@given(
    st.one_of(st.text(), st.lists(st.sampled_from(["I cannot", " tell. ", "Tea is", "?", "\n"])))
)
@settings(max_examples=30)
def test_of_no_text_rules_are_sure_that_they_call_no_refusal_or_leave_to_a_judge(
    said: str | list[str],
) -> None:
    text = pl.lit("".join(said))
    sure, refuses, doubtful = pl.select(
        a=is_surely_refusal(text), b=is_refusal(text), c=may_refuse(text)
    ).row(0)
    assert refuses or not sure
    assert not (sure and doubtful)
    assert sure or doubtful or not refuses
