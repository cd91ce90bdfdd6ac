"""The catalogue: which sources are read and which models write, as checked pydantic models.

One YAML file holds what differs by source or by model; `load_catalog` is the only reader. The
full catalogue ships with the package (`catalog.yaml`); ``SYSGEN_CATALOG`` names another.
"""

import os
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

FULL_CATALOG = Path(__file__).with_name("catalog.yaml")


class CatalogError(ValueError):
    """The catalogue cannot be used; the message names the file, the entry, the field, the fix."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _matches(pattern: str, wanted: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"must be {wanted}, is {value!r}")
        return value

    return AfterValidator(check)


def _url_without_secrets(value: str) -> str:
    """A URL that may be shown: its faults do not repeat it, since it may hold a key."""
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        raise ValueError("must be a URL such as http://HOST:PORT/v1")
    if re.search(r"[@?#]", value):
        raise ValueError(
            "must be a URL without user, password or query: URLs are shown and logged. Put the key "
            "into an environment variable and its name into `api_key_env`"
        )
    return value


# Names become partition keys, file names and asset keys.
Name = Annotated[str, _matches(r"[a-z0-9][a-z0-9._-]*", "lower-case letters, digits and . _ -")]
SourceName = Annotated[str, _matches(r"[a-z][a-z0-9_]*", "lower-case letters, digits and _")]
Revision = Annotated[str, _matches(r"[0-9a-f]{40}", "a commit of 40 hex digits, not a branch")]
Sha256 = Annotated[str, _matches(r"[0-9a-f]{64}", "64 hex digits")]
EnvironmentName = Annotated[str, _matches(r"[A-Z][A-Z0-9_]*", "the NAME of a variable")]
BaseUrl = Annotated[str, AfterValidator(_url_without_secrets)]
Share = Annotated[float, Field(ge=0, le=1)]
# Names of what holds secrets; a fault there does not repeat what it found.
_SECRET = re.compile(r"api[_-]?key|token$|secret|passw|credential|base_urls", re.IGNORECASE)
# The paper's eight; `sysgen.tags` says what they are.
_TAGS = ("Role", "Content", "Task", "Action", "Style", "Background", "Tool", "Format")


class InputOutput(_Entry):
    """A column that lists exchanges as ``{input, output}`` (Capybara)."""

    kind: Literal["input_output"]
    column: str


class ShareGpt(_Entry):
    """A column that lists turns as ``{from, value}`` (Airoboros)."""

    kind: Literal["sharegpt"]
    column: str


class Messages(_Entry):
    """A column that lists turns as ``{role, content}`` (the chat format of most trainers)."""

    kind: Literal["messages"]
    column: str


class QuestionAnswer(_Entry):
    """Two text columns (Orca-Math, Magicoder, MetaMath)."""

    kind: Literal["question_answer"]
    question: str
    answer: str


Shape = Annotated[InputOutput | ShareGpt | Messages | QuestionAnswer, Field(discriminator="kind")]


class Exchanges(StrEnum):
    """Which exchanges of an upstream row become conversations of their own."""

    EACH = "each"  # every turn, the earlier ones as its history
    FIRST = "first"
    LAST = "last"  # the last answered turn, all earlier ones as its history


# The fields of a shape's records; a shape that is not here reads columns of text.
_RECORD_FIELDS = {
    "input_output": {"input", "output"},
    "sharegpt": {"from", "value"},
    "messages": {"role", "content"},
}


class HubFile(_Entry):
    """One named file of a Hub data set at one commit."""

    repo: str
    file: str | None
    revision: Revision | None
    sha256: Sha256 | None = None


class Source(_Entry):
    """One source data set."""

    title: str
    license: str
    hub: HubFile | None = None
    path: Path | None = None  # a local file instead of the Hub
    rows: PositiveInt | None = None  # upstream rows, checked where known
    conversations: PositiveInt | None = None  # the paper's Table 9
    shards: PositiveInt
    same_question: str | None = None  # column; rows equal in it stay on one side of the splits
    columns: Mapping[str, Literal["string"] | list[str]]
    shape: Shape
    exchanges: Exchanges = Exchanges.LAST
    show_original_system_message: bool = False  # to the model of Phase 1

    @model_validator(mode="after")
    def _has_one_place_and_its_columns(self) -> Self:
        if (self.hub is None) == (self.path is None):
            raise ValueError("give either `hub` or `path`")
        used = {value for key, value in self.shape.model_dump().items() if key != "kind"}
        if self.same_question not in {None, *self.columns}:
            raise ValueError(f"`same_question` is {self.same_question!r}, which `columns` lacks")
        if missing := sorted(used - self.columns.keys()):
            raise ValueError(f"`shape` uses {missing}, which `columns` does not list")
        fields = _RECORD_FIELDS.get(self.shape.kind)
        for column in used:
            declared = self.columns[column]
            has = set(declared) if isinstance(declared, list) else None
            if (fields is None) != (has is None) or (fields or set()) - (has or set()):
                wanted = f"a list with {sorted(fields)}" if fields else "string"
                raise ValueError(f"shape {self.shape.kind} needs column {column!r} to be {wanted}")
        return self


class PaperCounts(_Entry):
    """What the paper reports for a model, in conversations."""

    started: PositiveInt
    filtered: PositiveInt  # kept after Phase 2
    aligned: PositiveInt  # kept after Phase 4
    tags: Mapping[str, NonNegativeInt]

    @model_validator(mode="after")
    def _counts_the_eight_tags(self) -> Self:
        if self.tags.keys() != set(_TAGS):
            raise ValueError(f"`tags` must count {', '.join(_TAGS)}; it has {', '.join(self.tags)}")
        return self


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("the lower bound comes first")
    return bounds


Shares = Annotated[tuple[Share, Share], AfterValidator(_ordered)]


class Bounds(_Entry):
    """What the checks expect of a model."""

    filtered: Shares  # share of the conversations kept after Phase 2
    aligned: Shares  # and after Phase 4
    tag_share_within: Share  # largest distance of a tag's share from the paper's


class Engine(StrEnum):
    """How a model is served."""

    VLLM = "vllm"  # `vllm serve` on this machine, started when it is first needed
    ENDPOINT = "endpoint"  # a server that already runs
    SIMULATED = "simulated"  # no model: plausible answers for trying the pipeline


class Rates(_Entry):
    """How many tokens one GPU takes in and writes in a second when it is busy, for forecasts."""

    prompt_tokens_per_gpu_s: PositiveFloat  # without those that the prefix cache gives
    completion_tokens_per_gpu_s: PositiveFloat
    source: str = Field(min_length=1)  # which GPU, and who measured it


class Price(_Entry):
    """What an endpoint takes for a million tokens, for forecasts."""

    currency: str = Field(min_length=1)
    per_million_prompt: NonNegativeFloat
    per_million_cached: NonNegativeFloat  # of the prompt, from the endpoint's prefix cache
    per_million_completion: NonNegativeFloat
    source: str = Field(min_length=1)  # whose price list, of which day


class Model(_Entry):
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
        if secret := sorted(flag for flag in self.vllm if _SECRET.search(flag)):
            raise ValueError(
                f"`vllm` must not hold {secret}: a command line is seen by every user of the "
                "machine. Servers started here need no key, since they listen on this machine "
                "only, and vLLM reads HF_TOKEN from the environment"
            )
        return self


class Generator(Model):
    """One model that writes system messages, verifies them and answers."""

    bounds: Bounds
    paper: PaperCounts | None = None


class Benchmark(_Entry):
    """Items that training data should not hold: a named file, and where in it their text is."""

    title: str
    license: str
    hub: HubFile | None = None
    path: Path | None = None
    text: list[str] = Field(min_length=1)  # columns, joined by a blank

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if (self.hub is None) == (self.path is None):
            raise ValueError("give either `hub` or `path`")
        return self


class Variant(StrEnum):
    """What a training row is made of; the paper's sets and its ablations (sections 4 and 5)."""

    SYSGEN = "sysgen"  # S, Q, A'
    ORIGINAL_ANSWER = "original_answer"  # S, Q, A
    COMMON_SYSTEM_MESSAGE = "common_system_message"  # one message for all, Q, A
    NO_SYSTEM_MESSAGE = "no_system_message"  # Q, A
    USER_ROLE = "user_role"  # S at the start of the user turn, Q, A'


class Rejected(StrEnum):
    """Which answer a preference pair rejects; the new answer is the chosen one."""

    ORIGINAL_ANSWER = "original_answer"  # A, which knows nothing of S
    OTHER_SYSTEM_MESSAGE = "other_system_message"  # another model's A', written under its own S


class Training(_Entry):
    """How training rows are made of the aligned ones."""

    common_system_message: str = "You are a helpful AI assistant."  # as in the paper's ablation
    # Whether the variants without S hold only the conversations that the others hold too.
    same_conversations: bool = True
    validation: Share = 0.01
    test: Share = 0.01
    seed: NonNegativeInt = 0  # of the splits

    @model_validator(mode="after")
    def _leaves_rows_to_train_on(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("`validation` and `test` together must leave rows to train on")
        return self


Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Recipe(_Entry):
    """A named mixture of training rows or, with `rejected`, of preference pairs."""

    variant: Variant = Variant.SYSGEN
    rejected: tuple[Rejected, ...] = ()
    sources: tuple[SourceName, ...] = ()  # empty: all
    models: tuple[Name, ...] = ()  # empty: all
    rows: PositiveInt | None = None  # of the train split, at most, in all
    rows_of: Mapping[SourceName, PositiveInt] = {}  # of the train split, at most, of a source
    weights: Mapping[SourceName, Weight] = {}  # with `rows`: relative sizes; else 1
    least_tags: NonNegativeInt = 0  # different tags a message must hold
    leave_out: tuple[str, ...] = ()  # rows with one of these flags
    seed: NonNegativeInt = 0  # of the sample

    @model_validator(mode="after")
    def _weighs_a_number_of_rows(self) -> Self:
        if self.weights and self.rows is None:
            raise ValueError("`weights` divide `rows` among the sources: give `rows`")
        return self


class Judging(_Entry):
    """How a judge looks at samples of what was made, the same number of rows of each source."""

    judge: Name | None = None  # of `judges` or `models`; null: every model judges itself
    # Of each source; 0: nothing is judged.
    preference_rows: NonNegativeInt = 200  # the paper's 1,000 over five
    alignment_rows: NonNegativeInt = 20  # as in the paper
    seed: NonNegativeInt = 0  # of the samples


class Filling(_Entry):
    """How the schedule fills the gaps of the phases."""

    cron: str = "*/30 * * * *"
    partitions_a_tick: PositiveInt = 4  # at most in flight
    most_failures: PositiveInt = 2  # of a partition, then it is left alone
    # Whether what was made from conversations that have changed since is made again; else it is
    # named.
    refill_changed: bool = False


class Alerts(_Entry):
    """When the sensor `alerts` sends a message to the webhook."""

    silent_minutes: PositiveInt = 60  # a run without an event for so long is stuck
    waiting_minutes: PositiveInt = 30  # and one that does not start, with nothing before it
    # After a message, further failures of the same step or contract go together into the next.
    again_minutes: PositiveInt = 15
    warnings_again_minutes: PositiveInt = 720


class LearnedSimilarity(_Entry):
    """The metrics that need a model of their own; without weights they are not computed."""

    bertscore_weights: str | None = None  # name on the Hub or a folder
    bertscore_layer: PositiveInt | None = None  # whose states are compared; null: the last
    bleurt_weights: str | None = None  # a folder of a BLEURT checkpoint for PyTorch
    rows: PositiveInt = 2_000  # a source
    seed: NonNegativeInt = 0  # of the sample


class DropRule(StrEnum):
    """When Phase 2 drops a whole message; the paper does not say (its losses suggest the first)."""

    MALFORMED_BOUNDARY = "malformed_boundary"  # any of the eight tags opened or closed wrongly
    NO_PHRASE_LEFT = "no_phrase_left"


class UnreadableVerdict(StrEnum):
    """What Phase 3 does with a phrase whose verdict is missing or cannot be read."""

    REMOVE = "remove"  # only Good stays
    KEEP = "keep"


class Method(_Entry):
    """Settings of the method: what the paper leaves open, then what goes beyond it."""

    drop_rule: DropRule
    unreadable_verdict: UnreadableVerdict
    samples: PositiveInt = 1  # tagged messages written for a conversation; the judge picks one
    repair: bool = False  # a malformed tagged message is asked for once more, under a grammar
    constrain_verdicts: bool = False  # so that none is unreadable; needs vLLM
    verdict_confidence: bool = False  # the probability of each verdict, from the token's logprobs


class Catalog(_Entry):
    """Sources, models and method settings of one deployment."""

    method: Method
    sources: Mapping[SourceName, Source] = Field(min_length=1)
    models: Mapping[Name, Generator] = Field(min_length=1)
    judges: Mapping[Name, Model] = {}  # beside the models
    judging: Judging = Judging()
    benchmarks: Mapping[SourceName, Benchmark] = {}
    learned_similarity: LearnedSimilarity = LearnedSimilarity()
    training: Training = Training()
    mixtures: Mapping[Name, Recipe] = {}
    filling: Filling = Filling()
    alerts: Alerts = Alerts()

    @model_validator(mode="after")
    def _judge_is_there(self) -> Self:
        if both := sorted(self.judges.keys() & self.models.keys()):
            raise ValueError(f"`judges` repeats {both} of `models`: give it another name")
        if self.judging.judge not in {None, *self.served}:
            known = ", ".join(self.served)
            raise ValueError(f"`judging.judge` is {self.judging.judge!r}, which is none of {known}")
        return self

    @model_validator(mode="after")
    def _mixtures_name_what_is_there(self) -> Self:
        for name, recipe in self.mixtures.items():
            named = {*recipe.sources, *recipe.rows_of, *recipe.weights}
            if unknown := sorted(
                (named - self.sources.keys()) | (set(recipe.models) - self.models.keys())
            ):
                raise ValueError(
                    f"mixture {name} names {unknown}, which the catalogue does not have"
                )
        return self

    @property
    def served(self) -> Mapping[str, Model]:
        """Every model that may be asked: those that write, and the judges beside them."""
        return {**self.models, **self.judges}

    def judge_of(self, model: str) -> str:
        """Who judges what a model wrote."""
        return self.judging.judge or model

    def shards(self, source: str) -> list[str]:
        """Shard keys of one source, in the order of its rows, such as ``capybara-003``."""
        return [f"{source}-{index:03d}" for index in range(self.sources[source].shards)]

    def locate(self, shard: str) -> tuple[str, int]:
        """The source's name and the position of a shard key among its shards."""
        source, _, index = shard.rpartition("-")
        return source, int(index)


def load_catalog(path: Path | None = None) -> Catalog:
    """The catalogue at `path`, else at ``SYSGEN_CATALOG``, else the full one.

    Raises:
        CatalogError: The file is missing, is not YAML, or an entry is wrong.
    """
    file = path or Path(os.environ.get("SYSGEN_CATALOG") or FULL_CATALOG)
    try:
        catalog = Catalog.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise CatalogError(
            f"catalogue {file} cannot be read ({error.strerror}): correct SYSGEN_CATALOG, or unset "
            "it for the full catalogue"
        ) from error
    except UnicodeDecodeError as error:
        raise CatalogError(f"catalogue {file} is not UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        raise CatalogError(f"catalogue {file} is not YAML: {_place_of(error)}") from None
    except ValidationError as error:
        raise CatalogError(_explain(file, error)) from None  # a traceback would show the values
    return catalog


def load_catalog_of(data: str) -> Catalog:
    """The catalogue of a deployment, which this process's definitions read from now on, too.

    That is SYSGEN_CATALOG, else the one among its data, as with `make dev`, else the full one.

    Raises:
        CatalogError: It cannot be used.
    """
    beside = Path(data).absolute() / "catalog.yaml"
    if not os.environ.get("SYSGEN_CATALOG") and beside.is_file():
        os.environ["SYSGEN_CATALOG"] = str(beside)
    return load_catalog()


def _explain(file: Path, error: ValidationError) -> str:
    """One line a fault: entry and field, what is wrong, what was found."""
    lines = [f"catalogue {file} has {error.error_count()} wrong entries; correct:"]
    for fault in error.errors(include_url=False):
        place = ".".join(str(part) for part in fault["loc"]) or "the file"
        lines.append(f"  {place}: {_said_of(fault)}")
    return "\n".join(lines)


def _place_of(error: yaml.YAMLError) -> str:
    """What is wrong and where, without the line itself, which may hold a secret."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return type(error).__name__
    mark = error.problem_mark
    return f"{error.problem}, line {mark.line + 1}, column {mark.column + 1}"


def _said_of(fault: ErrorDetails) -> str:
    """What is wrong and what was found, unless that may hold a secret: this reaches logs."""
    if "api_key_env" in fault["loc"]:  # its message repeats what was found
        return "must be the NAME of a variable"
    is_secret = any(_SECRET.search(str(part)) for part in fault["loc"])
    if is_secret or isinstance(fault["input"], Mapping):
        return fault["msg"]
    return f"{fault['msg']} (found: {str(fault['input'])[:80]})"
