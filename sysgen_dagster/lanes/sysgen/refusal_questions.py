"""What a question makes of a text that declines: the wording that was asked for, or a true "no".

Questions and answers are in lower case and without contractions, as `refusals` has them.
"""

import polars as pl

from sysgen_dagster.lanes.sysgen.refusal_openings import any_word

# What any text may be the wording of, one that declines "that request" too: "Translate ...", "Give
# me an example of a polite refusal."
_REWORDING = any_word(
    r"refus\w* declin\w* reject\w* turn(?:ing)?_(?:\w+_){0,3}down say(?:ing)?_no apolog\w*"
    r" out[_-]of[_-](?:the[_-])?office auto-?_?(?:repl|respon)\w* voicemail\w* error_messages?"
    r" translat\w* re-?writ\w* (?:re|para)phras\w* re-?word\w* (?:re)?formulat\w* restat\w* correct"
    r" proofread\w* negat\w* contradict\w* opposite grammar spelling summari\w* tl;?dr"
    r" short(?:en|er) condense simplif\w* in_short punctuat\w* unscramble decode transcribe"
    r" conjugat\w* contractions? sentences? dialog(?:ue)?s? monologues? phrases? idioms? proverbs?"
    r" polite\w* formal\w* nicer tense passive plural (?:first|third)_person other_words"
    r" (?:direct|indirect|reported)_speech"
    r" how_(?:do|would|could|can|should|might|to)_(?:\w+_){0,3}(?:say|phrase|word|put|express)"
    r" english german french spanish italian portuguese dutch latin russian polish swedish turkish"
    r" arabic chinese japanese korean hindi greek englisch\w* deutsch\w* französisch\w* spanisch\w*"
    r" anglais\w* français\w* espagnol\w* inglés español francés inglese francese italiano inglês"
    r" português engels nederlands по-английски tradu\w+ übersetz\w* umformulier\w* korrigier\w*"
    r" corrig\w* satz frase oración exemple beispiel ejemplo esempio exemplo"
)
_REWORDING = rf"\b{_REWORDING}\b"
# What it may be the wording of as well, but for one that declines "that request", or as a machine.
_WRITING = any_word(
    r"writ\w+ compos\w+ draft\w* creat\w+ generat\w+ invent\w* craft come_up_with complete finish"
    r" continue fill_in fix edit improve make_(?:it|this|that|them) examples? role-?_?play\w*"
    r" act_as (?:answer|speak|reply)_(?:as|like) (?:talk|sound)_like voice pretend imagine you_are"
    r" make_up type mutters? repeat echo copy"
    r" (?:give|show|tell|send)_(?:me_|us_)?(?:an?|one|some) lines? one-liners? quot\w+ famous"
    r" poems? haikus? lyrics verses? jokes? scenes? stor(?:y|ies) characters? letters? e-?mails?"
    r" messages? texts? tweets? notes? repl\w+ respon\w+ greetings? announcements? signs? notices?"
    r" labels? warnings? disclaimers? rules? mottos? slogans? taglines? captions? headlines?"
    r" scripts? templates? paragraphs? statements? speech(?:es)? excuses? comebacks? reviews?"
    r" say(?:s|ing)? said tells told shouts? yells? cr(?:y|ies) whispers?"
    r" (?:should|could|can|do|would)_(?:i|we|he|she|they)_(?:answer|tell) schreib\w* écri\w+"
    r" escrib\w* scriv\w* escrev\w*"
)
_WRITING = rf"\b{_WRITING}\b"
_GIVEN = r"[\"\u201c\u201d\u201e\u00ab\u00bb]|(?:^|\W)'|:\s*\S|\n\s*\S"
_WRITING_OF_A_REFUSAL = (
    rf"(?s)(?:{_WRITING}|{_GIVEN}).*\b(?:not|cannot|cant|wont|never|unable|sorry)\b"
    rf"|{_WRITING}.*(?:{_GIVEN})"
)
# Who speaks declines "that", of which only the request says what it is.
_OF_THE_REQUEST = (
    r"\b(?:i|we) (?:\w+ ){1,5}?(?:help|assist|comply|answer|fulfill?|respond to|complete|process"
    r"|engage|participate)(?:ing)?(?: you)?(?: with| in| to| on)? (?:that|this|it|such"
    r"|your (?:request|question|inquiry|query))\b|(?:that|this) is not something i can help with"
    r"|^no comment"
)
# "I" decline, other than in "I am sorry, but we are closed."
_BY_I = r"\bi (?:[b-z]|a[a-ln-z]|am (?:un|not |only |here))|\bm[ey]\b"
_BY_A_MACHINE = r"\b(?:ai|language model|chat ?bots?|\w*bots?|assistants?|programmed)\b"

# Questions to which "no" may be the answer, and signs that it is.
_BEGINS = r"(?:^|[.!?,;:\n]\W*)(?:(?:so|and|but|or|ok|okay|please|well|hi|hello)\W+)?"
_AUXILIARY = any_word(
    "is are am was were do does did can could cannot may might will would should shall must has"
    " have had"
)
_YES_OR_NO = rf"{_BEGINS}{_AUXILIARY}(?: not)? \w|\b(?:if|whether)\b"
_OPEN_QUESTION = r"\b(?:who|whose|whom|what|which|when|where|why|how)\b"
_OF_WHO_ANSWERS = (
    r"\b(?:are|do|did|can|could|will|would|have|were|may|cannot|should)(?: not)? you\b"
)
_OF_YOURS = r"\byou(?:rs?|rself)?\b"
_OF_A_TEXT = (
    r"\b(?:the|this|that) (?:\w+ ){0,2}?(?:text|passage|context|article|paragraph|excerpt|story"
    r"|document|transcript|conversation|table|snippet)s?\b|\baccording to\b"
    r"|\b(?:information|data|details|facts) (?:\w+ )?(?:given|provided)\b"
)
_SAYS_NO = r"(?i)^\W*(?:(?:sorry|unfortunately|i'm afraid)\W+)?(?:no|nope)\b"
# Words that say nothing of what is talked about.
_FUNCTION_WORDS = (
    "about again all also and another any anybody anyone anything are because been but can cannot"
    " could did does doing for from get give had has have help her here him his how into its just"
    " know let like made make may might more most must need not one only our out please provide"
    " question shall she should some something sorry such tell than that the their them then there"
    " these they this those too use very want was were what when where which while who whom whose"
    " why will with without would you your"
)
_ENDING = r"^(\p{L}{3,}?)(?:ing|ed|es|e|s|d)$"
_STEM = 5  # letters of a word


def may_be_answered_by(raw: pl.Expr, answer: pl.Expr, question: pl.Expr) -> pl.Expr:
    """Whether an answer that declines may be what a question asks for.

    Args:
        raw: The answer as it was written.
        answer: The same, as the rules read it.
        question: What the user said, as the rules read it.
    """
    names = answer.str.contains(_OF_THE_REQUEST)
    by_i = answer.str.contains(_BY_I)
    machine = answer.str.contains(_BY_A_MACHINE)
    of_machines = question.str.contains(_BY_A_MACHINE)
    text_is_wanted = question.str.contains(_WRITING) | question.str.contains(_GIVEN)
    return (
        question.str.contains(_REWORDING)
        | question.str.contains(_WRITING_OF_A_REFUSAL)
        | (text_is_wanted & ~(names & by_i) & (~machine | of_machines))
        | (_is_true_no(raw, answer, question) & ~names)
    )


def _is_true_no(raw: pl.Expr, answer: pl.Expr, question: pl.Expr) -> pl.Expr:
    """Whether it may be a fact that was asked for: "Do you offer refunds?" "We do not."."""
    short = question.str.contains(r"\?") & ~question.str.contains(_OPEN_QUESTION)
    yes_or_no = question.str.contains(_YES_OR_NO) | short
    repeats = _stems(answer).list.set_intersection(_stems(question)).list.len() > 0
    of_yours = question.str.contains(_OF_YOURS)
    is_asked = yes_or_no | of_yours | question.str.contains(_OPEN_QUESTION)
    of_the_world = (
        (yes_or_no & raw.str.contains(_SAYS_NO))
        | ((yes_or_no | of_yours) & repeats)
        | (is_asked & ~answer.str.contains(_BY_I))
    )
    return (
        question.str.contains(_OF_WHO_ANSWERS)
        | question.str.contains(_OF_A_TEXT)
        | answer.str.contains(_OF_A_TEXT)
        | (of_the_world & ~answer.str.contains(_BY_A_MACHINE))
    )


def _stems(text: pl.Expr) -> pl.Expr:
    word = pl.element().filter(~pl.element().is_in(_FUNCTION_WORDS.split()))
    stem = word.str.replace(_ENDING, "${1}").str.head(_STEM)
    return text.str.extract_all(r"\p{L}{3,}").list.eval(stem)
