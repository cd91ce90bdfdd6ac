"""`datatrove`: its `InferenceRunner` against a server that runs already, with checkpoints.

Chosen: ``server_type="endpoint"``, whose transport for a server on this machine is its own, over
plain sockets; one task, since two were faster with 64 in flight and slower with 256;
``records_per_chunk=500`` as in its examples; and ``checkpoints_local_dir``, which brings a cache of
single requests with it, so that the same call after a kill sends little again. Each request is a
commit of SQLite of its own: how long that takes is the disk's matter, and a slow one holds up the
end of a run.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from asking import MAX_TOKENS, MODEL, TEMPERATURE, Answer, Trial, run
from datatrove.data import Document
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.inference.run_inference import (
    InferenceConfig,
    InferenceResult,
    InferenceRunner,
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

_CHUNK_ROWS = 500


async def annotate(
    document: Document, generate: Callable[[dict[str, Any]], Awaitable[InferenceResult]]
) -> InferenceResult:
    """One request a document."""
    return await generate({"messages": document.metadata["messages"]})


def as_document(
    self: JsonlReader, data: dict[str, Any], path: str, id_in_file: int | str
) -> dict[str, Any]:
    """A document of a line of the rows: its text is not used, but must not be empty."""
    return {"text": data["row"], "id": data["row"], "metadata": {"messages": data["messages"]}}


def ask(trial: Trial) -> None:
    """Ask for every row."""
    config = InferenceConfig(
        server_type="endpoint",
        endpoint_url=trial.url.removesuffix("/v1"),
        model_name_or_path=MODEL,
        default_generation_params={"temperature": TEMPERATURE, "max_tokens": MAX_TOKENS},
        max_concurrent_generations=trial.in_flight,
        server_ready_delay_sec=0.1,
    )
    runner = InferenceRunner(
        rollout_fn=annotate,
        config=config,
        records_per_chunk=_CHUNK_ROWS,
        checkpoints_local_dir=str(trial.folder / "checkpoints"),
        output_writer=JsonlWriter(
            str(trial.folder / "answers"),
            output_filename="${rank}_chunk_${chunk_index}.jsonl",
            compression=None,
        ),
        skip_bad_requests=True,
    )
    reader = JsonlReader(str(trial.rows.parent), glob_pattern=trial.rows.name, adapter=as_document)
    LocalPipelineExecutor(
        pipeline=[reader, runner], logging_dir=str(trial.folder / "logs"), tasks=1
    ).run()


def answers(trial: Trial) -> Iterator[Answer]:
    """The rollout results of the documents."""
    for path in sorted((trial.folder / "answers").glob("*.jsonl")):
        with path.open() as lines:
            for line in lines:
                kept = json.loads(line)
                yield Answer(kept["id"], kept["metadata"]["rollout_results"][0]["text"])


if __name__ == "__main__":
    run(ask, answers)
