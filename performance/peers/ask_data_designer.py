"""NVIDIA NeMo `data-designer`: a seed data set of the messages, one column of text by a model.

Chosen: a provider of type ``openai`` with ``max_parallel_requests``; row groups of 100
(``buffer_size``), since a killed run goes on from the last whole group, with as many groups at once
as it takes to fill what may be in flight; ``resume=IF_POSSIBLE``; the plain template engine, since
the values are put in and are not templates. Metrics and telemetry are off.
"""

import os
from collections.abc import Iterator

os.environ |= {"NEMO_TELEMETRY_ENABLED": "false"}

import data_designer.config as dd
import pandas as pd
from asking import API_KEY, MAX_TOKENS, MODEL, TEMPERATURE, Answer, Trial, run
from data_designer.interface import DataDesigner

_GROUP_ROWS = 100


def ask(trial: Trial) -> None:
    """Ask for every row."""
    seed = trial.folder / "seed.parquet"
    rows = [
        {"row": row["row"], **{each["role"]: each["content"] for each in row["messages"]}}
        for row in trial.read_rows()
    ]
    if not seed.exists():
        pd.DataFrame(rows).to_parquet(seed)
    model = dd.ModelConfig(
        alias="annotator",
        model=MODEL,
        provider="local",
        inference_parameters=dd.ChatCompletionInferenceParams(
            temperature=TEMPERATURE,
            max_tokens=MAX_TOKENS,
            max_parallel_requests=trial.in_flight,
        ),
    )
    config = dd.DataDesignerConfigBuilder(model_configs=[model])
    config.with_seed_dataset(
        dd.LocalFileSeedSource(path=str(seed)), sampling_strategy=dd.SamplingStrategy.ORDERED
    )
    config.add_column(
        dd.LLMTextColumnConfig(
            name="text", model_alias="annotator", system_prompt="{{ system }}", prompt="{{ user }}"
        )
    )
    designer = DataDesigner(
        artifact_path=trial.folder / "artifacts",
        model_providers=[
            dd.ModelProvider(
                name="local", endpoint=trial.url, provider_type="openai", api_key=API_KEY
            )
        ],
    )
    designer.set_run_config(
        dd.RunConfig(
            buffer_size=_GROUP_ROWS,
            max_concurrent_row_groups=max(3, 2 * trial.in_flight // _GROUP_ROWS),
            otel_metrics_port=None,
            jinja_rendering_engine=dd.JinjaRenderingEngine.NATIVE,
        )
    )
    designer.create(config, num_records=len(rows), resume=dd.ResumeMode.IF_POSSIBLE)


def answers(trial: Trial) -> Iterator[Answer]:
    """The rows of the groups."""
    for path in sorted((trial.folder / "artifacts/dataset/parquet-files").glob("*.parquet")):
        kept = pd.read_parquet(path, columns=["row", "text"])
        yield from map(Answer, kept["row"], kept["text"])


if __name__ == "__main__":
    run(ask, answers)
