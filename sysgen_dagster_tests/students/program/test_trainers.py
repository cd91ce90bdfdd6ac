from typing import Any

import pytest

pytest.importorskip("trl", reason="run by `make test-train`")
pytestmark = [pytest.mark.trl, pytest.mark.filterwarnings("ignore")]

import torch  # noqa: E402

from sysgen_dagster.students.program.trainers import count_tokens  # noqa: E402

MASK = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]])
LABELS = torch.tensor([[-100, -100, 5, -100], [-100, 5, 5, 5]])


@pytest.mark.parametrize(
    ("batch", "read", "learned"),
    [
        ({"input_ids": MASK, "attention_mask": MASK, "labels": LABELS}, 7, 4),
        ({"attention_mask": MASK, "completion_mask": LABELS > 0}, 7, 4),
        ({"input_ids": MASK, "attention_mask": MASK}, 7, 0),  # a reward model learns no token
        (
            {
                "prompt_attention_mask": MASK,  # of the prompt alone, which both others have
                "chosen_attention_mask": MASK,
                "rejected_attention_mask": MASK,
                "chosen_labels": LABELS,
                "rejected_labels": LABELS,
            },
            14,
            8,
        ),
    ],
)
def test_padding_is_not_counted_and_prompts_are_not_learned(
    batch: dict[str, Any], read: int, learned: int
) -> None:
    assert tuple(int(each) for each in count_tokens(batch)) == (read, learned)
