"""Starting points for trainers: the files in the folder ``trainers/`` of an export.

Each names the configuration and the split to load, and learns the messages that the rows mark with
``train``, no other. Axolotl reads the mark; TRL gets one prompt and completion for each marked
message, torchtune messages that are masked by it. LLaMA-Factory and open-instruct learn the last
answer or every one: where the marks are neither, they get a row for each marked message, which a
script writes.

The templates say beside each setting why it is there. Their keys are those of TRL 1.16, Axolotl
0.19, LLaMA-Factory 0.9.5, torchtune 0.6.1 (frozen: it gets critical fixes only) and open-instruct
at e6c3044aa6201c8bfa4573c1b03142af599e730d (which is on no package registry).

Preference pairs have files for TRL and Axolotl only. The other trainers read another form than a
prompt and two lists of one message: LLaMA-Factory wants one message that is not in a list (it skips
every pair of ours, with no more than a warning), torchtune and open-instruct want the prompt
repeated in both lists.
"""

from collections.abc import Mapping
from pathlib import Path

from sysgen_dagster.catalog.recipes import Layout, Recipe, Variant
from sysgen_dagster.training_sets.export.layout import DEFAULT, Contents, Trained
from sysgen_dagster.training_sets.export.templates import render_template

MAX_LENGTH = 4096  # tokens; what the paper trained with (appendix E)

_FOR_CHATS: Mapping[str, str] = {
    "trl_sft.py": "[TRL](https://github.com/huggingface/trl), supervised fine-tuning",
    "axolotl.yaml": "[Axolotl](https://github.com/axolotl-ai-cloud/axolotl)",
    "llamafactory_dataset_info.json": "[LLaMA-Factory](https://github.com/hiyouga/LLaMA-Factory), "
    "entries of its `dataset_info.json`",
    "llamafactory.yaml": "the same, how to train",
    "torchtune.yaml": "[torchtune](https://github.com/pytorch/torchtune), the data part of a "
    "recipe's configuration; frozen, as torchtune gets critical fixes only",
    "torchtune_chats.py": "the same, what masks each message",
    "open_instruct.sh": "[open-instruct](https://github.com/allenai/open-instruct)",
}
_FOR_SOME_TURNS: Mapping[str, str] = {
    "prefix_rows.py": "writes a row for each message to learn, for LLaMA-Factory and open-instruct",
}
_FOR_PAIRS: Mapping[str, str] = {
    "trl_dpo.py": "[TRL](https://github.com/huggingface/trl), direct preference optimisation",
    "axolotl_dpo.yaml": "[Axolotl](https://github.com/axolotl-ai-cloud/axolotl), the same",
}

_FOR_REWARDS: Mapping[str, str] = {
    "trl_reward.py": "[TRL](https://github.com/huggingface/trl), a reward model",
}


def describe_snippets(contents: Contents, recipe: Recipe) -> dict[str, str]:
    """Path in the export to a description in Markdown, for the files that fit its rows."""
    if recipe.layout is Layout.PUBLISHED:  # who has trained on such columns has a way already
        return {}
    if recipe.layout is Layout.REWARD:
        return {f"trainers/{name}": text for name, text in _FOR_REWARDS.items()}
    descriptions = {**_FOR_PAIRS} if contents.has_pairs else {**_FOR_CHATS}
    if contents.trained is Trained.SOME:
        descriptions |= _FOR_SOME_TURNS
    return {f"trainers/{name}": text for name, text in descriptions.items()}


def render_snippets(contents: Contents, recipe: Recipe) -> dict[str, str]:
    """Path in the export to content, for the same files."""
    return {
        path: render_template(
            f"snippets/{Path(path).name}.j2",
            name=contents.name,
            configuration=DEFAULT,
            configurations=list(contents.configurations()),
            splits=contents.splits,
            train_files=contents.files.filter(split="train")["path"].to_list(),
            max_length=MAX_LENGTH,
            trained=contents.trained.value,
            has_empty_system_message=recipe.variant is Variant.EMPTY_SYSTEM_MESSAGE,
        )
        for path in describe_snippets(contents, recipe)
    }
