"""`vllm bench serve` with a custom data set whose lines are whole bodies of chat requests.

Run by the Python of vLLM's environment, in place of `vllm`:

    path/to/python performance/bench_serve_rows.py bench serve --dataset-name custom ...

As it comes, the custom data set takes no seed a row, and one seed for all makes all answers alike.
Changed is how its lines are read; what sends, waits and counts is vLLM's own. No pandas is needed.
"""

import json
from pathlib import Path
from typing import Any

from vllm.benchmarks.datasets import datasets
from vllm.entrypoints.cli.main import main


def _load(self: Any) -> None:
    with Path(self.dataset_path).open() as lines:
        self.data = list(map(json.loads, lines))


def _sample(self: Any, **options: Any) -> list[datasets.SampleRequest]:
    """One request a line, whose fields replace those that the benchmark would send."""
    return [
        datasets.SampleRequest(
            prompt=body["messages"],
            prompt_len=1,  # the server's count replaces it
            expected_output_len=body["max_tokens"],
            request_id=f"{options.get('request_id_prefix', '')}{number}",
            request_overrides=body,
        )
        for number, body in enumerate(self.data)
    ]


datasets.CustomDataset.load_data = _load
datasets.CustomDataset.sample = _sample

if __name__ == "__main__":
    main()
