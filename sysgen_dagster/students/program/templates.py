"""What a chat template writes around messages, and what must not be trained on unseen.

Only the interface of a tokenizer is used: `apply_chat_template` and its special tokens.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError  # comes with chat templates

from .endings import RefusedError

Message = Mapping[str, str]
_SYSTEM, _QUESTION, _ANSWER, _NEXT = "Sysmark", "Askmark", "Saymark", "Nextmark"
_OTHER_DAY = "31 Dec 1999"
_ASKS_THE_DAY = "strftime_now"


class Template:
    """The chat template that a student is trained and served with.

    Attributes:
        sha256: Of its text.
        writes_the_day: Whether it writes the day on which it is rendered.
    """

    def __init__(self, tokenizer: Any, file: str | None, day: str) -> None:
        """Give the tokenizer its template.

        Args:
            tokenizer: Of transformers; its template becomes that of the file.
            file: A Jinja file; None: the template that the tokenizer has.
            day: What a template that writes the day gets in its place, such as ``05 Mar 2026``: the
                rows of a training that is resumed are those that it began with.

        Raises:
            RefusedError: There is no template, or it writes the day and cannot be given one.
        """
        if file is not None:
            try:
                tokenizer.chat_template = Path(file).read_text(encoding="utf-8")
            except (OSError, ValueError) as error:
                raise RefusedError("template", f"the chat template {file}: {error}") from error
        if not isinstance(tokenizer.chat_template, str):
            raise RefusedError(
                "template", "the student has no chat template; name a Jinja file: `chat_template`"
            )
        self._tokenizer = tokenizer
        self._day = day
        added = tokenizer.added_tokens_decoder.values()
        special = {str(token) for token in added if token.special}
        self._marks = tuple(special | set(tokenizer.all_special_tokens))
        self.sha256 = hashlib.sha256(tokenizer.chat_template.encode()).hexdigest()
        self.writes_the_day = _ASKS_THE_DAY in tokenizer.chat_template
        if self.writes_the_day:
            self._require_a_day_that_can_be_given()

    def _require_a_day_that_can_be_given(self) -> None:
        chat = [{"role": "user", "content": _QUESTION}]
        texts = {
            self._tokenizer.apply_chat_template(chat, tokenize=False, date_string=day)
            for day in (_OTHER_DAY, self._day)
        }
        if len(texts) == 1:
            raise RefusedError(
                "template",
                "the chat template writes the day on which it is rendered, and takes no "
                "`date_string` in its place: a training could not be repeated. Edit the template "
                "and name the file: `chat_template`",
            )

    def render(self, chat: Sequence[Message], *, asks: bool = False) -> str:
        """A chat as the student reads it; with `asks` also the header of the answer to come.

        Raises:
            RefusedError: The template cannot write it, such as a system role that it does not know.
        """
        given = {"date_string": self._day} if self.writes_the_day else {}
        try:
            text: str = self._tokenizer.apply_chat_template(
                list(chat), tokenize=False, add_generation_prompt=asks, **given
            )
        except (TemplateError, TypeError) as error:  # also its own `raise_exception`
            roles = ", ".join(message["role"] for message in chat)
            raise RefusedError(
                "template",
                f"the chat template does not take the roles {roles}: {error}. Train on the variant "
                "`user_role`, or name a template that takes them: `chat_template`",
            ) from error
        return text

    def split(self, prompt: Sequence[Message], answer: Message) -> tuple[str, str]:
        """What the student reads, and what it learns to write: the answer and its end mark.

        The text that a template writes after the mark that ends a turn, often a line break, is not
        learned. A template without such a mark would teach never to end: the tokenizer's own mark
        is put there.

        Raises:
            RefusedError: The text of the prompt changes when the answer follows, so that no
                training on the answer is one on what the student will be asked.
        """
        read = self.render(prompt, asks=True)
        whole = self.render([*prompt, answer])
        if not whole.startswith(read):
            raise RefusedError(
                "template",
                "the chat template writes the same turns in another way when an answer follows "
                f"(…{read[-80:]!r} is no beginning of …{whole[-160:]!r}); edit it and name the "
                "file: `chat_template`",
            )
        written = whole[len(read) :].rstrip()
        if not written.endswith(self._marks):
            if self._tokenizer.eos_token is None:
                raise RefusedError(
                    "template",
                    "neither the chat template nor the tokenizer has a mark that ends an answer; "
                    "set `eos_token` in tokenizer_config.json",
                )
            written += self._tokenizer.eos_token
        return read, written

    def find_persona(self) -> str:
        """What the template writes before a chat only where it has no system message.

        Qwen2.5's and SmolLM2's write whom the model is to be. What stands before every chat, as the
        dates of Llama-3.1's do, is no persona. Empty where there is none.
        """
        bare = self._before_the_question([])
        try:
            with_message = self._before_the_question([{"role": "system", "content": _SYSTEM}])
        except RefusedError:  # a template without system role
            with_message = ""
        if bare in (with_message.replace(_SYSTEM, ""), with_message[: len(bare)]):
            return ""
        for mark in self._marks:
            bare = bare.replace(mark, "")
        return bare.strip()

    def _before_the_question(self, system: Sequence[Message]) -> str:
        """What stands before the first question, without the header that each question has."""
        chat = [
            *system,
            {"role": "user", "content": _QUESTION},
            {"role": "assistant", "content": _ANSWER},
            {"role": "user", "content": _NEXT},
        ]
        text = self.render(chat)
        before, _, after = text.partition(_QUESTION)
        header = after.partition(_ANSWER)[2].partition(_NEXT)[0]
        # The second question's header ends alike; what precedes it ends the answer.
        while header and not before.endswith(header):
            header = header[1:]
        return before.removesuffix(header)
