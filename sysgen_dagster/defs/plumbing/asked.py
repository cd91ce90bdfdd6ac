"""How the catalogue has a model asked for each table: its settings, and when they are others.

Dagster's code version belongs to an asset, and models differ by partition. So the settings of a
partition's model are noted with the partition itself, as the tag `versions.ASKED_AS`.
"""

import hashlib
import json
from collections.abc import Callable, Mapping

from sysgen_dagster.catalog.evaluation import Evaluation
from sysgen_dagster.catalog.models import Model, PhaseSettings
from sysgen_dagster.chat.messages import ChatRequest, Sampling, with_settings
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.versions import ASKED_AS, Tags
from sysgen_dagster.evaluation.multifacet.tables import (
    MULTIFACET_CALIBRATION,
    MULTIFACET_GRADINGS,
)
from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.evaluation.sysbench.tables import SYSBENCH_TRANSLATION
from sysgen_dagster.inference.chat_api import EngineError, ModelIdentity
from sysgen_dagster.lanes.multifaceted.steps import STEPS
from sysgen_dagster.lanes.multifaceted.tables import JUDGED_PAIRS
from sysgen_dagster.lanes.sysgen.phases import PHASES, VERIFICATION
from sysgen_dagster.lanes.sysgen.tables import PLANTED_FAULTS
from sysgen_dagster.obedience import conflicts, judge_verdicts, phrase_judgement
from sysgen_dagster.obedience.tables import (
    CONFLICT_TURNS,
    JUDGE_CALIBRATION,
    JUDGED_ALIGNMENT,
    JUDGED_PREFERENCES,
    OBEDIENCE,
)
from sysgen_dagster.tables.table import Partition, Table

Identify = Callable[[Model], ModelIdentity]

# The tables whose rows a judge is asked for, and the setting that says for how many; None: all.
_JUDGED: Mapping[str, str | None] = {
    JUDGED_PREFERENCES.name: "preference_rows",
    JUDGED_ALIGNMENT.name: "alignment_rows",
    OBEDIENCE.name: "obedience",
    JUDGE_CALIBRATION.name: None,
    JUDGED_PAIRS.name: None,
}
# By table, how a model is asked for its rows where the catalogue says nothing.
_SAMPLING: Mapping[str, Sampling] = {
    **{phase.table.name: phase.sampling for phase in PHASES if phase.sampling is not None},
    **({PLANTED_FAULTS.name: VERIFICATION.sampling} if VERIFICATION.sampling else {}),
    **dict.fromkeys(_JUDGED, judge_verdicts.SAMPLING),
    **{step.table.name: step.sampling for step in STEPS},
    OBEDIENCE.name: phrase_judgement.SAMPLING,
    CONFLICT_TURNS.name: conflicts.SAMPLING,
}


# The tables that an evaluation makes once, and who is asked for their rows.
_ASKED_ONCE: Mapping[str, Callable[[Evaluation], str | None]] = {
    MULTIFACET_CALIBRATION.name: lambda evaluation: evaluation.judge,
    SYSBENCH_TRANSLATION.name: lambda evaluation: evaluation.sysbench.translator,
}
_ASKED_AS = {
    PLANTED_FAULTS.name: VERIFICATION.table.name,
    JUDGE_CALIBRATION.name: JUDGED_PREFERENCES.name,
    MULTIFACET_CALIBRATION.name: MULTIFACET_GRADINGS.name,
}


def settings_name(table: str) -> str:
    """The name under ``request.phases`` of the settings with which a table's rows are asked for.

    A judge of planted faults or of labelled items is asked as where it judges, which is tested.
    """
    return _ASKED_AS.get(table, table)


def asked_tags(table: Table, at: Partition, identify: Identify) -> Tags:
    """The tag with how the partition's rows are asked for now; none where no model is asked.

    It differs where the ledger knows no answer to the partition's requests: in the model, its
    weights, revision, precision and engine, and in what is sent with each request. What is written
    otherwise and means the same is the same. There is none, too, where the weights lie on another
    machine: what they are cannot be told here.
    """
    if at.subject is not None or table.name in _ASKED_ONCE:
        return _asked_in_evaluation(table, at.subject, identify)
    sampling = _SAMPLING.get(table.name)
    if sampling is None or at.model is None or at.model not in CATALOG.models:
        return {}
    setting = _JUDGED.get(table.name)
    rows = getattr(CATALOG.judging, setting) if setting else None
    asked_of = {OBEDIENCE.name: rows, CONFLICT_TURNS.name: CATALOG.conflicts.messages_a_shard}
    if asked_of.get(table.name) == 0:
        return {}
    request, shown = ChatRequest("", (), sampling, seed=0), list[object]()
    for model in _asked_models(table, at.model):
        sent = with_settings(request, model.request, settings_name(table.name)).sampling
        try:
            answers_as = identify(model).answers_as
        except EngineError:
            return {}
        shown += [_normal(answers_as), *_numbers_of(sent)]
    if rows is not None:
        shown += [rows, CATALOG.judging.seed]
    if table == CONFLICT_TURNS:
        shown += [CATALOG.conflicts.messages_a_shard, CATALOG.conflicts.seed]
    return _digest(shown)


def _numbers_of(sent: Sampling) -> list[object]:
    numbers: list[object] = [sent.temperature, sent.max_tokens, sent.top_p]
    if sent.repetition_penalty != 1.0:  # tags that were noted before it was a setting stay
        numbers += ["repetition_penalty", sent.repetition_penalty]
    return numbers


def _asked_in_evaluation(table: Table, subject: str | None, identify: Identify) -> Tags:
    """The same of an evaluation: who answers, who grades, and the settings of the benchmark.

    Of what it makes once for all subjects: who is asked, its judge or its translator.
    """
    if subject is None:
        name = _ASKED_ONCE[table.name](CATALOG.evaluation)
        sent = _sent_to(CATALOG.served[name], table, identify) if name else []
        return _digest(sent) if sent else {}
    suite = next((each for each in SUITES if table in (each.answers, each.gradings)), None)
    if suite is None:
        return {}
    answers, judge = CATALOG.model_of_subject(subject), CATALOG.evaluation.judge
    is_graded_by = judge if suite.answers and table == suite.gradings else None
    model = answers if is_graded_by is None else CATALOG.served[is_graded_by]
    sent = _sent_to(model, table, identify)
    settings = getattr(CATALOG.evaluation, suite.name).model_dump_json()
    return _digest([CATALOG.subjects[subject].message_in, *sent, settings]) if sent else {}


def _sent_to(model: Model, table: Table, identify: Identify) -> list[object]:
    """Who is asked in an evaluation, and what is sent; nothing where the weights are elsewhere."""
    try:
        shown: list[object] = [_normal(identify(model).answers_as)]
    except EngineError:
        return []
    sent, phase = model.request, model.request.phases.get(settings_name(table.name))
    shown += [sent.temperature, sent.top_p, sent.repetition_penalty]
    return [*shown, (phase or PhaseSettings()).model_dump_json()]


def _digest(shown: list[object]) -> Tags:
    return {ASKED_AS: hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:32]}


def _asked_models(table: Table, model: str) -> list[Model]:
    if table == OBEDIENCE:
        return CATALOG.judges_of(model)
    if table == JUDGE_CALIBRATION:
        return CATALOG.every_judge_of(model)
    return [CATALOG.judge_of(model) if table.name in _JUDGED else CATALOG.models[model]]


def _normal(answers_as: tuple[str | None, ...]) -> list[object]:
    """The identity, with lists of names in what is sent in one order: it means nothing there."""
    *identity, sent = answers_as
    if not (sent and sent.startswith("{")):
        return [*answers_as]
    fields = json.loads(sent)
    if "leave_out" in fields:
        fields["leave_out"] = sorted(set(fields["leave_out"]))
    return [*identity, fields]
