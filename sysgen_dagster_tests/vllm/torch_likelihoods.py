"""The log-probability of continuations of prompts, computed by torch without a server.

Run by the Python of vLLM's environment: FOLDER is that of the model, standard input a JSON list of
pairs of token ids, the prompt's and the continuation's; prints a JSON list of numbers.
"""

import json
import sys

import torch
from transformers import LlamaForCausalLM


def main(folder: str) -> None:
    """One prompt after the other, in 32 bits."""
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    sums = []
    with torch.no_grad():
        for prompt, continuation in json.load(sys.stdin):
            tokens = torch.tensor([[*prompt, *continuation]])
            logprobs = model(tokens).logits.log_softmax(-1)[0, len(prompt) - 1 : -1]
            taken = logprobs.gather(1, tokens[0, len(prompt) :, None])
            sums.append(taken.sum().item())
    print(json.dumps(sums))


if __name__ == "__main__":
    main(sys.argv[1])
