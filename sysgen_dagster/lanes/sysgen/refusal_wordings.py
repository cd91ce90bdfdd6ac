"""How refusals are worded, as patterns: `refusals` says how they are put together."""

# All patterns are matched with a text in lower case and without contractions.
SPELLED_OUT = {
    **{"\u2019": "'", "\u2018": "'", "\u02bc": "'"},
    **{"can't": "cannot", "can not": "cannot", "won't": "will not", "shan't": "shall not"},
    **{"n't": " not", "i'm": "i am", "i've": "i have", "i'd": "i would", "i'll": "i will"},
    **{"it's": "it is", "that's": "that is", "we're": "we are", "authoris": "authoriz"},
    **{"apologis": "apologiz", "realis": "realiz", "summaris": "summariz"},
}
# All of an answer may be in quotation marks; a quotation at its beginning is a story's.
QUOTED = r'^\s*["\u201c]([^"\u201d]*)["\u201d]\s*$'


def _any(*patterns: str) -> str:
    return f"(?:{'|'.join(patterns)})"


_REST = r"[^.!?\n]*"  # of a sentence
_PART = r"[^.!?\n,]+"  # of a sentence, up to a comma
_AI = "(?:ai|artificial intelligence|(?:large )?language model|virtual assistant|chat ?bot|bot)"
# These change nothing and may stand anywhere, so they are taken out before the text is read.
ADVERBS = (
    r"\b"
    + _any(
        *(
            "really",
            "very",
            "so",
            "truly",
            "deeply",
            "terribly",
            "simply",
            "just",
            "currently",
            "also",
        ),
        *(
            "still",
            "therefore",
            "unfortunately",
            "regretfully",
            "always",
            "respectfully",
            "politely",
        ),
        *(
            "absolutely",
            "definitely",
            "not only",
            "generally",
            "personally",
            "directly",
            "strictly",
        ),
        *("legally", "ethically", "sadly", "actually"),
    )
    + " "
)
_INFORM = _any(
    "i (?:must|have to|need to|should|want to|would like to|am obliged to)"
    " (?:inform|tell|remind|advise) you",
    rf"i {_any('must', 'have to', 'need to')} {_any('say', 'admit', 'clarify')}",
    rf"please {_any('note', 'understand', 'be aware', 'know')}",
)
# Sentences that may stand before a refusal: sympathy, thanks, and who is speaking.
SENTENCE_BEFORE = (
    "^"
    + _any(
        rf"i am {_any('sorry', 'sad')} {_any('to hear', 'that', 'you', 'about', 'for')}",
        "i (?:can )?(?:understand|appreciate|realize|hear|see that|know that)",
        *("thank you", "thanks", "as an? ", "my (?:role|purpose|job) "),
        "(?:it|that|this) (?:sounds|seems|must be)",
        r"i am (?:an? |programmed|designed|here)",
        "i do not have ",
    )
    + rf"{_REST}[.!?]+\s+"
)
# What may stand before the clause, in its own sentence.
_BEFORE = _any(
    r"(?:oh|well|ah|hello|hi|hey|dear (?:user|customer|guest))\W{1,3}",
    r"(?:(?:i am|we are) )?(?:sorry|afraid)(?: to (?:say|tell you|inform you))?"
    r"(?: for (?:the|any) [^.!?\n,]*)?\W{1,4}",
    rf"(?:i |my |we )?apolog(?:ize|ies)(?: for (?:the|any) {_PART})?\W{{1,4}}",
    r"(?:unfortunately|regrettably|regretfully|sadly|however|therefore)\W{1,3}",
    r"(?:so|but|and|currently|at present|at (?:this|the) (?:time|moment))\W{1,3}",
    r"(?:i regret|it is with regret)(?: to (?:say|tell you|inform you))? ?(?:that )?",
    rf"{_INFORM}\W{{1,3}}(?:that )?",
    rf"(?:as|being|since i am|because i am) (?:an?|your|the) {_PART},\s*",
    rf"(?:as|being) an? {_AI}\s+",
    rf"i am (?:only )?an? {_PART}(?:,? (?:and|so|but)|[,;]) ",
    rf"(?:while|although|though|even though) {_PART},\s*",
    rf"(?:due to|because of|according to) {_PART},\s*",
    rf"(?:i appreciate|i understand|thank you for|thanks for|i am here) {_PART},\s*",
    "it is (?:important|worth) (?:to note|noting) that ",
)
_ABLE = _any(
    *("able", "allowed", "permitted", "authorized", "programmed", "designed", "equipped"),
    *("qualified", "supposed", "in a position", "at liberty", "going", "here", "willing"),
    *("capable of", "trained"),
)
_UNABLE = _any(
    "(?:cannot|(?:could|will|shall|would|must) not)(?:,? (?:in good conscience|under any"
    " circumstances|and (?:will|would) not|or will not),?| be able to)?",
    "do not(?: think (?:it is|it would be) (?:appropriate|right) for me to)?",
    f"am not {_ABLE}(?: to)?",
    "am (?:unable|forbidden|prohibited|incapable of)(?: to| from)?",
    "do not have (?:the )?(?:ability|capability|capacity|authority|permission|expertise) to",
    "do not have the information (?:necessary |needed |required )?to",
    "have no (?:ability|permission|authority|way) to",
    "have been (?:instructed|told|asked) not to",
)
# Whoever cannot do these declines a request, whatever stands before the clause ...
_ANSWERING = _any(
    *(r"assist\w*", r"help(?:ing)? (?:you|with|in|to)", r"help(?:ing)?\W*(?:$|[.!\n])"),
    *(
        "compl(?:y|ying)",
        r"fulfil\w*",
        r"provid\w*",
        r"answer\w*",
        r"respond\w*",
        r"repl(?:y|ying)",
    ),
    *(r"discuss\w*", r"comment\w*", r"disclos\w*", r"reveal\w*", r"continue\w*", r"engag\w*"),
    *(
        r"do (?:that|this|so|it)\b",
        r"particip\w*",
        r"creat(?:e|ing)",
        "writ(?:e|ing)",
        r"generat\w*",
    ),
    "be (?:answering|providing|helping|assisting|doing|sharing|discussing)",
    *("support", "condone", "promote", "facilitate", "endorse", "speculate", "diagnose"),
    *("prescribe", "talk (?:about|to)", "speak (?:about|on|to|of)", "tell you", "take part"),
    "give (?:you |out |any |advice|information|an? |the )",
    "share (?:that|this|any|the|personal|information|confidential|private)",
    "offer (?:any |advice|legal|medical|financial|a )",
    "say (?:that|which|who|what|anything)",
    "make (?:any |predictions|promises|a prediction)",
    *("predict", "process", "perform", "handle", "advise", "suggest", "compute", "reproduce"),
    *("translate", "summarize", "express (?:any |an? |personal )", "grant", "deal with", "go into"),
    *("carry out", "accept (?:this|that|your)", "agree to (?:do|that|this)"),
)
# ... and whoever cannot do these does so after an apology or a word of who is speaking; without
# one they are said in stories and letters too.
_DOING = _any(
    *("see", "view", "access", "open", "browse", "show", "print", "repeat", "display", "determine"),
    *("calculate", "know", "find", "tell", "say", "make", "let", "allow", "give", "share", "offer"),
    *("take", "send", "play", "sing", "draw", "explain", "describe", "solve", "pretend", "act"),
    *("role-?play", "ignore", "look", "search", "check", "confirm", "verify", "promise", "change"),
    *("cancel", "sell", "lend", "hand", "accept", "meet", "use", "choose", "pick", "judge"),
    *("interpret", "identify", "speak", "teach", "express", "bring"),
    *("do", "recommend", "guarantee", "refund", "rewrite", "edit", "review", "read", "tolerate"),
    "have (?:access|real|information|personal|enough)",
)
_THIS = "(?:that|this|it|(?:that|this|the|your) (?:question|request|topic))"
_A_THING = "(?:something|a topic|a subject|a question|anything) (?:that )?i"
# Clauses that decline without a verb of the two lists.
_FIXED = _any(
    r"i (?:must |have to |will have to |would have to |need to |am going to have to ){0,3}"
    r"(?:decline|refuse|refrain|pass on|abstain)(?: (?:to|from|your|this|that|all|the|any)\b|\W|$)",
    r"i (?:would )?(?:prefer|rather)(?: not\b| to not| to talk| to speak| talk| speak)",
    r"i (?:do not feel|am not)(?: at all| very)? comfortable",
    "i (?:can |am able to |am here to )?only (?:answer|help with|talk about|speak about|discuss"
    "|respond to|assist with)",
    "i am only (?:able|allowed|here) to (?:answer|help|talk|speak|discuss|respond|assist)",
    rf"{_THIS} is {_A_THING} (?:cannot|am not|am unable|will not|do not)",
    rf"{_THIS} is not (?:really )?{_A_THING} (?:am|can|could|will)\b",
    rf"{_THIS} (?:is |falls |lies |goes )?(?:not within|outside|beyond|out of|against)(?: of)?"
    " (?:my|our|the scope|the company)",
    rf"{_THIS} (?:is |would be )?(?:not (?:appropriate|possible|ethical|right|allowed|permitted)"
    "|impossible|inappropriate|unethical)"
    " (?:for me|to (?:say|tell|know|predict|discuss|answer|do so))",
    rf"{_THIS} (?:violates|goes against|would violate) (?:my|our|the)",
    "(?:my|our|company|the) (?:guidelines|polic(?:y|ies)|programming|instructions|rules|principles)"
    " (?:do(?:es)? not (?:allow|permit|let)|prevent|prohibit|forbid)",
    r"i am (?:prohibited from|forbidden to|not allowed to|not permitted to) \w+",
    "i do not have (?:any )?(?:personal )?(?:opinions|preferences|beliefs)",
    *(r"no comment\b", r"no can do\b"),
)
# Marks of Markdown and pictures may begin a line.
MARKS = r"^[\s*_>#\p{So}\p{Cf}\p{Mn}]+"
SENTENCES_BEFORE = 2
# Every clause above has one of these, so that most answers are not looked at any further.
DECLINING = (
    r" not\b|cannot|unable|forbid|prohibit|incapable|no (?:ability|permission|authority|way|"
)
DECLINING += r"comment|can do)|decline|refus|refrain|pass on|abstain|prefer|rather|only|outside|"
DECLINING += r"beyond|out of|against|impossible|inappropriate|unethical|violate|prevent"
WORDS_BEFORE = f"^{_BEFORE}{{1,5}}"
SORRY = "^(?:unfortunately|regret|sadly)"
# The verb may be the second of two, as in "I do not cook or advise".
_CANNOT = rf"(?:i|we) {_UNABLE} (?:\w+ (?:or|and) )?"
CLAUSE = f"^{_any(_FIXED, _CANNOT + _ANSWERING)}"
CLAUSE_AFTER_WORDS = rf"^{_CANNOT}{_DOING}\b"

# A sentence after the clause that gives nothing: other help, somebody else, a wish, a question.
OFFER = (
    r"\b"
    + _any(
        *(
            "else",
            "others?",
            "another",
            "different",
            "instead",
            "happy",
            "glad",
            "pleased",
            "sorry",
        ),
        *("feel free", "let me know", "if you", "if there", "consult", "contact", "encourage"),
        *("recommend", "suggest", "seek", "reach out", "visit", "would you like", "is there any"),
        *("please (?:ask|try|check|provide|note|refer|let)", "how (?:can|may) i", "any questions"),
        *("here to (?:help|assist|answer|provide|support|offer)", "apologize"),
        "i (?:can|could|would|will)(?: (?:still|only))? (?:try to )?(?:help|assist|support|be)",
    )
    + r"\b|\?"
)
# Where an answer turns from what it declines to what it gives.
_TURN = _any(
    *("however", "nevertheless", "nonetheless", "instead", "that said", "in general", "generally"),
    *("typically", "usually", "on average", "as of", "based on"),
)
IN_THE_SENTENCE = r"^[^.!?\n]*?\b(?:but|however)\b\W{0,3}([^.!?\n]*\w[^.!?\n]*[?]?)"
IN_THE_NEXT = rf"[.!?\n]\W*{_TURN}\b,?([^.!?\n]*\w[^.!?\n]*[?]?)"
AFTER_THE_TURN = rf"(?s)(?:but|{_TURN}).*?[.!?:\n](.*)$"
PROMISE = (
    r"^\W*(?:i (?:can|could|will|am able to)|let me|allow me)\b (?:[a-su-z]|t[a-df-z]|te[a-km-z])"
)
# What only an answer that gives something has.
GIVEN = (
    r"```|\n\s*(?:[-*\u2022]|\d{1,2}[.)]|#{1,4}) ?\S|\|\s*-{3}|\bhere(?:'s| is| are) "
    r"(?:an?|the|some|how|what|my|one|two|three|several|few)\b"
)

# How refusals begin in other languages, and words of refusals that the rules may not know.
ABROAD = r"^\W*" + _any(
    *("lo siento", "lamento", "me temo", "no puedo", "desculpe", "sinto muito", "infelizmente"),
    *("não posso", "mi dispiace", "purtroppo", "non posso", "désolé", "je suis désolé"),
    *("je regrette", "malheureusement", "je ne peux pas", "es tut mir leid", "tut mir leid"),
    *("leider", "ich kann (?:dir |ihnen )?(?:dabei |damit )?nicht", "entschuldigung", "het spijt"),
    *("helaas", "ik kan", "tyvärr", "beklager", "desværre", "przepraszam", "niestety"),
    *("извините", "простите", "к сожалению", "я не могу", "на жаль", "üzgünüm", "maalesef"),
    *(
        "عذر",
        "آسف",
        "للأسف",
        "لا أستطيع",
        "لا يمكنني",
        "माफ",
        "क्षमा",
        "xin lỗi",
        "rất tiếc",
        "maaf",
    ),
    *("抱歉", "对不起", "對不起", "很遗憾", "我无法", "我不能", "申し訳", "すみません", "ごめん"),
    *("残念ながら", "죄송", "미안", "유감"),
)
DOUBTFUL = (
    r"\b"
    + _any(
        *("cannot", "unable", "not able", "not allowed", "not permitted", "decline", "refuse"),
        *("sorry", "apologize", "unfortunately", "comfortable", "appropriate", "my guidelines"),
        *("do not have (?:access|the)", "i (?:do|will|would|must) not", "not something"),
    )
    + r"\b"
)
DOUBTFUL_CHARS = 200
