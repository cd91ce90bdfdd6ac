"""What the servers of a model can do: what all of them can, and a line for people that says it."""

from collections.abc import Sequence

from sysgen_dagster.inference.chat_api import Endpoint, ServerCapabilities


def common_capabilities(servers: Sequence[ServerCapabilities]) -> ServerCapabilities:
    """What each of several servers can do."""
    contexts = [each.context_tokens for each in servers if each.context_tokens is not None]
    forms = {each.constraint_form for each in servers}
    return ServerCapabilities(
        context_tokens=min(contexts, default=None),
        has_tokenizer=all(each.has_tokenizer for each in servers),
        has_system_role=all(each.has_system_role for each in servers),
        refuses=frozenset().union(*(each.refuses for each in servers)),
        thinks=any(each.thinks for each in servers),
        constraint_form=forms.pop() if len(forms) == 1 else None,
    )


def describe(endpoint: Endpoint) -> str:
    """A line for people: what is known of the servers, and what follows for the requests."""
    can, model = endpoint.capabilities, endpoint.model
    said = [
        f"context of {can.context_tokens:,} tokens"
        if can.context_tokens
        else "context of unknown length"
    ]
    if not can.has_tokenizer:
        said.append("counts no tokens, so long rows cannot be shortened to fit")
    if not can.has_system_role:
        said.append("its chat template shows no system message: it goes to the user turn")
    if can.refuses:
        said.append(f"refuses {', '.join(sorted(can.refuses))}, which are left out")
    if endpoint.reasoning_tokens:
        said.append(f"may think for {endpoint.reasoning_tokens:,} tokens before its text")
    if can.constraint_form:
        said.append(f"is held to the form of answers by `{can.constraint_form}`")
    return f"{model.served_name}: {'; '.join(said)}"
