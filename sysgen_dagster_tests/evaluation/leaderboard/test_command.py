"""The command line of the harness: what it is told of the server, and what it keeps."""

import json
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.evaluation.leaderboard.command import (
    NO_ANSWER,
    Served,
    build_command,
    environment_of_harness,
    model_arguments,
)
from sysgen_dagster.evaluation.leaderboard.harness import Harness
from sysgen_dagster.evaluation.leaderboard.tasks import Asks

SERVED = Served("http://127.0.0.1:8000/v1", "org/phi", 8192, "org/phi", "abc")
HARNESS = Harness(Path("/venv/bin/python"), Path("/venv/tasks"), {}, {})


def told(asks: Asks, *, has_chat_template: bool = False, served: Served = SERVED) -> dict[str, Any]:
    return model_arguments(served, asks, has_chat_template=has_chat_template)


def test_prompts_may_be_as_long_as_the_server_takes_them() -> None:
    assert {told(asks)["max_length"] for asks in Asks} == {8192}  # 2,048 if nothing is said


@pytest.mark.parametrize("in_template", [True, False])
def test_the_beginning_of_a_text_is_marked_once(in_template: bool) -> None:
    """The template writes the mark itself, and a server adds none to a prompt of tokens."""
    arguments = told(Asks.LIKELIHOOD, has_chat_template=in_template)
    assert arguments["add_bos_token"] is not in_template


def test_prompts_of_likelihoods_are_tokenised_here_at_the_commit_of_the_model() -> None:
    arguments = told(Asks.LIKELIHOOD)
    assert arguments["base_url"] == "http://127.0.0.1:8000/v1/completions"
    assert (arguments["tokenizer"], arguments["revision"]) == ("org/phi", "abc")
    assert "tokenizer" not in told(Asks.TEXT)


def test_a_tokenizer_in_a_folder_has_no_commit(tmp_path: Path) -> None:
    served = Served(SERVED.url, "phi", 8192, str(tmp_path), "abc")
    assert "revision" not in told(Asks.LIKELIHOOD, served=served)


def words(asks: Asks, *, in_template: bool, limit: int | None = None) -> list[str]:
    arguments = told(asks, has_chat_template=in_template)
    return build_command(
        *(HARNESS, ["a", "b"], Path("/somewhere/arc"), arguments, asks),
        has_chat_template=in_template,
        limit=limit,
    )


def test_a_run_keeps_every_answer_and_every_item() -> None:
    line = words(Asks.LIKELIHOOD, in_template=False)
    assert line[:4] == ["/venv/bin/python", "-m", "lm_eval", "run"]
    options = dict(zip(line[4::2], line[5::2], strict=False))
    assert options["--model"] == "local-completions"
    assert json.loads(options["--model_args"]) == told(Asks.LIKELIHOOD)
    assert options["--tasks"] == "a,b"
    assert options["--use_cache"] == "/somewhere/arc/cache"
    assert line[-1] == "--log_samples"


def test_texts_are_always_asked_in_the_template_and_likelihoods_where_it_is_wanted() -> None:
    asked = {
        (asks, wanted): "--apply_chat_template" in words(asks, in_template=wanted)
        for asks in Asks
        for wanted in (True, False)
    }
    assert [place for place, there in asked.items() if not there] == [(Asks.LIKELIHOOD, False)]


def test_a_limit_is_that_of_each_part() -> None:
    assert words(Asks.TEXT, in_template=True, limit=5)[-2:] == ["--limit", "5"]


def test_a_key_is_in_the_environment_and_not_on_the_command_line() -> None:
    environment = environment_of_harness({"PATH": "/bin"}, "sk-1", Path("/somewhere/datasets"))
    assert environment["OPENAI_API_KEY"] == "sk-1"
    assert environment["PATH"] == "/bin"
    assert environment["LMEVAL_MODEL_NONE_ANSWER_PLACEHOLDER"] == NO_ANSWER
    assert "sk-1" not in str(words(Asks.TEXT, in_template=True))
