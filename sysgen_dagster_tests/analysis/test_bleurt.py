"""BLEURT beside the package's own call, in an environment that can import it.

`pip install bleurt-pytorch==0.0.1 'transformers>=4.56,<5'` after the package itself makes one.
"""

import importlib.util
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster_tests.analysis.small_models import PAIRS, POSITIONS, bleurt_of, only, sentences

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("torch", "transformers", "bleurt_pytorch"))),
    reason="needs bleurt-pytorch",
)
def test_bleurt_says_which_transformers_it_needs(bert: Path) -> None:
    import transformers

    if transformers.__version__.startswith("4."):
        pytest.skip("bleurt-pytorch imports with this transformers")
    how = only(bleurt_of(PAIRS, bert), "bleurt")["how"]
    assert how.startswith("bleurt_pytorch cannot be imported: ")
    assert "'transformers>=4.56,<5'" in how


def test_weights_of_another_kind_are_not_taken_for_bleurt(bert: Path, bleurt: Path) -> None:
    assert only(bleurt_of(PAIRS, bert), "bleurt")["how"].startswith(f"{bert} lacks ")


def test_bleurt_takes_any_text(bleurt: Path) -> None:
    answers = ["cat " * 500_000, "", "\0<script>\u202e\u6f22\U0001f600"]
    pairs = pl.DataFrame({"source": ["a"] * 3, "answer": answers, "new_answer": answers[::-1]})
    row = only(bleurt_of(pairs, bleurt), "bleurt")
    assert row["rows"] == 3
    assert "66.7% of the pairs cut at 64 tokens" in row["how"]


def test_bleurt_is_the_models_estimate_of_the_new_answer(bleurt: Path) -> None:
    import torch
    from bleurt_pytorch import BleurtForSequenceClassification, BleurtTokenizer

    texts, others = sentences(40, 90), sentences(60, 90)[20:]
    sources = [f"{number:02}" for number in range(40)]
    pairs = pl.DataFrame({"source": sources, "answer": texts, "new_answer": others})
    ours = bleurt_of(pairs, bleurt)

    model = BleurtForSequenceClassification.from_pretrained(bleurt).eval()
    tokenizer = BleurtTokenizer.from_pretrained(bleurt)
    inputs = tokenizer(texts, others, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        expected = model(**inputs).logits.flatten().tolist()
    assert ours["mean"].to_list() == pytest.approx(expected, abs=1e-5)
    whole = [len(ids) for ids in tokenizer(texts, others, verbose=False)["input_ids"]]
    cut = sum(length > POSITIONS for length in whole) / 40
    assert 0 < cut < 1
    assert f", 3 layers, fp32 on cpu, {cut:.1%} of the pairs cut at 64 tokens," in ours["how"][0]
