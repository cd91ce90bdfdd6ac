"""The prompt of Phase 1 in an editor: the deployment's own copy of it, kept or taken back.

A file that is as shipped is not left in the deployment, where it would hide later versions of it.
"""

import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from sysgen_dagster.chat.prompts import (
    PROMPTS_DIR,
    Prompt,
    PromptError,
    files_of,
    forget_prompts,
    own_folder,
)
from sysgen_dagster.lanes.sysgen.annotation import PROMPTS
from sysgen_dagster.lanes.sysgen.settings import Method

_EDITORS = ("VISUAL", "EDITOR")
_USUAL = "vi"  # what POSIX systems have


@dataclass(frozen=True, slots=True)
class Draft:
    """A prompt while it is edited.

    Attributes:
        fingerprint: Of the prompt as it was.
        before: The text of each of the deployment's own files; None where there was none.
    """

    prompt: Prompt
    fingerprint: str
    before: Mapping[str, str | None]

    def edit(self) -> None:
        """Open the files in the user's editor, and wait for its end.

        Raises:
            PromptError: There is no such editor.
        """
        folder = own_folder()
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.before:
            if not (folder / name).is_file():
                (folder / name).write_bytes((PROMPTS_DIR / name).read_bytes())
        editor = next(filter(None, map(os.environ.get, _EDITORS)), _USUAL)
        try:
            command = [*shlex.split(editor), *(str(folder / name) for name in self.before)]
            subprocess.run(command, check=False)
        except (OSError, ValueError) as error:
            raise PromptError(
                f"the editor {editor!r} cannot be started ({error}): name another in VISUAL, or "
                f"edit the files in {folder} and run the same command again"
            ) from error
        forget_prompts()

    def is_changed(self) -> bool:
        """Whether the model would be asked with other words.

        Raises:
            PromptError: The files are wrong.
        """
        # An empty conversation shows faults of the templates that no check of their inputs does.
        turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]
        self.prompt.render(mark="00000000", messages=turns)
        return self.prompt.fingerprint != self.fingerprint

    def keep(self) -> list[str]:
        """The names of the files that are the deployment's own from now on."""
        kept = []
        for name in self.before:
            own = own_folder() / name
            if own.read_bytes() == (PROMPTS_DIR / name).read_bytes():
                own.unlink()
            else:
                kept.append(name)
        forget_prompts()
        return kept

    def take_back(self) -> None:
        """Put everything back as it was."""
        for name, text in self.before.items():
            own = own_folder() / name
            if text is None:
                own.unlink(missing_ok=True)
            else:
                own.write_text(text, encoding="utf-8")
        forget_prompts()


def draft_of(method: Method) -> Draft:
    """The prompt with which Phase 1 asks, to be edited."""
    prompt = PROMPTS[method.demonstrations]
    own = {name: own_folder() / name for name in files_of(prompt.name)}
    texts = {
        name: path.read_text(encoding="utf-8") if path.is_file() else None
        for name, path in own.items()
    }
    return Draft(prompt, prompt.fingerprint, texts)
