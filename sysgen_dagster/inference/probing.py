"""Finds out what a server can do before the requests of a partition are sent to it.

It is asked what the phases will ask: with the same fields, so that a field which it refuses is left
out from the first request on, and under a constraint where the phase has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args

import httpx2
import openai

from sysgen_dagster.catalog.models import SamplingField
from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.chat.constraints import Constraint, ConstraintForm
from sysgen_dagster.chat.messages import Sampling
from sysgen_dagster.chat.reasoning import Reply
from sysgen_dagster.inference.bodies import read_json
from sysgen_dagster.inference.chat_api import (
    BusyError,
    EngineError,
    ModelIdentity,
    ServerCapabilities,
    UnreachableError,
    request_fields,
    tokens_url,
)
from sysgen_dagster.inference.listings import list_models, no_server
from sysgen_dagster.inference.openai_client import describe_error, open_client, require_server
from sysgen_dagster.inference.quoting import quoted
from sysgen_dagster.inference.refusal_words import NO_FIELD, SIZE
from sysgen_dagster.inference.replies import read_message

# A system message that the model is shown makes the count of the prompt's tokens differ between
# these two, whatever the template adds by itself.
_SHORT = "Be brief."
_LONG = "Answer in plain words, keep to what was asked, and say so when you do not know. " * 4
_LEAST_DIFFERENCE = 30
_USER = {"role": "user", "content": "Reply with the word yes."}
# Servers refuse limits below this. It leaves room for one word, not for a thought about it.
_TOKENS = 16
# Room for the thoughts of a model whose template opens them itself: only their end can be seen.
_TOKENS_OF_A_THOUGHT = 512
# A template that refuses a message makes vLLM reply with 400, llama.cpp and SGLang with 500.
_REFUSED = frozenset({400, 422, 500})
_NOTHING: Mapping[str, Any] = {}
_SAMPLING = Sampling(temperature=0.5, max_tokens=_TOKENS)
# A word that no model answers unless it is held to it, and the same in each form.
_WORD = "zebra"
_HELD = Constraint(
    structured={"regex": _WORD},
    grammar=f'root ::= "{_WORD}"',
    schema={
        "type": "object",
        "properties": {_WORD: {"type": "boolean"}},
        "required": [_WORD],
        "additionalProperties": False,
    },
)


@dataclass(slots=True)
class Probe:
    """The questions to one server.

    Attributes:
        client: Sends them.
        model: The model that is asked.
        refuses: Fields that the server was found to refuse.
        thinks: Whether the model was seen to think.
        limit: The tokens that its answers may have; more where it refuses so few.
    """

    client: openai.OpenAI
    model: ModelIdentity
    refuses: set[str] = field(default_factory=set)
    thinks: bool = False
    limit: int = _TOKENS

    @property
    def url(self) -> str:
        """Where the server is."""
        return str(self.client.base_url).rstrip("/")

    def begin(self) -> bool:
        """Ask a simple question: which fields the server refuses, and whether the model thinks.

        Returns whether the reply was a chat completion.

        Raises:
            EngineError: The server refuses a chat without any of these fields, too.
            UnreachableError: It fails in another way.
        """
        try:
            reply = self.ask(_USER)
        except openai.APIStatusError:
            self._find_refused()
            reply = self.ask(_USER)
        self._note_thoughts(reply)
        if not self.thinks and reply.finish == CUT:
            self._note_thoughts(self.ask(_USER, limit=_TOKENS_OF_A_THOUGHT))
        return reply.is_chat

    def _find_refused(self) -> None:
        optional = set(get_args(SamplingField))
        self.refuses = optional
        try:
            self.ask(_USER)
        except openai.APIStatusError as error:
            fault = f"does not answer a simple chat ({describe_error(error, self.client.api_key)})"
            kind = UnreachableError if error.status_code >= 500 else EngineError
            raise kind(f"{self.model.name}: {self.url} {fault}") from None
        found: set[str] = set()
        for name in sorted(optional):
            self.refuses = optional - {name}
            try:
                self.ask(_USER)
            except openai.APIStatusError:
                found.add(name)
        self.refuses = found

    def _note_thoughts(self, reply: "_Reply") -> None:
        self.thinks |= reply.said.reasoning is not None

    def shows_system_message(self) -> bool:
        """Whether the chat template neither refuses a system message nor leaves it out.

        True where the server counts no tokens, since nothing shows that it leaves the message out.
        """
        try:
            long, short = (
                self.ask({"role": "system", "content": text}, _USER).prompt_tokens
                for text in (_LONG, _SHORT)
            )
        except openai.APIStatusError:
            return False
        return long is None or short is None or long - short >= _LEAST_DIFFERENCE

    def find_constraint_form(self, wanted: Constraint) -> ConstraintForm | None:
        """The first form in which the server holds an answer to a constraint; None: in none.

        Raises:
            EngineError: In none, and the constraint is needed.
        """
        for form in filter(wanted.has, ConstraintForm):
            try:
                reply = self.ask(_USER, more=_HELD.fields(form))
            except openai.APIStatusError:
                continue
            if reply.said.text.strip() == _WORD or _holds_word(reply.said.text):
                return form
        if not wanted.is_needed:
            return None
        raise EngineError(
            f"{self.model.name}: {self.url} holds no answer to a form, neither by "
            f"{', '.join(ConstraintForm)}: switch off the settings of the method that ask for it "
            "(`repair`, `constrain_verdicts`), or serve the model with vLLM or llama.cpp"
        )

    def counts_tokens(self) -> bool:
        """Whether ``/tokenize`` counts the tokens of chat messages."""
        url = tokens_url(self.url)
        body = {"model": self.model.served_name, "messages": [_USER]}
        try:
            reply = read_json(self.client.post(url, body=body, cast_to=httpx2.Response).content)
        except (openai.OpenAIError, ValueError):
            return False
        return isinstance(reply, dict) and isinstance(reply.get("count"), int)

    def ask(
        self, *messages: Any, limit: int | None = None, more: Mapping[str, Any] = _NOTHING
    ) -> "_Reply":
        """What the server replies to these messages.

        A refusal of so short an answer is answered by a longer limit, and else taken for a reply.

        Raises:
            openai.APIStatusError: The server may have refused the messages or a field.
            UnreachableError: It fails in another way.
        """
        fields = request_fields(self.model, _SAMPLING, 0, self.refuses)
        body = {
            "model": self.model.served_name,
            "messages": messages,
            self.model.limit_field: limit or self.limit,
            **fields,
            **more,
        }
        try:
            sent = self.client.post("/chat/completions", body=body, cast_to=httpx2.Response)
            return _read(sent.content)
        except openai.APIStatusError as error:
            require_server(self.client, self.model, error)
            if error.status_code not in _REFUSED:
                raise self._failure(error) from None
            if not _speaks_of_size(error):
                raise
        except (openai.OpenAIError, ValueError) as error:
            raise self._failure(error) from None
        if self.limit == _TOKENS and limit is None:
            self.limit = _TOKENS_OF_A_THOUGHT
            return self.ask(*messages, more=more)
        return _Reply(Reply("", None))

    def _failure(self, error: Exception) -> UnreachableError:
        fault = describe_error(error, self.client.api_key)
        return UnreachableError(f"{self.model.name}: {self.url} fails ({fault})")


class _Reply(NamedTuple):
    """What is read of a reply; an odd one says nothing, which is no reason not to go on."""

    said: Reply
    finish: str | None = None
    prompt_tokens: int | None = None
    is_chat: bool = True


def _speaks_of_size(error: openai.APIStatusError) -> bool:
    said = error.response.text
    return bool(SIZE.match(said)) and not NO_FIELD.search(said)


def _read(raw: bytes) -> _Reply:
    try:
        reply = read_json(raw)
    except ValueError as error:
        raise ValueError(f"no chat completion, {error}: {quoted(raw)}") from None
    try:
        choice, usage = reply["choices"][0], reply.get("usage")
        said, finish = read_message(choice["message"]), choice.get("finish_reason")
    except (LookupError, TypeError, AttributeError):
        return _Reply(Reply("", None), is_chat=False)
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return _Reply(said, finish, tokens if isinstance(tokens, int) else None)


def probe_server(
    model: ModelIdentity,
    base_url: str,
    api_key: str | None,
    has_system_role: bool | None,
    retries: int,
    constraint: Constraint | None = None,
) -> ServerCapabilities:
    """What the server at a URL can do.

    Args:
        model: The model that it should serve.
        base_url: Where its API begins, such as ``http://HOST:PORT/v1``.
        api_key: Sent to it.
        has_system_role: Where it is known; None: found out by two short requests.
        retries: Of each question that fails.
        constraint: What the answers of the phase are held to.

    Raises:
        UnreachableError: No OpenAI-compatible server answers there.
        EngineError: It answers and serves another model, no chat, or not in a form that is needed.
    """
    with open_client(base_url, api_key, retries) as client:
        listing, fault = list_models(client, model)
        probe = Probe(client, model)
        if listing is None:
            _require_chat(probe, fault)
        elif not listing.has(model.served_name):
            raise EngineError(
                f"{model.name}: {base_url} serves {listing}, not {model.served_name}; correct "
                "served_name in the catalogue, or start that model there"
            )
        else:
            probe.begin()
        return ServerCapabilities(
            context_tokens=listing.context_of(model.served_name) if listing else None,
            has_tokenizer=probe.counts_tokens(),
            has_system_role=(
                probe.shows_system_message() if has_system_role is None else has_system_role
            ),
            refuses=frozenset(probe.refuses),
            thinks=probe.thinks,
            constraint_form=probe.find_constraint_form(constraint) if constraint else None,
        )


def _require_chat(probe: Probe, fault: str) -> None:
    """Begin where a server lists no models; raises an error that it is none if no chat is there."""
    try:
        if probe.begin():
            return
    except UnreachableError as error:
        if isinstance(error, BusyError):
            raise
    raise no_server(probe.client, probe.model, fault)


def _holds_word(said: str) -> bool:
    try:
        return isinstance(found := read_json(said.encode()), dict) and _WORD in found
    except ValueError:
        return False
