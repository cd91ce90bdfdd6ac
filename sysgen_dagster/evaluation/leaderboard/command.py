"""The command line of lm-evaluation-harness, and what its process is told by its environment."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sysgen_dagster.evaluation.leaderboard.harness import Harness
from sysgen_dagster.evaluation.leaderboard.tasks import Asks

# What the harness writes in place of an answer that a server did not give.
NO_ANSWER: Final = "SYSGEN_NO_ANSWER"
_RETRIES = 8  # one request that fails so often ends a task
RESULTS, CACHE, TASK_FILES = "results", "cache", "tasks"  # in the folder of a task


@dataclass(frozen=True, slots=True)
class Served:
    """The server that is asked.

    Attributes:
        url: Where its API begins.
        model: The served name.
        context_tokens: Of prompt and answer together.
        tokenizer: A folder or a name on the Hub: prompts are tokenised here.
        revision: Its commit on the Hub.
        at_once: Requests in flight.
        timeout_s: Of one request.
    """

    url: str
    model: str
    context_tokens: int
    tokenizer: str
    revision: str | None = None
    at_once: int = 32
    timeout_s: float = 600.0


def model_arguments(served: Served, asks: Asks, *, has_chat_template: bool) -> dict[str, Any]:
    """What the harness is told of the server.

    A prompt of tokens gets no token for its beginning from a server, so the tokenizer adds the one
    that it knows; a chat template writes it itself.

    Args:
        served: The server.
        asks: Of the task.
        has_chat_template: Whether prompts of likelihoods are put into the chat template.
    """
    path = "completions" if asks is Asks.LIKELIHOOD else "chat/completions"
    arguments: dict[str, Any] = {
        "model": served.model,
        "base_url": f"{served.url}/{path}",
        "num_concurrent": served.at_once,
        "timeout": round(served.timeout_s),
        "max_retries": _RETRIES,
        "max_length": served.context_tokens,
    }
    if asks is Asks.LIKELIHOOD:
        arguments |= {
            "tokenizer_backend": "huggingface",
            "tokenizer": served.tokenizer,
            "add_bos_token": not has_chat_template,
        }
        if served.revision and not Path(served.tokenizer).is_dir():
            arguments["revision"] = served.revision
    return arguments


def build_command(
    harness: Harness,
    names: Sequence[str],
    folder: Path,
    arguments: dict[str, Any],
    asks: Asks,
    *,
    has_chat_template: bool,
    limit: int | None,
) -> list[str]:
    """The command line that runs a task.

    Args:
        harness: The program.
        names: Of the parts of the task.
        folder: Of the task; takes results and answers.
        arguments: `model_arguments`.
        asks: Of the task.
        has_chat_template: As there; texts always have one.
        limit: Items of each part; None: all.
    """
    kind = "local-completions" if asks is Asks.LIKELIHOOD else "local-chat-completions"
    words = [str(harness.python), "-m", "lm_eval", "run", "--model", kind]
    words += ["--model_args", json.dumps(arguments), "--tasks", ",".join(names)]
    words += ["--include_path", str(folder / TASK_FILES), "--use_cache", str(folder / CACHE)]
    words += ["--output_path", str(folder / RESULTS), "--log_samples"]
    if has_chat_template or asks is Asks.TEXT:
        words += ["--apply_chat_template", "--fewshot_as_multiturn", "true"]
    return words + (["--limit", str(limit)] if limit else [])


def environment_of_harness(
    given: dict[str, str], api_key: str | None, data: Path
) -> dict[str, str]:
    """What its process gets of an environment.

    Args:
        given: What any program of a deployment gets.
        api_key: Of the server; a command line would show it to others.
        data: Keeps its data sets apart: offline it would take another revision that lies there.
    """
    return {
        **given,
        "OPENAI_API_KEY": api_key or "",
        "HF_DATASETS_CACHE": str(data),
        "LMEVAL_MODEL_NONE_ANSWER_PLACEHOLDER": NO_ANSWER,
        "TOKENIZERS_PARALLELISM": "false",
    }
