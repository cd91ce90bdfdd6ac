"""BERTScore's F1 beside the package bert-score; `pip install bert-score==0.3.13` adds that test."""

from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster_tests.analysis.small_models import (
    LAYERS,
    PAIRS,
    POSITIONS,
    bertscore_of,
    only,
    sentences,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def test_f1_is_the_mean_of_the_best_cosines_with_special_tokens_matched_but_not_counted(
    bert: Path,
) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    model, tokenizer = AutoModel.from_pretrained(bert).eval(), AutoTokenizer.from_pretrained(bert)

    def vectors(text: str) -> torch.Tensor:
        with torch.no_grad():
            states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        return torch.nn.functional.normalize(states, dim=-1)

    def f1(answer: str, new_answer: str) -> float:
        cosines = vectors(new_answer) @ vectors(answer).T
        precision = cosines.amax(1)[1:-1].mean().item()
        recall = cosines.amax(0)[1:-1].mean().item()
        return 2 * precision * recall / (precision + recall)

    texts = sentences(40, 60)
    pairs = pl.DataFrame(
        {
            "source": [f"{number:02}" for number in range(20)],
            "answer": texts[:20],
            "new_answer": texts[20:],
        }
    )
    expected = [f1(*pair) for pair in zip(texts[:20], texts[20:], strict=True)]
    assert bertscore_of(pairs, bert)["mean"].to_list() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("layer", [1, 2, 3, None])
def test_f1_is_that_of_the_library(bert: Path, layer: int | None) -> None:
    pytest.importorskip("pandas")
    library = pytest.importorskip("bert_score")
    texts = [*sentences(60, 90), "unknown words", "[SEP]", "the"]
    others = [*sentences(70, 90)[10:], "unknown words", "a dog .", " it\n"]
    pairs = pl.DataFrame(
        {"source": [str(n) for n in range(63)], "answer": texts, "new_answer": others}
    )
    ours = bertscore_of(pairs, bert, layer)
    _, _, theirs = library.score(
        others, texts, model_type=str(bert), num_layers=layer or LAYERS, use_fast_tokenizer=True
    )
    expected = pl.DataFrame({"source": pairs["source"], "f1": theirs.tolist()})
    joined = ours.join(expected, on="source", validate="1:1")
    assert joined["mean"].to_list() == pytest.approx(joined["f1"].to_list(), abs=1e-5)
    assert joined["f1"].n_unique() > 50


@pytest.mark.parametrize(("answer", "new_answer"), [("", "a cat"), ("a cat", " \n"), ("", "")])
def test_a_pair_with_an_empty_text_scores_zero(bert: Path, answer: str, new_answer: str) -> None:
    pairs = pl.DataFrame({"source": ["a"], "answer": [answer], "new_answer": [new_answer]})
    assert only(bertscore_of(pairs, bert), "bertscore")["mean"] == 0


def test_a_text_is_cut_only_at_the_models_length_and_it_is_said(bert: Path) -> None:
    long = " ".join(["cat"] * (POSITIONS - 2))
    pairs = pl.DataFrame(
        {
            "source": ["a"] * 4,
            "answer": [long, long + " dog", "cat", "cat " * 500_000],
            "new_answer": [long, "cat", "cat", "\0<script>\u202e\u6f22\U0001f600 \\frac{1}{2}"],
        }
    )
    row = only(bertscore_of(pairs, bert), "bertscore")
    assert "50.0% of the pairs cut at 64 tokens" in row["how"]
    assert row["rows"] == 4


def test_a_layer_that_the_model_does_not_have_is_a_reason(bert: Path) -> None:
    row = only(bertscore_of(PAIRS, bert, layer=4), "bertscore")
    assert row["how"].startswith(f"{bert} has 3 layers")
