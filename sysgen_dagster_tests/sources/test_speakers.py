"""Who asks and who answers in chats whose speakers have names of their own."""

import pytest

from sysgen_dagster.sources.speakers import guess_roles

GUESSED: dict[str, tuple[list[list[str]], dict[str, str]]] = {
    "usual names": ([["user", "assistant"]], {}),
    "usual names in other letters": ([["Human", "GPT-4"]], {}),
    "usual names and others": ([["user", "narrator", "assistant"]], {}),
    "only a user": ([["system", "user"]], {}),
    "nobody": ([[]], {}),
    "names that say it": ([["customer", "agent"]], {"customer": "user", "agent": "assistant"}),
    "whoever begins": ([["Agent", "Customer"]], {"Agent": "assistant", "Customer": "user"}),
    "not by turns": (
        [["customer", "customer", "agent"]],
        {"customer": "user", "agent": "assistant"},
    ),
    "a number": ([["Human 1", "Bot 2"]], {"Human 1": "user", "Bot 2": "assistant"}),
    "one known by its name": ([["user", "Zed", "user", "Zed"]], {"Zed": "assistant"}),
    "one known, who answers": ([["Zed", "assistant"]], {"Zed": "user"}),
    "a system that answers": ([["USER", "SYSTEM", "USER"]], {"SYSTEM": "assistant"}),
    "a system that says more": ([["user", "system", "system", "user"]], {}),
    "beside others": (
        [["system", "patient", "tool", "Dr. No"]],
        {"patient": "user", "Dr. No": "assistant"},
    ),
}


@pytest.mark.parametrize(("chats", "roles"), GUESSED.values(), ids=GUESSED)
def test_names_say_who_asks(chats: list[list[str]], roles: dict[str, str]) -> None:
    assert guess_roles(chats) == roles


UNSAFE: dict[str, list[list[str]]] = {
    "two names": [["Ann", "Bob"]],
    "letters": [["A", "B"]],
    "numbers": [["speaker 1", "speaker 2"]],
    "one known and two others": [["user", "Ann", "Bob"]],
    "one known and one who says all": [["user", "Zed", "Zed", "Zed"]],
    "two who ask": [["customer", "patient"]],
    "one": [["Ann"]],
    "many": [[f"person {number}", "user"] for number in range(30)],
}


@pytest.mark.parametrize("chats", UNSAFE.values(), ids=UNSAFE)
def test_what_is_not_safe_is_not_guessed(chats: list[list[str]]) -> None:
    assert guess_roles(chats) is None


def test_what_is_known_already_helps() -> None:
    assert guess_roles([["Ann", "Bob"]], {"Ann": "user"}) == {"Bob": "assistant"}
