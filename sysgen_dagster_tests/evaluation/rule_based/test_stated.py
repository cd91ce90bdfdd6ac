"""Where a constraint is stated is seen by its arguments or by its words."""

from typing import Any

import pytest

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.evaluation.instructions.verifiers import VERIFIERS
from sysgen_dagster.evaluation.rule_based import stated
from sysgen_dagster.evaluation.rule_based.stated import find_place


def chat(system: str, user: str) -> list[ChatMessage]:
    return [{"role": Role.SYSTEM, "content": system}, {"role": Role.USER, "content": user}]


@pytest.mark.parametrize(
    ("system", "user", "name", "arguments", "place"),
    [
        ("Use no commas.", "Hi", "punctuation:no_comma", {}, "system"),
        ("Be kind.", "Write 100 words.", "length_constraints:number_words", {}, "user"),
        ("Say tea and cup.", "Hi", "keywords:existence", {"keywords": ["tea", "CUP"]}, "system"),
        ("Say tea.", "Hi", "keywords:existence", {"keywords": ["tea", "cup"]}, "unknown"),
        # A user turn often has the word that is forbidden.
        ("Avoid tea.", "Tea?", "keywords:forbidden_words", {"forbidden_words": ["tea"]}, "system"),
        ("Be kind.", "Is tea nice?", "keywords:frequency", {"keyword": "tea"}, "user"),
        ("Be kind.", "Hi", "startend:quotation", {}, "unknown"),
        ("Be kind.", "Hi", "stylistic:tone", {}, "unknown"),
    ],
)
def test_a_constraint_is_stated_where_its_words_are(
    system: str, user: str, name: str, arguments: dict[str, Any], place: str
) -> None:
    assert find_place(chat(system, user), name, arguments) == place


def test_every_instruction_is_looked_for() -> None:
    known = {*stated._WORDS, *stated._ARGUMENTS}
    assert known == {name.partition(":")[2] for name in VERIFIERS}
