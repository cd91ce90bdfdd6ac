"""Chat templates of five kinds that students have, in small, and marks that they write."""

MARKS = ["<|eot|>", "<end_of_turn>", "<start_of_turn>", "</s>", "[INST]", "[/INST]", "<|sep|>"]
_TURNS = "{% for message in messages %}"
_ASK = "{% if add_generation_prompt %}"

CHATML = (
    _TURNS
    + "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    + _ASK
    + "<|im_start|>assistant\n{% endif %}"
)
# Whom the model is, where nobody says so.
PERSONA = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are Studium, made by Nobody."
    "<|im_end|>\n{% endif %}" + CHATML
)
# Dates in every system message, and one where there is none; the day of serving, or a fixed one.
_DATED = (
    "{% if messages[0].role == 'system' %}{% set said = messages[0].content | trim %}"
    "{% set messages = messages[1:] %}{% else %}{% set said = '' %}{% endif %}"
    "<|endoftext|><|sep|>system\n\nKnows until: 2023\nToday: {{ day }}\n\n{{ said }}<|eot|>"
    + _TURNS
    + "<|sep|>{{ message.role }}\n\n{{ message.content | trim }}<|eot|>{% endfor %}"
    + _ASK
    + "<|sep|>assistant\n\n{% endif %}"
)
DATED = "{% set day = date_string if date_string is defined else '26 Jul 2024' %}" + _DATED
DATED_TODAY = (
    "{% if date_string is defined %}{% set day = date_string %}{% else %}"
    "{% set day = strftime_now('%d %b %Y') %}{% endif %}" + _DATED
)
DATED_ALWAYS = "{% set day = strftime_now('%d %b %Y') %}" + _DATED
# No system role; the assistant is called another name.
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "<|endoftext|>"
    + _TURNS
    + "<start_of_turn>{{ 'model' if message.role == 'assistant' else message.role }}\n"
    "{{ message.content | trim }}<end_of_turn>\n{% endfor %}"
    + _ASK
    + "<start_of_turn>model\n{% endif %}"
)
# Headings, and no mark that ends an answer.
HEADINGS = (
    _TURNS
    + "### {{ message.role | capitalize }}:\n{{ message.content }}\n\n{% endfor %}"
    + _ASK
    + "### Assistant:\n{% endif %}"
)
# The system message inside the first question; a space before each answer.
FOLDED = (
    "<|endoftext|>{% if messages[0].role == 'system' %}"
    "{% set first = messages[0].content + '\n\n' %}"
    "{% set messages = messages[1:] %}{% else %}{% set first = '' %}{% endif %}"
    + _TURNS
    + "{% if message.role == 'user' %}[INST] {{ first if loop.first else '' }}{{ message.content }}"
    " [/INST]{% else %} {{ message.content }}</s>{% endif %}{% endfor %}"
)
# Thoughts of earlier answers are taken out, those of the last one kept.
CHANGES_THE_PAST = (
    _TURNS + "<|im_start|>{{ message.role }} {{ loop.revindex }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}" + _ASK + "<|im_start|>assistant 1\n{% endif %}"
)
