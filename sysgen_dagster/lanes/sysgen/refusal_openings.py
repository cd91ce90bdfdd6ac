"""What may stand before the words that decline, as patterns; and what changes nothing."""

# All patterns are matched with a text in lower case and without contractions.
APOSTROPHES = {"\u2019": "'", "\u2018": "'", "\u02bc": "'"}
SPELLED_OUT = {
    **{"can't": "cannot", "can not": "cannot", "won't": "will not", "shan't": "shall not"},
    **{"n't": " not", "i'm": "i am", "i've": "i have", "i'd": "i would", "i'll": "i will"},
    **{
        "it's": "it is",
        "that's": "that is",
        "we're": "we are",
        "you're": "you are",
        "you'll": "you will",
        "authoris": "authoriz",
    },
    **{"apologis": "apologiz", "realis": "realiz", "summaris": "summariz"},
}
# All of an answer may be in quotation marks; a quotation at its beginning is a story's.
QUOTED = r'^\s*["\u201c]([^"\u201d]*)["\u201d]\s*$'


def any_of(*patterns: str) -> str:
    """One of some patterns."""
    return f"(?:{'|'.join(patterns)})"


def any_word(words: str) -> str:
    """Any of some words, of which `_` joins two."""
    return any_of(*(word.replace("_", " ") for word in words.split()))


REST = r"[^.!?\n]*"  # of a sentence
PART = r"[^.!?\n,]+"  # of a sentence, up to a comma
_AI = "(?:ai|artificial intelligence|(?:large )?language model|virtual assistant|chat ?bot|bot)"
SUBJECT = "(?:that )?(?:i|we)"
AM = "(?:am|are)"
# Marks of Markdown and pictures may begin a line, and a refusal may begin with its "no".
MARKS = r"^[\s*_>#\p{So}\p{Cf}\p{Mn}]*(?:(?:no|nope|nah)[,.!;]+\s+)?"
# These change nothing and may stand anywhere, so they are taken out before the text is read.
_NO_MATTER = any_word(
    "really very truly deeply terribly simply just currently also still therefore unfortunately"
    " regretfully always respectfully politely absolutely definitely not_only generally personally"
    " directly strictly legally ethically sadly actually physically presently hereby kindly"
    " certainly probably sincerely firmly hence thus consequently"
)
ADVERBS = rf"\b{_NO_MATTER} "
# "I cannot", "I do not" in other senses.
IDIOMS = (
    r"\b(?:(?:cannot|(?:could|would|will) not(?: be able to)?) "
    + any_word(
        r"thank wait believe help_but help_\w+ing help_(?:it|myself) imagine stress overstate"
        r" emphasi\w+ underestimate deny agree stand bear blame complain live forget stop lie worry"
        r" sleep tell_a_(?:lie"
        r"|soul) go_gentle get_enough afford recommend_[^.!?\n]*_enough say_enough"
        r" (?:recommend|suggest|name|think_of|imagine)_[^.!?\n,;:]*_(?:better|finer|nicer|more)"
    )
    + r"|not going to lie|refuse to believe|(?:do not have|without) the ability to (?:experience"
    r"|feel|dream)|do not (?:worry|get me wrong|see an?y?|like|mean|understand))\b"
)
_INFORM = any_of(
    "(?:must|have to|need to|should|want to|would like to|am obliged to|would)"
    " (?:inform|tell|remind|advise) you",
    "(?:must|have to|need to) (?:say(?:,| that)|admit|clarify)",
)
_SORRY = any_of(
    r"(?:i am |we are )?(?:so )?(?:sorry|afraid)\b(?: to (?:say|tell|inform|disappoint|interrupt"
    r"|let)"
    rf"(?: you)?(?: down)?(?: know)?(?: that)?)?(?: for (?:the|any|your|this|that) {PART})?",
    rf"(?:i |we |my |our )?(?:(?:sincere|deep)(?:st|est)? )?apolog(?:ize|ies)"
    rf"(?: for (?:the|any|this) {PART})?",
    "(?:please )?accept (?:my|our) (?:sincere )?apologies",
    "(?:forgive|excuse|pardon) me",
)
# What may stand before the clause, in its own sentence.
_BEFORE = any_of(
    r"(?:oh|well|ah|hello|hi|hey|halt|stop|dear (?:user|customer|guest))\W{1,3}",
    rf"{_SORRY}\W{{1,4}}",
    r"(?:my )?(?:dear )?(?:sir|madam|ma'am|friend|travell?er|guest|customer|child|lady"
    r"|stranger)\W{1,3}",
    r"i (?:will )?(?:have to|must) disappoint you\W{1,3}",
    r"(?:unfortunately|regrettably|regretfully|sadly|however|therefore)\W{1,3}",
    r"(?:so|but|and|currently|at present|at (?:this|the) (?:time|moment))\W{1,3}",
    rf"(?:{SUBJECT} regret|it is with (?:\w+ )?regret)(?: to (?:say|tell you"
    rf"|inform you))? ?(?:that )?",
    rf"(?:{SUBJECT} {_INFORM}|(?:please )?(?:note|understand|be aware|know))\W{{1,3}}(?:that )?",
    rf"(?:as|being|since i am|because i am|like) (?:an?|your|the|our) {PART},\s*",
    rf"(?:as|being) an? {_AI}\s+",
    rf"i am (?:only )?an? {PART}(?:,? (?:and|so|but)|[,;]) ",
    rf"(?:while|although|though|even though) {PART},\s*",
    rf"(?:due to|because of|according to) {PART},\s*",
    rf"{SUBJECT} (?:appreciate|understand|thank you for|am here) {PART},\s*",
    rf"(?:thank you for|thanks for) {PART},\s*",
    "it is (?:important|worth) (?:to note|noting) that ",
    rf"{SUBJECT} (?:would (?:love|like|be happy|be glad) to|wish|am sure|know|hope"
    rf"|want) {PART},? but ",
    r"as an? [^.!?\n]{3,80}? (?:but|and) (?:as an? [^.!?\n,]+, )?",
)
WORDS_BEFORE = f"^{_BEFORE}{{1,5}}"
SORRY = "^(?:unfortunately|regret|sadly)"
# Sentences that may stand before a refusal: sympathy, thanks, who is speaking, and why.
SENTENCE_BEFORE = (
    "^"
    + any_of(
        rf"{_SORRY}(?:\W|$)",
        "i am (?:so )?(?:sorry|sad|afraid) (?:to|that|you|about|for|i)",
        rf"{SUBJECT} (?:can )?(?:understand|appreciate|realize|hear|see that|know that|regret"
        rf"|value)",
        *(
            "thank you",
            "thanks",
            "as an? ",
            "(?:my|our|your) ",
            "unfortunately",
            "halt",
            "stop",
            "step back",
            "let's ",
        ),
        "please (?:ask|contact|consult|see|call|go|check|leave|visit) ",
        *("no, ", "for (?:privacy|security|legal|safety|ethical)", "you are (?:not|ask)"),
        "(?:it|that|this) (?:sounds|seems|must be|would be|is (?:an? )?(?:great|good|interesting|"
        "serious|sensitive|personal|private|confidential|not|against|beyond|my|illegal|sealed))",
        r"i am (?:an? |only|programmed|designed|here|not |sure|your|the|afraid|limited)",
        "i (?:do not|cannot|was|have been|have no|must) ",
        r"(?:hello|hi|hey|dear|welcome|greetings|good (?:morning|day|evening)|ah|oh|well|no"
        r"|nope)\b",
    )
    + rf"{REST}[.!?]+\s+"
)
SENTENCES_BEFORE = 3
