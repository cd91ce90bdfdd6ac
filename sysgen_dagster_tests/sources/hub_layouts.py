"""Rows in the layouts of data sets that many people have: their columns, our words.

Each is a row as its data set has it, with the exchange that is read from it last.
"""

import json
from typing import Any, NamedTuple

ASK, ANSWER = "Name a river in Italy.", "The Po is one."
AGAIN, MORE = "And one in France?", "The Loire, for one."
SYSTEM = "You know every river."
THOUGHTS = "Rivers in Italy: Po, Tiber, Arno."


class Layout(NamedTuple):
    """A row of a data set, and what is read from it.

    Attributes:
        row: As the file has it.
        said: How what the columns are for is said.
        question: Of the last conversation.
        answer: Of the last conversation.
        system: The original system message.
        thoughts: What was thought before the answer.
        turns: Of the history of the last conversation.
        conversations: How many the row gives.
    """

    row: dict[str, Any]
    said: str
    question: str = ASK
    answer: str = ANSWER
    system: str | None = None
    thoughts: str | None = None
    turns: int = 0
    conversations: int = 1


def roles(*said: str, first: str = "user", **more: Any) -> list[dict[str, Any]]:
    """Turns as `content` and `role`, the order in which the Hub has them most often."""
    other = {"user": "assistant", "assistant": "user"}
    names = [first, other[first]] * len(said)
    return [
        {"content": text, "role": name, **more} for text, name in zip(said, names, strict=False)
    ]


def sharegpt(*said: str, **more: Any) -> list[dict[str, Any]]:
    """Turns as `from` and `value`."""
    names = ["human", "gpt"] * len(said)
    return [{"from": name, "value": text, **more} for text, name in zip(said, names, strict=False)]


def two(said: str, **more: Any) -> dict[str, Any]:
    """What is read of a row with two exchanges."""
    return {"said": said, "question": AGAIN, "answer": MORE, "turns": 2, "conversations": 2, **more}


CHAT = roles(ASK, ANSWER, AGAIN, MORE)
MESSAGES = 'chats in "messages" (role, content)'
SHAREGPT = 'chats in "conversations" (from, value)'
OPENHERMES = {
    **dict.fromkeys(("custom_instruction", "topic", "model_name", "model", "category", "title")),
    "conversations": [{"from": "system", "value": SYSTEM}, *sharegpt(ASK, ANSWER)],
    "system_prompt": None,
    "source": "airoboros2.2",
}
ALPACA_TEXT = f"Below is an instruction.\n\n### Instruction:\n{ASK}\n\n### Response:\n{ANSWER}"
MARKED = f"### Human: {ASK}### Assistant: {ANSWER}"
HH = "\n\nHuman: {}\n\nAssistant: {}\n\nHuman: {}\n\nAssistant: {}"

LAYOUTS: dict[str, Layout] = {
    # Chats.
    "HuggingFaceH4/ultrachat_200k": Layout(
        {"prompt": ASK, "prompt_id": "f0e37e9f", "messages": CHAT}, **two(MESSAGES)
    ),
    "allenai/tulu-3-sft-mixture": Layout(
        {"id": "oasst1_4964", "messages": CHAT, "source": "ai2-adapt-dev/oasst1"}, **two(MESSAGES)
    ),
    "AI-MO/NuminaMath-CoT": Layout(
        {
            "source": "synthetic_math",
            "problem": ASK,
            "solution": ANSWER,
            "messages": roles(ASK, ANSWER),
        },
        MESSAGES,
    ),
    "nvidia/Nemotron-Post-Training-Dataset-v1": Layout(
        {
            "uuid": "1",
            "license": "cc-by-4.0",
            "category": "stem",
            "reasoning": "on",
            "messages": [
                {"role": "user", "content": ASK, "tool_calls": []},
                {
                    "role": "assistant",
                    "content": f"<think>\n{THOUGHTS}\n</think>\n{ANSWER}",
                    "tool_calls": [],
                },
            ],
        },
        MESSAGES,
        thoughts=THOUGHTS,
    ),
    "lmsys/lmsys-chat-1m": Layout(
        {
            "conversation_id": "33f0",
            "model": "vicuna-13b",
            "conversation": CHAT,
            "turn": 2,
            "language": "English",
            "openai_moderation": [{"categories": {"hate": False}, "flagged": False}],
            "redacted": False,
        },
        **two('chats in "conversation" (role, content)'),
    ),
    "allenai/WildChat-1M": Layout(
        {
            "model": "gpt-4",
            "conversation": roles(ASK, ANSWER, AGAIN, MORE, language="English", toxic=False),
            "turn": 2,
        },
        **two('chats in "conversation" (role, content)'),
    ),
    "lmsys/chatbot_arena_conversations": Layout(
        {
            "question_id": "58210e39",
            "winner": "model_a",
            "conversation_a": roles(ASK, ANSWER),
            "conversation_b": roles(ASK, MORE),
        },
        'chats in "conversation_a" (role, content)',
    ),
    "teknium/OpenHermes-2.5": Layout(OPENHERMES, SHAREGPT, system=SYSTEM),
    "Open-Orca/SlimOrca": Layout(
        {
            "conversations": [
                {"from": "system", "value": SYSTEM, "weight": None},
                *sharegpt(ASK, ANSWER, weight=1.0),
            ]
        },
        SHAREGPT,
        system=SYSTEM,
    ),
    "jondurbin/airoboros-3.1": Layout(
        {"id": "1", "conversations": sharegpt(ASK, ANSWER), "category": "general"}, SHAREGPT
    ),
    "open-thoughts/OpenThoughts-114k": Layout(
        {"system": SYSTEM, "conversations": sharegpt(ASK, ANSWER)},
        f'{SHAREGPT}, system message in "system"',
        system=SYSTEM,
    ),
    "LDJnr/Capybara": Layout(
        {
            "source": "Airoboros",
            "conversation": [{"input": ASK, "output": ANSWER}, {"input": AGAIN, "output": MORE}],
        },
        **two('exchanges in "conversation" (input, output)'),
    ),
    "GAIR/lima": Layout(
        {"conversations": [ASK, ANSWER], "source": "stackexchange"},
        'texts of user and assistant by turns in "conversations"',
    ),
    "stingning/ultrachat": Layout(
        {"id": "0", "data": [ASK, ANSWER, AGAIN, MORE]},
        **two('texts of user and assistant by turns in "data"'),
    ),
    # Questions and answers.
    "tatsu-lab/alpaca": Layout(
        {"instruction": "Name a river.", "input": "Italy", "output": ANSWER, "text": ALPACA_TEXT},
        'question in "instruction", followed by "input", answer in "output"',
        question="Name a river.\n\nItaly",
    ),
    "yahma/alpaca-cleaned": Layout(
        {"output": ANSWER, "input": "", "instruction": ASK},
        'question in "instruction", answer in "output"',
    ),
    "databricks/databricks-dolly-15k": Layout(
        {
            "instruction": ASK,
            "context": "The Po is in Italy.",
            "response": ANSWER,
            "category": "closed_qa",
        },
        'question in "instruction", followed by "context", answer in "response"',
        question=f"{ASK}\n\nThe Po is in Italy.",
    ),
    "Open-Orca/OpenOrca": Layout(
        {"id": "flan.1", "system_prompt": SYSTEM, "question": ASK, "response": ANSWER},
        'question in "question", answer in "response", system message in "system_prompt"',
        system=SYSTEM,
    ),
    "openai/gsm8k": Layout(
        {"question": ASK, "answer": ANSWER}, 'question in "question", answer in "answer"'
    ),
    "meta-math/MetaMathQA": Layout(
        {"type": "GSM_Rephrased", "query": ASK, "original_question": AGAIN, "response": ANSWER},
        'question in "query", answer in "response"',
    ),
    "microsoft/orca-math-word-problems-200k": Layout(
        {"question": ASK, "answer": ANSWER}, 'question in "question", answer in "answer"'
    ),
    "ise-uiuc/Magicoder-OSS-Instruct-75K": Layout(
        {
            "lang": "python",
            "raw_index": 7,
            "index": 1,
            "seed": "x = 1",
            "openai_fingerprint": "eeff",
            "problem": ASK,
            "solution": ANSWER,
        },
        'question in "problem", answer in "solution"',
    ),
    "ise-uiuc/Magicoder-Evol-Instruct-110K": Layout(
        {"instruction": ASK, "response": ANSWER}, 'question in "instruction", answer in "response"'
    ),
    "nvidia/OpenMathInstruct-2": Layout(
        {
            "problem": ASK,
            "generated_solution": ANSWER,
            "expected_answer": "Po",
            "problem_source": "augmented_math",
        },
        'question in "problem", answer in "generated_solution"',
    ),
    "FreedomIntelligence/medical-o1-reasoning-SFT": Layout(
        {"Question": ASK, "Complex_CoT": THOUGHTS, "Response": ANSWER},
        'question in "Question", answer in "Response", thoughts in "Complex_CoT"',
        thoughts=THOUGHTS,
    ),
    "YeungNLP/firefly-train-1.1M": Layout(
        {"kind": "NLI", "input": ASK, "target": ANSWER}, 'question in "input", answer in "target"'
    ),
    # Prompts that are chats, and preferences.
    "nvidia/Llama-Nemotron-Post-Training-Dataset": Layout(
        {
            "input": [{"role": "user", "content": ASK}],
            "output": ANSWER,
            "category": "chat",
            "reasoning": "off",
            "system_prompt": SYSTEM,
            "used_in_training": ["Ultra"],
        },
        'what comes before the answer in "input", the answer in "output" (role, content), '
        'system message in "system_prompt"',
        system=SYSTEM,
    ),
    "trl-lib, prompt and completion": Layout(
        {"prompt": roles(ASK), "completion": roles(ANSWER, first="assistant")},
        'what comes before the answer in "prompt", the answer in "completion" (role, content)',
    ),
    "trl-lib, prompt, chosen and rejected": Layout(
        {
            "prompt": roles(ASK, ANSWER, AGAIN),
            "chosen": roles(MORE, first="assistant"),
            "rejected": roles("No.", first="assistant"),
        },
        **two('what comes before the answer in "prompt", the answer in "chosen" (role, content)'),
    ),
    "llamafactory/DPO-En-Zh-20k": Layout(
        {
            "system": SYSTEM,
            "conversations": sharegpt(ASK),
            "chosen": {"from": "gpt", "value": ANSWER},
            "rejected": {"from": "gpt", "value": "No."},
        },
        'what comes before the answer in "conversations", the answer in "chosen" (from, value), '
        'system message in "system"',
        system=SYSTEM,
    ),
    "HuggingFaceH4/ultrafeedback_binarized": Layout(
        {
            "prompt": ASK,
            "prompt_id": "cf7",
            "chosen": roles(ASK, ANSWER),
            "rejected": roles(ASK, "No."),
            "messages": roles(ASK, ANSWER),
            "score_chosen": 9.0,
            "score_rejected": 2.0,
        },
        MESSAGES,
    ),
    "Intel/orca_dpo_pairs": Layout(
        {"system": SYSTEM, "question": ASK, "chosen": ANSWER, "rejected": "No."},
        'question in "question", answer in "chosen", system message in "system"',
        system=SYSTEM,
    ),
    # Chats as one text.
    "timdettmers/openassistant-guanaco": Layout(
        {"text": f"{MARKED}### Human: {AGAIN}### Assistant: {MORE}"},
        **two('chats as text in "text", by the marks "### Human:", "### Assistant:"'),
    ),
    "Anthropic/hh-rlhf": Layout(
        {
            "chosen": HH.format(ASK, ANSWER, AGAIN, MORE),
            "rejected": HH.format(ASK, "-", AGAIN, "-"),
        },
        **two('chats as text in "chosen", by the marks "Human:", "Assistant:"'),
    ),
    "a text in ChatML": Layout(
        {
            "text": f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{ASK}<|im_end|>\n"
            f"<|im_start|>assistant\n{ANSWER}<|im_end|>\n"
        },
        'chats as text in "text", by the marks "<|im_start|>system", "<|im_start|>user", '
        '"<|im_start|>assistant"',
        system=SYSTEM,
    ),
    # Of our own making, as people's files are.
    "records of other names": Layout(
        {
            "id": 7,
            "dialogue": [
                {"speaker": "customer", "text": ASK},
                {"speaker": "agent", "text": ANSWER},
            ],
        },
        'chats in "dialogue" (speaker, text), "customer" is the user, "agent" is the assistant',
    ),
    "exchanges of other names": Layout(
        {"log": [{"user": ASK, "assistant": ANSWER}, {"user": AGAIN, "assistant": MORE}]},
        **two('exchanges in "log" (user, assistant)'),
    ),
    "JSON in a text": Layout(
        {"messages": json.dumps(roles(ASK, ANSWER)), "topic": "rivers"}, MESSAGES
    ),
    "parts and thoughts in records": Layout(
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": ASK}]},
                {
                    "role": "assistant",
                    "content": [{"type": "text", "text": ANSWER}],
                    "reasoning_content": THOUGHTS,
                },
            ]
        },
        MESSAGES,
        thoughts=THOUGHTS,
    ),
}
