"""CPU time of BERTScore per 1,000 pairs, with a random model of the size of MiniLM-L6.

    python performance/learned_similarity_cost.py [PAIRS] [WORDS]

Random weights cost what trained ones do, so nothing is fetched. Needs the extra `bertscore`.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
import torch
import transformers

from sysgen_dagster.analysis.learned_similarity import measure_learned_similarity
from sysgen_dagster.catalog.operations import LearnedSimilarity

WORDS = [f"word{number}" for number in range(30_000)]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def _save_model(folder: Path) -> None:
    tokens = {token: number for number, token in enumerate(SPECIAL + WORDS)}
    transformers.BertTokenizer(vocab=tokens, model_max_length=512).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(tokens),
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1_536,
    )
    transformers.BertModel(config).save_pretrained(folder)


def main(pairs: int = 1_000, words: int = 250) -> None:
    """Prints seconds of CPU and of the clock; the texts have about so many tokens."""
    chance = random.Random(0)  # noqa: S311 - any texts will do

    def text() -> str:
        return " ".join(chance.choices(WORDS, k=round(chance.uniform(0.2, 1.8) * words)))

    table = pl.DataFrame(
        [{"source": "a", "answer": text(), "new_answer": text()} for _ in range(pairs)]
    )
    with tempfile.TemporaryDirectory() as folder:
        _save_model(Path(folder))
        settings = LearnedSimilarity(bertscore_weights=folder)
        cpu, clock = time.process_time(), time.perf_counter()
        row = measure_learned_similarity(table, settings).row(0, named=True)
        cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    per_1000 = 1_000 / pairs
    print(f"{cpu * per_1000:.0f} CPU s and {clock * per_1000:.0f} s for 1,000 pairs of 2 x {words}")
    print(f"{torch.get_num_threads()} threads; {row['how']}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
