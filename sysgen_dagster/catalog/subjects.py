"""Subjects: what is evaluated."""

from enum import StrEnum

from sysgen_dagster.catalog.entries import Name
from sysgen_dagster.catalog.models import Model
from sysgen_dagster.catalog.rules import rule


class MessageIn(StrEnum):
    """Where a subject is shown the system message."""

    SYSTEM = "system"  # in the system role; in the user turn where the template has none
    USER = "user"  # at the start of the first user turn


class Subject(Model):
    """What is evaluated: a model of the catalogue, or one that is served for this alone."""

    model: Name | None = None  # an entry of `models` or `judges`, whose servers answer
    message_in: MessageIn = MessageIn.SYSTEM
    # The subject that its scores are compared with; null: what it was before its training, if any.
    against: Name | None = None
    # The row of the paper's tables that it stands beside; null: the one that its training or its
    # model is called as, if any.
    published: str | None = None

    @rule("model")
    def _refuse_to_serve_it_twice(self) -> str | None:
        of_subjects = Subject.model_fields.keys() - Model.model_fields.keys()
        own = sorted(self.model_fields_set - of_subjects - {"name"})
        if self.model is None or not own:
            return None
        return (
            f"`model` {self.model} says how it is served: leave `{own[0]}` out, or leave `model` "
            "out and say here how it is served"
        )
