# mypy: disable-error-code="import-not-found, import-untyped"
"""BERTScore (Zhang et al., arXiv 1904.09675): F1 of matching each token with the most similar one.

Equal to the package bert-score 0.3.13 with its default tokenizers, without idf and rescaling:

- Special tokens at both ends of a text can be matched but have no weight of their own.
- Texts for RoBERTa begin with a blank. The package leaves it out with fast tokenizers, which are
  the only ones of transformers 5.
- A pair with an empty text scores 0.

The one difference: where no token of the other text has a positive similarity, the package may
match padding, depending on the batch.

The best layer depends on the model. The package's table (`bert_score.utils.model2layers`) has layer
17 of 24 for roberta-large and layer 9 of 12 for bert-base-uncased.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from sysgen_dagster.analysis import pretrained
from sysgen_dagster.catalog.operations import LearnedSimilarity

if TYPE_CHECKING:
    import torch

_INSTALL = "pip install 'sysgen-dagster[bertscore]'"


def score_bertscore(
    pairs: pl.DataFrame, settings: LearnedSimilarity, report: pretrained.Report
) -> pretrained.Scores:
    """BERTScore's F1 of each ``new_answer`` against its ``answer``.

    Raises:
        NotComputedError: There are no weights or packages, or they do not fit.
    """
    weights = pretrained.require_weights(settings.bertscore_weights, "bertscore_weights")
    pretrained.require_packages("torch", "transformers", install=_INSTALL)
    import torch
    import transformers

    config = pretrained.load(transformers.AutoConfig, weights)
    layers = getattr(config, "num_hidden_layers", 0)
    layer = settings.bertscore_layer or layers
    if config.is_encoder_decoder or layer > layers:
        raise pretrained.NotComputedError(
            f"{weights} has {layers} layers and is {config.model_type}: name an encoder alone "
            "(BERT, RoBERTa, DeBERTa) and one of its layers"
        )
    # The model is loaded without the layers above, so that its last state is that of the layer.
    loaded = pretrained.load_model(
        transformers.AutoTokenizer, transformers.AutoModel, weights, num_hidden_layers=layer
    )
    tokenizer = loaded.tokenizer
    old, old_cut = _token_ids(loaded, pairs["answer"])
    new, new_cut = _token_ids(loaded, pairs["new_answer"])
    special = [i for i in (tokenizer.cls_token_id, tokenizer.sep_token_id) if i is not None]
    weightless, padding = torch.tensor(special), tokenizer.pad_token_id or 0

    def f1(batch: list[int]) -> "torch.Tensor":
        return _f1(
            _encode(loaded.model, [new[pair] for pair in batch], padding, weightless),
            _encode(loaded.model, [old[pair] for pair in batch], padding, weightless),
        )

    lengths = [max(map(len, pair)) for pair in zip(old, new, strict=True)]
    values = loaded.score_in_batches("bertscore", lengths, f1, report)
    cut = [any(pair) for pair in zip(old_cut, new_cut, strict=True)]
    how = loaded.describe(f"layer {layer} of {layers}, idf no, rescaling no", cut)
    return pretrained.Scores(values, f"F1, {how}")


def _token_ids(
    loaded: pretrained.LoadedModel, texts: pl.Series
) -> tuple[list[list[int]], list[bool]]:
    """The token ids of every text, and whether it was cut at the longest input."""
    tokenizer, limit = loaded.tokenizer, loaded.limit
    prefix = " " if type(tokenizer).__name__.startswith(("Roberta", "GPT2")) else ""
    stripped = [prefix + text.strip() if text.strip() else "" for text in texts]
    ids: list[list[int]] = tokenizer(stripped, verbose=False)["input_ids"]
    cut = [len(tokens) > limit for tokens in ids]
    for row, is_cut in enumerate(cut):
        if is_cut:
            ids[row] = tokenizer(stripped[row], truncation=True, max_length=limit)["input_ids"]
    return ids, cut


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A batch of texts as unit vectors of their tokens."""

    vectors: "torch.Tensor"  # texts x tokens x width
    is_token: "torch.Tensor"  # texts x tokens; false for padding
    weight: "torch.Tensor"  # texts x tokens; 0 for special tokens and padding, else 1


def _encode(
    model: Any, rows: list[list[int]], padding: int, weightless: "torch.Tensor"
) -> _Encoded:
    import torch

    ids, mask = (tensor.to(model.device) for tensor in pretrained.pad(rows, padding))
    states = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
    is_token = mask.bool()
    weight = is_token & ~torch.isin(ids, weightless.to(ids.device))
    return _Encoded(torch.nn.functional.normalize(states, dim=-1), is_token, weight.float())


def _f1(new: _Encoded, old: _Encoded) -> "torch.Tensor":
    """F1 of each pair; 0 where one of the texts is empty."""
    import torch

    with torch.autocast(new.vectors.device.type, enabled=False):
        similarity = new.vectors @ old.vectors.transpose(1, 2)
    both = new.is_token.unsqueeze(2) & old.is_token.unsqueeze(1)
    similarity = similarity.masked_fill(~both, -1.0)  # the lowest cosine: padding is never the best
    precision = _weighted_mean(similarity.amax(2), new.weight)
    recall = _weighted_mean(similarity.amax(1), old.weight)
    f1 = 2 * precision * recall / (precision + recall)
    return torch.nan_to_num(f1, nan=0.0, posinf=0.0, neginf=0.0)


def _weighted_mean(values: "torch.Tensor", weight: "torch.Tensor") -> "torch.Tensor":
    return (values * weight).sum(1) / weight.sum(1).clamp(min=1)
