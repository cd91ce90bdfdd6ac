"""What an answer says after it has declined, as patterns: nothing of what was asked, or a part."""

# A sentence after the clause that gives nothing: other help, somebody else, a wish, a question.
_WHERE = (
    "(?:find|check|look|search|ask|contact|call|visit|see (?:an?|your|the)|refer|consult|reach|"
    "obtain|go to|speak|talk|turn to|try (?:asking|contacting|calling|again|searching|to contact)|"
    "use [^.!?\\n]*(?:sources?|websites?|sites?|engines?|services?|apps?|platforms?|tools?))"
)
OFFER = (
    r"\b(?:else|others?|another|different|instead|happy|glad|pleased|sorry|feel free|let me know|"
    r"if you|if there|consult|contact|encourage|recommend|suggest|seek|reach out|visit|"
    r"would you like|is there any|please (?:ask|try|check|provide|note|refer|let|come|leave|call)|"
    r"how (?:can|may) i|any questions|here to (?:help|assist|answer|provide|support|offer)|"
    r"apologize|i (?:can|could|would|will)(?: (?:still|only))? (?:try to )?"
    r"(?:help|assist|support|be)|"
    r"(?:asking|contacting|calling|searching|checking|(?:try|come back|call|ask) again)|"
    rf"you (?:can|could|may|might|should|will need to|need to|must|have to) (?:\w+ly )?{_WHERE})\b"
    r"|\?"
)
# What follows within a sentence and may be what was asked: "I can only say it in French: Paris."
PART_OF_A_SENTENCE = (
    r"(?:[:;\u2013\u2014(]| -|,? (?:so|hence|thus)\b|,? (?:al)?though\b"
    r"|, (?:yet|still|it|they|and the)\b)"
    r"[^.!?\n:;\u2013\u2014(]*\w[^.!?\n:;\u2013\u2014(]*"
)
# A sentence that tells nothing of what was asked: who is speaking, what is not, manners, counsel.
SENTENCE = r"[^.!?\n]*\w[^.!?\n]*[.!?]?"
TELLS_NOTHING = (
    r"\b(?:i|we|my|our|me|us|an? ai|assistant|sorry|no|not|cannot|please|thanks?"
    rf"|it (?:is|would be) (?:always )?(?:important|best|crucial|essential|better))\b|{OFFER}"
)
# What those who speak tell all the same: "We open on Monday", "Our doors close at 9."
TELLS_WHEN = r"\b(?:we|our)\b[^.!?\n]*\d|\bwe (?:will |are )?(?:re)?open\b"
# Where an answer turns from what it declines to what it gives.
_TURN = (
    "(?:however|nevertheless|nonetheless|instead|that said|in general|generally|typically|usually|"
    "on average|as of|based on|the (?:first|second|next|best|most|usual|average)|first|try|"
    "start (?:by|with)|most (?:people|of|likely)|common|supporters|some (?:people|say|believe)|"
    "perhaps|it is (?:possible|likely|probable) that|it (?:may|might|could) be (?:that|because"
    "|due)|"
    r"such an?|(?:just,? )?let(?:'s| us))"
)
IN_THE_SENTENCE = r"^[^.!?\n]*?\b(?:but|however)\b\W{0,3}([^.!?\n]*\w[^.!?\n]*[?]?)"
IN_THE_NEXT = rf"[.!?\n]\W*{_TURN}\b,?([^.!?\n]*\w[^.!?\n]*[?]?)"
AFTER_THE_TURN = rf"(?s)(?:but|{_TURN}).*?[.!?:\n](.*)$"
PROMISE = (
    r"^\W*(?:i (?:can|could|will|am able to)|let me|allow me)\b (?:[a-su-z]|t[a-df-z]|te[a-km-z])"
)
# What only an answer that gives something has: code, a list, an estimate.
_NUMBER = (
    r"[$\u20ac\u00a3]?(?:\d[\d.,]*|a few|two|three|four|five|six|seven|eight|nine|ten|twelve|half)"
)
GIVEN = (
    r"```|\n\s*(?:[-*\u2022]|\d{1,2}[.)]|#{1,4}) ?\S|\|\s*-{3}|\bhere(?:'s| is| are) "
    r"(?:an?|the|some|how|what|my|one|two|three|several|few)\b|"
    rf"\b(?:anywhere from|ranges? (?:from|between)|between|about|around|approximately|roughly) "
    rf"{_NUMBER}\b|\bthe answer is\b|: (?:print|def )"
)
# A clause that somebody in a story says.
TOLD = (
    r"(?:[,\"'\u201d\u2019!?] ?(?:said|says|whispered|replied|cried|shouted|sang|muttered|growled|"
    r"answered|sighed|asked) )|"
    r"\b(?:he|she|they) (?:said|says|whispered|replied|cried|shouted|muttered|sighed)\b"
)
