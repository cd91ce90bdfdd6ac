"""Writes `ifeval_verdicts.json`: what lm-evaluation-harness says of many answers and instructions.

Run by hand in an environment with `lm-eval[ifeval]` 0.4.13 and Punkt's `punkt_tab` where NLTK
finds it:

    python write_verdicts.py S_IFEVAL.jsonl > ifeval_verdicts.json

The instructions are those of S-IFEval (MIT), some of each id; the answers are ours: short texts
that each have some form an instruction counts, texts that do what one asks, and draws of both.
"""

import json
import random
import sys
from pathlib import Path
from typing import Any

LINES = [
    "yes",
    "Dr. Smith met Mr. J. R. Brown at 5 p.m. in the U.S. embassy. They talked, e.g. of tea.",
    "What a day! Was it long? It was... well, quite long.",
    "the quick brown fox jumps over the lazy dog and then it rests under a tree",
    "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG AND THEN IT RESTS UNDER A TREE",
    "NASA and the EU met; I think O'NEIL'S plan isn't WELL-KNOWN (yet), USA.",
    "* first point\n* second point\n* third point",
    "- one\n- two\n  - nested, with a comma\n- three",
    "*highlighted section part 1* and *another* then **bold words** and *** and **",
    "**** ** * * ****",
    "First paragraph.\n***\nSecond paragraph.\n***\nThird paragraph.",
    "***\nOnly one.\n***\n\n***",
    "One response.\n******\nAnother response.",
    "One response.\n******\nOne response.",
    "******\nOne.\n******\n\n******\nTwo.",
    "<<A title>>",
    "<< >>\n<<poem of joy>>",
    '{"name": "Ada", "tags": ["a", "b"]}',
    '```json\n{"name": [1, 2, 3]}\n```',
    '```\n{"name": }\n```',
    '"All of this is quoted."',
    '"',
    "My answer is no.",
    "My answer is maybe.  ",
    "Dear [name], I live at [address], in [city] [zip code].\nYours, [sender]\n[date] [x] []",
    "SECTION 1\nText.\nSECTION 2\nText.\nSECTION 3",
    "Section 1: a\nSection 2: b\nPARAGRAPH 1 PARAGRAPH 2\nDay 1 Day 2 Day 3\nAudience 1",
    "P.S. I forgot the milk.",
    "P. P. S. And the tea.",
    "p. s. I forgot it. P.P.S. And this\nP.P.S",
    "Is there anything else I can help with?",
    "Follow the white rabbit.\nAny other questions?",
    "Das ist ein ganz normaler Satz auf Deutsch, den jeder lesen kann.",
    "यह हिन्दी में लिखा हुआ एक वाक्य है जिसे हर कोई पढ़ सकता है।",
    "これは日本語で書かれた文です。誰でも読むことができます。",
    "Это предложение написано на русском языке. Его может прочитать каждый.",  # noqa: RUF001
    "C'est une phrase écrite en français, que tout le monde peut lire.",
    "ਇਹ ਪੰਜਾਬੀ ਵਿੱਚ ਲਿਖਿਆ ਇੱਕ ਵਾਕ ਹੈ।",
    "12345 67890 --- !!! ???",
    "Once upon a time there lived a story-teller.\n\nIt's the weekend, friends.\n\n\n\nThe end.",
    "'quote' begins this.\n\nRevenue, said he.\n\n\"Moms\" begins that.\n\nAnd a fourth.",
    "naïve café ǅungla ß İstanbul ﬁne _under_score_ x_1",
    "No punctuation at all here",
    "\t \n ",
    "A. B. C. i.e. etc. Ph.D. students of Prof. X. wrote No. 5 vs. No. 6.",
]
WORDS = [
    f"{word} " * count for word in ("flesh", "a, b", "story!", "EEE", "-x-") for count in (3, 70)
]
KINDS_OF_EACH = 4
JOINED = 40


def write_answers(instructions: list[tuple[str, dict[str, Any]]]) -> list[str]:
    said = list(dict.fromkeys(_obey(arguments) for _, arguments in instructions))
    obeying = [*said, *(f'"{text}"' for text in said[::3]), *(f"un{text}ly" for text in said[::3])]
    draw = random.Random(4)
    texts = LINES + WORDS + obeying
    joined = [
        draw.choice(["\n", "\n\n", " "]).join(draw.sample(texts, draw.randint(2, 7)))
        for _ in range(JOINED)
    ]
    return list(dict.fromkeys(["", *texts, *joined]))


def _obey(arguments: dict[str, Any]) -> str:
    """A text that has every text of the arguments, and a first word where it is asked for."""
    if "first_word" in arguments:
        return "\n\n".join([f"'{arguments['first_word']}, so it is."] * arguments["num_paragraphs"])
    texts = [each for each in arguments.values() if isinstance(each, str | list)]
    flat = [text for each in texts for text in ([each] if isinstance(each, str) else each)]
    return " ".join(flat * arguments.get("frequency", 1))


def choose_instructions(rows: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Some of each id, with arguments that differ, and small numbers beside those given."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        for name, arguments in zip(row["instruction_id_list"], row["kwargs"], strict=True):
            found.setdefault(name, {})[json.dumps(arguments)] = arguments
    chosen = []
    for name, kinds in sorted(found.items()):
        draw = random.Random(name)
        given = draw.sample(list(kinds.values()), min(KINDS_OF_EACH, len(kinds)))
        smaller = [
            {
                key: draw.randint(1, 4) if isinstance(value, int) else value
                for key, value in each.items()
            }
            for each in given
        ]
        both = {json.dumps(each): each for each in [*given, *smaller]}
        chosen += [(name, each) for each in both.values() if _is_given(each)]
    return chosen


def _is_given(arguments: dict[str, Any]) -> bool:
    """Of a paragraph that is not there and of a sign that is no letter, lm-eval draws lots."""
    letter = arguments.get("letter", "a")
    nth, paragraphs = arguments.get("nth_paragraph", 0), arguments.get("num_paragraphs", 0)
    return "a" <= letter.lower() <= "z" and ("nth_paragraph" not in arguments or nth <= paragraphs)


def main() -> None:
    from langdetect import DetectorFactory
    from lm_eval.tasks.ifeval import utils

    DetectorFactory.seed = 0
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
    instructions = choose_instructions(rows)
    answers = write_answers(instructions)

    def verdicts(test: Any) -> list[str]:
        found = []
        for name, arguments in instructions:
            item = utils.InputExample(0, [name], "", [arguments])
            kept = (test(item, answer).follow_all_instructions for answer in answers)
            found.append("".join("1" if each else "0" for each in kept))
        return found

    strict = verdicts(utils.test_instruction_following_strict)
    loose = verdicts(utils.test_instruction_following_loose)
    cases = [
        {"id": name, "arguments": arguments, "strict": one, "loose": other}
        for (name, arguments), one, other in zip(instructions, strict, loose, strict=True)
    ]
    answer_lines = ",\n".join(json.dumps(answer) for answer in answers)
    case_lines = ",\n".join(json.dumps(case) for case in cases)
    sys.stdout.write(f'{{"answers": [\n{answer_lines}\n],\n"cases": [\n{case_lines}\n]}}\n')


if __name__ == "__main__":
    main()
