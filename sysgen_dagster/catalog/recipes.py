"""Training sets: how training rows are made, and which rows a named mixture holds."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

from sysgen_dagster.catalog.entries import (
    AtLeastOne,
    Count,
    Entry,
    MoreThanZero,
    Name,
    Share,
    SourceName,
    Switch,
)
from sysgen_dagster.catalog.rules import rule


class Variant(StrEnum):
    """What a training row consists of: the paper's sets and ablations (sections 4 and 5).

    S is the system message, Q the question, A the original answer, A' the new answer.
    """

    SYSGEN = "sysgen"  # S, Q, A'
    ORIGINAL_ANSWER = "original_answer"  # S, Q, A
    COMMON_SYSTEM_MESSAGE = "common_system_message"  # the same S for all rows, Q, A
    NO_SYSTEM_MESSAGE = "no_system_message"  # Q, A; a chat template may put a persona before it
    EMPTY_SYSTEM_MESSAGE = "empty_system_message"  # a system turn that says nothing, Q, A
    USER_ROLE = "user_role"  # S at the start of the user turn, Q, A'


class Rejected(StrEnum):
    """Which answer a preference pair rejects; the chosen one is the new answer."""

    ORIGINAL_ANSWER = "original_answer"  # A, written without S
    WORSE_ANSWER = "worse_answer"  # another A' under the same S, which breaks a rule
    OTHER_SYSTEM_MESSAGE = "other_system_message"  # another model's A', written under its own S
    FOLLOWED_USER = "followed_user"  # does what a user asks for against S, by rules


class Lane(StrEnum):
    """Whose rows a mixture takes."""

    SYSGEN = "sysgen"
    MULTIFACETED = "multifaceted"  # a preference set's message, its instruction, its answer


class Layout(StrEnum):
    """How the rows of an export hold their texts."""

    CHATS = "chats"  # `messages`, or of pairs `prompt`, `chosen` and `rejected`, all of turns
    REWARD = "reward"  # `chosen` and `rejected`, each a whole chat: trainers of reward models
    PUBLISHED = "published"  # the columns of the Multifaceted Collection and its sets of pairs


class Thoughts(StrEnum):
    """Where an exported chat holds what was thought before its last answer."""

    LEAVE_OUT = "leave_out"
    FIELD = "field"  # `reasoning_content` of the message, as chat templates of today read it
    IN_CONTENT = "in_content"  # a <think> block at the start of the content


# Why a row may be left out: a finding of the row, then what the whole corpus or a judge shows.
Flag = Literal[
    "final_answer_differs",
    "final_answer_missing",
    "final_answer_leaked",
    "content_copied",
    "foreign_equation",
    "copied_from_prompt",
    "repaired",
    "python_does_not_parse",
    "original_python_does_not_parse",
    "languages_differ",
    "repetitive",
    "personal_data",
    "not_obeyed",
    "declines",
    "may_decline",
    "judges_disagree",
    "near_duplicate_question",
    "contaminated",
    "near_duplicate_message",
    "not_aligned",
]
JUDGED: Flag = "not_aligned"  # the one that only a judge gives
NOT_OBEYED: Flag = "not_obeyed"  # a phrase of the system message is known not to be obeyed
DECLINES: Flag = "declines"  # a judge says that the answer is a refusal
MAY_DECLINE: Flag = "may_decline"  # it reads like one, and no judge has said
JUDGES_DISAGREE: Flag = "judges_disagree"  # about a phrase of the system message

# Those that rows of the second lane are looked at for: their instructions have no original answer,
# their messages no tagged phrases, and nothing searches the whole corpus for them.
OF_SECOND_LANE: tuple[Flag, ...] = (
    "python_does_not_parse",
    "languages_differ",
    "repetitive",
    "personal_data",
)
# Those of a conversation and its system message, whatever was answered.
OF_MESSAGE: tuple[Flag, ...] = (
    "final_answer_leaked",
    "content_copied",
    "foreign_equation",
    "copied_from_prompt",
    "repaired",
    "original_python_does_not_parse",
    "near_duplicate_question",
    "contaminated",
    "near_duplicate_message",
)
# Those that pairs of conflict turns are looked at for: no judge reads their answers, and nothing
# compares them with the original one.
OF_CONFLICT_TURNS: tuple[Flag, ...] = (*OF_MESSAGE, *OF_SECOND_LANE, NOT_OBEYED, MAY_DECLINE)


class Reviewed(StrEnum):
    """Which rows a mixture takes by what reviewers decided; rejected ones never."""

    ACCEPTED = "accepted"


class Obeyed(StrEnum):
    """Which rows a mixture takes by whether the answer obeys its system message."""

    ALL = "all"  # every phrase was decided, and is obeyed
    NONE_BROKEN = "none_broken"  # no phrase is known not to be obeyed


class Training(Entry):
    """How training rows are made of aligned rows."""

    common_system_message: str = "You are a helpful AI assistant."  # as in the paper's ablation
    # Whether the variants without S are limited to the conversations that the others have.
    same_conversations: Switch = True
    validation: Share = 0.01
    test: Share = 0.01
    seed: Count = 0  # of the splits

    @rule("validation", "test")
    def _require_rows_to_train_on(self) -> str | None:
        if self.validation + self.test >= 1:
            return "`validation` and `test` together must leave rows to train on"
        return None


# Fields of recipes that older versions did not know.
_LATER = ("lane", "layout", "one_an_instruction", "rejected_breaks")


class Recipe(Entry):
    """A named mixture of training rows or, with `rejected`, of preference pairs."""

    variant: Variant = Variant.SYSGEN
    rejected: tuple[Rejected, ...] = ()
    rejected_breaks: Switch = False  # only pairs whose rejected answer breaks a phrase, by rules
    sources: tuple[SourceName, ...] = ()  # empty: all
    models: tuple[Name, ...] = ()  # empty: all
    rows: AtLeastOne | None = None  # most rows of the train split, over all sources
    rows_of: Mapping[SourceName, AtLeastOne] = {}  # most rows of the train split, by source
    weights: Mapping[SourceName, MoreThanZero] = {}  # how sources share `rows`; 1 where not given
    least_tags: Count = 0  # a message must hold so many different tags
    leave_out: tuple[Flag, ...] = ()  # rows with one of these flags
    thoughts: Thoughts = Thoughts.LEAVE_OUT
    obeyed: Obeyed | None = None  # only rows whose answer obeys its message; null: all rows
    reviewed: Reviewed | None = None  # accepted: only rows that a reviewer has accepted
    seed: Count = 0  # of the sample
    lane: Lane = Lane.SYSGEN
    layout: Layout = Layout.CHATS
    # Of each instruction of the second lane one row, drawn of all its messages and models.
    one_an_instruction: Switch = False

    @property
    def recorded(self) -> dict[str, Any]:
        """The fields as they are recorded: later ones only where they are set, as before."""
        defaults = {name: type(self).model_fields[name].default for name in _LATER}
        unset = {name for name, default in defaults.items() if getattr(self, name) is default}
        return self.model_dump(mode="json", exclude=unset)

    @rule("weights", "rows")
    def _require_rows_with_weights(self) -> str | None:
        if self.weights and self.rows is None:
            return "`weights` divide `rows` among the sources: give `rows`"
        return None

    @rule("rejected_breaks", "rejected", "lane")
    def _require_pairs_that_rules_look_at(self) -> str | None:
        if self.rejected_breaks and (not self.rejected or self.lane is not Lane.SYSGEN):
            return (
                f"`rejected_breaks` is of preference pairs of the lane `{Lane.SYSGEN}`: "
                "give `rejected`, or leave it out"
            )
        return None

    @rule("thoughts", "rejected")
    def _require_chats_for_thoughts(self) -> str | None:
        if self.rejected and self.thoughts is not Thoughts.LEAVE_OUT:
            return "preference pairs hold no thoughts: leave out `thoughts`"
        return None

    @rule("lane", "rejected", "variant")
    def _require_rows_of_the_lane(self) -> str | None:
        if self.lane is Lane.SYSGEN:
            return None
        if {*self.rejected} - {Rejected.OTHER_SYSTEM_MESSAGE}:
            return f"pairs of the lane `{self.lane}` reject `other_system_message` only"
        if self.variant is not Variant.SYSGEN:
            return f"rows of the lane `{self.lane}` have no variants: leave out `variant`"
        if self.sources or self.rows_of or self.weights:
            return (
                f"the lane `{self.lane}` has sources of its own, each with its `weight`: leave out "
                "`sources`, `rows_of` and `weights`"
            )
        return None

    @rule("leave_out", "lane", "rejected")
    def _require_flags_that_are_looked_for(self) -> str | None:
        if self.lane is not Lane.SYSGEN:
            rows, looked_for = f"rows of the lane `{self.lane}`", OF_SECOND_LANE
        elif Rejected.FOLLOWED_USER in self.rejected:
            rows, looked_for = f"pairs that reject `{Rejected.FOLLOWED_USER}`", OF_CONFLICT_TURNS
        else:
            return None
        unknown = [flag for flag in self.leave_out if flag not in looked_for]
        if not unknown:
            return None
        return (
            f"nobody looks for `{unknown[0]}` in {rows}, so that all would count as clean: leave "
            f"out {', '.join(f'`{flag}`' for flag in looked_for)} only"
        )

    @rule("reviewed", "rejected")
    def _require_pairs_that_are_reviewed(self) -> str | None:
        if self.reviewed is not None and {*self.rejected} == {Rejected.FOLLOWED_USER}:
            return (
                f"nobody reviews pairs that reject `{Rejected.FOLLOWED_USER}`: none would be "
                "taken: leave out `reviewed`, or name a kind besides"
            )
        return None

    @rule("one_an_instruction", "lane")
    def _require_instructions(self) -> str | None:
        if self.one_an_instruction and self.lane is not Lane.MULTIFACETED:
            return f"only the lane `{Lane.MULTIFACETED}` has several rows an instruction: give that"
        return None

    @rule("layout", "rejected", "lane")
    def _require_rows_for_the_layout(self) -> str | None:
        if self.layout is Layout.REWARD and not self.rejected:
            return "the layout `reward` is one of preference pairs: give `rejected`"
        if self.layout is Layout.PUBLISHED and self.lane is not Lane.MULTIFACETED:
            return f"the layout `published` is that of `lane: {Lane.MULTIFACETED}`: give that"
        return None
