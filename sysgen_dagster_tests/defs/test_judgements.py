"""The judge of a model is held against labelled pairs, whatever the model has made."""

import os
from pathlib import Path

import dagster as dg

from sysgen_dagster.definitions import defs
from sysgen_dagster.obedience.calibration import Kind
from sysgen_dagster.obedience.tables import JUDGE_CALIBRATION
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition

MODEL, JUDGE = "llama-3.1-8b", "phi-4"


def test_the_judge_of_the_catalogue_is_held_against_every_labelled_pair_in_both_orders() -> None:
    with dg.DagsterInstance.get() as instance:
        made = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            partition_key=MODEL,
            asset_selection=[dg.AssetKey(JUDGE_CALIBRATION.name)],
        )
    [event] = made.asset_materializations_for_node(JUDGE_CALIBRATION.name)
    rows = Store(Path(os.environ["SYSGEN_DATA"])).read(JUDGE_CALIBRATION, Partition(MODEL))

    pairs = rows.filter(kind=Kind.PREFERENCE.value)
    assert (pairs.height, pairs["item"].n_unique()) == (838, 419)
    assert set(rows["kind"]) == {Kind.PREFERENCE.value, Kind.PHRASE.value}
    assert set(rows["judge"]) == {JUDGE}
    # The simulated judge reads nothing, so that it agrees no more often than by lot.
    assert "uncalibrated" in str(event.metadata["calibration"].value)
    assert "labelled yes" in str(event.metadata[f"table/{JUDGE}/preference"].value)
