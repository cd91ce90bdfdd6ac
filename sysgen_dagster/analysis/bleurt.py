# mypy: disable-error-code="import-not-found, import-untyped"
"""BLEURT (Sellam et al., arXiv 2004.04696): how near a text is to a reference, by a trained model.

The model is that of the package bleurt-pytorch 0.0.1, which does not import with transformers 5.
Older transformers need huggingface-hub below 1, and sysgen-dagster needs 2.4 or newer, so no extra
can install it: docs/analyses.md says how to compute BLEURT in an environment of its own.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from sysgen_dagster.analysis import pretrained
from sysgen_dagster.catalog.operations import LearnedSimilarity

if TYPE_CHECKING:
    import torch

_INSTALL = (
    "in an environment of its own, pip install "
    "bleurt-pytorch==0.0.1 'transformers>=4.56,<5' 'torch>=2.6'"
)


def score_bleurt(
    pairs: pl.DataFrame, settings: LearnedSimilarity, report: pretrained.Report
) -> pretrained.Scores:
    """BLEURT's estimate for each ``new_answer``, with its ``answer`` as the reference.

    Raises:
        NotComputedError: There are no weights or packages, or they do not fit.
    """
    weights = pretrained.require_weights(settings.bleurt_weights, "bleurt_weights")
    pretrained.require_packages("torch", "transformers", "bleurt_pytorch", install=_INSTALL)
    import bleurt_pytorch as package

    loaded = pretrained.load_model(
        package.BleurtTokenizer, package.BleurtForSequenceClassification, weights
    )
    tokenizer, model = loaded.tokenizer, loaded.model
    inputs = [
        _Input.of(tokenizer, answer, new_answer, loaded.limit)
        for answer, new_answer in pairs.select("answer", "new_answer").iter_rows()
    ]

    def estimate(batch: list[int]) -> "torch.Tensor":
        ids, mask = pretrained.pad(
            [inputs[pair].ids for pair in batch], tokenizer.pad_token_id or 0
        )
        segments, _ = pretrained.pad([inputs[pair].segments for pair in batch], 0)
        output = model(*(tensor.to(model.device) for tensor in (ids, mask, segments)))
        estimates: torch.Tensor = output.logits.flatten()
        return estimates

    lengths = [len(pair.ids) for pair in inputs]
    values = loaded.score_in_batches("bleurt", lengths, estimate, report)
    layers = f"{model.config.num_hidden_layers} layers"
    return pretrained.Scores(values, loaded.describe(layers, [pair.is_cut for pair in inputs]))


@dataclass(frozen=True, slots=True)
class _Input:
    """A reference and a candidate as one input of the model."""

    ids: list[int]
    segments: list[int]  # 0 for tokens of the reference, 1 for tokens of the candidate
    is_cut: bool

    @staticmethod
    def of(tokenizer: Any, reference: str, candidate: str, limit: int) -> "_Input":
        first, second = (
            tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
            for text in (reference, candidate)
        )
        room = limit - tokenizer.num_special_tokens_to_add(pair=True)
        # As in BLEURT's own code, the longer text is shortened first.
        of_second = min(len(second), max(room - len(first), room // 2))
        of_first = min(len(first), room - of_second)
        kept = first[:of_first], second[:of_second]
        return _Input(
            tokenizer.build_inputs_with_special_tokens(*kept),
            tokenizer.create_token_type_ids_from_sequences(*kept),
            is_cut=len(first) + len(second) > room,
        )
