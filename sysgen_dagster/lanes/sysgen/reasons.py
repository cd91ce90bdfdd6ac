"""What drop reasons and defects mean, in words for somebody who has not read the documents."""

from collections.abc import Mapping

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.sysgen.drop_reasons import BREAKS_RULES, Dropped
from sysgen_dagster.lanes.sysgen.tags import DefectKind
from sysgen_dagster.sources.drop_reasons import Unusable

_REASONS: Mapping[str, str] = {
    Unusable.EXCLUDED: "it is on the list of excluded conversations",
    Unusable.MALFORMED_ROW: "the row, or a turn of it, is not of the source's shape",
    Unusable.NOT_TEXT: "it holds something else than text",
    Unusable.TOOL_TURN: "a tool was called before its answer",
    Unusable.UNKNOWN_ROLE: "a turn before its answer is of nobody who is known",
    Unusable.NO_ANSWER: "its question has no answer",
    Unusable.EMPTY_QUESTION: "its question is empty",
    Unusable.EMPTY_ANSWER: "its answer is empty",
    Unusable.HISTORY_TOO_LONG: "it has too many turns before the question",
    Unusable.EMPTY_TURN: "a turn before the question is empty",
    NoAnswer.BEYOND_LIMIT: "the model was not asked",
    NoAnswer.TOO_LONG: "it does not fit the model's context",
    NoAnswer.REFUSED_BY_SERVER: "the server refused the request",
    NoAnswer.SERVER_ERROR: "the server failed at it again and again",
    NoAnswer.ENGINE_DIED: "the server died at it again and again",
    NoAnswer.TIMEOUT: "the server did not answer in time",
    NoAnswer.MALFORMED_REPLY: "the server's reply is no chat completion",
    NoAnswer.EMPTY_COMPLETION: "the model wrote nothing",
    NoAnswer.TRUNCATED: "the text was not complete at the limit of tokens",
    NoAnswer.FILTERED_BY_SERVER: "the server's moderation stopped it",
    Dropped.MALFORMED_BOUNDARY: "a tag was opened or closed wrongly",
    Dropped.NO_PHRASE_LEFT: "the message holds no tagged phrase",
    Dropped.NOTHING_VERIFIED: "no phrase was judged Good",
    Dropped.REFUSED: "the model declined to answer",
    Dropped.CONTRADICTS_ORIGINAL: "its result is not that of the original answer",
    BREAKS_RULES: "another answer breaks fewer rules of the message",
}

_DEFECTS: Mapping[str, str] = {
    DefectKind.UNCLOSED: "its tag is not closed",
    DefectKind.MISMATCHED: "another tag closes it",
    DefectKind.ORPHAN_CLOSE: "closes a tag that was not opened",
    DefectKind.BROKEN_BRACKET: "its brackets are broken",
    DefectKind.UNKNOWN_TAG: "its tag is none of the eight",
    DefectKind.UNASSIGNED_TEXT: "stands outside every tag",
    DefectKind.EMPTY_PHRASE: "its tag holds nothing",
    DefectKind.MENDED_CLOSE: "a closing mark was added",
    DefectKind.MENDED_LAST_CLOSE: "the last closing mark was added",
    DefectKind.MENDED_DECORATION: "decoration round a mark was taken away",
}


def explain_reason(drop_reason: str) -> str:
    """A drop reason in words, or why an answer was not chosen."""
    return _REASONS.get(drop_reason, drop_reason)


def explain_defect(kind: str) -> str:
    """In words why Phase 2 left something out of a message, or what it mended."""
    return _DEFECTS.get(kind, kind)
