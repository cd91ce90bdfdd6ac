"""What a phrase of a system message may ask that can be computed of an answer.

Belongs here: the kinds of rules and their values. Does not: recognising them in a phrase
(`recognition`) and holding an answer to them (`by_rules`).
"""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether an answer does what a phrase of its system message asks."""

    OBEYED = "obeyed"
    NOT_OBEYED = "not_obeyed"
    UNKNOWN = "unknown"  # neither rules nor a judge could tell, or nobody was asked


BY_RULES = "rules"  # stands for the judge's name where rules decided


class RuleKind(StrEnum):
    """The kinds of rules, as tables name them."""

    LANGUAGE = "language"
    TRANSLATED = "translated"  # into the language

    # Counted in the whole answer.
    WORDS = "words"
    SENTENCES = "sentences"
    PARAGRAPHS = "paragraphs"
    LINES = "lines"
    CHARACTERS = "characters"

    # Parts of an answer's form, counted.
    BULLETS = "bullets"
    NUMBERED_ITEMS = "numbered_items"
    LIST_ITEMS = "list_items"  # of either kind of list
    HEADINGS = "headings"
    TABLES = "tables"
    CODE_BLOCKS = "code_blocks"
    CODE_COMMENTS = "code_comments"
    BOLD = "bold"
    HIGHLIGHTS = "highlights"  # bold or italic
    DIVIDED_PARTS = "divided_parts"  # parts between lines of asterisks; `words` has the line
    NAMED_SECTIONS = "named_sections"  # parts that begin "Section 1"; `words` has the name
    PLACEHOLDERS = "placeholders"  # [name]
    FORMULAS = "formulas"  # set in LaTeX
    EQUATIONS = "equations"

    # The form of the whole answer.
    JSON = "json"  # `words` has the names of the fields, or "{}" for an object of any
    TITLE = "title"
    CODE_ONLY = "code_only"
    PROSE = "prose"
    QUOTED = "quoted"
    COMMA_LIST = "comma_list"  # items in one line

    # Signs.
    CASE = "case"  # `words` has "lower" or "upper"
    CAPITAL_WORDS = "capital_words"
    SIGNS = "signs"  # `words` has the signs
    DIGITS = "digits"
    EMOJI = "emoji"
    QUESTIONS = "questions"
    CONTRACTIONS = "contractions"

    # Words.
    USES_WORDS = "uses_words"  # each of `words`, so often
    USES_ONE_OF = "uses_one_of"
    IS_ONE_OF = "is_one_of"  # the whole answer; `most` is 0 where words beside it are forbidden
    AVOIDS_WORDS = "avoids_words"
    LETTER = "letter"
    FIRST_PERSON = "first_person"
    SECOND_PERSON = "second_person"
    EXAMPLE = "example"
    STATES_RESULT = "states_result"  # and uses `words`, the words of the task
    HAS_CODE = "has_code"
    # `words` has after "=" its language and what it is if it can be nothing but code, after
    # "'" names that it uses.
    PROGRAM = "program"
    STEPS = "steps"
    EXPLANATION = "explanation"  # `least` is 2 where it is to be detailed

    # Beginning and end.
    BEGINS_WITH = "begins_with"  # one of `words`
    BEGINS_WITH_PART = "begins_with_part"  # `words` has the part of an answer
    BEGINS_WITH_GREETING = "begins_with_greeting"
    PARAGRAPH_BEGINS_WITH = "paragraph_begins_with"  # the paragraph of number `least`
    ENDS_WITH = "ends_with"  # one of `words`
    ENDS_WITH_PART = "ends_with_part"  # `words` has the part of an answer
    ENDS_WITH_CODE = "ends_with_code"
    ENDS_WITH_QUESTION = "ends_with_question"
    ENDS_WITH_SENTENCE = "ends_with_sentence"
    ENDS_WITH_RESULT = "ends_with_result"
    ENDS_WITH_RESULT_SENTENCE = "ends_with_result_sentence"
    ENDS_WITH_SUMMARY = "ends_with_summary"
    POSTSCRIPT = "postscript"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that an answer must be, have or avoid.

    Attributes:
        kind: What is looked at.
        least: The smallest number that obeys; None: no bound.
        most: The largest number that obeys; None: no bound.
        words: Words, beginnings, endings or names, as the kind has them.
        is_forbidden: Whether the answer must not have it.
    """

    kind: RuleKind
    least: int | None = None
    most: int | None = None
    words: tuple[str, ...] = ()
    is_forbidden: bool = False


@dataclass(frozen=True, slots=True)
class Recognized:
    """What was recognised in a phrase.

    Attributes:
        rules: What rules can hold an answer to.
        is_whole: Whether they say all that the phrase asks. If not, an answer that keeps to them
            may still break the phrase.
    """

    rules: tuple[Rule, ...] = ()
    is_whole: bool = False


NOTHING = Recognized()
