"""What somebody who declines cannot do or has not, as patterns."""

from sysgen_dagster.lanes.sysgen.refusal_openings import any_of, any_word

# What somebody has not, who declines.
MEANS = (
    "(?:access|abilit|capabilit|capacit|authorit|authoriz|permission|clearance|information|data|"
    r"records?\b|knowledge|details|tools|the power|the right|expertise|equipment|resources"
    r"|credentials|insights?\b|"
    "qualification|training to|means|(?:a|any|no) way|way (?:to|of))"
)
# Whoever cannot do these declines a request, whatever stands before the clause ...
ANSWERING = any_of(
    *(r"assist\w*", r"help(?:ing)? (?:you|with|in|to|anyone|anybody|on)"),
    *(r"help(?:ing)?\W*(?:$|[.!\n])", "helping", r"help [^.!?\n]{3,}"),
    any_word(
        r"compl(?:y|ying) fulfil\w* provid\w* answer\w* respond\w* repl(?:y|ying) discuss\w*"
        r" comment\w* disclos\w* reveal\w* continu\w* engag\w* particip\w* creat(?:e"
        r"|ing) writ(?:e|ing)"
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
    "(?:permit|allow)(?:ting|ing)? (?:you|that|this|it|any)",
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
    any_word(
        "reset waive extend approve arrange connect transfer unlock ship deliver exchange replace"
        " repair fix install track locate look_up pay charge move add update upload download send"
        " call print record access open"
    )
    + r" (?:[^.!?\n,]* )?(?:your|you|any|this|that)\b",
)
# ... and whoever cannot do these does so after an apology or a word of who is speaking; without
# one they are said in stories and letters too.
DOING = any_word(
    "know find tell say make let allow give share offer use choose pick identify express see"
    " recommend guarantee do tolerate accept take access refund"
    " have_(?:access|real|information|enough)"
)
ANY_VERB = r"(?:\w+ly )?[a-z]{2,}"
