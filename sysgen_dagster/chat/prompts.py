"""Loads prompts from the folder `prompts`: Markdown files with front matter and a Jinja2 body.

One file is one chat message. ``phase1_annotate_system_message.system.md`` and
``phase1_annotate_system_message.user.md`` together are one `Prompt`. A file with the same name and
the ending ``.demonstrations.yaml`` holds pairs of turns that stand between the two: inputs of the
user's message, and the reply that is wanted.

A deployment may have a folder `prompts` beside its catalogue. A file there stands in the place of
the shipped one of the same name, for every process of the deployment.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import jinja2.sandbox
import yaml

from sysgen_dagster.catalog.load import catalog_file
from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.errors import SysgenError

# In an installed wheel the folder is inside the package, in a checkout beside it.
_PACKAGE = Path(__file__).parents[1]
PROMPTS_DIR = _PACKAGE / "prompts"
if not PROMPTS_DIR.is_dir():
    PROMPTS_DIR = _PACKAGE.parent / "prompts"
_DEMONSTRATIONS = "demonstrations.yaml"
_ENDINGS = (*(f"{role}.md" for role in (Role.SYSTEM, Role.USER)), _DEMONSTRATIONS)

# A folder of a deployment may come from somebody else: what its prompts can do is to show texts.
_ENVIRONMENT = jinja2.sandbox.ImmutableSandboxedEnvironment(
    undefined=jinja2.StrictUndefined,
    autoescape=False,
    trim_blocks=True,
    lstrip_blocks=True,
)


class PromptError(SysgenError):
    """A prompt file is missing or malformed, or its inputs are not those that were declared."""


@dataclass(frozen=True, slots=True)
class _Files:
    """What the files of a prompt hold; see the properties of `Prompt`."""

    fingerprint: str
    inputs: frozenset[str]
    templates: tuple[tuple[Role, jinja2.Template], ...]
    closing_line: str
    demonstrations: tuple[ChatMessage, ...]


@dataclass(frozen=True)
class Prompt:
    """One prompt: templates of its chat messages, in the order system, user.

    Its files are read when it is first used, and again after `forget_prompts` or when this process
    turns to another deployment: until then all rows are asked with the same words. Whatever uses it
    may raise a `PromptError` about the deployment's own files.

    Attributes:
        name: The name of its files, without role and ending.
    """

    name: str

    @property
    def _files(self) -> _Files:
        return _read_prompt(self.name, PROMPTS_DIR, own_folder())

    @property
    def fingerprint(self) -> str:
        """12 hex digits of a hash over the bodies of its files."""
        return self._files.fingerprint

    @property
    def inputs(self) -> frozenset[str]:
        """The names of the values that it is rendered with."""
        return self._files.inputs

    @property
    def closing_line(self) -> str:
        """Its last line, directly before the model's answer."""
        return self._files.closing_line

    @property
    def instructions(self) -> str:
        """The first message, which is the same for every row."""
        return self.render(**dict.fromkeys(self.inputs, ""))[0]["content"]

    @property
    def fixed_text(self) -> str:
        """What it says to every row: its instructions and demonstrations."""
        turns = self.render(**dict.fromkeys(self.inputs, ""))
        return "\n".join(turn["content"] for turn in turns)

    def render(self, **inputs: Any) -> list[ChatMessage]:
        """The chat messages for one row; demonstrations stand before the last one.

        Raises:
            PromptError: The names of `inputs` are not those that the prompt declares, or a template
                asks something of them that they do not have.
        """
        files = self._files
        if inputs.keys() != files.inputs:
            raise PromptError(
                f"prompt {self.name} takes {sorted(files.inputs)}, was given {sorted(inputs)}"
            )
        try:
            rendered = [_render(role, template, inputs) for role, template in files.templates]
        except jinja2.TemplateError as error:
            raise PromptError(f"prompt {self.name} cannot be filled: {error}") from error
        return [*rendered[:-1], *files.demonstrations, rendered[-1]]


def load_prompt(name: str) -> Prompt:
    """The prompt with this name.

    Raises:
        PromptError: A shipped file is missing or malformed, or does not use its declared inputs.
    """
    _read_prompt(name, PROMPTS_DIR, None)
    return Prompt(name)


def own_folder() -> Path:
    """Where this deployment keeps prompts of its own, whether or not it has any."""
    return catalog_file().absolute().parent / "prompts"


def files_of(name: str) -> list[str]:
    """The names of the shipped files of a prompt."""
    return [file for each in _ENDINGS if (PROMPTS_DIR / (file := f"{name}.{each}")).is_file()]


def forget_prompts() -> None:
    """Have the files of all prompts read again: some of them have changed."""
    _read_prompt.cache_clear()


@cache
def _read_prompt(name: str, shipped: Path, own: Path | None) -> _Files:
    """What a prompt's files hold; those in the folder `own` go before the shipped ones."""
    if own is not None:
        _require_known_names(own, shipped)
    folders = [shipped] if own is None else [own, shipped]
    found = {
        ending: path
        for ending in _ENDINGS
        for path in (folder / f"{name}.{ending}" for folder in reversed(folders))
        if path.is_file()
    }
    if own is not None and all(path.parent == shipped for path in found.values()):
        return _read_prompt(name, shipped, None)
    bodies: list[str] = []
    templates: list[tuple[Role, jinja2.Template]] = []
    inputs: set[str] = set()
    for role in (Role.SYSTEM, Role.USER):
        if path := found.get(f"{role}.md"):
            front, body = _read(path)
            template, used = _compile(path, body)
            declared = set(front.get("inputs", []))
            if declared != used:
                raise PromptError(f"{path} declares {sorted(declared)} but uses {sorted(used)}")
            bodies.append(body)
            templates.append((role, template))
            inputs |= used
    if not templates:
        raise PromptError(f"no prompt {name} in {shipped}: expected {name}.user.md")
    closing_line = bodies[-1].rstrip().rpartition("\n")[2]
    turns = _load_demonstrations(found.get(_DEMONSTRATIONS), *templates[-1])
    bodies += (turn["content"] for turn in turns)
    digest = hashlib.sha256("\0".join(bodies).encode()).hexdigest()
    files = _Files(digest[:12], frozenset(inputs), tuple(templates), closing_line, turns)
    if own is not None:
        _require_same_use(name, files, _read_prompt(name, shipped, None), own)
    return files


def _require_known_names(own: Path, shipped: Path) -> None:
    """Raise `PromptError` where a file nearly has the name of a shipped one, and so has no use."""
    known = {path.name for path in _prompt_files(shipped)}
    for path in sorted(_prompt_files(own)):
        if path.name not in known and (near := get_close_matches(path.name, known, 1, 0.8)):
            raise PromptError(
                f"{path} stands in the place of no shipped prompt: call it {near[0]}, or remove it"
            )


def _prompt_files(folder: Path) -> Iterator[Path]:
    return (path for ending in _ENDINGS for path in folder.glob(f"*.{ending}"))


def _require_same_use(name: str, files: _Files, shipped: _Files, own: Path) -> None:
    """Raise `PromptError` where an edited prompt cannot be filled, or says the row's texts not."""
    if files.inputs != shipped.inputs:
        raise PromptError(
            f"the prompt {name} in {own} uses {sorted(files.inputs)}, and a row brings "
            f"{sorted(shipped.inputs)}: use each of them, and no other, in its two files"
        )


def _render(role: Role, template: jinja2.Template, inputs: Mapping[str, Any]) -> ChatMessage:
    return {"role": role, "content": template.render(inputs).strip()}


def _load_demonstrations(
    path: Path | None, role: Role, template: jinja2.Template
) -> tuple[ChatMessage, ...]:
    """The turns of the prompt's demonstrations; none where it has no file of them."""
    if path is None:
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
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{path} cannot be read: {error}") from error
    _, fence, rest = text.partition("---\n")
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


def _compile(path: Path, body: str) -> tuple[jinja2.Template, set[str]]:
    """A template, and the names of the variables that it uses."""
    try:
        parsed = _ENVIRONMENT.parse(body)
        used = jinja2.meta.find_undeclared_variables(parsed)
        return _ENVIRONMENT.from_string(parsed), used
    except jinja2.TemplateSyntaxError as error:
        raise PromptError(f"{path}, line {error.lineno} of its body: {error}") from error
