"""Counts tokens as a model's own tokenizer and chat template make them; no engine is started.

An endpoint that runs is asked itself, where it has vLLM's ``/tokenize``. Else the tokenizer is
taken from where the weights are, a folder or the Hub at the catalogue's commit, and the chat
template is rendered as vLLM has it rendered: in Jinja's sandbox, with the special tokens by name.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sysgen_dagster.catalog.models import CONTEXT_TOKENS, Engine, Model
from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.chat.tokens import estimate_tokens
from sysgen_dagster.inference.chat_api import Endpoint, EngineError, fold_system_message, tokens_url
from sysgen_dagster.inference.engines import Engines

_TOKENIZER, _SETTINGS, _TEMPLATE = "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"
_WITHIN_S = 60.0
_AT_ONCE = 16


class TokenCountError(EngineError):
    """The tokens of a model cannot be counted; the message names it and what would help."""


@dataclass(frozen=True, slots=True)
class SimulatedCounter:
    """As the simulated models count: by characters, message by message."""

    how: str = "the simulated model's rule of four characters a token"
    context_tokens: int | None = CONTEXT_TOKENS

    def prompts(self, prompts: Iterable[Sequence[ChatMessage]]) -> tuple[list[int], int]:
        """The tokens of each prompt, and those of the system message where all have the same."""
        counts, beginnings = [], set()
        for messages in prompts:
            counts.append(sum(estimate_tokens(message["content"]) for message in messages))
            first = messages[0]
            beginnings.add(first["content"] if first["role"] == Role.SYSTEM else None)
        shared = beginnings.pop() if len(beginnings) == 1 else None
        return counts, estimate_tokens(shared) if shared is not None else 0

    def texts(self, texts: Iterable[str]) -> list[int]:
        """The tokens of each answer."""
        return list(map(estimate_tokens, texts))


@dataclass(frozen=True)
class LocalCounter:
    """With a tokenizer's files.

    Attributes:
        folder: Where ``tokenizer.json`` and its settings lie.
        name: Of the tokenizer, to be shown.
        context_tokens: Of prompt and answer together.
        has_system_role: Whether the template takes a system message; None: found out.
    """

    folder: Path
    name: str
    context_tokens: int | None
    has_system_role: bool | None = None

    @property
    def how(self) -> str:
        """With what it counts."""
        return f"the tokenizer of {self.name}"

    def prompts(self, prompts: Iterable[Sequence[ChatMessage]]) -> tuple[list[int], int]:
        """The tokens of each prompt, and how many at their beginning are the same in all."""
        return _counted(self._ids(self._rendered(messages)) for messages in prompts)

    def texts(self, texts: Iterable[str]) -> list[int]:
        """The tokens of each answer, with the one that ends it."""
        return [len(self._ids(text)) + 1 for text in texts]

    def _ids(self, text: str) -> list[int]:
        # The template has written the special tokens already.
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    @cached_property
    def _tokenizer(self) -> Any:
        import tokenizers  # here, because loading the definitions needs none of it

        try:
            tokenizer = tokenizers.Tokenizer.from_file(str(self.folder / _TOKENIZER))
        except Exception as error:  # the library raises nothing more precise
            raise TokenCountError(
                f"{self.folder / _TOKENIZER} is no tokenizer ({error}): fetch the weights again"
            ) from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _template(self) -> tuple[jinja2.Template, Mapping[str, str]]:
        settings = _read_settings(self.folder)
        file = self.folder / _TEMPLATE
        source = file.read_text(encoding="utf-8") if file.is_file() else _default(settings)
        if not isinstance(source, str):
            raise TokenCountError(
                f"{self.name} has no chat template: neither {file} nor `chat_template` in "
                f"{_SETTINGS}. Name weights of a model that was trained to chat"
            )
        try:
            return _environment().from_string(source), _special_tokens(settings)
        except jinja2.TemplateError as error:
            raise TokenCountError(f"the chat template of {self.name} is wrong: {error}") from error

    def _rendered(self, messages: Sequence[ChatMessage]) -> str:
        turns = list(messages) if self._takes_system_role else fold_system_message(messages)
        try:
            return self._render(turns)
        except jinja2.TemplateError as error:
            raise TokenCountError(
                f"the chat template of {self.name} refuses a prompt: {error}"
            ) from error

    def _render(self, messages: Sequence[ChatMessage]) -> str:
        template, special = self._template
        turns = [{"role": str(each["role"]), "content": each["content"]} for each in messages]
        return template.render(
            messages=turns, tools=None, documents=None, add_generation_prompt=True, **special
        )

    @cached_property
    def _takes_system_role(self) -> bool:
        if self.has_system_role is not None:
            return self.has_system_role
        said = "Speak of three grey geese."
        chat: list[ChatMessage] = [
            {"role": Role.SYSTEM, "content": said},
            {"role": Role.USER, "content": "Hello"},
        ]
        try:
            return said in self._render(chat)
        except jinja2.TemplateError:
            return False


@dataclass(frozen=True, slots=True)
class EndpointCounter:
    """By ``/tokenize`` of a server that runs."""

    endpoint: Endpoint

    @property
    def how(self) -> str:
        """With what it counts."""
        return f"/tokenize of {self.endpoint.base_urls[0]}"

    @property
    def context_tokens(self) -> int | None:
        """As the server says."""
        return self.endpoint.facts.context_tokens

    def prompts(self, prompts: Iterable[Sequence[ChatMessage]]) -> tuple[list[int], int]:
        """The tokens of each prompt, and how many at their beginning are the same in all."""
        return _counted(
            self._ask({"messages": self.endpoint.turns(messages)} for messages in prompts)
        )

    def texts(self, texts: Iterable[str]) -> list[int]:
        """The tokens of each answer, with the one that ends it."""
        asked = self._ask({"prompt": text, "add_special_tokens": False} for text in texts)
        return [len(ids) + 1 for ids in asked]

    def _ask(self, asked: Iterable[Mapping[str, Any]]) -> list[list[int]]:
        import openai

        client = openai.OpenAI(
            base_url=self.endpoint.base_urls[0],
            api_key=self.endpoint.api_key or "none",
            timeout=_WITHIN_S,
            # As for the requests of the phases: no proxy stands between us and an engine.
            http_client=openai.DefaultHttpxClient(trust_env=False),
        )
        url = tokens_url(self.endpoint.base_urls[0])
        model = {"model": self.endpoint.model.served_name}

        def ids(what: Mapping[str, Any]) -> list[int]:
            reply: Any = client.post(url, body={**model, **what}, cast_to=object)
            found: list[int] = reply["tokens"]
            return found

        try:
            with client, ThreadPoolExecutor(_AT_ONCE) as asking:
                return list(asking.map(ids, asked))
        except (openai.OpenAIError, ValueError, LookupError, TypeError) as error:
            # Only its kind: its text may hold our key.
            raise TokenCountError(
                f"{url} does not count the tokens of a prompt ({type(error).__name__}): look at "
                "the server's log"
            ) from None


Counter = SimulatedCounter | LocalCounter | EndpointCounter


def token_counter(engines: Engines, model: Model, report: Callable[[str], None]) -> Counter:
    """What counts the tokens of a model.

    Raises:
        TokenCountError: Neither a running endpoint nor a tokenizer's files are to be had.
    """
    kind = engines.kind_of(model)
    if kind is Engine.SIMULATED:
        return SimulatedCounter()
    if kind is Engine.VLLM:
        return _local(model, _context_of_vllm(model))
    try:
        with engines.connection(model, report) as connection:
            endpoint = connection.connect()
    except EngineError as error:
        report(f"{error}\nIts tokenizer's files are looked for instead.")
        return _local(model, None)
    if endpoint.facts.has_tokenizer:
        return EndpointCounter(endpoint)
    return _local(model, endpoint.facts.context_tokens)


def _local(model: Model, context_tokens: int | None) -> LocalCounter:
    """A counter with the files beside the weights: of a folder, or fetched from the Hub."""
    weights = model.weights or model.served_name
    folder = Path(weights)
    if not folder.is_dir():
        folder = _fetched(model.name, weights, model.revision)
    if not (folder / _TOKENIZER).is_file():
        raise TokenCountError(
            f"{model.name}: {folder} has no {_TOKENIZER}; give `weights` of the catalogue a folder "
            "or a name on the Hub that has one"
        )
    at = f" at {model.revision[:8]}" if model.revision else ""
    return LocalCounter(folder, f"{weights}{at}", context_tokens, model.has_system_role)


def _fetched(name: str, repo: str, revision: str | None) -> Path:
    """The folder of a tokenizer's files in the Hub's cache, which vLLM shares."""
    import huggingface_hub
    from huggingface_hub import errors

    folder = None
    for file in (_TEMPLATE, _SETTINGS, _TOKENIZER):
        try:
            found = huggingface_hub.hf_hub_download(repo, file, revision=revision)
        except errors.RemoteEntryNotFoundError:
            continue  # newer repositories have a template of its own, older ones none
        except (OSError, ValueError, errors.HTTPError) as error:  # type: ignore[attr-defined]
            raise TokenCountError(
                f"{name}: its tokens cannot be counted, the Hub did not give {file} of {repo} "
                f"({type(error).__name__}). Set HF_TOKEN for a gated model or HF_ENDPOINT for a "
                "mirror, or name a folder with its tokenizer as `weights` in the catalogue"
            ) from error
        folder = Path(found).parent
    if folder is None:
        raise TokenCountError(
            f"{name}: {repo} has no tokenizer on the Hub; name one that has as `weights`"
        )
    return folder


def _context_of_vllm(model: Model) -> int | None:
    """What `vllm serve` is told; None where the catalogue leaves it to vLLM."""
    flags = {flag.replace("_", "-"): value for flag, value in model.vllm.items()}
    told = flags.get("max-model-len", CONTEXT_TOKENS)
    return told if isinstance(told, int) and told is not False else None


def _counted(prompts: Iterable[list[int]]) -> tuple[list[int], int]:
    """Lengths, and the length of the longest common beginning of at least two."""
    counts: list[int] = []
    common: list[int] = []
    for ids in prompts:
        common = _common(common, ids) if counts else ids
        counts.append(len(ids))
    return counts, len(common) if len(counts) > 1 else 0


def _common(one: list[int], other: list[int]) -> list[int]:
    pairs = zip(one, other, strict=False)
    differs = next((place for place, (a, b) in enumerate(pairs) if a != b), None)
    return one[: min(len(one), len(other)) if differs is None else differs]


def _read_settings(folder: Path) -> Mapping[str, Any]:
    file = folder / _SETTINGS
    try:
        settings = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except ValueError as error:
        raise TokenCountError(f"{file} is not JSON ({error}): fetch the weights again") from error
    return settings if isinstance(settings, dict) else {}


def _default(settings: Mapping[str, Any]) -> object:
    """The template for plain chats; some settings list several by name."""
    found = settings.get("chat_template")
    if not isinstance(found, list):
        return found
    return {each.get("name"): each.get("template") for each in found}.get("default")


def _special_tokens(settings: Mapping[str, Any]) -> dict[str, str]:
    """The special tokens by the names under which templates know them."""
    tokens = {
        name: token.get("content") if isinstance(token, dict) else token
        for name, token in settings.items()
        if name.endswith("_token")
    }
    return {name: token for name, token in tokens.items() if isinstance(token, str)}


def _environment() -> jinja2.Environment:
    """What chat templates are written for."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        extensions=["jinja2.ext.loopcontrols"],
    )
    environment.filters["tojson"] = _as_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().astimezone().strftime(form)
    return environment


def _as_json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> None:
    raise jinja2.TemplateError(message)
