"""Verdicts of rules beside those of two readers, on phrases and answers of real small models.

`obedience/labelled/phrases.jsonl` has one line per phrase that rules recognise something in: the
phrase, what the user asked, what Qwen2.5-Coder-1.5B-Instruct (Q4_K_M) or SmolLM2-135M-Instruct
(Q4_1) answered under it, and what each of two readers, which are language models, said of it
without a rule's verdict: obeyed, not_obeyed or unclear. The messages are of the first model too, or
S-IFEval's (MIT). The fourth batch was chosen by what rules said, for kinds that were few: but for
three items, its answers were written under another message, which ``written_under`` says.

`held_out_phrases.jsonl` beside this module is the fifth batch: no item of it was read to change a
rule. When an attack of made-up phrases changed rules, how many of it they decide was watched. Its
phrases are S-IFEval's and RealGuardrails' (MIT) and BiGGen Bench's (Apache-2.0), each answered by
both models. Its fields are the same, without ``label``.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster import obedience
from sysgen_dagster.chat.languages import detect_languages
from sysgen_dagster.obedience.agreement import cohen_kappa
from sysgen_dagster.obedience.by_rules import decide_by_rules
from sysgen_dagster.obedience.recognition import recognize
from sysgen_dagster.obedience.rules import Rule, RuleKind, Verdict
from sysgen_dagster.tables.rates import Z95, Rate, wilson_interval

ROOT = Path(__file__).parents[2]
LEAST_RIGHT = 0.98
# How often rules were right, of how many, when each batch was first measured; the record says how.
FIRST_MEASURED = (
    *(Rate(131, 135), Rate(197, 198), Rate(46, 49), Rate(44, 47), Rate(178, 187)),
    Rate(323, 324),
)
RECORD = "docs/decisions/0041-rules-decide-where-all-readers-would-agree.md"
_LEARNED_FROM = Path(obedience.__file__).with_name("labelled") / "phrases.jsonl"
_HELD_OUT = Path(__file__).with_name("held_out_phrases.jsonl")


@pytest.fixture(scope="module", params=[_LEARNED_FROM, _HELD_OUT], ids=["learned-from", "held-out"])
def read(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return with_verdicts(request.param)


def with_verdicts(file: Path) -> list[dict[str, Any]]:
    """The items, with the verdict of the rules and the rule that decided."""
    items = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    phrases = pl.Series(
        [[{"tag": "Format", "text": item["phrase"]}] for item in items],
        dtype=pl.List(pl.Struct({"tag": pl.String, "text": pl.String})),
    )
    answers = pl.Series([[item["answer"]] for item in items])
    decided = decide_by_rules(phrases, answers)
    return [item | verdicts[0] for item, verdicts in zip(items, decided, strict=True)]


def test_rules_say_what_both_readers_say(read: list[dict[str, Any]]) -> None:
    decided = [
        item
        for item in read
        if item["verdict"] != Verdict.UNKNOWN and item["first_reader"] == item["second_reader"]
    ]
    wrong = [item["id"] for item in decided if item["verdict"] != item["first_reader"]]
    assert len(wrong) <= (1 - LEAST_RIGHT) * len(decided), wrong
    assert len(decided) >= 300


def test_the_record_says_how_often_rules_were_right_before_they_had_learned_from_a_label() -> None:
    right = sum(batch.part for batch in FIRST_MEASURED)
    of = sum(batch.whole for batch in FIRST_MEASURED)
    low, high = wilson_interval(right / of, of, Z95)
    said = f"{right} of {of} ({right / of:.1%}; {100 * low:.1f} to {100 * high:.1f})"
    record = " ".join((ROOT / RECORD).read_text().split())

    assert said.replace("%", " %") in record
    assert all(f"{batch.part} of {batch.whole}" in record for batch in FIRST_MEASURED)


def test_no_rule_supplies_more_than_a_fifth(read: list[dict[str, Any]]) -> None:
    decided = Counter(item["rule"] for item in read if item["verdict"] != Verdict.UNKNOWN)
    assert decided.most_common(1)[0][1] <= decided.total() / 5


def test_the_readers_agree(read: list[dict[str, Any]]) -> None:
    said = [(item["first_reader"], item["second_reader"]) for item in read]
    assert (cohen_kappa(Counter(said)) or 0) > 0.9


def asked_for_another_language(read: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kinds = {RuleKind.LANGUAGE, RuleKind.TRANSLATED}

    def asks_for_another(rule: Rule) -> bool:
        return rule.kind in kinds and "en" not in rule.words

    return [item for item in read if any(map(asks_for_another, recognize(item["phrase"]).rules))]


def test_an_answer_in_english_under_a_phrase_that_asks_for_another_language_is_found(
    read: list[dict[str, Any]],
) -> None:
    asked = asked_for_another_language(read)
    languages = detect_languages(pl.Series([item["answer"] for item in asked]))
    english = [item for item, language in zip(asked, languages, strict=True) if language == "en"]

    assert len(english) >= 3
    for item in english:
        assert item["verdict"] == item["first_reader"] == item["second_reader"] == "not_obeyed"


def test_the_documents_say_how_many_answers_are_in_english_under_such_phrases() -> None:
    page = " ".join((ROOT / "docs" / "pipeline.md").read_text().split())
    items = [item for file in (_LEARNED_FROM, _HELD_OUT) for item in with_verdicts(file)]
    asked = asked_for_another_language(items)
    languages = detect_languages(pl.Series([item["answer"] for item in asked]))
    said = []
    for model in ("Qwen", "SmolLM2"):
        of_model = [
            (language == "en", item["verdict"])
            for item, language in zip(asked, languages, strict=True)
            if item["model"].startswith(model)
        ]
        left = [is_english for is_english, verdict in of_model if verdict != Verdict.NOT_OBEYED]
        before = sum(is_english for is_english, _ in of_model)
        said.append(f"{before} of {len(of_model)}, and {sum(left)} of the {len(left)}")
    assert all(each in page for each in said), said
