"""Loads prompts from the folder `prompts`: Markdown files with front matter and a Jinja2 body.

One file is one chat message. ``phase1_annotate_system_message.system.md`` and
``phase1_annotate_system_message.user.md`` together are one `Prompt`. A file with the same name and
the ending ``.demonstrations.yaml`` holds pairs of turns that stand between the two: inputs of the
user's message, and the reply that is wanted.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import yaml

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.errors import SysgenError

# In an installed wheel the folder is inside the package, in a checkout beside it.
_PACKAGE = Path(__file__).parents[1]
PROMPTS_DIR = _PACKAGE / "prompts"
if not PROMPTS_DIR.is_dir():
    PROMPTS_DIR = _PACKAGE.parent / "prompts"

_ENVIRONMENT = jinja2.Environment(
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # noqa: S701 - the text goes to a model, not into HTML
    trim_blocks=True,
    lstrip_blocks=True,
)


class PromptError(SysgenError):
    """A prompt file is missing or malformed, or its inputs are not those that were declared."""


@dataclass(frozen=True)
class Prompt:
    """One prompt: templates of its chat messages, in the order system, user.

    Attributes:
        name: The name of its files, without role and ending.
        fingerprint: 12 hex digits of a hash over the bodies of its files.
        inputs: The names of the values that it is rendered with.
        templates: Role and template of each message.
        closing_line: Its last line, directly before the model's answer.
        demonstrations: Turns of user and assistant, the same for every row, before the last turn.
    """

    name: str
    fingerprint: str
    inputs: frozenset[str]
    templates: tuple[tuple[Role, jinja2.Template], ...]
    closing_line: str
    demonstrations: tuple[ChatMessage, ...] = ()

    @property
    def instructions(self) -> str:
        """The first message, which is the same for every row."""
        return self.render(**dict.fromkeys(self.inputs, ""))[0]["content"]

    def render(self, **inputs: Any) -> list[ChatMessage]:
        """The chat messages for one row.

        Raises:
            PromptError: The names of `inputs` are not those that the prompt declares.
        """
        if inputs.keys() != self.inputs:
            raise PromptError(
                f"prompt {self.name} takes {sorted(self.inputs)}, was given {sorted(inputs)}"
            )
        rendered = [_render(role, template, inputs) for role, template in self.templates]
        return [*rendered[:-1], *self.demonstrations, rendered[-1]]


@cache
def load_prompt(name: str) -> Prompt:
    """The prompt with this name.

    Raises:
        PromptError: A file is missing or malformed, or does not use the inputs that it declares.
    """
    parts: list[tuple[Role, str]] = []
    inputs: set[str] = set()
    for role in (Role.SYSTEM, Role.USER):
        path = PROMPTS_DIR / f"{name}.{role}.md"
        if path.is_file():
            front, body = _read(path)
            declared, used = set(front.get("inputs", [])), _used_inputs(path, body)
            if declared != used:
                raise PromptError(f"{path} declares {sorted(declared)} but uses {sorted(used)}")
            parts.append((role, body))
            inputs |= used
    if not parts:
        raise PromptError(f"no prompt {name} in {PROMPTS_DIR}: expected {name}.user.md")
    templates = tuple((role, _ENVIRONMENT.from_string(body)) for role, body in parts)
    turns = _load_demonstrations(name, *templates[-1])
    bodies = [*(body for _, body in parts), *(turn["content"] for turn in turns)]
    digest = hashlib.sha256("\0".join(bodies).encode()).hexdigest()
    closing_line = parts[-1][1].rstrip().rpartition("\n")[2]
    return Prompt(name, digest[:12], frozenset(inputs), templates, closing_line, turns)


def _render(role: Role, template: jinja2.Template, inputs: Mapping[str, Any]) -> ChatMessage:
    return {"role": role, "content": template.render(inputs).strip()}


def _load_demonstrations(
    name: str, role: Role, template: jinja2.Template
) -> tuple[ChatMessage, ...]:
    """The turns of the prompt's demonstrations; none where it has no file of them."""
    path = PROMPTS_DIR / f"{name}.demonstrations.yaml"
    if not path.is_file():
        return ()
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        pairs = [(each["inputs"], each["reply"].strip()) for each in entries]
        asked = [_render(role, template, inputs) for inputs, _ in pairs]
    except (
        yaml.YAMLError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        jinja2.UndefinedError,
    ) as error:
        wanted = "a list, each with `inputs` as the user's prompt file declares them and a `reply`"
        raise PromptError(f"{path} must be {wanted}: {error!r}") from error
    replies: list[ChatMessage] = [{"role": Role.ASSISTANT, "content": reply} for _, reply in pairs]
    return tuple(turn for pair in zip(asked, replies, strict=True) for turn in pair)


def separating_mark(texts: Iterable[str], digits: int = 8) -> str:
    """So many hexadecimal digits that none of the texts contains.

    Prompts put a text between two lines with this mark. The mark is a hash of all the texts, so the
    author of a text cannot guess it and end the text's place in the prompt early. It does not
    depend on the order of the texts, so showing two answers in both orders changes nothing else.
    """
    ordered = sorted(texts)
    joined = hashlib.blake2b()
    for text in ordered:
        joined.update(text.encode("utf-8", "surrogatepass") + b"\0")
    digests = (hashlib.blake2b(joined.digest() + str(n).encode()).hexdigest() for n in count())
    marks = (digest[:digits] for digest in digests)
    return next(mark for mark in marks if not any(mark in text for text in ordered))


def _read(path: Path) -> tuple[Mapping[str, Any], str]:
    """Front matter and body of one prompt file."""
    _, fence, rest = path.read_text(encoding="utf-8").partition("---\n")
    front, end, body = rest.partition("\n---\n")
    if not (fence and end):
        raise PromptError(f"{path} has no front matter: start it with --- and its inputs")
    try:
        values = yaml.safe_load(front)
    except yaml.YAMLError as error:
        raise PromptError(f"{path}: its front matter is not YAML: {error}") from error
    if not isinstance(values, dict):
        raise PromptError(f"{path}: its front matter must hold `inputs: [...]`, is {values!r}")
    return values, body


def _used_inputs(path: Path, body: str) -> set[str]:
    """The names of the variables that a template uses."""
    try:
        return set(jinja2.meta.find_undeclared_variables(_ENVIRONMENT.parse(body)))
    except jinja2.TemplateSyntaxError as error:
        raise PromptError(f"{path}, line {error.lineno} of its body: {error}") from error
