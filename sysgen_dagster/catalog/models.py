"""Models: which servers answer for one, and what its tokens cost."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, model_validator

from sysgen_dagster.catalog.entries import (
    SECRET,
    BaseUrl,
    Entry,
    EnvironmentName,
    NamedEntry,
    Revision,
)

# Of prompt and answer together, for a server that is started here; a model's entry may change it.
CONTEXT_TOKENS = 8192


class Engine(StrEnum):
    """How a model is served."""

    VLLM = "vllm"  # `vllm serve` on this machine, started when it is first needed
    ENDPOINT = "endpoint"  # a server that already runs
    SIMULATED = "simulated"  # no model: plausible answers for trying the pipeline


class Rates(Entry):
    """How many tokens one GPU takes in and writes in a second when it is busy, for forecasts."""

    prompt_tokens_per_gpu_s: PositiveFloat
    completion_tokens_per_gpu_s: PositiveFloat
    source: str = Field(min_length=1)  # which GPU, and who measured it


class Price(Entry):
    """What an endpoint takes for a million tokens, for forecasts."""

    currency: str = Field(min_length=1)
    per_million_prompt: NonNegativeFloat
    per_million_cached: NonNegativeFloat | None = None  # has no effect; catalogues of 0.1 name it
    per_million_completion: NonNegativeFloat
    source: str = Field(min_length=1)  # whose price list, of which day


class Model(NamedEntry):
    """One model, and how it is served."""

    served_name: str
    revision: Revision | None = None
    license: str
    engine: Engine
    weights: str | None = None  # name on the Hub or a folder, where it is not the served name
    vllm: Mapping[str, str | int | float | bool] = {}  # flags of `vllm serve`; false leaves one out
    gpus: tuple[NonNegativeInt, ...] = Field((0,), min_length=1)  # one `vllm serve` on each
    base_urls: tuple[BaseUrl, ...] = ()  # of an endpoint, each ending in /v1
    api_key_env: EnvironmentName | None = None  # the variable that holds the key
    has_system_role: bool | None = None  # whether its chat template takes one; null: found out
    # What the server calls the limit of tokens out; OpenAI's newer models want the second.
    limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    attempt_s: PositiveFloat = 600.0  # how long one attempt at a request may take
    simulated_profile: str = "phi-4"
    rates: Rates | None = None  # without them a forecast has no GPU-hours
    price: Price | None = None  # and without this no money

    @model_validator(mode="after")
    def _endpoint_has_a_url(self) -> Self:
        if self.engine is Engine.ENDPOINT and not self.base_urls:
            raise ValueError("engine `endpoint` needs `base_urls`, e.g. [http://127.0.0.1:8000/v1]")
        return self

    @model_validator(mode="after")
    def _shows_no_secret_on_a_command_line(self) -> Self:
        if secret := sorted(flag for flag in self.vllm if SECRET.search(flag)):
            raise ValueError(
                f"`vllm` must not hold {secret}: a command line is seen by every user of the "
                "machine. Servers started here need no key, since they listen on this machine "
                "only, and vLLM reads HF_TOKEN from the environment"
            )
        return self
