"""The prompts, read from the `prompts` folder: Markdown files with front matter and a Jinja2 body.

`phase1_annotate_system_message.system.md` and `....user.md` together are one `Prompt`.
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

# In a wheel the folder lies inside the package, in a checkout beside it.
_PACKAGE = Path(__file__).parents[1]
PROMPTS_DIR = next(
    (folder for folder in (_PACKAGE / "prompts", _PACKAGE.parent / "prompts") if folder.is_dir()),
    _PACKAGE.parent / "prompts",
)

_ENVIRONMENT = jinja2.Environment(
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # noqa: S701 - the text goes to a model, not to a page
    trim_blocks=True,
    lstrip_blocks=True,
)


_MARK_SIGNS = 8


class PromptError(SysgenError):
    """A prompt file is missing or its declared inputs are not the ones it uses."""


@dataclass(frozen=True)
class Prompt:
    """One prompt: its chat messages as templates, in the order system, user.

    Attributes:
        name: That of its files, without role and ending.
        fingerprint: 12 hex digits over every word that reaches the model.
        inputs: The names of what a row fills in.
        templates: Role and text of each message.
        closing_line: The last line that the model is shown, after which its answer is due.
    """

    name: str
    fingerprint: str
    inputs: frozenset[str]
    templates: tuple[tuple[Role, jinja2.Template], ...]
    closing_line: str

    def render(self, **inputs: Any) -> list[ChatMessage]:
        """The chat messages for one row; raises `PromptError` when the inputs are not its own."""
        if inputs.keys() != self.inputs:
            raise PromptError(
                f"prompt {self.name} takes {sorted(self.inputs)}, was given {sorted(inputs)}"
            )
        return [
            {"role": role, "content": template.render(inputs).strip()}
            for role, template in self.templates
        ]


@cache
def load_prompt(name: str) -> Prompt:
    """The prompt of that name, checked; raises `PromptError` naming the file and the fault."""
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
    digest = hashlib.sha256("\0".join(body for _, body in parts).encode()).hexdigest()
    templates = tuple((role, _ENVIRONMENT.from_string(body)) for role, body in parts)
    closing_line = parts[-1][1].rstrip().rpartition("\n")[2]
    return Prompt(name, digest[:12], frozenset(inputs), templates, closing_line)


def separating_mark(texts: Iterable[str]) -> str:
    """Eight hexadecimal digits that none of the texts holds, for the lines they stand between.

    They are computed from the texts, so nobody can write them into one; their order makes no
    difference, so that two orders of a pair of answers differ in nothing else.
    """
    ordered = sorted(texts)
    whole = hashlib.blake2b()
    for text in ordered:
        whole.update(text.encode("utf-8", "surrogatepass") + b"\0")
    digests = (hashlib.blake2b(whole.digest() + str(n).encode()).hexdigest() for n in count())
    marks = (digest[:_MARK_SIGNS] for digest in digests)
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
    try:
        return set(jinja2.meta.find_undeclared_variables(_ENVIRONMENT.parse(body)))
    except jinja2.TemplateSyntaxError as error:
        raise PromptError(f"{path}, line {error.lineno} of its body: {error}") from error
