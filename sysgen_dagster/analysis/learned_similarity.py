# mypy: disable-error-code="import-not-found, import-untyped"
"""BERTScore and BLEURT: how near a new answer is to the original one, by the eye of a model.

BERTScore (Zhang et al., arXiv 1904.09675) matches every token with the most similar token of the
other text. It is computed as the package bert-score 0.3.13 does with idf and rescaling off: the
special tokens at both ends can be matched but have no weight of their own, RoBERTa's texts begin
with a blank, and a pair with an empty text scores 0. Only where nothing in the other text has a
positive similarity they differ: there the package may match padding, depending on the batch.

The right layer is another one for every model; that package's table (`bert_score.utils.
model2layers`) has 17 of 24 for roberta-large and 9 of 12 for bert-base-uncased.

BLEURT (Sellam et al., arXiv 2004.04696) is a model's own estimate, with the original answer as the
reference. The package bleurt-pytorch 0.0.1 has the model; it does not import with transformers 5.

What they need is an extra, so it is imported only when there is something to compute.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from sysgen_dagster.analysis.tables import LEARNED_SIMILARITY
from sysgen_dagster.catalog.operations import LearnedSimilarity

if TYPE_CHECKING:
    import torch

_BATCH_TOKENS = 8_192  # of one side, padding included: 16 texts of 512 tokens
_LONGEST_INPUT = 1_000_000  # a tokenizer that states no length states 1e30
_REPORTS = 10  # lines of progress a metric


def _say_nothing(line: str) -> None:
    """For callers who want no progress."""


def measure_learned_similarity(
    pairs: pl.DataFrame,
    settings: LearnedSimilarity,
    report: Callable[[str], None] = _say_nothing,
) -> pl.DataFrame:
    """`tables.LEARNED_SIMILARITY`: mean and deviation of both metrics, one row per source of each.

    On the CPU in fp32, so that every machine finds the same; on a GPU in bf16.

    Args:
        pairs: The answers to compare, all of them: ``source``, ``answer``, ``new_answer``.
        settings: The weights. A metric without them, or whose weights or packages do not load,
            has rows with ``computed`` false that say why.
        report: Is given a line now and then.
    """
    if pairs.is_empty():
        return pl.DataFrame(schema=LEARNED_SIMILARITY.schema)
    metrics = {"bertscore": _bertscore, "bleurt": _bleurt}
    tables = [_by_source(name, pairs, settings, score, report) for name, score in metrics.items()]
    return pl.concat(tables).sort("source", "metric")


class _NotComputedError(Exception):
    """Says why there is no figure, and what to do."""


@dataclass(frozen=True, slots=True)
class _Scored:
    values: list[float]
    how: str


_Metric = Callable[[pl.DataFrame, LearnedSimilarity, Callable[[str], None]], _Scored]


def _by_source(
    name: str,
    pairs: pl.DataFrame,
    settings: LearnedSimilarity,
    score: _Metric,
    report: Callable[[str], None],
) -> pl.DataFrame:
    values: list[float] | list[None]
    try:
        scored = score(pairs, settings, report)
        values, how = scored.values, scored.how
    except _NotComputedError as reason:
        values, how = [None] * pairs.height, str(reason)
        report(f"{name} is not computed: {how}")
    value = pl.col("score")
    return (
        pairs.select("source", pl.Series("score", values, pl.Float64))
        .group_by("source")
        .agg(rows=value.count(), mean=value.mean(), deviation=value.std())
        .with_columns(metric=pl.lit(name), computed=pl.col("rows") > 0, how=pl.lit(how))
        .select(LEARNED_SIMILARITY.names)
        .cast(pl.Schema(LEARNED_SIMILARITY.schema))
    )


def _bertscore(
    pairs: pl.DataFrame, settings: LearnedSimilarity, report: Callable[[str], None]
) -> _Scored:
    weights = _named(settings.bertscore_weights, "bertscore_weights")
    _import("torch", "bertscore")
    _import("transformers", "bertscore")
    import torch
    import transformers

    config = _load(transformers.AutoConfig, weights)
    layers = getattr(config, "num_hidden_layers", 0)
    layer = settings.bertscore_layer or layers
    if config.is_encoder_decoder or layer > layers:
        raise _NotComputedError(
            f"{weights} has {layers} layers and is {config.model_type}: name an encoder alone "
            "(BERT, RoBERTa, DeBERTa) and one of its layers"
        )
    tokenizer = _load(transformers.AutoTokenizer, weights)
    # Without the layers above, the last state is the one that is wanted.
    model = _load_model(transformers.AutoModel, weights, len(tokenizer), num_hidden_layers=layer)
    limit = _longest_input(tokenizer, model)
    prefix = " " if type(tokenizer).__name__.startswith(("Roberta", "GPT2")) else ""
    old, old_cut = _token_ids(tokenizer, pairs["answer"], prefix, limit)
    new, new_cut = _token_ids(tokenizer, pairs["new_answer"], prefix, limit)
    weightless = torch.tensor(
        [i for i in (tokenizer.cls_token_id, tokenizer.sep_token_id) if i is not None]
    )
    padding = tokenizer.pad_token_id or 0

    def f1(rows: list[int]) -> "torch.Tensor":
        return _f1(
            _states(model, [new[row] for row in rows], padding, weightless),
            _states(model, [old[row] for row in rows], padding, weightless),
        )

    lengths = [max(map(len, pair)) for pair in zip(old, new, strict=True)]
    values = _in_batches("bertscore", lengths, f1, model, report)
    cut = sum(map(max, zip(old_cut, new_cut, strict=True)))
    how = f"F1, {_origin(weights, model)}, layer {layer} of {layers}, idf no, rescaling no"
    return _Scored(values, f"{how}, {_circumstances(model, limit, cut, pairs.height)}")


def _bleurt(
    pairs: pl.DataFrame, settings: LearnedSimilarity, report: Callable[[str], None]
) -> _Scored:
    weights = _named(settings.bleurt_weights, "bleurt_weights")
    for package in ("torch", "transformers", "bleurt_pytorch"):
        _import(package, "bleurt")
    import bleurt_pytorch
    import torch

    tokenizer = _load(bleurt_pytorch.BleurtTokenizer, weights)
    classifier = bleurt_pytorch.BleurtForSequenceClassification
    model = _load_model(classifier, weights, len(tokenizer))
    limit = _longest_input(tokenizer, model)
    inputs = [
        _PairIds.of(tokenizer, answer, new_answer, limit)
        for answer, new_answer in pairs.select("answer", "new_answer").iter_rows()
    ]

    def estimates(rows: list[int]) -> "torch.Tensor":
        batch = [inputs[row] for row in rows]
        ids, mask = _padded([pair.ids for pair in batch], tokenizer.pad_token_id or 0)
        kinds, _ = _padded([pair.kinds for pair in batch], 0)
        device = model.device
        output = model(ids.to(device), mask.to(device), kinds.to(device))
        flat: torch.Tensor = output.logits.flatten()
        return flat

    values = _in_batches("bleurt", [len(pair.ids) for pair in inputs], estimates, model, report)
    cut = sum(pair.cut for pair in inputs)
    how = f"{_origin(weights, model)}, {model.config.num_hidden_layers} layers"
    return _Scored(values, f"{how}, {_circumstances(model, limit, cut, pairs.height)}")


def _named(weights: str | None, setting: str) -> str:
    if weights is None:
        raise _NotComputedError(f"no weights: name them in `learned_similarity.{setting}`")
    return weights


def _import(package: str, extra: str) -> None:
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise _NotComputedError(f"{package} cannot be imported: {error}") from error
        install = f"pip install 'sysgen-dagster[{extra}]'"
        raise _NotComputedError(f"{package} is not installed: {install}") from error
    except (ImportError, OSError) as error:
        hint = " (it needs transformers below 5)" if package == "bleurt_pytorch" else ""
        raise _NotComputedError(
            f"{package} cannot be imported{hint}: {_first_line(error)}"
        ) from error


def _load(kind: Any, weights: str, **options: Any) -> Any:
    """Something pretrained: of a folder, or of the Hub by name."""
    try:
        return kind.from_pretrained(weights, **options)
    except Exception as error:  # every format of files fails in its own way
        raise _NotComputedError(f"{weights} cannot be loaded: {_first_line(error)}") from error


def _load_model(kind: Any, weights: str, words: int, **changes: Any) -> Any:
    """A model that can take so many different tokens, ready to be asked."""
    import torch

    options = {"dtype": torch.float32, "output_loading_info": True, **changes}
    model, loading = _load(kind, weights, **options)
    # Without them the model would work with random numbers. BERTScore needs no pooler.
    unneeded = () if hasattr(model, "classifier") else ("pooler.",)
    lacking = sorted(name for name in loading["missing_keys"] if not name.startswith(unneeded))
    if lacking:
        raise _NotComputedError(f"{weights} lacks {len(lacking)} tensors, such as {lacking[0]}")
    if words > model.config.vocab_size:
        raise _NotComputedError(f"{weights} has a tokenizer of more tokens than its model knows")
    return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def _longest_input(tokenizer: Any, model: Any) -> int:
    """Tokens an input may have: what the tokenizer states or the model has positions for."""
    stated: int = tokenizer.model_max_length
    positions: int = getattr(model.config, "max_position_embeddings", 0)
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    # RoBERTa and its kin number the positions from behind that of padding.
    usable = positions if padding is None else positions - padding - 1
    longest = min(stated, usable) if usable > 0 else stated
    if longest > _LONGEST_INPUT:
        raise _NotComputedError(f"{model.config.model_type} does not state how much text it takes")
    return longest


def _token_ids(
    tokenizer: Any, texts: pl.Series, prefix: str, limit: int
) -> tuple[list[list[int]], list[bool]]:
    """The tokens of every text, and whether it was cut at the limit."""
    stripped = [prefix + text.strip() if text.strip() else "" for text in texts]
    ids: list[list[int]] = tokenizer(stripped, verbose=False)["input_ids"]
    cut = [len(tokens) > limit for tokens in ids]
    for row, is_cut in enumerate(cut):
        if is_cut:
            ids[row] = tokenizer(stripped[row], truncation=True, max_length=limit)["input_ids"]
    return ids, cut


@dataclass(frozen=True, slots=True)
class _PairIds:
    """The tokens of a reference and a candidate in one row, as BLEURT reads them."""

    ids: list[int]
    kinds: list[int]
    cut: bool

    @staticmethod
    def of(tokenizer: Any, reference: str, candidate: str, limit: int) -> "_PairIds":
        first, second = (
            tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
            for text in (reference, candidate)
        )
        most = limit - tokenizer.num_special_tokens_to_add(pair=True)
        # The longer one gives way, as in BLEURT's own code.
        of_second = min(len(second), max(most - len(first), most // 2))
        of_first = min(len(first), most - of_second)
        kept = first[:of_first], second[:of_second]
        return _PairIds(
            tokenizer.build_inputs_with_special_tokens(*kept),
            tokenizer.create_token_type_ids_from_sequences(*kept),
            len(first) + len(second) > most,
        )


def _in_batches(
    metric: str,
    lengths: Sequence[int],
    score: "Callable[[list[int]], torch.Tensor]",
    model: Any,
    report: Callable[[str], None],
) -> list[float]:
    """The score of every row, those of like length computed together."""
    import torch

    values = [0.0] * len(lengths)
    done = reported = 0
    on_gpu = model.device.type == "cuda"
    with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=on_gpu):
        for rows in _batches(lengths):
            for row, value in zip(rows, score(rows).float().tolist(), strict=True):
                values[row] = value
            done += len(rows)
            if done * _REPORTS // len(lengths) > reported:
                reported = done * _REPORTS // len(lengths)
                report(f"{metric}: {done:,} of {len(lengths):,} pairs")
    return values


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Row numbers, those of the longest rows first: what does not fit in memory fails at once."""
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    start = 0
    while start < len(order):
        end = start + max(1, _BATCH_TOKENS // max(1, lengths[order[start]]))
        yield order[start:end]
        start = end


def _padded(rows: list[list[int]], padding: int) -> "tuple[torch.Tensor, torch.Tensor]":
    """The rows made equally long, and a mask of what is theirs."""
    import torch

    longest = max(1, *map(len, rows))
    ids = torch.tensor([row + [padding] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask


@dataclass(frozen=True, slots=True)
class _States:
    """Texts side by side: unit vectors of their tokens, which are there, what each weighs."""

    vectors: "torch.Tensor"  # texts x tokens x width
    there: "torch.Tensor"  # texts x tokens
    weight: "torch.Tensor"  # texts x tokens


def _states(model: Any, rows: list[list[int]], padding: int, weightless: "torch.Tensor") -> _States:
    import torch

    ids, mask = (tensor.to(model.device) for tensor in _padded(rows, padding))
    last = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
    there = mask.bool()
    weight = there & ~torch.isin(ids, weightless.to(ids.device))
    return _States(torch.nn.functional.normalize(last, dim=-1), there, weight.float())


def _f1(new: _States, old: _States) -> "torch.Tensor":
    """BERTScore's F1 of each pair; 0 where one of the texts is empty."""
    import torch

    with torch.autocast(new.vectors.device.type, enabled=False):
        similarity = new.vectors @ old.vectors.transpose(1, 2)
    both = new.there.unsqueeze(2) & old.there.unsqueeze(1)
    similarity = similarity.masked_fill(~both, -1.0)  # no cosine is less
    precision = _weighted_mean(similarity.amax(2), new.weight)
    recall = _weighted_mean(similarity.amax(1), old.weight)
    f1 = 2 * precision * recall / (precision + recall)
    return torch.nan_to_num(f1, nan=0.0, posinf=0.0, neginf=0.0)


def _weighted_mean(values: "torch.Tensor", weight: "torch.Tensor") -> "torch.Tensor":
    return (values * weight).sum(1) / weight.sum(1).clamp(min=1)


def _origin(weights: str, model: Any) -> str:
    """The weights by name, with the commit where they come from the Hub."""
    commit = getattr(model.config, "_commit_hash", None)
    return f"{weights} at {commit}" if commit else weights


def _circumstances(model: Any, limit: int, cut: int, pairs: int) -> str:
    import torch
    import transformers

    device = model.device.type
    precision = "bf16" if device == "cuda" else "fp32"
    cuts = f"{cut / pairs:.1%} of the pairs cut at {limit:,} tokens"
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    return f"{precision} on {device}, {cuts}, {versions}"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
