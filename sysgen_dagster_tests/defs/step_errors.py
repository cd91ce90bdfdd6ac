"""What a run in this process says of the steps that failed."""

import dagster as dg


def errors_of(result: dg.ExecuteInProcessResult) -> str:
    """The messages of all steps that failed, each with those of its causes."""
    found = []
    for event in result.get_step_failure_events():
        error = event.step_failure_data.error
        while error is not None:
            found.append(error.message)
            error = error.cause
    return "\n".join(found)
