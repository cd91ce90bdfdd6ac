"""A model that answers from a script, for tests of the method that ask more than once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster_tests.lanes.sysgen.frames import completions, failed, replied


class Cut(str):
    """A reply that the server ended at the token limit."""


# The reply to each conversation in one call, or the reason why there is none.
Round = Mapping[str, str | NoAnswer]


@dataclass
class ScriptedModel:
    """Answers each call with the next round of the script; `asked` holds the requests of each."""

    script: tuple[Round, ...]
    asked: list[list[ChatRequest]] = field(default_factory=list)

    def __call__(self, requests: Iterator[ChatRequest], total: int) -> pl.DataFrame:
        asked = list(requests)
        assert len(asked) == total
        answers = self.script[len(self.asked)]
        self.asked.append(asked)
        return completions(
            *[{**outcome(each.request_id, answers), "seed": each.seed} for each in asked]
        )


def outcome(request_id: str, answers: Round) -> dict[str, object]:
    """The row of `COMPLETIONS` for a request."""
    answer = answers[request_id]
    if isinstance(answer, NoAnswer):
        return failed(request_id, answer.value)
    return replied(request_id, str(answer), "length" if isinstance(answer, Cut) else "stop")
