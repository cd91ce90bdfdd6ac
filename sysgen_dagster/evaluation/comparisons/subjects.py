"""Which subjects are compared with which, and which row of the paper's tables each stands beside.

What a catalogue does not say follows from it: a trained student is compared with the model that was
trained, and has the row of the paper that is called as its training is in the shipped catalogue.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sysgen_dagster.catalog.catalog import BaseCatalog
from sysgen_dagster.catalog.subjects import MessageIn
from sysgen_dagster.lanes.sysgen.paper import SCORED

UNTRAINED = "untrained"  # the arm of a model that is no training of the catalogue


@dataclass(frozen=True, slots=True)
class Compared:
    """A subject, beside what it is compared with.

    Attributes:
        name: Of the subject.
        answers: The name of the model that answers.
        published_as: The row of the paper's tables; None: it has none.
        against: The subject that it is compared with; None: there is none.
        in_user_turn: Whether it is shown the message there.
        student: The model of the catalogue's `students` that it is or was; None: it is no such.
        arm: What its training rows consist of; `UNTRAINED` for one that is not trained.
        training: The training that it is; None: it is none.
        others: Further names of the model that answers, which may be in the catalogue twice.
    """

    name: str
    answers: str
    published_as: str | None
    against: str | None
    in_user_turn: bool
    student: str | None
    arm: str
    training: str | None
    others: frozenset[str] = frozenset()

    @property
    def also_called(self) -> frozenset[str]:
        """All names of the model that answers; a judge of one of them grades itself."""
        return self.others | {self.answers}


def list_subjects(catalog: BaseCatalog) -> tuple[Compared, ...]:
    """The subjects of the catalogue, in its order."""
    return tuple(
        Compared(
            name=name,
            answers=catalog.model_of_subject(name).name,
            published_as=_find_row(catalog, name),
            against=subject.against or _find_untrained(catalog, name),
            in_user_turn=subject.message_in is MessageIn.USER,
            student=_student_of(catalog, name),
            arm=_arm_of(catalog, name),
            training=catalog.model_of_subject(name).training,
            others=catalog.names_of_same(catalog.model_of_subject(name).name),
        )
        for name, subject in catalog.subjects.items()
    )


def list_pairs(catalog: BaseCatalog) -> Iterator[Compared]:
    """Subjects with the message in the user turn, each against the same in the system role."""
    subjects = list_subjects(catalog)
    twins = {
        _weights_of(catalog, each.name): each.name
        for each in reversed(subjects)
        if not each.in_user_turn
    }
    for each in subjects:
        twin = twins.get(_weights_of(catalog, each.name))
        if each.in_user_turn and twin is not None:
            yield replace(each, against=twin)


def _find_row(catalog: BaseCatalog, name: str) -> str | None:
    subject, model = catalog.subjects[name], catalog.model_of_subject(name)
    if subject.published is not None:
        return subject.published
    if model.training is None:
        return model.name if model.name in SCORED else None
    is_as_published = model.epoch in (None, catalog.trainings[model.training].used_epoch)
    return model.training if model.training in SCORED and is_as_published else None


def _student_of(catalog: BaseCatalog, name: str) -> str | None:
    model = catalog.model_of_subject(name)
    if model.training is not None:
        return catalog.trainings[model.training].student
    served = {model.served_name, model.weights}
    return next(
        (
            student.name
            for student in catalog.students.values()
            if student.name == model.name or student.weights in served
        ),
        None,
    )


def _arm_of(catalog: BaseCatalog, name: str) -> str:
    training = catalog.model_of_subject(name).training
    if training is None:
        return UNTRAINED
    return catalog.mixtures[catalog.trainings[training].mixture].variant.value


def _find_untrained(catalog: BaseCatalog, name: str) -> str | None:
    """The subject that is what a trained student was before, shown the message in the same place.

    Of several it is the first one.
    """
    if catalog.model_of_subject(name).training is None:
        return None
    student, place = _student_of(catalog, name), catalog.subjects[name].message_in
    return next(
        (
            other
            for other, subject in catalog.subjects.items()
            if subject.message_in is place
            and catalog.model_of_subject(other).training is None
            and _student_of(catalog, other) == student
        ),
        None,
    )


def _weights_of(catalog: BaseCatalog, name: str) -> tuple[object, ...]:
    """What is the same of two subjects that differ in the message's place alone."""
    model = catalog.model_of_subject(name)
    if model.training is not None:
        epoch = model.epoch or catalog.trainings[model.training].used_epoch
        return (model.training, epoch)
    if catalog.subjects[name].model is not None:
        return (model.name,)
    return (model.served_name, model.weights, model.revision, model.base_urls)
