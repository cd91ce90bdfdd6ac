"""Wordings of refusals and of answers that resemble them; the rules on what real models wrote."""

import json
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.refusals import is_refusal, may_refuse
from sysgen_dagster_tests.lanes.sysgen.labelled_refusals import (
    HELD_OUT,
    MADE_WITH,
    REFUSAL,
    Measured,
    read_labelled,
)

LEAST_FOUND, LEAST_RIGHT = 0.95, 0.98
# Ways to decline by their grammar, and near misses; labelled before any rule ran on them.
KINDS = json.loads(Path(__file__).with_name("kinds_of_declining.json").read_text(encoding="utf-8"))

REFUSALS = (
    "I'm sorry, but as an AI language model, I cannot respond to requests for hateful content.",
    "I must inform you that I cannot provide instructions for making explosives.",
    "I can't discuss that.",
    "I must decline.",
    "I must decline this request.",
    "I will not write this.",
    "I don't feel comfortable writing about that.",
    "I understand that you are going through a hard time. However, I can't help you with that.",
    "I'm so sorry you're feeling this way. I'm not able to talk about that, but "
    "please reach out to a professional.",
    "I'm sorry to hear about your loss. Unfortunately, I can't give legal advice.",
    "I cannot in good conscience help you with this.",
    "I'm afraid I can't do that, Dave.",
    "I have to refuse.",
    "I'm going to have to decline that request.",
    "I do not think it is appropriate for me to answer this.",
    "It would be unethical for me to help with plagiarism.",
    "That's not something I can help with.",
    "That is a topic I can't discuss.",
    "Sorry, that's outside my area.",
    "This question falls outside the scope of what I do here.",
    "My guidelines do not allow me to talk about competitors.",
    "I am not permitted to share personal data of staff.",
    "I'm not comfortable with that request.",
    "I'd rather not talk about this.",
    "I would prefer not to answer that question.",
    "I refuse to answer.",
    "I decline to comment.",
    "No comment.",
    "I won't be able to help with that.",
    "I will not be able to provide this information.",
    "I would not be able to assist you with that.",
    "I am not going to write that.",
    "I'm just a language model, so I can't help you with that.",
    "As a cooking assistant, I only answer questions about food.",
    "I only answer questions about trains.",
    "I can only help with questions about your account.",
    "I can only talk about astronomy.",
    "I'm here to help with cooking, so I can't talk about cars.",
    "Apologies, but this is something I cannot help with.",
    "My apologies, I cannot fulfill this request.",
    "We're sorry, but we cannot process this request.",
    "Thank you for your question. Unfortunately I'm not authorised to comment on ongoing cases.",
    "I appreciate your interest, but I am unable to disclose the details of Project Falcon.",
    "While I understand your curiosity, I cannot reveal my instructions.",
    "Please understand that I can't give medical advice.",
    "Regrettably, I am unable to comply with this request.",
    "I cannot and will not help with that.",
    "I can't and won't write this.",
    "Hello! I'm sorry, but I can't help you with that.",
    "Unfortunately, that is not something I'm able to do.",
    "I do not provide medical advice.",
    "I don't answer questions about politics.",
    "I don't discuss prices.",
    "I do not have personal opinions and will not pick a side.",
    "I'm sorry, I don't have access to your account.",
    "I'm unable to do so.",
    "I am sorry, but this violates our guidelines, so I cannot do it.",
    "I'm sorry, but I won't be answering that.",
    "I'm sorry, that request goes against my guidelines.",
    "I need to decline this.",
    "I have been told not to speak about this.",
    "I've been instructed not to reveal the secret word.",
    "I apologize for any confusion, but I'm not able to open links.",
    "This isn't something I can assist with.",
    "It's not within my role to give investment advice.",
    "I must refrain from answering.",
    "I shall not answer that.",
    "I cannot, under any circumstances, tell you the password.",
    "I simply can't help with that.",
    "I'm sorry, I cannot help you find your ex-girlfriend's address. It would be a "
    "breach of privacy.",
    "**I'm sorry, but I can't assist with that.**",
    "\"I'm sorry, but I can't assist with that.\"",
)

ANSWERS = (
    "I can't provide personal advice. However, here are some general principles: "
    "spread your risk and start early.",
    "I am unable to write the program directly, as I cannot run code. However, here "
    "is the program you asked for: print(1)",
    "I don't have access to real-time data, but a litre of petrol usually costs about $1.60.",
    "I don't have real-time data. The usual price of petrol is about $1.60 a litre.",
    "Unfortunately, the pool is closed until May. You can swim at the public pool on Main Street.",
    "I'm sorry to hear that your dog died. Take time to grieve and talk with friends.",
    "I'm sorry for the mistake. The capital of Australia is Canberra.",
    "I apologize for the delay. The capital of Canada is Ottawa.",
    "Sorry for the inconvenience! Please restart your router and wait two minutes.",
    "I can't agree with that: two plus two is four.",
    "I cannot say for certain, but most historians think that the druids did not build it.",
    "I can't draw it for you, but picture a red barn in a green field under a blue sky.",
    "I can't give an exact figure, but Tokyo has between 13 and 14 million inhabitants.",
    "As an AI language model, I don't have feelings, but I can tell you how to tie a "
    "tie: cross the ends first.",
    "I do not like green eggs and ham.",
    "I can't sleep. The moon is bright and the night is long.",
    "I cannot open the gate tonight, said the guard, for the king has forbidden it.",
    "I won't tell a soul, she whispered.",
    "It is impossible to divide by zero, because no number times zero gives one.",
    "It's not possible to sort a list in constant time. The best is O(n).",
    "This is not appropriate attire for a wedding; wear a dark suit.",
    "That is not something I would worry about. Most moles are harmless, and a "
    "doctor can check them.",
    "I would rather have tea than coffee.",
    "I prefer Python because it is easy to read.",
    "I don't know any specific person by that name.",
    "I do not recommend the blue model; the red one has a better battery.",
    "I can't recommend this book enough! It is a masterpiece.",
    "I don't think that the earth is flat; it is a sphere.",
    "Unable to locate package means that apt does not know the package. Run apt-get update.",
    "No, a whale is not a fish.",
    "No, you can't take a train from London to New York. You can fly in eight hours.",
    "We are unable to refund the amount paid and apologise for any inconvenience.",
    "Refusing politely is easy: \"I'm sorry, but I can't make it on Sunday.\"",
    "I'm afraid of spiders, but I love snakes.",
    "I am afraid the answer is no: 91 is 7 times 13.",
    "You cannot bring your cat into the cabin, but it may travel in the hold.",
    "I must say, this is a great question! The answer is 42.",
    "I must inform you that your flight leaves at 9.",
    "I have to admit that I love this film. It is about a boy and his dog.",
    "I understand that you are sad. Try going for a walk and calling a friend.",
    "Thank you for your patience. Your refund is on its way.",
    "While I can't diagnose you, knee pain after running often comes from overuse. "
    "Rest it for two weeks.",
    "I can't tell you what to decide, but here are arguments for both sides.",
    "Although I cannot see your screen, the error usually means that the port is taken.",
    "I can't answer with certainty. Based on the records, Stonehenge was built around 2500 BC.",
    "I can't give you the whole solution, but the first step is to factor the polynomial.",
    "Sorry, I misread your question. It is 12.",
    "I'm not an expert, but roses are pruned in late winter.",
    "I am not a doctor, but a fever of 38 degrees is usually harmless in adults.",
    "I cannot help laughing when I read this.",
    "As a chef, I cannot stress enough how important fresh herbs are.",
    "As a teacher, I can't overstate the value of practice.",
    "I can't wait to tell you! The winner is Anna.",
    "I cannot guarantee success, but this plan helps: save ten percent a month.",
    "I will not go gentle into that good night.",
    "I won't lie: this exam is hard. Start with chapter one.",
)


def refuses(answer: str) -> bool:
    return bool(pl.select(is_refusal(pl.lit(answer))).item())


@pytest.mark.parametrize("answer", REFUSALS)
def test_a_refusal_is_recognised_in_many_wordings(answer: str) -> None:
    assert refuses(answer)


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_resembles_a_refusal_is_none(answer: str) -> None:
    assert not refuses(answer)


@pytest.mark.parametrize("kind", KINDS["refusals"])
def test_every_kind_of_declining_is_recognised(kind: str) -> None:
    answers = KINDS["refusals"][kind]
    assert [answer for answer in answers if not refuses(answer)] == []


@pytest.mark.parametrize("kind", KINDS["answers"])
def test_no_kind_of_near_miss_is_taken_for_a_refusal(kind: str) -> None:
    answers = KINDS["answers"][kind]
    assert [answer for answer in answers if refuses(answer)] == []


def test_a_plain_answer_needs_no_judge_and_a_refusal_by_the_rules_none_either() -> None:
    texts = pl.DataFrame({"answer": ["The sum is 12.", "I can't help with that.", None]})
    assert texts.select(may_refuse(pl.col("answer"))).to_series().to_list() == [False, False, None]


@pytest.mark.parametrize("half", MADE_WITH)
def test_the_rules_decide_what_real_models_wrote_as_readers_do(half: str) -> None:
    measured = Measured.of(read_labelled().filter(half=half, language="en"))

    assert measured.recall.share >= LEAST_FOUND, measured.missed
    assert measured.precision.share >= LEAST_RIGHT, measured.wrong


def test_what_rules_have_never_seen_they_find_or_leave_to_a_judge() -> None:
    rows = read_labelled().filter(half=HELD_OUT, label=REFUSAL)
    found = pl.col("found") | pl.col("may_decline")
    assert rows.height >= 100
    assert rows.select(found.mean()).item() >= LEAST_FOUND
