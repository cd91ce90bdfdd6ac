"""How refusals are worded, as patterns: `refusals` says how they are put together.

English first names who declines ("I", "this assistant", "your request"), then that it is not to
be ("cannot", "am not allowed to", "have no access to", "is confidential"), then what is declined.
"""

from sysgen_dagster.lanes.sysgen.refusal_openings import (
    AM,
    PART,
    REST,
    SUBJECT,
    any_of,
    any_word,
)
from sysgen_dagster.lanes.sysgen.refusal_verbs import ANSWERING, ANY_VERB, DOING, MEANS

_ABLE = any_word(
    "able allowed permitted authorized programmed designed equipped qualified supposed"
    " in_a_position at_liberty going here willing capable trained prepared inclined built set_up"
    " cleared licensed certified meant intended free ready about made suited interested"
)
_UNABLE = any_of(
    "(?:cannot|(?:could|will|shall|would|must|may) not|(?:can|will|shall|would) never|never)"
    "(?:,? (?:in good conscience|under any circumstances|and (?:will|would) not|or will not),?)?"
    "(?: be able to)?",
    "do not(?: think (?:it is|it would be) (?:appropriate|right) for me to"
    "| (?:want|wish|intend|plan|care|like|feel able) to)?",
    f"{AM} not {_ABLE}(?: to| of| for| with| in)?",
    f"{AM} (?:unable|forbidden|prohibited|barred|incapable|unwilling|unauthorized|unqualified)"
    "(?: to| from| of)?",
    "(?:do|am|can) no(?:t|thing)? longer",
    "(?:have|has) been (?:instructed|told|asked|ordered|trained|programmed) (?:not to|to not)",
    f"{AM} (?:instructed|told|asked|ordered|programmed|designed|trained) (?:not to|to not)",
    "(?:was|were) (?:instructed|told|asked|ordered|not) (?:not to|to not|to)",
    f"(?:have|{AM} under) (?:strict )?(?:orders|instructions|an obligation) not to",
    "(?:choose|prefer|would prefer|would rather) not(?: to)?",
)
_HAVE_NO = (
    "(?:do not (?:have|possess|hold|store|keep)|have no|lack|"
    "(?:have|has) not been (?:given|granted))"
)
_THIS = (
    "(?:(?:that|this|it|such|these|those|which)|(?:that|this|the|your|our|such|any|these|all) "
    r"(?:\w+ ){0,3}?(?:question|request|topic|information|details|matter|data|subject)s?)"
)
_A_THING = "(?:something|a topic|a subject|a question|a request|anything) (?:that )?(?:i|we)"
# Clauses that decline without a verb of the two lists.
_FIXED = any_of(
    rf"{SUBJECT} (?:must |have to |will have to |would have to |need to |am going to have to "
    r"|will |would |choose to |am obliged to ){0,3}"
    r"(?:decline|refuse|refrain|pass on|abstain|reject|deny)"
    r"(?: (?:to|from|your|this|that|all|the|any|it)\b|\W|$)",
    rf"{SUBJECT} (?:must|have to|will have to|am going to have to|need to)"
    r" (?:say no(?: to|\W*$|[.!,])|pass\W|turn (?:you|this|that|it|your \w+) down|leave it)",
    rf"{SUBJECT} say no (?:to|\W)",
    rf"{SUBJECT} {AM} (?:declining|refusing|turning (?:you|this|that) down)",
    rf"{SUBJECT} (?:would )?(?:prefer|rather)(?: not\b| to not| to talk| to speak| talk| speak)",
    rf"{SUBJECT} (?:do not feel|am not)(?: at all| very)? comfortable",
    rf"{SUBJECT} (?:can |am able to |am here to )?(?:only|exclusively|solely) (?:able to "
    rf"|here to )?"
    "(?:answer|help with|talk about|speak about|discuss|respond to|assist (?:with|in)|speak of)",
    f"{SUBJECT} {AM} only (?:able|allowed|here) to (?:answer|help|talk|speak|discuss|respond"
    f"|assist)",
    rf"{SUBJECT} {AM} limited to (?:questions|topics|answer|help|discuss|matters|information"
    rf"|giving|provid)",
    rf"{SUBJECT} (?:have |had )?(?:promised|swore|vowed|gave my word) (?:not to|to keep|never to)",
    rf"{SUBJECT} (?:have been|was|were|am) (?:instructed|told|asked|ordered) to keep",
    rf"{SUBJECT} can neither confirm nor deny",
    rf"{SUBJECT} have nothing to (?:say|add|tell)",
    rf"{SUBJECT} do not (?:think|believe|feel) (?:that )?{SUBJECT} (?:can|should|could|may"
    rf"|{AM}) (?:be )?(?:able|help|"
    r"assist|answer|discuss|tell|share|do (?:that|this|so)|allowed|permitted|authorized"
    r"|the right|give)",
    rf"(?:{SUBJECT} (?:have to|must|need to|would like to) |let(?:'s| us) )(?:stick|stay"
    rf"|keep) (?:to|with|on)\b",
    r"(?:doing (?:so|that)|that|this|it) would (?:violate|breach|be a (?:breach|violation))",
    rf"{SUBJECT} (?:cannot|(?:will|may|must) not|{AM} not {_ABLE} to) recommend (?:an?|any"
    rf"|[a-z]+s)\b",
    rf"{SUBJECT} {AM} not sure (?:that |if |whether |how )?{SUBJECT} (?:can|am able to) (?:help"
    rf"|assist|answer|do)",
    rf"{SUBJECT} {AM} not (?:aware of any (?:information|records|details)|familiar with (?:that"
    rf"|this)\b)",
    rf"{SUBJECT} (?:must |have to |will |shall |need to )?keep [^.!?\n]{{0,60}}?(?:to (?:my"
    rf"|our)sel|secret|confid|priv)",
    rf"{SUBJECT} {AM} bound (?:by|to) (?:\w+ )?(?:confidential|secre|silence|an oath)",
    r"[^.!?\n,]{2,60} (?:prevents?|prohibits?|forbids?|stops?|bars?|do(?:es)? not (?:allow"
    r"|permit|let))"
    " (?:me|us) ",
    r"(?:it|that|this) is against (?:the )?(?:\w+ )?(?:policy|policies|rules|regulations)",
    r"(?:my|our) (?:\w+ )?(?:role|job|task|purpose|function|expertise|knowledge|training"
    r"|abilities)"
    " (?:is|are) (?:only|limited|restricted|confined)",
    rf"[^.!?\n,]{{2,60}} (?:is|are) not (?:a )?(?:something|topics?|questions?|subjects?|things?)"
    rf" (?:that )?{SUBJECT} (?:\w+ )?(?:do|can|could|will|offer|{AM}|discuss|give|provide|answer"
    rf"|help|share|disclose|handle|sell|make)\b",
    rf"[^.!?\n,]{{2,60}} (?:is|are) {_A_THING} "
    r"(?:cannot|am not|are not|am unable|will not|do not|must not)",
    r"[^.!?\n,]{2,60} (?:is |are |falls? |lies? |goes |fall )(?:not within|not part of|outside"
    r"|beyond"
    r"|out of|above|against|not in)(?: of)?"
    " (?:my|our|the scope|the company|what (?:i|we)|company|hotel|bank)",
    rf"{_THIS} (?:is |would be )?(?:not (?:appropriate|possible|ethical|right|allowed|permitted"
    "|up)|impossible|inappropriate|unethical)"
    " (?:for (?:me|us)|to (?:me|us|say|tell|know|predict|discuss|answer|do so|share))",
    rf"{_THIS} (?:violates|goes against|would violate|contradicts) (?:my|our|the)",
    r"(?:that|this|it) is not (?:my|our) (?:place|job|role|task|department|business|area|field"
    r"|call|decision|problem)",
    "(?:my|our|company|the|house|bank|hotel|shop|school)(?: company)? (?:guidelines|polic(?:y|ies)|"
    "programming|instructions|rules|principles|regulations)"
    " (?:do(?:es)? not (?:allow|permit|let)|prevents?|prohibits?|forbids?)"
    r" (?:me|us|\w+ing|discuss|any|the|refunds|jokes|this|that|such)",
    rf"{SUBJECT} {AM} (?:prohibited from|forbidden to|not allowed to|not permitted to"
    r"|not (?:authorized|qualified|equipped|programmed|trained|licensed|cleared) to) \w+",
    rf"{SUBJECT} do not have (?:any )?(?:personal )?(?:opinions|preferences|beliefs)",
    rf"{SUBJECT} {AM} not the (?:right|best) (?:person|one|place|assistant|bot|source)",
    f"there is nothing {SUBJECT} can (?:do|say|tell)",
    rf"{SUBJECT} {AM} sworn to",
    rf"{SUBJECT} {_HAVE_NO} (?:[\w'-]+ ){{0,4}}{MEANS}",
    *(r"no comment\b", r"no can do\b"),
)
_CANNOT = rf"{SUBJECT} {_UNABLE} (?:\w+ (?:or|and) )?"
_SURELY = any_of(_FIXED, _CANNOT + ANSWERING)
CLAUSE = f"^{_SURELY}"
_CANNOT_BE = (
    rf"(?:cannot|(?:will|shall|must|may|could) not(?: be able to)?|{AM} not {_ABLE}(?: to| of)"
    rf"|{AM} unable to|{AM} incapable of)"
)
# A reason may stand before the clause, in its sentence, and "I" before the reason: what takes them
# away, and what is put there. A reason gives nothing and tells no story.
_REASON = r"[^.!?\n:\"\u201c]*?"
AFTER_REASONS = (
    (
        rf"^{_REASON}(?:[,;\u2013\u2014-] ?(?:(?:and|so|as|because|since|which means) )?|"
        r" (?:and|so) )((?:that )?(?:i|we) )",
        "${1}",
    ),
    (
        rf"^(?:i|we|as an?) {_REASON} and ((?:cannot|(?:will|must|may) not|am (?:unable|not)) )",
        "i ${1}",
    ),
)
CLAUSE_AFTER_WORDS = "^" + any_of(
    rf"{SUBJECT} {_CANNOT_BE} {ANY_VERB}\b",
    rf"i am (?:only )?an? {PART} and {_CANNOT_BE} {ANY_VERB}\b",
    rf"{SUBJECT} do not have [^.!?\n,]{{0,60}}\b(?:address|numbers?|password|recipe|balance"
    rf"|history|schedule)\b",
    rf"{SUBJECT} do not (?:play|sing|draw|write|open|fix|make|sell|lend|read|take|send|show"
    rf"|teach|speak)\b",
    rf"{SUBJECT} only (?:speak|understand|accept|handle|deal with|cover)\b",
    r"(?:that|this) is (?:not (?:possible|allowed|permitted)|impossible)"
    r"(?:\W*$|[.,;!]| (?:as|because|since|without|for|in|under|at)\b)",
    r"you (?:cannot|(?:may|must) not|are not (?:allowed|permitted|authorized) to)"
    r" (?:pass|enter|cross|come|see|access|view|have)\b",
    r"you do not have (?:the )?(?:permission|right|clearance|access|authority)",
    rf"{_CANNOT}{DOING}\b",
    rf"{SUBJECT} {_HAVE_NO} [^.!?\n,]{{0,80}}\b{MEANS}",
    rf"there (?:is|are) no (?:\w+ )?{MEANS}",
    rf"{SUBJECT} {AM} (?:not |un)available",
    rf"{SUBJECT} {AM} (?:closed|on strike|off duty|out of service)",
)
# Whoever speaks is no "I", or no verb of answering is said: refusals only as a text of their own.
_SPEAKER = (
    r"(?:this|the|our|your)(?: \w+){0,2}? (?:assistant|bot|chatbot|service|desk|company|bank|hotel|"
    "team|shop|store|library|practice|office|firm|agency|school|hospital|museum|chat|line|staff)"
)
_CLOSED = (
    r"(?:closed|off duty|out of (?:service|order)|on (?:strike|leave|holiday|(?:a"
    r"|my) (?:\w+ )?break)|shut|fully booked|"
    r"(?:not |un)available)"
)
CLAUSE_ALONE = "^" + any_of(
    rf"{_SPEAKER} (?:cannot|(?:will|may|must) not|do(?:es)? not|is (?:unable|not (?:able|allowed))"
    rf" to|(?:can )?only) (?:{ANSWERING}|give|answers?|offer|talks?|share|recommend)",
    rf"{_SPEAKER} is (?:only|exclusively) for",
    rf"{_THIS} (?:cannot|(?:may|must|will) not|is not(?: to)?|are not(?: to)?"
    rf"|can never) be (?:\w+ )?"
    r"(?:shared|disclosed|revealed|given|provided|discussed|answered|fulfilled|granted|processed|"
    r"released|told|divulged|done|changed|accepted|accommodated|completed)\b",
    r"(?:the|your|this|such|that|his|her|their)(?: \w+){1,2} (?:cannot|(?:may|must|will) not) be "
    r"(?:shared|disclosed|revealed|given (?:out|to)|discussed|answered|fulfilled|granted|released|"
    r"told|taken back|refunded|accepted|processed)\b",
    r"(?:that|this|it|such|the|your|these|those)(?: \w+){0,4} (?:is|are)(?: kept)? (?:an? )?"
    r"(?:confidential|private|classified|secret|off limits)\W*(?:$|and|so|to|,|because|as)",
    r"(?:your |the |this )?(?:request|access|permission|entry)"
    r"(?: is| has been| was)? (?:denied|declined|refused|rejected)\W*(?:$|[.!]|because|as|since"
    r"|due)",
    r"access to (?:this|that|the|these|such|any) [^.!?\n]{2,60} is (?:denied|restricted|limited)",
    r"(?:that|this|your) (?:question|request|topic) is (?:not (?:related|relevant|about)"
    r"|unrelated|irrelevant)",
    r"(?:i think )?it (?:is|would be) (?:best|better|wiser) (?:not to|if (?:i|we) do not)"
    r" (?:discuss|talk|speak|share|tell|say|answer)",
    rf"{SUBJECT} {AM} (?:only )?here to [^.!?\n]* only\W*$",
    rf"{SUBJECT} do not do [a-z ]{{2,30}}\W*$",
    r"(?:that|this|it) is none of your",
    rf"{SUBJECT} (?:(?:can|{AM} able to) )?only (?:able to )?(?:tell|provide|teach|give|offer"
    rf"|know about|share|deal|cover)",
    r"i am an? [^.!?\n,]{2,40}, not an? \w+\W*$",
    r"(?:this|our|the) (?:conversation|chat|discussion) is over|i am ending this",
    r"[a-z ]{2,40} (?:is|are) off limits",
    r"[^.!?\n,]{2,40} (?:(?:cannot|(?:may|will|must) not) be|(?:is|are) not) (?:given|answered"
    r"|disclosed|"
    r"discussed|revealed|shared with)\b[^.!?\n]*\W*$",
    r"[a-z]{2,20} are not allowed here",
    r"my hands are tied",
    r"you (?:will )?(?:have to|need to|must) ask (?:somebody|someone) else",
    r"you are not (?:getting|coming|going) (?:in|past|through)\b",
    r"no (?:entry|entrance)\b|no [a-z]+, no [a-z]+\W*$",
    r"(?:that|this|such|the)(?: \w+)? (?:information|data) is (?:not |un)available",
    rf"{SUBJECT} do not know the answer",
    r"you are not (?:allowed|permitted|authorized) to (?:access|view|see|enter) (?:this|that"
    r"|these|here)",
    r"you do not have (?:the )?(?:permission|right|clearance|access|authority) to (?:view|see"
    r"|access|"
    r"enter|know) (?:this|that|these)",
    rf"(?:{SUBJECT} {AM}|it is|(?:this|the|our) [\w ]{{3,40}}? is) {_CLOSED}\b(?:\W+(?:now|right"
    rf"|until|and|for"
    rf"|today|please|come|leave|at|tomorrow|i am)\b{REST})?(?:[.!]+ please {REST})?\W*$",
    rf"{SUBJECT} (?:do not|cannot|{AM} not) (?:accept|take|taking|accepting) (?:any |new )",
    r"(?:nobody|no one|none|no man)(?: (?:may|shall|can|will|gets? to|is allowed to))?"
    r" (?:pass|enter|cross|come|get|go)(?:e?s)?\b(?: (?:in|through|past|here|my|this|the (?:gate"
    r"|bridge|door))[^.!?\n]*)?\W*$",
    r"you (?:shall|may|will|must|cannot)(?: not)? (?:not )?(?:pass|enter|cross)\W*"
    r"(?:$|[.!]|here|this|my|without|until|unless|the (?:bridge|gate|door))",
    r"(?:my|our) lips are sealed",
    rf"{SUBJECT} have (?:\w+ )?(?:orders|instructions) to",
    r"the (?:door|gate|bridge|archive|vault) (?:stays|remains|is) (?:shut|closed|locked"
    r"|sealed)(?: (?:until|for|to you)[^.!?\n]*)?\W*$",
    r"(?:i |we )?(?:will|shall) (?:take|keep) (?:this|that|the|it|my) (?:\w+ )?(?:secret"
    r"|to (?:my|the|m))",
    rf"{SUBJECT} (?:will|shall|would|can|do) not\W*$",
    rf"{SUBJECT} {AM} not (?:doing|going|telling|giving|helping|writing|opening"
    rf"|moving)\b[^.!?\n]*\W*$",
    r"(?:no way|out of the question|not on my watch|forget it|not a chance|no chance)\W*$",
    rf"(?:cannot|unable to|will not|not able to) {ANSWERING}[^.!?\n]{{0,30}}\W*$",
    r"no (?:information|refunds|exceptions|answers|predictions|details)\b[^.!?\n]*\W*$",
)
# Every clause above has one of these, so that most answers are not looked at any further.
_DECLINING = (
    "not |not.|not!|not,|not\n|cannot|unable|forbid|prohibit|incapable|unauthori|unwilling|"
    "barred|have no |lack |never |no longer|no comment|no can do|no way|no chance|no record|"
    "no information|no data|no details|no refunds|no exceptions|no answers|no predictions|"
    "no one|no man |there is no|there are no|decline|declining|refus|refrain|pass on|"
    "have to pass|must pass|reject|abstain|prefer|rather|say no|turning |turn you|turn this|"
    "turn that|turn it|turn your|deny|denied|only |only.|exclusively|solely|limited|"
    "restricted|confined|outside|beyond|out of |above my|above our|against|impossible|"
    "inappropriate|unethical|would violate|violates|would breach|would be a |contradicts|"
    "prevent|nothing i |nothing to |nothing we |sworn|bound |off duty|on strike|closed|shut|"
    "sealed|unavailable|neither|to keep|promised|gave my word|swore|vowed|stick |stay |"
    "keep to|keep with|off limits| is over|ending this|are tied|booked|break|somebody else|"
    "someone else|no entry|no entrance|no ticket|on leave|on holiday|orders|keep |stops|"
    "irrelevant|unrelated|none of|confidential|private|classified|secret|nobody|none shall|"
    "none may|none will|locked|forget it|out of the question"
)
DECLINING = _DECLINING.split("|")

# Words of refusals that the rules may not know.
DOUBTFUL = (
    r"\b"
    + any_word(
        "cannot unable not_able not_allowed not_permitted decline refuse sorry apologize"
        " unfortunately comfortable appropriate my_guidelines do_not_have_(?:access|the)"
        " i_(?:do|will|would|must)_not not_something confidential nobody no_one closed off_duty"
        " (?:about|to)_something_else (?:another|different)_(?:topic|subject) change_the_(?:topic"
        "|subject) rather_not"
    )
    + r"\b"
)
DOUBTFUL_CHARS = 200
# What else declines in a text of its own: it brushes off, says what only is spoken of here, turns
# to that, or is a notice.
DOUBTFUL_ALONE = (
    r"^\W*(?:not (?:happening|today|a chance|going to happen|telling)\b|pass\W*$|no,? thank"
    r"|(?:request|access|permission|content|topic|question|response|message)s? "
    r"(?:\w+ )?(?:declined|denied|refused|rejected|blocked|withheld|filtered|removed|not\b))"
    r"|\b(?:nice|good) try\b|\b(?:stays?|remains?|is safe) (?:with|between|(?:a )?secret|hidden)\b"
    r"|\bi am just an?\b|\bnot (?:one|a \w+|anything|a thing|something) (?:that )?(?:i|we)\b"
    r"|\b(?:prefer|rather) (?:that )?(?:we|you|to (?:stick|keep|stay|focus|talk))\b"
    r"|\blet(?:'s| us) (?:\w+ )?(?:focus|stick|keep|stay|get back|return|go back|not)\b"
    r"|\b(?:i|we|me|my|our)\b[^.!?\n]* (?:only|exclusively|solely)\b"
    r"|\b(?:only|exclusively|solely) (?:talk|speak|discuss|answer|handle|cover|help|do|deal|here)\b"
    r"|\bno (?:\w+ ){1,5}to (?:share|give|offer|express|add|tell)\b"
    r"|\b(?:do not|stop|quit) (?:ever )?ask(?:ing)?\b|\bask me (?:that|this) again\b"
    r"|\b(?:not|un)supported\b|\bguidelines\b|\bpolic(?:y|ies)\b"
)
# A message of one sentence to somebody; one that declines is no request of the user's.
DECLINES_SOMEBODY = (
    r"(?i)^[^.!?\n]*\b(?:you|your|requests?|questions?|answer|respond|give|je|ich|puedo|posso)\b"
    r"[^.!?\n]*[.!]?\s*$"
)
