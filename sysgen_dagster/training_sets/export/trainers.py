"""Starting points for trainers, in the folder ``trainers/`` of an export.

Each names the configuration and the split. The templates say beside each setting why it is there;
their keys are those of TRL 1.16, Axolotl 0.19, LLaMA-Factory 0.9.5, torchtune 0.6.1 and
open-instruct at e6c3044aa6201c8bfa4573c1b03142af599e730d (which is on no package registry).

Preference pairs are for TRL and Axolotl only. The others want something else than a prompt and two
lists of one message: LLaMA-Factory one message that is no list (it would skip every pair, with no
more than a warning), torchtune and open-instruct the prompt repeated in both.
"""

from collections.abc import Mapping
from pathlib import Path

import jinja2

from sysgen_dagster.training_sets.export.layout import DEFAULT, Contents

_TEMPLATES = Path(__file__).with_name("snippets")
# What the paper trained with (appendix E), in tokens.
MAX_LENGTH = 4096

_TRAINING_ROWS: Mapping[str, str] = {
    "trl_sft.py": "[TRL](https://github.com/huggingface/trl), supervised fine-tuning",
    "axolotl.yaml": "[Axolotl](https://github.com/axolotl-ai-cloud/axolotl)",
    "llamafactory_dataset_info.json": "[LLaMA-Factory](https://github.com/hiyouga/LLaMA-Factory), "
    "entries of its `dataset_info.json`",
    "torchtune.yaml": "[torchtune](https://github.com/pytorch/torchtune), the data part of a "
    "recipe's configuration",
    "open_instruct.sh": "[open-instruct](https://github.com/allenai/open-instruct)",
}
_PREFERENCE_PAIRS: Mapping[str, str] = {
    "trl_dpo.py": "[TRL](https://github.com/huggingface/trl), direct preference optimisation",
    "axolotl_dpo.yaml": "[Axolotl](https://github.com/axolotl-ai-cloud/axolotl), the same",
}


def describe_snippets(contents: Contents) -> dict[str, str]:
    """Path in the export to what it is, of the snippets that fit the kind of rows."""
    words = _PREFERENCE_PAIRS if contents.preferences else _TRAINING_ROWS
    return {f"trainers/{name}": text for name, text in words.items()}


def render_snippets(contents: Contents) -> dict[str, str]:
    """Path in the export to text, of the same snippets."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=False,  # noqa: S701 - not HTML; what goes in are names of the catalogue
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    train = [
        file.path
        for cell, files in contents.files.items()
        if cell.split == "train"
        for file in files
    ]
    return {
        path: environment.get_template(f"{Path(path).name}.j2").render(
            name=contents.name,
            configuration=DEFAULT,
            configurations=list(contents.configurations()),
            splits=contents.splits,
            train_files=train,
            max_length=MAX_LENGTH,
        )
        for path in describe_snippets(contents)
    }
