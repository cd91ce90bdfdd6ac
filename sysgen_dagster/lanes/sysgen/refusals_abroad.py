"""Refusals in other languages than English, as patterns in lower case."""

# How they begin.
OPENINGS = (
    r"^\W*(?:"
    + "|".join(
        (
            *(
                "lo siento",
                "lamento",
                "me temo",
                "no puedo",
                "desculpe",
                "sinto muito",
                "infelizmente",
            ),
            *("não posso", "mi dispiace", "purtroppo", "non posso", "désolée?", "je suis désolée?"),
            *("je regrette", "malheureusement", "je ne (?:peux|puis) pas", "es tut mir leid"),
            *(
                "tut mir leid",
                "leider",
                "ich (?:kann|darf) (?:dir |ihnen )?(?:dabei |damit )?nicht",
            ),
            *("ich (?:kann|darf) (?:dir|ihnen|euch|das|diese) ", "entschuldigung", "het spijt"),
            *("helaas", "ik kan", "tyvärr", "beklager", "desværre", "przepraszam", "niestety"),
            *("извините", "простите", "к сожалению", "я не могу", "на жаль", "üzgünüm", "maalesef"),
            *("عذر", "آسف", "للأسف", "لا أستطيع", "لا يمكنني", "माफ", "क्षमा"),
            *("xin lỗi", "rất tiếc", "maaf"),
            *(
                "抱歉",
                "对不起",
                "對不起",
                "很遗憾",
                "我无法",
                "我不能",
                "申し訳",
                "すみません",
                "ごめん",
            ),
            *("przykro mi", "nie mogę", "wybacz", "bohužel", "bohužiaľ", "omlouvám", "promiňte"),
            *("nemohu", "je mi líto", "ľutujem", "sajnos", "sajnálom", "nem tudok", "îmi pare rău"),
            *("din păcate", "nu pot", "valitettavasti", "pahoittelen", "en voi", "ursäkta"),
            *("förlåt", "jag kan (?:inte|tyvärr)", "jeg kan (?:ikke|desværre|dessverre)"),
            *("dessverre", "undskyld", "ik mag", "λυπάμαι", "δυστυχώς", "συγγνώμη", "δεν μπορώ"),
            *("вибачте", "перепрошую", "я не можу", "съжалявам", "не мога", "žao mi je"),
            *("nažalost", "ne mogu", "oprostite", "izvinite", "özür dilerim", "mohon maaf"),
            *("saya tidak (?:bisa|dapat)", "paumanhin", "ho sento", "disculpa", "perdón"),
            *("desafortunadamente", "lamentablemente", "lastimosamente", "excusez", "pardon"),
            *("je suis (?:vraiment|sincèrement) désolée?", "scusa", "mi scusi", "spiacente"),
            *("ich bedaure", "entschuldigen sie", "متأسف", "متاسف", "نمی", "מצטער", "לצערי"),
            *("אני לא יכול", "ขออภัย", "ขอโทษ", "দুঃখিত", "मुझे खेद", "खेद", "மன்னிக்கவும்"),
            *("残念ながら", "죄송", "미안", "유감"),
        )
    )
    + ")"
)

# One short sentence, an apology before it at most, in which who speaks declines to help or to tell.
# Any other may be a translation, or give something after all.
_SENTENCE = r"[^.!?\n]"
_FRENCH = (
    r"(?:(?:je suis |nous sommes )?(?:vraiment |sincèrement )?désolée?s?|malheureusement|"
    r"je regrette|excusez-moi|pardon)?\W*(?:mais )?(?:je|nous) (?:ne |n')(?:\w+ )?"
    r"(?:peux|puis|pouvons|suis|sommes|veux|dois|saurais) (?:\w+ )?"
    rf"pas {_SENTENCE}{{0,40}}?\b(?:aider|assister|répondre|donner|fournir|dire|traduire|parler"
    rf"|discuter|"
    r"partager|communiquer|conseiller|recommander|écrire|révéler|faire|autorisée?|en mesure)\b"
)
_GERMAN = (
    r"(?:(?:es )?tut mir (?:sehr )?leid|leider|entschuldigung|entschuldigen sie|"
    r"ich bedaure)?\W*(?:aber )?(?:(?:ich|wir) (?:kann|können|darf|dürfen|möchte|werde)|"
    r"(?:dabei|damit|das|dazu|hier(?:bei)?|darüber|darauf)?\s?(?:kann|darf|können|dürfen|möchte"
    r"|werde) "
    rf"(?:ich|wir)) {_SENTENCE}{{0,80}}?\b(?:nicht|keine\w?) {_SENTENCE}{{0,60}}?"
    r"(?:helfen|weiterhelfen|behilflich|beantworten|antworten|geben|sagen|mitteilen|übersetzen|"
    r"schreiben|nennen|verraten|sprechen|auskunft|unterstützen|empfehlen|tun)\b"
)
_SPANISH = (
    r"(?:lo siento(?: mucho)?|lo lamento|lamentablemente|disculpe|perdón|me temo que)?"
    r"\W*(?:pero )?(?:yo )?no (?:me |te |le |lo |la )?(?:puedo|podemos|debo|estoy autorizad[oa] a) "
    rf"{_SENTENCE}{{0,20}}?\b(?:ayudar|responder|contestar|dar|proporcionar|decir|ofrecer|hacer|"
    r"compartir|hablar|traducir|escribir|recomendar|revelar|asistir)\w{0,4}\b"
)
_ITALIAN = (
    r"(?:mi dispiace(?: molto)?|purtroppo|mi scusi|spiacente)?\W*(?:ma )?(?:io )?non "
    rf"(?:(?:ti|vi|le|lo|la) )?(?:posso|possiamo"
    rf"|sono autorizzat[oa] a) {_SENTENCE}{{0,20}}?\b(?:aiutar|"
    r"risponder|dar|fornir|dir|parlar|condivider|tradur|consigliar|scriver|rivelar|assister"
    r"|far)\w{0,4}\b"
)
_PORTUGUESE = (
    r"(?:desculpe|sinto muito|lamento|infelizmente|me desculpe)?\W*(?:mas )?(?:eu )?não "
    rf"(?:(?:o|a|lhe|te) )?(?:posso|podemos|estou autorizad[oa] a) {_SENTENCE}{{0,20}}?\b(?:ajud"
    rf"|respond|"
    r"dar|fornec|dizer|oferec|fazer|compartilh|partilh|falar|traduz|escrev|recomend|revel)\w{0,4}\b"
)
_REFUSE = "(?:je refuse de|ich weigere mich|me niego a|mi rifiuto di|recuso-me a|me recuso a) "
WHOLE = (
    rf"^\W*(?:{_REFUSE}|{_FRENCH}|{_GERMAN}|{_SPANISH}|{_ITALIAN}|{_PORTUGUESE})"
    rf"{_SENTENCE}{{0,50}}[.!]?\W*$"
)
