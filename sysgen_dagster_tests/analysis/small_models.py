"""Pairs of answers, and a BERT and a BLEURT with random weights and a vocabulary of a few words."""

import importlib
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.analysis.learned_similarity import measure_learned_similarity
from sysgen_dagster.catalog.operations import LearnedSimilarity

WORDS = ["the", "a", "cat", "dog", "sat", "ran", "on", "mat", "rug", "and", "then", "it", "was"]
WORDS += ["red", "blue", "big", "small", ".", ",", "?"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LAYERS, POSITIONS = 3, 64
PAIRS = pl.DataFrame(
    {
        "source": ["a", "b", "a"],
        "answer": ["the cat sat on the mat .", "a dog ran .", "it was red"],
        "new_answer": [
            "the cat sat on the mat .",
            "then a small dog ran .",
            "it was blue , and big",
        ],
    }
)


def sentences(count: int, longest: int) -> list[str]:
    chance = random.Random(0)
    return [" ".join(chance.choices(WORDS, k=chance.randint(1, longest))) for _ in range(count)]


def only(table: pl.DataFrame, metric: str, source: str = "a") -> dict[str, Any]:
    return table.row(
        by_predicate=(pl.col("metric") == metric) & (pl.col("source") == source), named=True
    )


def bertscore_of(pairs: pl.DataFrame, weights: Path, layer: int | None = None) -> pl.DataFrame:
    settings = LearnedSimilarity(bertscore_weights=str(weights), bertscore_layer=layer)
    return measure_learned_similarity(pairs, settings).filter(metric="bertscore")


def bleurt_of(pairs: pl.DataFrame, weights: Path) -> pl.DataFrame:
    settings = LearnedSimilarity(bleurt_weights=str(weights))
    return measure_learned_similarity(pairs, settings).filter(metric="bleurt")


def save_bert(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    _save_tokenizer(transformers.BertTokenizerFast, folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(**_shape(), attn_implementation="eager")
    transformers.BertModel(config).save_pretrained(folder)


def save_bleurt(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    try:
        package = importlib.import_module("bleurt_pytorch")
    except ImportError as error:
        pytest.skip(f"no bleurt_pytorch: {error}")
    tokenizers = importlib.import_module("bleurt_pytorch.bleurt.tokenization_bleurt_fast")
    _save_tokenizer(tokenizers.BleurtTokenizerFast, folder)
    torch.manual_seed(0)
    config = package.BleurtConfig(**_shape())
    package.BleurtForSequenceClassification(config).save_pretrained(folder)


def _save_tokenizer(kind: Any, folder: Path) -> None:
    folder.mkdir()
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(SPECIAL + WORDS))
    words = {word: number for number, word in enumerate(SPECIAL + WORDS)}
    from transformers import __version__

    given = {"vocab": words} if __version__.startswith("5.") else {"vocab_file": str(vocabulary)}
    kind(**given, model_max_length=POSITIONS).save_pretrained(folder)


def _shape() -> dict[str, int]:
    return {
        "vocab_size": len(SPECIAL + WORDS),
        "hidden_size": 32,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": POSITIONS,
    }
