"""Loads a checkpoint and lets it answer: `PYTHON -m program.answer FOLDER < PROMPT`.

The answer to the prompt on the standard input, by greedy decoding, goes to the standard output.
"""

import argparse
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging


def answer(folder: Path, prompt: str, most_tokens: int) -> str:
    """What the model in a folder answers to a prompt under its chat template."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    chat = [{"role": "user", "content": prompt}]
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
