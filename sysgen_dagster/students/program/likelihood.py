"""How likely answers are to a model: `PYTHON -m program.likelihood WEIGHTS CHATS WRITTEN`.

CHATS has a JSON object on each line: ``id``, and ``messages``, a chat that ends with the answer.
For each a line is added to WRITTEN: ``id``; ``tokens``, those of the answer and of the mark that
ends it; and ``log_likelihood``, the sum of their natural logarithms, null where the answer does not
fit. Chats that WRITTEN has already are left out, so that the same command goes on after a kill.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from .rows import IGNORED, Encoder
from .templates import Template


def compute_likelihood(
    model: Any, encoder: Encoder, name: str, messages: list[dict[str, str]]
) -> tuple[int, float | None]:
    """The tokens of the last message of a chat, as a training learns them, and their likelihood.

    Args:
        model: Of transformers.
        encoder: Of the training program.
        name: Of the chat.
        messages: The chat.

    Returns:
        The number, and the sum of natural logarithms; 0 and None where the answer does not fit.
    """
    *before, answer = ({**message, "train": False} for message in messages)
    chat = [*before, {**answer, "train": True}]
    made = encoder.encode_chats({"conversation_id": [name], "messages": [chat]})
    if not made["input_ids"] or encoder.counts.cut:
        return 0, None
    ids, labels = torch.tensor(made["input_ids"]), torch.tensor(made["labels"][0])
    is_learned = labels[1:] != IGNORED
    with torch.no_grad():
        # What is said at a place is of the token after it.
        said = model(input_ids=ids).logits[0, :-1][is_learned].float()
    of_answer = said.log_softmax(-1).gather(1, labels[1:][is_learned, None])
    return int(is_learned.sum()), of_answer.double().sum().item()


def _find_written(file: Path) -> set[str]:
    """The chats that a file has; a last line that a kill has torn is taken away."""
    if not file.is_file():
        return set()
    whole = file.read_bytes()
    kept = whole[: whole.rfind(b"\n") + 1]
    if kept != whole:
        file.write_bytes(kept)
    return {json.loads(line)["id"] for line in kept.splitlines()}


def _left(chats: Path, written: set[str]) -> Iterator[dict[str, Any]]:
    with chats.open(encoding="utf-8") as lines:
        yield from (chat for chat in map(json.loads, lines) if chat["id"] not in written)


def write_likelihoods(weights: Path, chats: Path, written: Path, template: Path | None) -> None:
    """Add a line to a file for each chat that it does not have.

    Args:
        weights: A folder with weights and tokenizer.
        chats: The chats.
        written: The file, which may not be there yet.
        template: The chat template in the place of the model's own.

    Raises:
        RefusedError: The template cannot write a chat.
    """
    left = list(_left(chats, _find_written(written)))
    if not left:
        return
    tokenizer = AutoTokenizer.from_pretrained(weights)
    model = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32).eval()
    as_written = Template(tokenizer, None if template is None else str(template), day="1 Jan 2026")
    longest = model.config.max_position_embeddings
    with written.open("a", encoding="utf-8") as file:
        for at, chat in enumerate(left):
            # Each chat has an encoder of its own, which says whether it is the one that was cut.
            encoder = Encoder(tokenizer, as_written, max_length=longest, persona=True)
            tokens, value = compute_likelihood(model, encoder, chat["id"], chat["messages"])
            line = {"id": chat["id"], "tokens": tokens, "log_likelihood": value}
            file.write(f"{json.dumps(line)}\n")
            file.flush()
            if not at % 20:
                print(f"{at} of {len(left)}", file=sys.stderr)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("chats", type=Path)
    parser.add_argument("written", type=Path)
    parser.add_argument("--chat-template", type=Path)
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    write_likelihoods(options.weights, options.chats, options.written, options.chat_template)


if __name__ == "__main__":
    main()
