# mypy: disable-error-code="import-not-found, import-untyped"
"""Pretrained models that score pairs of texts: loading them, scoring in batches, describing scores.

The part that BERTScore and BLEURT share. torch and transformers are optional, so they are imported
only where there is something to score.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch

_BATCH_TOKENS = 8_192  # tokens of one side of a batch with padding: 16 texts of 512 tokens
_LONGEST_INPUT = 1_000_000  # tokens; a tokenizer without a stated length states 1e30
_REPORTS = 10  # lines of progress per metric

Report = Callable[[str], object]


class NotComputedError(Exception):
    """Why a metric is not computed and what to do about it, for ``how`` of its rows."""


class Scores(NamedTuple):
    """The scores of all pairs in their order, and how they were computed."""

    values: list[float]
    how: str


def require_weights(weights: str | None, setting: str) -> str:
    """The weights that a setting names.

    Raises:
        NotComputedError: The setting is empty.
    """
    if weights is None:
        raise NotComputedError(f"no weights: name them in `learned_similarity.{setting}`")
    return weights


def require_packages(*packages: str, install: str) -> None:
    """Imports optional packages.

    Raises:
        NotComputedError: One does not import; the message ends with the command to ``install`` it.
    """
    for package in packages:
        try:
            importlib.import_module(package)
        except (ImportError, OSError) as error:
            missing = isinstance(error, ModuleNotFoundError) and error.name == package
            fault = "is not installed" if missing else f"cannot be imported: {_first_line(error)}"
            raise NotComputedError(f"{package} {fault}: {install}") from error


def load(kind: Any, weights: str, **options: Any) -> Any:
    """A pretrained configuration, tokenizer or model from a folder or, by its name, from the Hub.

    Raises:
        NotComputedError: The files do not load.
    """
    try:
        return kind.from_pretrained(weights, **options)
    except Exception as error:  # every file format raises errors of its own
        raise NotComputedError(f"{weights} cannot be loaded: {_first_line(error)}") from error


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready for inference, on the GPU if there is one, with its tokenizer."""

    weights: str
    tokenizer: Any
    model: Any
    limit: int  # tokens that an input may have

    def score_in_batches(
        self,
        metric: str,
        lengths: Sequence[int],
        score: "Callable[[list[int]], torch.Tensor]",
        report: Report,
    ) -> list[float]:
        """The score of every pair, in order.

        Args:
            metric: Its name, for progress.
            lengths: Tokens of each pair, by which pairs are put into batches.
            score: Given numbers of pairs, computes their scores.
            report: Receives lines of progress.
        """
        import torch

        values = [0.0] * len(lengths)
        done = reported = 0
        on_gpu = self.model.device.type == "cuda"
        with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=on_gpu):
            for batch in _batches(lengths):
                for pair, value in zip(batch, score(batch).float().tolist(), strict=True):
                    values[pair] = value
                done += len(batch)
                if done * _REPORTS // len(lengths) > reported:
                    reported = done * _REPORTS // len(lengths)
                    report(f"{metric}: {done:,} of {len(lengths):,} pairs")
        return values

    def describe(self, layers: str, cut: Sequence[bool]) -> str:
        """Weights with their commit on the Hub, layers, precision, share of pairs cut, versions."""
        import torch
        import transformers

        commit = getattr(self.model.config, "_commit_hash", None)
        origin = f"{self.weights} at {commit}" if commit else self.weights
        device = self.model.device.type
        precision = "bf16" if device == "cuda" else "fp32"
        cuts = f"{sum(cut) / len(cut):.1%} of the pairs cut at {self.limit:,} tokens"
        versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
        return f"{origin}, {layers}, {precision} on {device}, {cuts}, {versions}"


def load_model(tokenizer_kind: Any, model_kind: Any, weights: str, **changes: Any) -> LoadedModel:
    """A model in fp32 with its tokenizer, with ``changes`` to its configuration.

    Raises:
        NotComputedError: They do not load or do not fit each other.
    """
    import torch

    tokenizer = load(tokenizer_kind, weights)
    options = {"dtype": torch.float32, "output_loading_info": True, **changes}
    model, loading = load(model_kind, weights, **options)
    # Tensors that are not in the files are initialized at random. BERTScore uses no pooler.
    unused = () if hasattr(model, "classifier") else ("pooler.",)
    missing = sorted(name for name in loading["missing_keys"] if not name.startswith(unused))
    if missing:
        raise NotComputedError(f"{weights} lacks {len(missing)} tensors, such as {missing[0]}")
    if len(tokenizer) > model.config.vocab_size:
        raise NotComputedError(f"{weights} has a tokenizer of more tokens than its model knows")
    limit = _longest_input(tokenizer, model)
    model = model.eval().to("cuda" if torch.cuda.is_available() else "cpu")
    return LoadedModel(weights, tokenizer, model, limit)


def pad(rows: list[list[int]], padding: int) -> "tuple[torch.Tensor, torch.Tensor]":
    """Rows of token ids padded to equal length, and a mask that is 0 for padding."""
    import torch

    longest = max(1, *map(len, rows))
    ids = torch.tensor([row + [padding] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask


def _longest_input(tokenizer: Any, model: Any) -> int:
    """The smaller of the length that the tokenizer states and the positions that the model has."""
    stated: int = tokenizer.model_max_length
    positions: int = getattr(model.config, "max_position_embeddings", 0)
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    # RoBERTa and models derived from it number positions from padding_idx + 1 on.
    usable = positions if padding is None else positions - padding - 1
    longest = min(stated, usable) if usable > 0 else stated
    if longest > _LONGEST_INPUT:
        raise NotComputedError(f"{model.config.model_type} does not state how much text it takes")
    return longest


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Numbers of pairs of similar length, the longest first: a lack of memory shows at once."""
    order = sorted(range(len(lengths)), key=lambda pair: -lengths[pair])
    start = 0
    while start < len(order):
        end = start + max(1, _BATCH_TOKENS // max(1, lengths[order[start]]))
        yield order[start:end]
        start = end


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
