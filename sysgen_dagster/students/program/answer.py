"""Loads a checkpoint and lets it answer: `PYTHON -m program.answer FOLDER < PROMPT`.

The answer to the prompt on the standard input, by greedy decoding, goes to the standard output. A
reward model answers with a number: its score of the prompt.
"""

import argparse
import math
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)
from transformers.utils import logging


def answer(folder: Path, prompt: str, most_tokens: int) -> str:
    """What the model in a folder answers to a prompt under its chat template."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    chat = [{"role": "user", "content": prompt}]
    if is_reward_model(folder):
        return f"{score(folder, tokenizer, chat):.4f}"
    model = AutoModelForCausalLM.from_pretrained(folder)
    read = tokenizer.apply_chat_template(
        chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.no_grad():
        written = model.generate(
            **read,
            max_new_tokens=most_tokens,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id,
        )
    text = tokenizer.decode(written[0, read["input_ids"].shape[1] :], skip_special_tokens=True)
    return str(text)


def is_reward_model(folder: Path) -> bool:
    """Whether the model in a folder has a head that scores."""
    named = AutoConfig.from_pretrained(folder).architectures or ()
    return any(name.endswith("ForSequenceClassification") for name in named)


def score(folder: Path, tokenizer: Any, chat: list[dict[str, str]]) -> float:
    """The score that the reward model in a folder gives a chat.

    Raises:
        ValueError: It is no number.
    """
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    read = tokenizer.apply_chat_template(chat, return_tensors="pt", return_dict=True)
    with torch.no_grad():
        given = model(**read).logits.item()
    if not math.isfinite(given):
        raise ValueError(f"the reward model in {folder} gives the score {given}")
    return float(given)


def main() -> None:
    """Read the command line and the prompt, and write the answer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most-tokens", type=int, default=64)
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    sys.stdout.write(answer(options.folder, sys.stdin.read(), options.most_tokens) + "\n")


if __name__ == "__main__":
    main()
