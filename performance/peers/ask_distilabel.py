"""`distilabel`: a pipeline of the rows and one `ChatGeneration` over `OpenAILLM`, with its cache.

Chosen: batches of as many rows as may be in flight, since a step asks for the rows of one batch at
once and for the next ones after it; one replica, since two were no faster on two cores; a pipeline
with a name and a folder for its cache, and ``use_cache=True``, with which the same pipeline is to
go on from the batches that were done. (After ``kill -9`` it begins and waits for ever, with one
replica, with two, and with all rows loaded as one batch, or fails on a file of its cache that was
cut off.) Without ``WARNING`` it would print a coloured line a request.
"""

import os
from collections.abc import Iterator

os.environ |= {"DISTILABEL_LOG_LEVEL": "WARNING"}

# Only now: it reads this variable when it is imported.
from asking import API_KEY, MAX_TOKENS, MODEL, TEMPERATURE, Answer, Trial, run
from datasets import load_dataset
from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import ChatGeneration


def ask(trial: Trial) -> None:
    """Ask for every row, and save the data set that comes back."""
    with Pipeline(name="annotation", cache_dir=trial.folder / "cache") as pipeline:
        rows = LoadDataFromDicts(data=list(trial.read_rows()), batch_size=trial.in_flight)
        annotate = ChatGeneration(
            llm=OpenAILLM(
                model=MODEL,
                base_url=trial.url,
                api_key=API_KEY,
                generation_kwargs={"temperature": TEMPERATURE, "max_new_tokens": MAX_TOKENS},
            ),
            input_batch_size=trial.in_flight,
            add_raw_input=False,
            add_raw_output=False,
        )
        rows >> annotate
    answered = pipeline.run(use_cache=True)
    answered["default"]["train"].to_parquet(trial.folder / "answers.parquet")


def answers(trial: Trial) -> Iterator[Answer]:
    """The rows of the saved data set."""
    path = str(trial.folder / "answers.parquet")
    kept = load_dataset("parquet", data_files=path, split="train")
    for row, text in zip(kept["row"], kept["generation"], strict=True):
        yield Answer(row, text)


if __name__ == "__main__":
    run(ask, answers)
