"""`bespokelabs-curator`: `curator.LLM` with its ``openai`` backend and its own cache.

Chosen: ``backend="openai"`` with ``base_url``, as its reference says for any compatible server;
``max_concurrent_requests``, and limits a minute so high that they never hold a request back. Its
cache is in ``working_dir``: the same call after a kill takes the responses that are there. Nothing
is printed while it runs, and the viewer and telemetry are off. It counts tokens with a vocabulary
that it downloads once; `litellm`, which comes with it, has brought the same file.
"""

import json
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

_LITELLM = find_spec("litellm")
assert _LITELLM is not None
assert _LITELLM.origin is not None
os.environ |= {
    "TELEMETRY_ENABLED": "false",
    "CURATOR_DISABLE_RICH_DISPLAY": "1",
    "TIKTOKEN_CACHE_DIR": str(Path(_LITELLM.origin).parent / "litellm_core_utils/tokenizers"),
}

# Only now: it reads these variables when it is imported.
from asking import (  # noqa: E402
    API_KEY,
    MAX_TOKENS,
    MODEL,
    TEMPERATURE,
    Answer,
    Message,
    Row,
    Trial,
    run,
)
from bespokelabs import curator  # noqa: E402
from datasets import Dataset  # noqa: E402

_NO_LIMIT = 1_000_000_000


class Annotator(curator.LLM):
    """One message a row; the row goes with it."""

    def prompt(self, input: Row) -> list[Message]:
        """The messages as they are."""
        return input["messages"]

    def parse(self, input: Row, response: str) -> dict[str, str]:
        """The row and what was said to it."""
        return {"row": input["row"], "text": response}


def ask(trial: Trial) -> None:
    """Ask for every row, and save the data set that comes back."""
    annotate = Annotator(
        model_name=MODEL,
        backend="openai",
        generation_params={"temperature": TEMPERATURE, "max_tokens": MAX_TOKENS},
        backend_params={
            "base_url": trial.url,
            "api_key": API_KEY,
            "max_concurrent_requests": trial.in_flight,
            "max_requests_per_minute": _NO_LIMIT,
            "max_tokens_per_minute": _NO_LIMIT,
            "require_all_responses": False,
        },
    )
    rows = Dataset.from_json(str(trial.rows), cache_dir=str(trial.folder / "datasets"))
    answered = annotate(rows, working_dir=str(trial.folder / "curator"))
    answered.dataset.to_json(trial.folder / "answers.jsonl")


def answers(trial: Trial) -> Iterator[Answer]:
    """The lines of the saved data set, and the requests that it lists as failed beside it."""
    with (trial.folder / "answers.jsonl").open() as lines:
        for line in lines:
            kept = json.loads(line)
            yield Answer(kept["row"], kept["text"])
    for path in (trial.folder / "curator").glob("*/failed_requests.jsonl"):
        with path.open() as lines:
            for line in lines:
                failed = json.loads(line)
                yield Answer(failed["original_row"]["row"], None, "listed beside the data set")


if __name__ == "__main__":
    run(ask, answers)
