"""The subjects of `make proof`: where their weights and templates lie, and their checksums."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from train import HERE

from sysgen_dagster.catalog.evaluation import SystemIFEval
from sysgen_dagster.catalog.subjects import Subject
from sysgen_dagster.commands.train import folder_of
from sysgen_dagster.inference.local.checkpoints import CHAT_TEMPLATE, ServedCheckpoint
from sysgen_dagster.inference.local.conversion import as_gguf, gguf_place
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.storage.store import Store
from sysgen_dagster.students.checkpoints import find_used
from sysgen_dagster.students.launching import find_trainer

WITHOUT_PERSONA = HERE / "without_persona.jinja"
OF_ITS_OWN = "base"  # the subject under the template that its weights came with


class Base:
    """The weights that all subjects began with, and the GGUF file that is made of them."""

    def __init__(self, weights: Path, data: Path) -> None:
        """Compute their checksum; nothing is written."""
        self.weights = weights
        self.sha256 = compute_sha256(weights)
        # Its GGUF file lies in the deployment, beside this link to the weights.
        self.link = data / "base" / "weights" / weights.name
        self.checkpoint = ServedCheckpoint("the base model", self.link, self.sha256)

    def convert(self, report: Callable[[str], None]) -> None:
        """Make the GGUF file that `gguf_place` names, unless it is there."""
        self.link.parent.mkdir(parents=True, exist_ok=True)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(self.weights)
        as_gguf(self.checkpoint, find_trainer(), report)


def compute_sha256(folder: Path) -> str:
    """Of the names and the sha256 of all files of a folder."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            own = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{own}  {path.relative_to(folder).as_posix()}\n".encode())
    return whole.hexdigest()


def of_seed(name: str, seed: int) -> str:
    """The training, or the subject, of another seed than the first."""
    return f"{name}_seed_{seed}" if seed else name


def with_seeds(catalog: Catalog, seeds: int) -> Catalog:
    """The catalogue with every training, and its subject, once for each seed from 0."""
    trainings, subjects = dict(catalog.trainings), dict(catalog.subjects)
    for seed in range(1, seeds):
        for name, training in catalog.trainings.items():
            other = of_seed(name, seed)
            given = {"name": other, "served_name": other, "training": other}
            trainings[other] = training.model_copy(update={"name": other, "seed": seed})
            subjects[other] = catalog.subjects[name].model_copy(update=given)
    return catalog.model_copy(update={"trainings": trainings, "subjects": subjects})


def with_subjects(catalog: Catalog, base: Base, s_ifeval: Path | None, items: int) -> Catalog:
    """The catalogue whose subjects have their files, with S-IFEval where its file is given."""
    subjects = {
        name: each if each.training else _served_base(each, base)
        for name, each in catalog.subjects.items()
    }
    evaluation = catalog.evaluation
    if s_ifeval is not None:
        bench = SystemIFEval(path=s_ifeval.absolute(), items=items)
        evaluation = evaluation.model_copy(update={"s_ifeval": bench})
    return catalog.model_copy(update={"subjects": subjects, "evaluation": evaluation})


def _served_base(subject: Subject, base: Base) -> Subject:
    template = {"chat-template-file": str(template_of(subject.name, base))}
    return subject.model_copy(
        update={
            "weights": str(gguf_place(base.checkpoint)),
            "llama_cpp": {**subject.llama_cpp, **template},
        }
    )


def template_of(subject: str, base: Base) -> Path:
    """The chat template of a subject that is the base."""
    return base.weights / CHAT_TEMPLATE if subject == OF_ITS_OWN else WITHOUT_PERSONA


def find_weights(store: Store, catalog: Catalog, subject: Subject, base: Base) -> tuple[Path, str]:
    """The folder of a subject's weights, and its checksum."""
    if subject.training is None:
        return base.weights, base.sha256
    folder = folder_of(store, subject.training)
    used = find_used(folder, catalog.trainings[subject.training])
    return folder / used.path, used.sha256
