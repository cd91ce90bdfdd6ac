"""Makes a tiny random Llama in a folder, which a real vLLM serves without a GPU.

Run by the Python of vLLM's environment, which has torch, transformers and tokenizers:

    .venv-vllm/bin/python sysgen_dagster_tests/vllm/tiny_model.py FOLDER

The model writes noise. What is real is all around it: the tokenizer, the chat template, the limits.
"""

import argparse
import json
from pathlib import Path

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import LlamaConfig, LlamaForCausalLM

_END_OF_TEXT, _START, _END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
_TAGS = ("Role", "Content", "Task", "Action", "Style", "Background", "Tool", "Format")
_VERDICTS = ("Good", "Bad", "None")
_SENTENCES = (
    "You are a careful teacher of mathematics who checks every number twice.",
    "Help the user with the question and explain each step of the answer.",
    "Give a short list, then one paragraph, then a line with the final value.",
)
_CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# As the templates of Gemma do.
_NO_SYSTEM_ROLE = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}"
)


def write_tokenizer(folder: Path, *, system_role: bool, max_positions: int) -> int:
    """Train a byte-level BPE on text that looks like the phases' answers; returns its size."""
    phrases = [f"<<{tag}>>{text}<</{tag}>>" for tag in _TAGS for text in _SENTENCES]
    verdicts = [f"<<{tag}>>: {verdict}" for tag in _TAGS for verdict in _VERDICTS]
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(
        phrases + verdicts,
        vocab_size=512,
        show_progress=False,
        special_tokens=[_END_OF_TEXT, _START, _END],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": max_positions,
        "eos_token": _END,
        "pad_token": _END_OF_TEXT,
        "chat_template": _CHATML if system_role else _NO_SYSTEM_ROLE + _CHATML,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2))
    return int(tokenizer.get_vocab_size())


def write_model(folder: Path, *, vocabulary: int, max_positions: int) -> None:
    """Save a Llama with random weights, always the same."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=32,  # the smallest that vLLM's attention on CPUs has
        max_position_embeddings=max_positions,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        dtype="float32",
    )
    LlamaForCausalLM(config).save_pretrained(folder)


def main() -> None:
    """Read the command line and make the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without-system-role", action="store_true")
    parser.add_argument("--max-positions", type=int, default=8192)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    vocabulary = write_tokenizer(
        options.folder,
        system_role=not options.without_system_role,
        max_positions=options.max_positions,
    )
    write_model(options.folder, vocabulary=vocabulary, max_positions=options.max_positions)


if __name__ == "__main__":
    main()
