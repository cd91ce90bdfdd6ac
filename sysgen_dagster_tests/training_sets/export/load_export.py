"""Loads every configuration of the export at argv[1], mapped and streamed; prints what it is."""

import json
import sys

import datasets

folder = sys.argv[1]
found = {}
for name in datasets.get_dataset_config_names(folder):
    mapped = datasets.load_dataset(folder, name)
    streamed = datasets.load_dataset(folder, name, streaming=True)
    found[name] = {
        split: {
            "rows": rows.num_rows,
            "streamed": sum(1 for _ in streamed[split]),
            "types": "\n".join(
                f"{field.name}: {field.type}" for field in rows.features.arrow_schema
            ),
            "features": rows.features == streamed[split].features,
        }
        for split, rows in mapped.items()
    }
default = datasets.load_dataset(folder)
assert {split: rows.num_rows for split, rows in default.items()} == {
    split: of["rows"] for split, of in found["default"].items()
}
sys.stdout.write(json.dumps(found))
