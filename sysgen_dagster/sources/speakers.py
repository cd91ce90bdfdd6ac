"""Guesses who asks and who answers in chats whose speakers have names of their own."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

from sysgen_dagster.catalog.sources import Speaker
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.sources.shapes import TOOL_ROLES, plain_name, role_of

# Who unmistakably asks, or answers, where both speak; a number may follow. They are no usual names
# of roles (`shapes.role_of`): a chat may have an agent beside an assistant.
_ASKING = frozenset(
    {
        *("customer", "client", "consumer", "buyer", "caller", "visitor"),
        *("patient", "student", "learner", "asker", "questioner", "person", "seeker"),
    }
)
_ANSWERING = frozenset(
    {
        *("agent", "support", "support_agent", "customer_service", "representative", "operator"),
        *("doctor", "tutor", "teacher", "therapist", "counselor", "advisor", "expert"),
        *("answerer", "helper", "ai_assistant", "virtual_assistant", "llm", "language_model"),
    }
)
_LEAST_ALTERNATING = 0.8  # share of the chats
_MOST_NAMES = 20  # names of more are those of people


def guess_roles(
    chats: Sequence[Sequence[str]], given: Mapping[str, Speaker] = MappingProxyType({})
) -> Mapping[str, Speaker] | None:
    """The roles of the speakers whose names are none of a role.

    Safe is only what names say: a customer asks, an agent answers, whoever speaks first. One name
    that says nothing is the other's, where it and a user or an assistant take turns.

    Args:
        chats: Who speaks in each, turn by turn.
        given: The roles of names that are known already.

    Returns:
        Nothing where the usual names are enough; None where nobody can tell.
    """
    spoken = {name: role_of(name, given) for chat in chats for name in chat}
    if set(spoken.values()) == {Role.USER, Role.SYSTEM} and _answers_as_system(chats, spoken):
        return {name: "assistant" for name, role in spoken.items() if role == Role.SYSTEM}
    others = {Role.SYSTEM, *TOOL_ROLES}
    chats = [[name for name in chat if role_of(name, given) not in others] for chat in chats]
    names = list(dict.fromkeys(name for chat in chats for name in chat))
    usual = {role_of(name, given) for name in names}
    if {Role.USER, Role.ASSISTANT} <= usual or usual <= set(Role):
        return {}
    if len(names) > _MOST_NAMES:
        return None
    roles = {name: _hinted(name, given) for name in names}
    unknown = [name for name, role in roles.items() if role is None]
    missing = {Role.USER, Role.ASSISTANT} - set(roles.values())
    if len(unknown) == len(missing) == 1 and _alternates(chats):
        roles[unknown[0]] = missing.pop()
    elif unknown or missing:
        return None
    odd = (name for name in names if role_of(name, given) not in set(Role))
    return {name: role.value for name in odd if (role := roles[name]) is not None}


def _answers_as_system(chats: Iterable[Sequence[str]], roles: Mapping[str, str]) -> bool:
    """Whether a system takes turns with a user who begins, as machines for orders are called."""
    said = [[roles[name] for name in chat] for chat in chats if chat]
    return all(chat[:2] == [Role.USER, Role.SYSTEM] for chat in said) and _alternates(said)


def _hinted(name: str, given: Mapping[str, Speaker]) -> Role | None:
    """Whom a name can only mean."""
    plain = plain_name(name).rstrip("0123456789_")
    for each in (name, plain):
        if (role := role_of(each, given)) in set(Role):
            return Role(role)
    if plain in _ASKING:
        return Role.USER
    return Role.ASSISTANT if plain in _ANSWERING else None


def _alternates(chats: Sequence[Sequence[str]]) -> bool:
    steps = [all(one != next_one for one, next_one in pairwise(chat)) for chat in chats if chat]
    return sum(steps) >= _LEAST_ALTERNATING * len(steps)
