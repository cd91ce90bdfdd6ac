"""What a GPU machine makes of the pipeline, in ten minutes and without a network.

    export SYSGEN_VLLM=path/to/vllm
    python performance/gpu.py --model FOLDER --price 2.50             # weights that are there
    python performance/gpu.py --shape 8b --tokenizer FOLDER --price 2.50   # random weights

Runs `engine_throughput.py`, which sends the requests of Phases 1, 3 and 4 through the pipeline's
client and through `vllm bench serve`, and prints of its figures: our throughput as a share of the
benchmark's, what the prefix cache gave back, GPU-hours and money for all rows of the full
catalogue. A model of random weights costs what a real one of its shape costs for the same number of
tokens; answers have the lengths that real ones have on average.

NOT YET RUN ON A GPU: none was at hand. Its arithmetic is tested; the first figures of a GPU belong
into docs/performance.md with the GPU's name, the model and the price.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MEASURE = Path(__file__).with_name("engine_throughput.py")
_ANSWERS = ("150", "60", "311")  # tokens of a real model's answers in Phases 1, 3 and 4
_REQUESTS = 400  # of a phase, each sent four times: minutes on one GPU
# What vLLM reads of a model's config.json to build it with random weights.
_LLAMA: Mapping[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "dtype": "bfloat16",
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
    "rope_theta": 500_000.0,
    "max_position_embeddings": 131_072,
    "vocab_size": 152_064,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "tie_word_embeddings": False,
}
SHAPES: Mapping[str, Mapping[str, int]] = {
    "8b": {
        "hidden_size": 4096,
        "intermediate_size": 14_336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
    },
    "14b": {
        "hidden_size": 5120,
        "intermediate_size": 13_824,
        "num_hidden_layers": 48,
        "num_attention_heads": 40,
        "num_key_value_heads": 8,
    },
}


@dataclass(frozen=True, slots=True)
class Bill:
    """What all rows of the full catalogue take, as if none were dropped.

    Attributes:
        gpu_hours: By phase.
        price: Of a GPU for an hour.
        rows: How many there are.
    """

    gpu_hours: Mapping[str, float]
    price: float
    rows: int

    @property
    def hours(self) -> float:
        """Of all phases."""
        return sum(self.gpu_hours.values())

    @property
    def money(self) -> float:
        """For all rows."""
        return self.hours * self.price

    @property
    def money_per_thousand_rows(self) -> float:
        """The figure to compare with an endpoint's price list."""
        return self.money / self.rows * 1_000


def bill(figures: Mapping[str, Any], gpus: int, price: float, rows: int) -> Bill:
    """GPU-hours and money from the rates that were measured on a server over so many GPUs."""
    hours = {phase["phase"]: rows / _our_rate(phase) / 3600 * gpus for phase in figures["phases"]}
    return Bill(hours, price, rows)


def _our_rate(phase: Mapping[str, Any]) -> float:
    """Requests a second of the pipeline's rounds."""
    ours = [each for each in phase["rounds"] if each["client"] == "sysgen-dagster"]
    return float(sum(each["requests"] for each in ours) / sum(each["seconds"] for each in ours))


def lines(figures: Mapping[str, Any], total: Bill, currency: str) -> list[str]:
    """What is printed: a line a phase, then all rows."""
    machine = figures["machine"]
    said = [f"{machine.get('gpu', 'NO GPU: of a GPU these figures say nothing')}"]
    for phase in figures["phases"]:
        name = phase["phase"]
        said.append(
            f"{name}: {_our_rate(phase):,.1f} requests/s, {phase['ratio']:.1%} of vllm bench; "
            f"{phase['hit']:.1%} of the shared {phase['shared_tokens']:,} tokens from the cache; "
            f"{total.gpu_hours[name]:,.1f} GPU-hours"
        )
    said.append(
        f"{total.rows:,} rows: {total.hours:,.1f} GPU-hours, {total.money:,.2f} {currency} at "
        f"{total.price:,.2f} an hour, {total.money_per_thousand_rows:,.3f} for 1,000 rows"
    )
    return said


def write_shape(shape: str, folder: Path) -> Path:
    """The folder with the config.json of a model of this shape."""
    (folder / "config.json").write_text(json.dumps({**_LLAMA, **SHAPES[shape]}))
    return folder


def parsed(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--model", metavar="FOLDER", help="weights that are on this machine")
    model.add_argument("--shape", choices=sorted(SHAPES), help="random weights of this shape")
    add("--tokenizer", metavar="FOLDER", help="with --shape: a tokenizer that is on this machine")
    add("--price", type=float, required=True, help="of one GPU for an hour")
    add("--currency", default="USD")
    add("--gpus", type=int, default=1, help="that the server uses")
    add("--rows", type=int, default=806_796, help="of the full catalogue")
    add("--requests", type=int, default=_REQUESTS, help="of each phase")
    add("--minutes", type=float, default=10.0, help="after which it is given up")
    asked = parser.parse_args(words)
    if asked.shape and not asked.tokenizer:
        parser.error("--shape needs --tokenizer: random weights have none")
    return asked


def measure(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The figures of `engine_throughput.py`."""
    command = [sys.executable, str(_MEASURE), "--model", asked.model or asked.tokenizer]
    if asked.shape:
        command += ["--dummy", str(write_shape(asked.shape, folder))]
    command += ["--requests", str(asked.requests), "--max-tokens", *_ANSWERS]
    command += ["--json", str(folder / "figures.json")]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    subprocess.run(command, check=True, timeout=asked.minutes * 60, env=environment)
    figures: dict[str, Any] = json.loads((folder / "figures.json").read_text())
    return figures


def main() -> None:
    """Measure, and print what it comes to."""
    asked = parsed(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(asked, Path(folder))
    total = bill(figures, asked.gpus, asked.price, asked.rows)
    print("\n".join(lines(figures, total, asked.currency)))


if __name__ == "__main__":
    main()
