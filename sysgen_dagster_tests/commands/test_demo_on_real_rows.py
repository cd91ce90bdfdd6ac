"""`sysgen demo` on real rows of the five sources, by their own shapes."""

from pathlib import Path

import pytest

from sysgen_dagster_tests.commands.demos import (
    ROOT,
    assert_every_row_is_accounted_for,
    demo,
    kept_shares,
)

REAL_ROWS = ROOT.parent / "shared" / "data"

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not REAL_ROWS.is_dir(), reason="no folder of real rows beside the checkout")
def test_on_real_rows_nothing_is_lost_and_retention_is_in_the_order_of_table_2(
    tmp_path: Path,
) -> None:
    data = tmp_path / "real"
    result = demo(data, "--sources", str(REAL_ROWS))
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert_every_row_is_accounted_for(data)
    filtered = kept_shares(data, "filtered_system_messages")
    assert filtered["qwen2.5-14b"] > filtered["phi-4"] > filtered["llama-3.1-8b"]
    aligned = kept_shares(data, "aligned_responses")
    assert aligned["qwen2.5-14b"] > aligned["phi-4"] > aligned["llama-3.1-8b"]
    for model, paper in (("llama-3.1-8b", 0.747), ("qwen2.5-14b", 0.9998), ("phi-4", 0.960)):
        assert filtered[model] == pytest.approx(paper, abs=0.02)
