"""Makes a folder of weights that can be trained of a GGUF file.

Run by the Python of the training environment, which has torch, transformers and gguf:

    .venv-train/bin/python train_small/dequantize.py FILE.gguf FOLDER

The folder holds the configuration, the weights in 32 bits, the tokenizer and the chat template of
the file. Weights that were stored in few bits come back as coarse as they were. Made already, it is
left as it is; a run that was killed leaves none.
"""

import argparse
import shutil
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig


def dequantize(file: Path, folder: Path) -> int:
    """Write the folder and return how many weights the model has.

    Raises:
        OSError: The file cannot be read, or the folder not be written.
        ValueError: transformers does not know the architecture of the file.
    """
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent,
        gguf_file=file.name,
        dtype=torch.float32,
        quantization_config=GgufConfig(dequantize=True),
    )
    # What is saved is no GGUF any more: a configuration that says so could not be loaded.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(unfinished)
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(unfinished)
    unfinished.rename(folder)
    return int(model.num_parameters())


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, help="a GGUF file")
    parser.add_argument("folder", type=Path, help="where the weights are written")
    given = parser.parse_args()
    if not given.file.is_file():
        sys.exit(f"there is no {given.file}: name a GGUF file")
    if given.folder.exists():
        print(f"{given.folder} is there already")
        return
    given.folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    weights = dequantize(given.file.absolute(), given.folder.absolute())
    print(f"{given.folder}: {weights:,} weights in 32 bits, of {given.file.name}")


if __name__ == "__main__":
    main()
