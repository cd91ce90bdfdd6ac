"""A few labelled phrases of our own making."""

import json
from pathlib import Path

import polars as pl

from sysgen_dagster.obedience.labelled_items import read_labelled_phrases

LABELLED = [
    ("Be warm.", "Glad you ask! Six.", "obeyed"),
    ("Be warm.", "Six. Next.", "not_obeyed"),
    ("Explain it as a pirate would.", "Arr, it be six.", "obeyed"),
    ("Answer in at most three words.", "Six.", "obeyed"),  # rules decide it
    ("Sound like an expert.", "Six?", "unclear"),
]


def labelled_phrases(folder: Path) -> pl.DataFrame:
    """These, as a judge is asked about them."""
    file = folder / "phrases.jsonl"
    origin = {"question": "Two times three?", "model": "owl", "origin": "ours"}
    lines = [
        json.dumps({**origin, "phrase": phrase, "answer": answer, "label": label})
        for phrase, answer, label in LABELLED
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_labelled_phrases(file)
