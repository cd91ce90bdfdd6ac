"""Models: how each is served, and what its tokens cost."""

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

import polars as pl
from pydantic import Field

from sysgen_dagster.catalog.entries import (
    SECRET,
    UNKNOWN,
    Amount,
    AtLeastOne,
    BaseUrl,
    Count,
    Entry,
    EnvironmentName,
    MoreThanZero,
    Name,
    NamedEntry,
    Revision,
    Share,
    Switch,
)
from sysgen_dagster.catalog.rules import rule

Numbers = TypeVar("Numbers", float, pl.Expr)
# Tokens of prompt and answer together that a server started by us takes; the flag
# `max-model-len` under `vllm` in a model's entry changes it.
CONTEXT_TOKENS = 8192
# Flags of `vllm serve` that spread one server over several GPUs.
PARALLEL_SIZES = ("tensor-parallel-size", "pipeline-parallel-size", "data-parallel-size")

Flags = Mapping[str, str | int | float | bool]
# Flags of the two engines that say which chat template is used.
_TEMPLATES = frozenset({"chat-template", "chat-template-file"})


class Engine(StrEnum):
    """How a model is served."""

    VLLM = "vllm"  # `vllm serve` on this machine, started at the first request
    LLAMA_CPP = "llama_cpp"  # `llama-server` on this machine, for a GGUF file; started likewise
    ENDPOINT = "endpoint"  # a server that already runs
    SIMULATED = "simulated"  # no model; made-up answers, for trying the pipeline


Temperature = Annotated[Amount, Field(le=2)]  # as far as servers take it
TopP = Annotated[MoreThanZero, Field(le=1)]
RepetitionPenalty = Annotated[MoreThanZero, Field(le=2)]
# Fields of a request that a server may refuse and that can be left out.
SamplingField = Literal["seed", "temperature", "top_p", "top_k", "min_p", "repetition_penalty"]
# What the pipeline itself decides, or what would give a reply that it does not read. A penalty for
# repetition may stand there, and wins: it was the only place for it before it had a setting.
_OWN_FIELDS = frozenset(
    {
        *("model", "messages", "seed", "temperature", "top_p", "top_k", "min_p"),
        *("max_tokens", "max_completion_tokens", "chat_template_kwargs"),
        *("stream", "stream_options", "n", "best_of", "logprobs", "top_logprobs"),
        *("structured_outputs", "grammar", "response_format", "tools", "functions"),
    }
)


class PhaseSettings(Entry):
    """How one phase or judgement is asked of a model, where it differs from the method's way."""

    temperature: Temperature | None = None
    top_p: TopP | None = None
    repetition_penalty: RepetitionPenalty | None = None
    max_tokens: AtLeastOne | None = None  # of the text, without what is thought before it


class RequestSettings(Entry):
    """What is sent to a model with every request, beside the messages."""

    temperature: Temperature | None = None  # null: the phase's own
    top_p: TopP | None = None  # null: the phase's own, which is 1 in all of them
    repetition_penalty: RepetitionPenalty | None = None  # null: the phase's own, likewise 1
    top_k: AtLeastOne | None = None  # null: all tokens
    min_p: Share = 0.0
    # How far a model may think before its text. Null: not at all, or 4,096 tokens where the first
    # request to its server shows that it thinks.
    reasoning_tokens: Count | None = None
    # Values of the chat template, such as {enable_thinking: false}, and further fields, such as
    # {reasoning_effort: low}, as the server documents them.
    chat_template_kwargs: Mapping[str, Any] = {}
    extra_body: Mapping[str, Any] = {}
    leave_out: tuple[SamplingField, ...] = ()  # fields that the server refuses
    phases: Mapping[str, PhaseSettings] = {}  # by the name of the table that the phase fills

    @rule("extra_body")
    def _refuse_fields_of_ours(self) -> str | None:
        if own := sorted(_OWN_FIELDS & self.extra_body.keys()):
            return f"`extra_body` must not hold {own}: the pipeline sets them itself"
        return None

    @rule("extra_body")
    def _refuse_secrets_that_are_stored(self) -> str | None:
        if secret := sorted(field for field in self.extra_body if SECRET.search(field)):
            return (
                f"`extra_body` must not hold {secret}: what is sent is stored with every row. Name "
                "the variable that holds the key in `api_key_env`"
            )
        return None


class Precision(StrEnum):
    """In which numbers `vllm serve` computes with the weights."""

    BF16 = "bf16"
    FP8 = "fp8"  # weights in 8 bits: made from 16 bits while they are loaded, or stored so
    FP8_KV = "fp8_kv"  # also the cache of keys and values, which holds twice as many requests then
    MXFP4 = "mxfp4"  # weights in 4 bits, as gpt-oss is published


class Rates(Entry):
    """How many tokens per second one busy GPU reads and writes, for forecasts."""

    prompt_tokens_per_gpu_s: MoreThanZero
    completion_tokens_per_gpu_s: MoreThanZero
    source: str = Field(min_length=1)  # which GPU, who measured it

    def hours(self, prompt: Numbers, completion: Numbers) -> Numbers:
        """How many hours a GPU is busy with so many tokens."""
        seconds = prompt / self.prompt_tokens_per_gpu_s
        return (seconds + completion / self.completion_tokens_per_gpu_s) / 3600


class Price(Entry):
    """What an endpoint charges for a million tokens, for forecasts."""

    currency: str = Field(min_length=1)
    per_million_prompt: Amount
    per_million_cached: Amount | None = None  # in catalogues of version 0.1; not used
    per_million_completion: Amount
    source: str = Field(min_length=1)  # whose price list, of which day

    def money(self, prompt: Numbers, completion: Numbers) -> Numbers:
        """What so many tokens cost, in the currency."""
        return (prompt * self.per_million_prompt + completion * self.per_million_completion) / 1e6


def _engine_of(given: dict[str, Any]) -> Engine:
    if given["base_urls"]:
        return Engine.ENDPOINT
    is_gguf = (given["weights"] or "").lower().endswith(".gguf")
    return Engine.LLAMA_CPP if is_gguf else Engine.VLLM


class Model(NamedEntry):
    """One model, and how it is served."""

    served_name: str = Field(default_factory=lambda given: str(given["name"]))
    revision: Revision | None = None
    license: str = UNKNOWN
    # Name on the Hub or folder, where it differs from the served name; for `llama_cpp` a GGUF file,
    # a folder that holds one, or ORG/REPO:QUANTISATION on the Hub.
    weights: str | None = None
    # Whose trained student it is, in place of published weights; and after which of its epochs,
    # where it is not the one that the training names.
    training: Name | None = None
    epoch: AtLeastOne | None = None
    vllm: Flags = {}  # flags of `vllm serve`; false omits one
    llama_cpp: Flags = {}  # flags of `llama-server`; false omits one
    precision: Precision | None = None  # null: as the weights are stored
    # A server runs on each; of `vllm` on so many together as its parallel sizes need.
    gpus: tuple[Count, ...] = Field((0,), min_length=1)
    base_urls: tuple[BaseUrl, ...] = ()  # of an endpoint: where its API begins
    # Left out: `endpoint` with `base_urls`, `llama_cpp` with `weights` of .gguf, else `vllm`.
    engine: Engine = Field(default_factory=_engine_of)
    api_key_env: EnvironmentName | None = None  # the variable that holds the key
    has_system_role: Switch | None = None  # whether its chat template has one; null: try it
    # The server's name for the limit of completion tokens; OpenAI's newer models need the second.
    limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    request: RequestSettings = RequestSettings()
    # Time limit of one attempt at a request, in seconds; at most a day.
    attempt_s: Annotated[MoreThanZero, Field(le=86_400)] = 600.0
    simulated_profile: str = "phi-4"
    rates: Rates | None = None  # a forecast has GPU-hours only with these
    price: Price | None = None  # and an amount of money only with this

    @rule("engine", "base_urls")
    def _require_url_of_endpoint(self) -> str | None:
        if self.engine is Engine.ENDPOINT and not self.base_urls:
            return "engine `endpoint` needs `base_urls`, e.g. [http://127.0.0.1:8000/v1]"
        return None

    @rule("training", "epoch", "weights", "revision")
    def _require_weights_of_one_kind(self) -> str | None:
        if self.training is None and self.epoch is not None:
            return f"`epoch` {self.epoch} is one of a training: name it in `training`"
        published = [field for field in ("weights", "revision") if getattr(self, field)]
        if self.training is None or not published:
            return None
        return (
            f"`training` {self.training} says which weights are served: leave `{published[0]}` out"
        )

    @rule("training", "vllm", "llama_cpp")
    def _require_the_template_of_the_training(self) -> str | None:
        flags = [flag.replace("_", "-") for flag in (*self.vllm, *self.llama_cpp)]
        own = sorted(set(flags) & _TEMPLATES)
        if self.training is None or not own:
            return None
        return (
            f"`{own[0]}` would show the student other prompts than it was trained on: leave it "
            "out, or give its entry in `students` the `chat_template` and train it with that"
        )

    @rule("vllm")
    def _refuse_secrets_of_vllm(self) -> str | None:
        return _refuse_secrets_on_a_command_line("vllm", self.vllm)

    @rule("llama_cpp")
    def _refuse_secrets_of_llama_cpp(self) -> str | None:
        return _refuse_secrets_on_a_command_line("llama_cpp", self.llama_cpp)

    @rule("vllm")
    def _require_whole_parallel_sizes(self) -> str | None:
        for flag, value in self.vllm.items():
            if _is_size(flag) and value is not False and not _is_whole(value):
                return f"`vllm.{flag}` is {value!r}: give a whole number from 1"
        return None

    @rule("gpus", "vllm")
    def _require_gpus_for_each_server(self) -> str | None:
        if self._require_whole_parallel_sizes():
            return None
        size = self.gpus_per_server
        if size > 1 and (len(self.gpus) % size or len(set(self.gpus)) < len(self.gpus)):
            return (
                f"the parallel sizes under `vllm` ask for {size} GPUs a server, and `gpus` names "
                f"{list(self.gpus)}: name {size} different ones for each server, e.g. "
                f"{list(range(size))}"
            )
        return None

    def is_same_as(self, other: "Model") -> bool:
        """Whether the other entry is the same model, which can be in the catalogue twice."""
        same = ("served_name", "revision", "weights", "training", "epoch")
        return all(getattr(self, field) == getattr(other, field) for field in same)

    @property
    def gpus_per_server(self) -> int:
        """How many GPUs one `vllm serve` of this model works on: the product of its sizes."""
        sizes = {flag.replace("_", "-"): value for flag, value in self.vllm.items()}
        return math.prod(int(sizes.get(name) or 1) for name in PARALLEL_SIZES)


def _is_size(flag: str) -> bool:
    return flag.replace("_", "-") in PARALLEL_SIZES


def _is_whole(value: object) -> bool:
    return type(value) is int and value > 0


def _refuse_secrets_on_a_command_line(field: str, flags: Flags) -> str | None:
    if secret := sorted(flag for flag in flags if SECRET.search(flag)):
        return (
            f"`{field}` must not hold {secret}: a command line is seen by every user of the "
            "machine. Servers started here need no key, since they listen on this machine only, "
            "and they read HF_TOKEN from the environment"
        )
    return None
