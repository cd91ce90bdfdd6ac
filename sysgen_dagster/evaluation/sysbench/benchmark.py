"""The sessions of SysBench, out of its JSON file or out of an answer sheet, to `SYSBENCH_ITEMS`.

The fields of the JSON are those that the benchmark's own programs read. A published sheet has the
benchmark in it, too, but for most references: its column of them holds the first five messages of
a session, which are three prompts and the references of turns 1 and 2.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
)

from sysgen_dagster.chat.messages import derive_seed
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.evaluation.sysbench.checklists import read_checklist
from sysgen_dagster.evaluation.sysbench.sheets import (
    ALIGNMENT,
    CHECKLIST,
    DEPENDENT,
    SESSION,
    TURN,
    identify,
    naming_checklist,
    read_turns,
)
from sysgen_dagster.evaluation.sysbench.tables import SYSBENCH_ITEMS, TURNS, TYPES

SHEETS = {".xlsx", ".parquet"}
# In the spelling of the sheets.
_MESSAGE, _PROMPT, _REFERENCE, _DOMAIN = "system_prompt", "prompt", "referrence", "领域"
_READ = (SESSION, DEPENDENT, ALIGNMENT, TURN, CHECKLIST, _MESSAGE, _PROMPT, _REFERENCE, _DOMAIN)
_SHOWN_FAULTS = 3


class SysBenchError(SysgenError):
    """The benchmark's file is not what was expected; the message names the place and the fix."""


def _listed(criteria: object) -> object:
    return [*criteria.values()] if isinstance(criteria, Mapping) else criteria


def _in_english(kind: str) -> str:
    if kind not in TYPES:
        raise ValueError(f"{kind!r} is none of {', '.join(TYPES)}")
    return TYPES[kind]


class _Criterion(BaseModel):
    criteria_id: int
    criteria_content: str
    criteria_type: Annotated[str, AfterValidator(_in_english)]


class _OfPrompt(BaseModel):
    alignment: Literal["align", "misalign"]
    criteria: Annotated[list[_Criterion], BeforeValidator(_listed), Field(min_length=1)]


class _Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: str


class _Session(BaseModel):
    system_id: int | str
    system_prompt: str
    rounds_related: bool = Field(validation_alias=AliasChoices("rounds_related", DEPENDENT))
    domain: str | None = Field(default=None, validation_alias=_DOMAIN)
    messages: list[_Message]
    prompt_infos: dict[str, _OfPrompt]


_SESSIONS = TypeAdapter(list[_Session])


def require_one_file(files: Sequence[Path]) -> Path:
    """The file of the benchmark, which is one; `SysBenchError` where there are several."""
    if len(files) > 1:
        raise SysBenchError(
            f"SysBench is one file, and `sysbench` in the catalogue names {len(files)}: "
            f"{', '.join(map(str, files))}. Give system_benchmark_eval_datas.json alone"
        )
    return files[0]


def read_sessions(path: Path) -> pl.DataFrame:
    """`SYSBENCH_ITEMS` of all sessions of a file, sorted by session and turn.

    Raises:
        SysBenchError: The file is not the benchmark's, or a session of it is not whole.
        SheetError: The same of a sheet.
    """
    rows = _of_sheet(path) if path.suffix.lower() in SHEETS else _of_json(path)
    items = pl.DataFrame([*rows], schema=SYSBENCH_ITEMS.schema)
    by_session = items.group_by("session").agg(
        turns=pl.col("turn").sort(),
        messages=pl.col("system_message").n_unique(),
        kinds=pl.col("dependent").n_unique(),
    )
    whole = pl.col("turns") == list(range(1, TURNS + 1))
    wrong = by_session.filter(~whole | (pl.col("messages") > 1) | (pl.col("kinds") > 1))
    if not wrong.is_empty():
        raise SysBenchError(
            f"{path}: session {min(wrong['session'])} has not turns 1 to {TURNS}, each once, under "
            "one message and of one kind, as every session of the benchmark: fetch the file again"
        )
    return items.sort(pl.col("session").map_elements(_in_order, pl.String), "turn")


def _in_order(session: str) -> str:
    """Numbers by their size."""
    return session.zfill(9) if session.isdecimal() else session


def choose_sessions(
    items: pl.DataFrame, wanted: Mapping[bool | None, int], seed: int
) -> pl.DataFrame:
    """The turns of some sessions, in their order; the same sessions in any order of the file.

    Args:
        items: `SYSBENCH_ITEMS`.
        wanted: How many sessions, of those that are dependent (True) and those that are not
            (False), or of both together (None); nothing: all of them.
        seed: Another one chooses others.

    Raises:
        SysBenchError: There are fewer.
    """
    if not wanted:
        return items
    chosen: set[str] = set()
    for kind, number in wanted.items():
        there = items if kind is None else items.filter(dependent=kind)
        sessions = sorted(
            there["session"].unique(), key=lambda each: derive_seed(each, "sysbench", seed)
        )
        if number > len(sessions):
            said = {None: "", True: "dependent ", False: "parallel "}[kind]
            raise SysBenchError(
                f"the catalogue asks for {number} {said}sessions of SysBench, and the file has "
                f"{len(sessions)}: ask for as many at most"
            )
        chosen.update(sessions[:number])
    return items.filter(pl.col("session").is_in(chosen))


def _of_json(path: Path) -> Iterator[dict[str, Any]]:
    try:
        sessions = _SESSIONS.validate_python(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise SysBenchError(
            f"{path} is not SysBench's system_benchmark_eval_datas.json, nor a sheet of it "
            f"({', '.join(sorted(SHEETS))}): {_said(error)}. Fetch it again, or give a sheet as "
            "`path` of `sysbench` in the catalogue"
        ) from error
    for session in sessions:
        yield from _of_session(path, session)


def _said(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    faults = error.errors(include_url=False)[:_SHOWN_FAULTS]
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in faults)


def _of_session(path: Path, session: _Session) -> Iterator[dict[str, Any]]:
    said = [each for each in session.messages if each.role != "system"]
    roles = [each.role for each in said]
    if roles != ["user", "assistant"] * TURNS:
        raise SysBenchError(
            f"{path}: session {session.system_id} has messages of {', '.join(roles) or 'nobody'}, "
            f"not of user and assistant {TURNS} times by turns: fetch the file again"
        )
    for turn, (prompt, reference) in enumerate(zip(said[::2], said[1::2], strict=True), 1):
        of_prompt = session.prompt_infos.get(prompt.content)
        if of_prompt is None:
            raise SysBenchError(
                f"{path}: `prompt_infos` of session {session.system_id} has no entry for its turn "
                f"{turn}: fetch the file again"
            )
        criteria = sorted(of_prompt.criteria, key=lambda each: each.criteria_id)
        yield {
            "session": str(session.system_id),
            "turn": turn,
            "dependent": session.rounds_related,
            "aligned": of_prompt.alignment == "align",
            "domain": session.domain,
            "system_message": session.system_prompt,
            "prompt": prompt.content,
            "reference": reference.content,
            "checklist": [
                {"number": number, "type": each.criteria_type, "content": each.criteria_content}
                for number, each in enumerate(criteria, 1)
            ],
        }


def _of_sheet(path: Path) -> Iterator[dict[str, Any]]:
    by_session: dict[str, list[dict[str, Any]]] = {}
    for place, cells in read_turns(path, _READ):
        session, turn, dependent, aligned = identify(place, cells)
        with naming_checklist(place):
            checklist = [each._asdict() for each in read_checklist(str(cells[CHECKLIST] or ""))]
        row = {
            "session": session,
            "turn": turn,
            "dependent": dependent,
            "aligned": aligned,
            "domain": cells[_DOMAIN],
            "system_message": str(cells[_MESSAGE] or ""),
            "prompt": str(cells[_PROMPT] or ""),
            "reference": cells[_REFERENCE],
            "checklist": checklist,
        }
        by_session.setdefault(session, []).append(row)
    for rows in by_session.values():
        rows.sort(key=lambda row: row["turn"])
        yield from _with_references(rows)


def _with_references(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The turns of a session with the references that the sheet has, each where it belongs."""
    cells = {row["turn"]: row["reference"] for row in rows}
    is_shifted = cells.get(1) is not None and cells[1] == rows[0]["prompt"]
    for row in rows:
        turn = row["turn"]
        yield {**row, "reference": cells.get(2 * turn) if is_shifted else cells[turn]}
