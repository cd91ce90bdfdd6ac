"""How refusals are worded, as patterns: `refusals` says how they are put together.

English first names who declines ("I", "this assistant", "your request"), then that it is not to
be ("cannot", "am not allowed to", "have no access to", "is confidential"), then what is declined.
"""

# All patterns are matched with a text in lower case and without contractions.
APOSTROPHES = {"\u2019": "'", "\u2018": "'", "\u02bc": "'"}
SPELLED_OUT = {
    **{"can't": "cannot", "can not": "cannot", "won't": "will not", "shan't": "shall not"},
    **{"n't": " not", "i'm": "i am", "i've": "i have", "i'd": "i would", "i'll": "i will"},
    **{"it's": "it is", "that's": "that is", "we're": "we are", "you're": "you are", "authoris": "authoriz"},
    **{"apologis": "apologiz", "realis": "realiz", "summaris": "summariz"},
}
# All of an answer may be in quotation marks; a quotation at its beginning is a story's.
QUOTED = r'^\s*["\u201c]([^"\u201d]*)["\u201d]\s*$'


def _any(*patterns: str) -> str:
    return f"(?:{'|'.join(patterns)})"


def _words(words: str) -> str:
    """Any of some words, of which `_` joins two."""
    return _any(*(word.replace("_", " ") for word in words.split()))


_REST = r"[^.!?\n]*"  # of a sentence
_PART = r"[^.!?\n,]+"  # of a sentence, up to a comma
_AI = "(?:ai|artificial intelligence|(?:large )?language model|virtual assistant|chat ?bot|bot)"
_I = "(?:i|we)"
_AM = "(?:am|are)"
# Marks of Markdown and pictures may begin a line, and a refusal may begin with its "no".
MARKS = r"^[\s*_>#\p{So}\p{Cf}\p{Mn}]*(?:(?:no|nope|nah)[,.!;]+\s+)?"
# These change nothing and may stand anywhere, so they are taken out before the text is read.
_NO_MATTER = _words(
    "really very truly deeply terribly simply just currently also still therefore unfortunately"
    " regretfully always respectfully politely absolutely definitely not_only generally personally"
    " directly strictly legally ethically sadly actually physically presently hereby kindly"
    " certainly probably sincerely firmly hence thus consequently"
)
ADVERBS = rf"\b{_NO_MATTER} "
# "I cannot", "I do not" in other senses.
IDIOMS = (
    r"\b(?:(?:cannot|(?:could|would|will) not(?: be able to)?) "
    + _words(
        r"thank wait believe help_but help_\w+ing help_(?:it|myself) imagine stress overstate"
        r" emphasi\w+ underestimate deny agree stand bear blame complain live forget stop lie worry"
        r" sleep tell_a_(?:lie|soul) go_gentle get_enough afford recommend_[^.!?\n]*_enough say_enough"
    )
    + r"|not going to lie|(?:do not have|without) the ability to (?:experience|feel|dream)|do not (?:think (?:that|you|so|there|the|a|of|we|i) |worry|get me wrong|see an?y?|like|mean|understand))\b"
)
_INFORM = _any(
    "(?:must|have to|need to|should|want to|would like to|am obliged to|would)"
    " (?:inform|tell|remind|advise) you",
    "(?:must|have to|need to) (?:say(?:,| that)|admit|clarify)",
)
_SORRY = _any(
    r"(?:i am |we are )?(?:so )?(?:sorry|afraid)\b(?: to (?:say|tell|inform|disappoint|interrupt|let)"
    rf"(?: you)?(?: down)?(?: know)?(?: that)?)?(?: for (?:the|any|your|this|that) {_PART})?",
    rf"(?:i |we |my |our )?(?:sincere(?:st)? )?apolog(?:ize|ies)(?: for (?:the|any|this) {_PART})?",
    "(?:please )?accept (?:my|our) (?:sincere )?apologies",
    "(?:forgive|excuse|pardon) me",
)
# What may stand before the clause, in its own sentence.
_BEFORE = _any(
    r"(?:oh|well|ah|hello|hi|hey|halt|stop|dear (?:user|customer|guest))\W{1,3}",
    rf"{_SORRY}\W{{1,4}}",
    r"(?:unfortunately|regrettably|regretfully|sadly|however|therefore)\W{1,3}",
    r"(?:so|but|and|currently|at present|at (?:this|the) (?:time|moment))\W{1,3}",
    rf"(?:{_I} regret|it is with (?:\w+ )?regret)(?: to (?:say|tell you|inform you))? ?(?:that )?",
    rf"(?:{_I} {_INFORM}|(?:please )?(?:note|understand|be aware|know))\W{{1,3}}(?:that )?",
    rf"(?:as|being|since i am|because i am|like) (?:an?|your|the|our) {_PART},\s*",
    rf"(?:as|being) an? {_AI}\s+",
    rf"i am (?:only )?an? {_PART}(?:,? (?:and|so|but)|[,;]) ",
    rf"(?:while|although|though|even though) {_PART},\s*",
    rf"(?:due to|because of|according to) {_PART},\s*",
    rf"{_I} (?:appreciate|understand|thank you for|am here) {_PART},\s*",
    rf"(?:thank you for|thanks for) {_PART},\s*",
    "it is (?:important|worth) (?:to note|noting) that ",
    rf"{_I} (?:would (?:love|like|be happy|be glad) to|wish|am sure|know|hope|want) {_PART},? but ",
    r"as an? [^.!?\n]{3,80}? (?:but|and) (?:as an? [^.!?\n,]+, )?",
)
WORDS_BEFORE = f"^{_BEFORE}{{1,5}}"
SORRY = "^(?:unfortunately|regret|sadly)"
# Sentences that may stand before a refusal: sympathy, thanks, who is speaking, and why.
SENTENCE_BEFORE = (
    "^"
    + _any(
        rf"{_SORRY}(?:\W|$)",
        rf"i am (?:so )?{_any('sorry', 'sad', 'afraid')} {_any('to', 'that', 'you', 'about', 'for', 'i')}",
        rf"{_I} (?:can )?(?:understand|appreciate|realize|hear|see that|know that|regret|value)",
        *("thank you", "thanks", "as an? ", "(?:my|our|your) ", "unfortunately", "halt", "stop"),
        *("no, ", "for (?:privacy|security|legal|safety|ethical)", "you are (?:not|ask)"),
        "(?:it|that|this) (?:sounds|seems|must be|would be|is (?:an? )?(?:great|good|interesting|"
        "serious|sensitive|personal|private|confidential|not|against|beyond|my|illegal|sealed))",
        r"i am (?:an? |only|programmed|designed|here|not |sure|your|the|afraid|limited)",
        "i (?:do not|cannot|was|have been|have no|must) ",
        r"(?:hello|hi|hey|dear|welcome|greetings|good (?:morning|day|evening)|ah|oh|well|no|nope)\b",
    )
    + rf"{_REST}[.!?]+\s+"
)
SENTENCES_BEFORE = 3

_ABLE = _words(
    "able allowed permitted authorized programmed designed equipped qualified supposed"
    " in_a_position at_liberty going here willing capable trained prepared inclined built set_up"
    " cleared licensed certified meant intended free ready about made suited interested"
)
_UNABLE = _any(
    "(?:cannot|(?:could|will|shall|would|must|may) not|(?:can|will|shall|would) never|never)"
    "(?:,? (?:in good conscience|under any circumstances|and (?:will|would) not|or will not),?)?"
    "(?: be able to)?",
    "do not(?: think (?:it is|it would be) (?:appropriate|right) for me to"
    "| (?:want|wish|intend|plan|care|like|feel able) to)?",
    f"{_AM} not {_ABLE}(?: to| of| for| with| in)?",
    f"{_AM} (?:unable|forbidden|prohibited|barred|incapable|unwilling|unauthorized|unqualified)"
    "(?: to| from| of)?",
    "(?:do|am|can) no(?:t|thing)? longer",
    "(?:have|has) been (?:instructed|told|asked|ordered|trained|programmed) (?:not to|to not)",
    f"{_AM} (?:instructed|told|asked|ordered|programmed|designed|trained) (?:not to|to not)",
    "(?:was|were) (?:instructed|told|asked|ordered|not) (?:not to|to not|to)",
    f"(?:have|{_AM} under) (?:strict )?(?:orders|instructions|an obligation) not to",
    "(?:choose|prefer|would prefer|would rather) not(?: to)?",
)
# What somebody has not, who declines.
_MEANS = (
    "(?:access|abilit|capabilit|capacit|authorit|authoriz|permission|clearance|information|data|"
    r"records?\b|knowledge|details|tools|the power|the right|expertise|equipment|resources|credentials|insights?\b|"
    "qualification|training to|means|(?:a|any|no) way|way (?:to|of))"
)
_HAVE_NO = (
    "(?:do not (?:have|possess|hold|store|keep)|have no|lack|"
    "(?:have|has) not been (?:given|granted))"
)
# Whoever cannot do these declines a request, whatever stands before the clause ...
_ANSWERING = _any(
    *(r"assist\w*", r"help(?:ing)? (?:you|with|in|to|anyone|anybody|on)"),
    *(r"help(?:ing)?\W*(?:$|[.!\n])", "helping", r"help [^.!?\n]{3,}"),
    _words(
        r"compl(?:y|ying) fulfil\w* provid\w* answer\w* respond\w* repl(?:y|ying) discuss\w*"
        r" comment\w* disclos\w* reveal\w* continu\w* engag\w* particip\w* creat(?:e|ing) writ(?:e|ing)"
        r" generat\w* support condone promote facilitate endorse speculat\w* diagnos\w* prescrib\w*"
        r" predict\w* process\w* perform\w* handl\w* advis\w* suggest\w* comput\w* reproduc\w*"
        r" translat\w* summariz\w* grant\w* deal_with go_into carry_out divulg\w* releas\w*"
        r" issu\w* cancel\w* modify schedul\w* reschedul\w* book\w* order\w* offer\w*"
        r" explain\w* calculat\w* solv\w* judg\w* compar\w* interpret\w* verify confirm\w* edit\w*"
        r" quot\w* nam\w*(?:_any|_the|_a)? take_part take_(?:any_)?(?:requests|orders|questions)"
        r" accommodat\w* honou?r_(?:that|this|your|the) entertain pick_a_side"
    )
    + r"\b",
    r"do (?:that|this|so|it)\b",
    r"doing (?:that|this|so|it)\b",
    "be (?:answering|providing|helping|assisting|doing|sharing|discussing|giving|telling)",
    "(?:talk|speak|chat)(?:ing)? (?:about|on|to|of|with)",
    "(?:tell|telling|give|giving|show|showing|let|letting|read|reading|sell|lend|hand|send|grant|"
    r"teach|make|making|open|play|sing|draw|find|pay|bring|get|take) (?:(?:\w+ ){1,3}to )?"
    r"(?:you|anyone|anybody|users|customers|visitors)\b",
    "giv(?:e|ing) (?:out |any |advice|information|an? |the |away )",
    "shar(?:e|ing) (?:that|this|any|the|its?|my|our|personal|information|confidential|private)",
    "offer(?:ing)? (?:any |advice|legal|medical|financial|a )",
    "refund(?:ing)? (?:you|this|that|your)",
    r"say(?:ing)?(?: (?:that|which|who|what|whether|if|anything|more|how|when|where)|\W*$|[.])",
    r"tell(?:ing)? (?:any |stories|jokes|scary|\w+ stories)",
    "mak(?:e|ing) (?:any |predictions|promises|a prediction|such|exceptions|requests|calls)",
    "express(?:ing)? (?:any |an? |personal )",
    "(?:accept|agree|tak|read)\\w* (?:to (?:do |that)|this|that|your|any)",
    "hav(?:e|ing) (?:any |personal )?(?:opinions|preferences|a preference|an opinion)",
    r"(?:run|execut|access|brows|open|retriev|display|view|remov|delet|chang|physically)\w* "
    r"(?:[^.!?\n,]* )?(?:your|you|any|external|this|that|the)\b",
    r"[a-z]+ (?:[a-z]+ ){0,5}(?:for you|on your behalf)\b",
    r"[a-z]+ (?:it|that|this|them)\W*$",
    _words(
        "reset waive extend approve arrange connect transfer unlock ship deliver exchange replace"
        " repair fix install track locate look_up pay charge move add update upload download send"
        " call print record access open"
    )
    + r" (?:[^.!?\n,]* )?(?:your|you|any|this|that)\b",
)
# ... and whoever cannot do these does so after an apology or a word of who is speaking; without
# one they are said in stories and letters too.
_DOING = _words(
    "know find tell say make let allow give share offer use choose pick identify express see"
    " recommend guarantee do tolerate accept take access refund"
    " have_(?:access|real|information|enough)"
)
_ANY_VERB = r"(?:\w+ly )?[a-z]{2,}"
_THIS = (
    "(?:(?:that|this|it|such|these|those|which)|(?:that|this|the|your|our|such|any|these|all) "
    r"(?:\w+ ){0,3}?(?:question|request|topic|information|details|matter|data|subject)s?)"
)
_A_THING = "(?:something|a topic|a subject|a question|a request|anything) (?:that )?(?:i|we)"
# Clauses that decline without a verb of the two lists.
_FIXED = _any(
    rf"{_I} (?:must |have to |will have to |would have to |need to |am going to have to "
    r"|will |would |choose to |am obliged to ){0,3}"
    r"(?:decline|refuse|refrain|pass on|abstain|reject|deny)"
    r"(?: (?:to|from|your|this|that|all|the|any|it)\b|\W|$)",
    rf"{_I} (?:must|have to|will have to|am going to have to|need to)"
    r" (?:say no|pass\W|turn (?:you|this|that|it|your \w+) down|leave it)",
    rf"{_I} say no (?:to|\W)",
    rf"{_I} {_AM} (?:declining|refusing|turning (?:you|this|that) down)",
    rf"{_I} (?:would )?(?:prefer|rather)(?: not\b| to not| to talk| to speak| talk| speak)",
    rf"{_I} (?:do not feel|am not)(?: at all| very)? comfortable",
    rf"{_I} (?:can |am able to |am here to )?(?:only|exclusively|solely) (?:able to |here to )?"
    "(?:answer|help with|talk about|speak about|discuss|respond to|assist (?:with|in)|speak of)",
    f"{_I} {_AM} only (?:able|allowed|here) to (?:answer|help|talk|speak|discuss|respond|assist)",
    f"{_I} {_AM} limited to",
    rf"{_I} (?:cannot|(?:will|may|must) not|{_AM} not {_ABLE} to) recommend (?:an?|any|[a-z]+s)\b",
    rf"{_I} {_AM} not sure (?:that |if |whether |how )?{_I} (?:can|am able to) (?:help|assist|answer|do)",
    rf"{_I} {_AM} not (?:aware of any (?:information|records|details)|familiar with (?:that|this)\b)",
    rf"{_I} (?:must |have to |will |shall |need to )?keep [^.!?\n]{{0,60}}?(?:to (?:my|our)sel|secret|confid|priv)",
    rf"{_I} {_AM} bound (?:by|to) (?:\w+ )?(?:confidential|secre|silence|an oath)",
    r"[^.!?\n,]{2,60} (?:prevents?|prohibits?|forbids?|stops?|bars?|do(?:es)? not (?:allow|permit|let))"
    " (?:me|us) ",
    r"(?:it|that|this) is against (?:the )?(?:\w+ )?(?:policy|policies|rules|regulations)",
    rf"(?:my|our) (?:\w+ )?(?:role|job|task|purpose|function|expertise|knowledge|training|abilities)"
    " (?:is|are) (?:only|limited|restricted|confined)",
    rf"[^.!?\n,]{{2,60}} (?:is|are) not (?:a )?(?:something|topics?|questions?|subjects?|things?)"
    rf" (?:that )?{_I} (?:\w+ )?(?:do|can|could|will|offer|{_AM}|discuss|give|provide|answer|help)\b",
    rf"[^.!?\n,]{{2,60}} (?:is|are) {_A_THING} "
    r"(?:cannot|am not|are not|am unable|will not|do not|must not)",
    r"[^.!?\n,]{2,60} (?:is |are |falls? |lies? |goes |fall )(?:not within|not part of|outside|beyond"
    r"|out of|above|against|not in)(?: of)?"
    " (?:my|our|the scope|the company|what (?:i|we)|company|hotel|bank)",
    rf"{_THIS} (?:is |would be )?(?:not (?:appropriate|possible|ethical|right|allowed|permitted"
    "|up)|impossible|inappropriate|unethical)"
    " (?:for (?:me|us)|to (?:me|us|say|tell|know|predict|discuss|answer|do so|share))",
    rf"{_THIS} (?:violates|goes against|would violate|contradicts) (?:my|our|the)",
    r"(?:that|this|it) is not (?:my|our) (?:place|job|role|task|department|business|area|field)",
    "(?:my|our|company|the|house|bank|hotel|shop|school)(?: company)? (?:guidelines|polic(?:y|ies)|"
    "programming|instructions|rules|principles|regulations)"
    " (?:do(?:es)? not (?:allow|permit|let)|prevents?|prohibits?|forbids?)"
    r" (?:me|us|\w+ing|discuss|any|the|refunds|jokes|this|that|such)",
    rf"{_I} {_AM} (?:prohibited from|forbidden to|not allowed to|not permitted to"
    r"|not (?:authorized|qualified|equipped|programmed|trained|licensed|cleared) to) \w+",
    rf"{_I} do not have (?:any )?(?:personal )?(?:opinions|preferences|beliefs)",
    rf"{_I} {_AM} not the (?:right|best) (?:person|one|place|assistant|bot|source)",
    f"there is nothing {_I} can (?:do|say|tell)",
    rf"{_I} {_AM} sworn to",
    rf"{_I} {_HAVE_NO} (?:[\w'-]+ ){{0,4}}{_MEANS}",
    *(r"no comment\b", r"no can do\b"),
)
_CANNOT = rf"{_I} {_UNABLE} (?:\w+ (?:or|and) )?"
_SURELY = _any(_FIXED, _CANNOT + _ANSWERING)
CLAUSE = f"^{_SURELY}"
# After its reason, in the same sentence; the reason gives nothing and tells no story.
_CANNOT_BE = (
    rf"(?:cannot|(?:will|shall|must|may|could) not(?: be able to)?|{_AM} not {_ABLE}(?: to| of)"
    rf"|{_AM} unable to|{_AM} incapable of)"
)
CLAUSE_AFTER_REASON = rf"^[^.!?\n:\"\u201c]*?" + _any(
    rf"(?:[,;\u2013\u2014-] ?(?:(?:and |so )?(?:which means )?)| (?:and|so) (?:that )?){_SURELY}",
    rf"\b(?:i|we|am an?) [^.!?\n:\"\u201c]*? and {_CANNOT_BE} {_ANSWERING}",
)
CLAUSE_AFTER_WORDS = "^" + _any(
    rf"{_I} {_CANNOT_BE} {_ANY_VERB}\b",
    rf"i am (?:only )?an? {_PART} and {_CANNOT_BE} {_ANY_VERB}\b",
    rf"{_I} do not have [^.!?\n,]{{0,60}}\b(?:address|numbers?|password|recipe|balance|history|schedule)\b",
    rf"{_I} only (?:speak|understand|accept|handle|deal with|cover)\b",
    r"(?:that|this) is (?:not (?:possible|allowed|permitted)|impossible)"
    r"(?:\W*$|[.,;!]| (?:as|because|since|without|for|in|under|at)\b)",
    r"you (?:cannot|(?:may|must) not|are not (?:allowed|permitted|authorized) to)"
    r" (?:pass|enter|cross|come|see|access|view|have)\b",
    r"you do not have (?:the )?(?:permission|right|clearance|access|authority)",
    rf"{_CANNOT}{_DOING}\b",
    rf"{_I} {_HAVE_NO} [^.!?\n,]{{0,80}}\b{_MEANS}",
    rf"there (?:is|are) no (?:\w+ )?{_MEANS}",
    rf"{_I} {_AM} (?:not |un)available",
    rf"{_I} {_AM} (?:closed|on strike|off duty|out of service)",
)
# Whoever speaks is no "I", or no verb of answering is said: refusals only as a text of their own.
_SPEAKER = (
    r"(?:this|the|our|your)(?: \w+){0,2}? (?:assistant|bot|chatbot|service|desk|company|bank|hotel|"
    "team|shop|store|library|practice|office|firm|agency|school|hospital|museum|chat|line|staff)"
)
_CLOSED = (
    r"(?:closed|off duty|out of (?:service|order)|on (?:strike|leave|holiday|a break)|shut|"
    r"(?:not |un)available)"
)
CLAUSE_ALONE = "^" + _any(
    rf"{_SPEAKER} (?:cannot|(?:will|may|must) not|do(?:es)? not|is (?:unable|not (?:able|allowed))"
    rf" to|(?:can )?only) (?:{_ANSWERING}|give|answers?|offer|talks?|sell|lend|share|recommend)",
    rf"{_SPEAKER} is (?:only|exclusively) for",
    rf"{_THIS} (?:cannot|(?:may|must|will) not|is not(?: to)?|are not(?: to)?|can never) be (?:\w+ )?"
    r"(?:shared|disclosed|revealed|given|provided|discussed|answered|fulfilled|granted|processed|"
    r"released|told|divulged|done|changed|accepted|accommodated|completed)\b",
    r"(?:the|your|this|such|that|his|her|their)(?: \w+){1,2} (?:cannot|(?:may|must|will) not) be "
    r"(?:shared|disclosed|revealed|given (?:out|to)|discussed|answered|fulfilled|granted|released|"
    r"told|taken back|refunded|accepted|processed)\b",
    r"(?:that|this|it|such|the|your|these|those)(?: \w+){0,4} (?:is|are)(?: kept)? (?:an? )?"
    r"(?:confidential|private|classified|secret|off limits)\W*(?:$|and|so|to|,|because|as)",
    r"(?:your |the |this )?(?:request|access|permission|entry|application)"
    r"(?: is| has been| was)? (?:denied|declined|refused|rejected)\W*(?:$|[.!]|because|as|since|due)",
    r"access to (?:this|that|the|these|such|any) [^.!?\n]{2,60} is (?:denied|restricted|limited)",
    r"(?:that|this|your) (?:question|request|topic) is (?:not (?:related|relevant|about)|unrelated|irrelevant)",
    r"(?:i think )?it (?:is|would be) (?:best|better|wiser) (?:not to|if (?:i|we) do not)"
    r" (?:discuss|talk|speak|share|tell|say|answer)",
    rf"{_I} {_AM} (?:only )?here to [^.!?\n]* only\W*$",
    rf"{_I} do not do [a-z ]{{2,30}}\W*$",
    r"(?:that|this|it) is none of your",
    r"you are not (?:allowed|permitted|authorized) to (?:access|view|see|enter) (?:this|that|these|here)",
    r"you do not have (?:the )?(?:permission|right|clearance|access|authority) to (?:view|see|access|"
    r"enter|know) (?:this|that|these)",
    rf"(?:{_I} {_AM}|it is|(?:this|the) [\w ]{{3,40}}? is) {_CLOSED}\b(?:\W+(?:now|right|until|and|for"
    rf"|today|please|come|leave|at|tomorrow)\b{_REST})?\W*$",
    rf"{_I} (?:do not|cannot|{_AM} not) (?:accept|take|taking|accepting) (?:any |new )",
    r"(?:nobody|no one|none|no man)(?: (?:may|shall|can|will|gets? to|is allowed to))?"
    r" (?:pass|enter|cross|come|get|go)(?:e?s)?\b(?: (?:in|through|past|here|my|this|the (?:gate|bridge|door))[^.!?\n]*)?\W*$",
    r"you (?:shall|may|will|must|cannot)(?: not)? (?:not )?(?:pass|enter|cross)\W*"
    r"(?:$|[.!]|here|this|my|without|until|unless|the (?:bridge|gate|door))",
    r"(?:my|our) lips are sealed",
    rf"{_I} have (?:\w+ )?(?:orders|instructions) to",
    r"the (?:door|gate|bridge|archive|vault) (?:stays|remains|is) (?:shut|closed|locked|sealed)(?: (?:until|for|to you)[^.!?\n]*)?\W*$",
    r"(?:i |we )?(?:will|shall) (?:take|keep) (?:this|that|the|it|my) (?:\w+ )?(?:secret|to (?:my|the|m))",
    rf"{_I} (?:will|shall|would|can|do) not\W*$",
    rf"{_I} {_AM} not (?:doing|going|telling|giving|helping|writing|opening|moving)\b[^.!?\n]*\W*$",
    r"(?:no way|out of the question|not on my watch|forget it|not a chance|no chance)\W*$",
    rf"(?:cannot|unable to|will not|not able to) {_ANSWERING}[^.!?\n]{{0,30}}\W*$",
    r"no (?:information|refunds|exceptions|answers|predictions|details)\b[^.!?\n]*\W*$",
)
# Every clause above has one of these, so that most answers are not looked at any further.
DECLINING = (
    r"\bnot\b|orders|cannot|unable|forbid|prohibit|incapable|unauthori|unwilling|barred|\bhave no\b|\black |"
    r"never|no longer|no (?:comment|can do|way|chance|record|information|data|details|refunds|"
    r"exceptions|answers|predictions|one|man)\b|decline|declining|refus|refrain|pass\W|pass on|reject|"
    r"abstain|prefer|rather|say no|turn|den(?:y|ied)|only|exclusively|solely|limited|restricted|"
    r"confined|outside|beyond|out of|above|against|impossible|inappropriate|unethical|violate|"
    r"contradicts|prevent|nothing|sworn|bound to|off duty|on strike|closed|shut|sealed|unavailable|"
    r"on leave|on holiday|bound|restricted|not |keep|stops|irrelevant|unrelated|none of|confidential|private|classified|secret|off limits|nobody|none|locked|forget"
)

# Words of refusals that the rules may not know.
DOUBTFUL = (
    r"\b"
    + _words(
        "cannot unable not_able not_allowed not_permitted decline refuse sorry apologize"
        " unfortunately comfortable appropriate my_guidelines do_not_have_(?:access|the)"
        " i_(?:do|will|would|must)_not not_something confidential nobody no_one closed off_duty"
    )
    + r"\b"
)
DOUBTFUL_CHARS = 200
# A message that is one sentence and declines somebody's request is no request of the user's.
DECLINES_SOMEBODY = r"^[^.!?\n]*\b(?:you|your|requests?|questions?|answer|respond)\b[^.!?\n]*[.!]?\s*$"
