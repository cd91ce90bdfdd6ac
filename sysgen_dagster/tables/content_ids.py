"""Ids of rows by what stands in them: the same for the same row, wherever it was made or read."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any


def number_items(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """An id for each row, by its content; equal rows are told apart by their number."""
    times: Counter[str] = Counter()
    ids = []
    for row in rows:
        digest = digest_of_text(json.dumps(row, sort_keys=True))
        times[digest] += 1
        ids.append(digest if times[digest] == 1 else f"{digest}-{times[digest]}")
    return ids


def digest_of_text(text: str) -> str:
    """16 hex digits that differ when the text differs."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
