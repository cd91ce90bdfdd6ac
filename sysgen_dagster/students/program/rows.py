"""The rows of an export as tokens: what a student reads, and what of it is learned.

Chats: one row for each message marked `train`, with what precedes it. The loss is on that message
and its end mark alone, under any chat template; trainers' own masks need templates written for
them, and would train the answers before it, which nobody aligned with the system message.
Pairs: a prompt, and a chosen and a rejected answer, cut the same way. Pairs for a reward model: two
whole chats as the template writes them, since that is what others will have scored.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .endings import RefusedError
from .templates import Message, Template

MOST_LOST = 0.001  # share of rows that may have nothing to learn after they were cut to length
IGNORED = -100  # the label of a token that is read and not learned, as torch's losses have it
TOKENS, LEARNED = "tokens", "learned_tokens"  # columns of encoded rows
_NAMED = 10  # lost rows that a refusal names
_READ = ("role", "content", "reasoning_content")  # fields of a message that templates read


@dataclass(slots=True)
class Counts:
    """What became of the rows.

    Attributes:
        before: Messages to be learned, or pairs; and chats that mark none.
        after: Rows that the trainer gets.
        cut: Rows among them whose answer does not end within the length.
        lost: The ids of the chats or pairs whose answer does not begin within it, or is none; for a
            reward model of pairs that do not differ within it.
    """

    before: int = 0
    after: int = 0
    cut: int = 0
    lost: list[str] = field(default_factory=list)

    def require_rows(self, max_length: int) -> None:
        """Refuse to train where more than `MOST_LOST` of the rows are lost, or all.

        Raises:
            RefusedError: They are; with the ids of some.
        """
        if self.after and len(self.lost) <= MOST_LOST * self.before:
            return
        named = ", ".join(self.lost[:_NAMED]) + (", …" if len(self.lost) > _NAMED else "")
        raise RefusedError(
            "rows_lost",
            f"{len(self.lost)} of {self.before} rows have nothing to learn within {max_length} "
            f"tokens: {named or 'there are no rows'}. Let `max_length` be longer, or leave these "
            "rows out of the mixture",
        )


class Encoder:
    """Writes chats and pairs as token ids, and counts what it does."""

    def __init__(
        self, tokenizer: Any, template: Template, *, max_length: int, persona: bool
    ) -> None:
        """Begin with no rows counted.

        Args:
            tokenizer: Of transformers.
            template: What messages are written with.
            max_length: Tokens of a row; what is longer is cut at its end.
            persona: Whether a persona of the template may be trained.
        """
        self._tokenizer = tokenizer
        self._template = template
        self._max_length = max_length
        self._persona = "" if persona else template.find_persona()
        self.counts = Counts()

    def encode_chats(self, rows: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Columns ``input_ids`` and ``labels``, a row for each marked message.

        Labels are ids where something is learned, elsewhere `IGNORED`. Both also say how many
        tokens a row has (`TOKENS`), and how many of them are learned (`LEARNED`).

        Args:
            rows: Columns of an export: ``messages`` and those that name a row.
        """
        made: dict[str, list[Any]] = {"input_ids": [], "labels": [], TOKENS: [], LEARNED: []}
        for at, chat in enumerate(rows["messages"]):
            marked = [turn for turn, message in enumerate(chat) if message["train"]]
            self.counts.before += max(1, len(marked))
            if not marked:
                self.counts.lost.append(_name_of(rows, at))
            for turn in marked:
                read, learned = self._encode(chat[:turn], chat[turn], _name_of(rows, at))
                if self._keep(len(read), len(learned), _name_of(rows, at)):
                    ids, labels = read + learned, [IGNORED] * len(read) + learned
                    made["input_ids"].append(ids[: self._max_length])
                    made["labels"].append(labels[: self._max_length])
                    made[TOKENS].append(len(made["input_ids"][-1]))
                    made[LEARNED].append(made[TOKENS][-1] - len(read))
        return made

    def encode_pairs(self, rows: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Columns ``prompt_ids``, ``chosen_ids`` and ``rejected_ids``, a row for each pair.

        Args:
            rows: Columns of an export: ``prompt``, ``chosen``, ``rejected`` and those that name a
                row.
        """
        names = ("prompt_ids", "chosen_ids", "rejected_ids", TOKENS, LEARNED)
        made: dict[str, list[Any]] = {name: [] for name in names}
        for at, prompt in enumerate(rows["prompt"]):
            name = _name_of(rows, at)
            self.counts.before += 1
            read, chosen = self._encode(prompt, rows["chosen"][at][0], name)
            _, rejected = self._encode(prompt, rows["rejected"][at][0], name)
            if self._keep(len(read), max(len(chosen), len(rejected)), name):
                room = self._max_length - len(read)
                made["prompt_ids"].append(read)
                made["chosen_ids"].append(chosen[:room])
                made["rejected_ids"].append(rejected[:room])
                made[LEARNED].append(len(chosen[:room]) + len(rejected[:room]))
                made[TOKENS].append(2 * len(read) + made[LEARNED][-1])
        return made

    def encode_chosen_and_rejected(self, rows: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Columns ``chosen_ids`` and ``rejected_ids``, whole chats, a row for each pair.

        No token of them is learned: what is, is which of the two chats has the higher score.

        Args:
            rows: Columns of an export: ``chosen``, ``rejected`` and those that name a row.
        """
        made: dict[str, list[Any]] = {
            name: [] for name in ("chosen_ids", "rejected_ids", TOKENS, LEARNED)
        }
        for at, (chosen, rejected) in enumerate(zip(rows["chosen"], rows["rejected"], strict=True)):
            name = _name_of(rows, at)
            self.counts.before += 1
            both = [self._encode_whole(chat, name) for chat in (chosen, rejected)]
            better, worse = (whole[: self._max_length] for whole in both)
            if better == worse:
                self.counts.lost.append(name)
                continue
            self.counts.after += 1
            self.counts.cut += max(map(len, both)) > self._max_length
            made["chosen_ids"].append(better)
            made["rejected_ids"].append(worse)
            made[TOKENS].append(len(better) + len(worse))
            made[LEARNED].append(0)
        return made

    def _keep(self, read: int, learned: int, name: str) -> bool:
        """Whether something is left to be learned within the length."""
        if read >= self._max_length:
            self.counts.lost.append(name)
            return False
        self.counts.after += 1
        self.counts.cut += read + learned > self._max_length
        return True

    def _encode(
        self, prompt: Sequence[Message], answer: Message, name: str
    ) -> tuple[list[int], list[int]]:
        """What is read and what is learned, as the student meets them when it is asked.

        The prompt's ids are those of the prompt alone, as a server makes them. The answer's are
        those of the whole text, so that no tokenizer begins the answer as it begins a text, unless
        it draws the end of the prompt and the beginning of the answer into one token.

        Raises:
            RefusedError: As `Template.split`, with the name of the row; or a persona of the
                template would be trained unsaid.
        """
        self._require_no_persona(prompt, name)
        with _naming(name):
            read, learned = self._template.split(_as_read(prompt), _as_read([answer])[0])
        read_ids, whole = self._to_ids(read), self._to_ids(read + learned)
        if whole[: len(read_ids)] == read_ids:
            return read_ids, whole[len(read_ids) :]
        return read_ids, self._to_ids(learned)

    def _encode_whole(self, chat: Sequence[Message], name: str) -> list[int]:
        """A chat with its last answer; raises as `_encode` does."""
        self._require_no_persona(chat, name)
        with _naming(name):
            text = self._template.render(_as_read(chat))
        return self._to_ids(text)

    def _require_no_persona(self, chat: Sequence[Message], name: str) -> None:
        if self._persona and chat[:1] and chat[0]["role"] != "system":
            raise RefusedError(
                "persona",
                f"the chat template writes {self._persona!r} before chats that have no system "
                f"message, such as row {name}: name a template that does not (`chat_template`), or "
                "say that it is to be trained (`persona: true`)",
            )

    def _to_ids(self, text: str) -> list[int]:
        # Templates write the tokens that begin a text.
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids


@contextmanager
def _naming(row: str) -> Iterator[None]:
    """Names the row in what a template refuses."""
    try:
        yield
    except RefusedError as refused:
        raise RefusedError(refused.kind, f"row {row}: {refused}") from refused


def _as_read(chat: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The messages with the fields that templates read, where they hold something."""
    return [
        {name: message[name] for name in _READ if message.get(name) is not None} for message in chat
    ]


def _name_of(rows: Mapping[str, Sequence[Any]], at: int) -> str:
    """The columns that name a row, in one word."""
    return "/".join(str(rows[name][at]) for name in id_columns(rows))


def id_columns(rows: Mapping[str, Any] | Sequence[str]) -> Iterator[str]:
    """The columns among these that name a row of an export."""
    return (name for name in ("conversation_id", "model", "rejected_is") if name in rows)
