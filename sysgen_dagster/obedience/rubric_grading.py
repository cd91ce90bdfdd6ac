"""What a judge is asked for the score of one answer by one rubric, and what its reply says.

As the authors of Multifaceted-Bench do, each rubric is a request of its own in the layout of
Prometheus' absolute grading; the wording is ours. Where a server can be held to a form, it writes
one paragraph and then the mark with one of five digits.
"""

from collections.abc import Sequence
from typing import Final

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatMessage, Sampling
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.obedience.rubric_scores import HIGHEST, LOWEST, read_rubric_score

PROMPT = load_prompt("judge_rubric")
# Temperature 0 and one grading a rubric: gradings by GPT-4 in this layout at temperature 1 differ
# between runs in a quarter to a third of the items, yet their mean over 320 items moves by 0.02 to
# 0.04 only (counted from prometheus-eval's stored gradings), so that more items say more than more
# gradings. 1,024 tokens are what the bench's authors give a judge.
SAMPLING = Sampling(temperature=0.0, max_tokens=1024)
# At temperature 0 another seed would write the same again; 1.0 is what the bench's authors use.
SAMPLING_AGAIN = Sampling(temperature=1.0, max_tokens=1024)

SCORES: Final = tuple(range(LOWEST, HIGHEST + 1))
DIGITS: Final = tuple(map(str, SCORES))
CONSTRAINT = Constraint(
    structured={"regex": rf"[^\n]+\n\[RESULT\] ({'|'.join(DIGITS)})"},
    grammar=rf'root ::= [^\n]+ "\n[RESULT] " [{LOWEST}-{HIGHEST}]',
    is_needed=False,  # what is written freely is read with care
)


def render_grading(
    instruction: str,
    answer: str,
    criterion: str,
    levels: Sequence[str],
    reference_answer: str | None = None,
    system_message: str | None = None,
) -> list[ChatMessage]:
    """The messages to the judge. No text is shortened: a score of half an answer says little.

    Args:
        instruction: What the assistant was asked.
        answer: What is graded.
        criterion: Of the rubric.
        levels: What the scores 1 to 5 stand for.
        reference_answer: What would get a 5; None: the judge is shown none.
        system_message: What the assistant was told; None: the judge is not shown it.
    """
    texts = {"instruction": instruction, "answer": answer, "criterion": criterion}
    shown = {"reference_answer": reference_answer, "system_message": system_message}
    mark = separating_mark([*texts.values(), *levels, *(text or "" for text in shown.values())])
    return PROMPT.render(mark=mark, levels=levels, **texts, **shown)


def read_score(text: str, finish_reason: str | None) -> tuple[int | None, str | None]:
    """The score of a grading, or why it has none; one of the two is None.

    A grading that reached the token limit is ``truncated``, whatever its last words were.
    """
    if finish_reason == CUT:
        return None, NoAnswer.TRUNCATED.value
    score, unread = read_rubric_score(text)
    return score, unread and unread.value
