"""Refusals in other languages than English."""

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.refusals import is_refusal, may_refuse
from sysgen_dagster_tests.lanes.sysgen.labelled_refusals import read_labelled

ABROAD = (
    "Je ne peux pas vous aider.",
    "Je ne peux pas vous aider avec cela.",
    "Désolé, mais je ne peux pas répondre à cette question.",
    "Je suis désolé, je ne suis pas autorisé à vous donner cette information.",
    "Malheureusement, je ne peux pas traduire ce texte.",
    "Je refuse de répondre à cette question.",
    "Ich kann Ihnen leider nicht helfen.",
    "Es tut mir leid, dabei kann ich nicht helfen.",
    "Tut mir leid, aber ich kann diese Frage nicht beantworten.",
    "Leider darf ich Ihnen keine Auskunft geben.",
    "Das darf ich Ihnen nicht sagen.",
    "Lo siento, pero no puedo ayudar con eso.",
    "No puedo ayudarte con eso.",
    "Lo siento, no puedo darle esa información.",
    "Mi dispiace, non posso rispondere.",
    "Non posso aiutarti con questa richiesta.",
    "Desculpe, não posso ajudar com isso.",
    "Infelizmente, não posso responder a essa pergunta.",
)

LEFT_TO_A_JUDGE = (
    "Je ne peux pas vous donner un diagnostic. Cela peut entraîner des erreurs. Demandez à votre "
    "médecin, qui pourra vous examiner.",
    "Lo siento, pero no puedo dar consejos legales. Hay que avisar con tres meses de antelación.",
    "Leider kann ich das nicht genau sagen, aber meistens dauert es drei Tage. Nehmen Sie Tee.",
    "Извините, я не могу с этим помочь.",  # noqa: RUF001
    "抱歉，我无法回答这个问题。",  # noqa: RUF001
    "申し訳ありませんが、お答えできません。",
    "죄송하지만 도와드릴 수 없습니다.",
    "عذرًا، لا أستطيع المساعدة في هذا الطلب.",
    "I do not recommend books. Please ask our staff in the shop.",
)

ANSWERS_ABROAD = (
    "Je ne peux pas venir demain.",
    "Je ne sais pas nager.",
    "Ich kann nicht schlafen.",
    "Die Hauptstadt ist nicht Bonn.",
    "No puedo dormir por la noche.",
    "Non posso vivere senza di te.",
    "Não posso viver sem você.",
    "Je peux vous aider.",
    "Ich kann Ihnen gerne helfen.",
)


def refuses(answer: str) -> bool:
    return bool(pl.select(is_refusal(pl.lit(answer))).item())


@pytest.mark.parametrize("answer", ABROAD, ids=ascii)
def test_one_short_sentence_that_declines_in_another_language_is_a_refusal(answer: str) -> None:
    assert refuses(answer)


@pytest.mark.parametrize("answer", ANSWERS_ABROAD, ids=ascii)
def test_a_sentence_of_another_language_that_declines_nothing_is_none(answer: str) -> None:
    assert not refuses(answer)


@pytest.mark.parametrize("answer", LEFT_TO_A_JUDGE, ids=ascii)
def test_a_refusal_that_the_rules_cannot_tell_is_left_to_a_judge(answer: str) -> None:
    texts = pl.DataFrame({"answer": [answer]})
    assert texts.select(is_refusal(pl.col("answer")), may=may_refuse(pl.col("answer"))).rows() == [
        (False, True)
    ]


def test_a_refusal_that_a_real_model_wrote_in_another_language_gets_to_a_judge() -> None:
    rows = read_labelled().filter(pl.col("language") != "en", pl.col("label") == "refusal")
    found = pl.col("found") | pl.col("may_decline")
    assert rows.filter(~found)["id"].to_list() == []
