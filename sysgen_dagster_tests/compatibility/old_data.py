"""The data that release 0.1 left behind: a small deployment that need not be made again.

Five sources with three rows each, the simulated llama-3.1-8b and phi-4, every phase and analysis,
three mixtures, with sealed ledgers. In its catalogue the sources lie in ``/tmp/few``.
"""

import zipfile
from pathlib import Path

DATA_0_1 = Path(__file__).with_name("data-0.1.zip")


def unpack(folder: Path) -> Path:
    """The folder of the deployment, now under `folder`, with a catalogue that points there."""
    with zipfile.ZipFile(DATA_0_1) as archive:
        archive.extractall(folder)
    [catalog] = folder.rglob("catalog.yaml")
    catalog.write_text(catalog.read_text().replace("/tmp/few", str(folder / "few")))
    return catalog.parent
