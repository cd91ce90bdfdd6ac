"""Checkpoints with a few bytes in place of weights, and a script in the place of llama.cpp's."""

import hashlib
import sys
from dataclasses import dataclass, field
from pathlib import Path

from sysgen_dagster.catalog.models import Model
from sysgen_dagster.inference.local.checkpoints import CHAT_TEMPLATE, ServedCheckpoint, Students

# It writes what it was told, as a GGUF file.
_SCRIPT = """
import json, os, sys
from pathlib import Path
folder, _, file, _, kind = sys.argv[1:]
print("reading", folder)
{fault}
told = {{"weights": Path(folder, "model.safetensors").read_text(), "kind": kind}}
told["environment"] = sorted(os.environ)
Path(file).write_text(json.dumps(told))
with Path(__file__).with_name("asked").open("a") as asked:
    asked.write(folder + "\\n")
"""


def write_checkpoint(
    folder: Path, weights: str = "1", template: str | None = "mine"
) -> ServedCheckpoint:
    """A checkpoint whose checksum is that of its weights."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_text(weights)
    if template is not None:
        (folder / CHAT_TEMPLATE).write_text(template)
    sha256 = hashlib.sha256(weights.encode()).hexdigest()
    return ServedCheckpoint(f"{folder.name} of the training made", folder, sha256)


@dataclass
class Converter:
    """The script, and the Python that runs it."""

    path: Path
    python: Path = field(default_factory=lambda: Path(sys.executable))

    def write(self, fault: str = "") -> "Converter":
        """Write it; `fault` is run before it makes a file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(_SCRIPT.format(fault=fault))
        return self

    @property
    def times(self) -> int:
        """How often it made a file."""
        asked = self.path.with_name("asked")
        return len(asked.read_text().splitlines()) if asked.is_file() else 0


def students(checkpoint: ServedCheckpoint, python: Path | None = None) -> Students:
    """A deployment whose only training has this checkpoint."""

    def checkpoint_of(model: Model) -> ServedCheckpoint:
        assert model.training == "made"
        return checkpoint

    return Students(checkpoint_of, lambda: python)
