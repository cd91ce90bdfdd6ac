"""Answer sheets of a few sessions, made up here, and files as the benchmark publishes them."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import polars as pl

ACTION, CONTENT, STYLE = "动作约束", "内容约束", "风格约束"
# The columns of a published sheet, in their order and spelling.
COLUMNS = (
    *("system_id", "领域", "场景", "multi_rounds_related", "alignment", "round_index"),
    *("system_prompt", "prompt", "referrence", "answer", "infer_model"),
    *("评判细则", "评判理由", "评判结果", "是否可用"),
)


def cells(types: Sequence[str], words: Sequence[str]) -> tuple[str, str]:
    """The checklist and the verdicts of a turn."""
    numbered = [*enumerate(zip(types, words, strict=True), 1)]
    checklist = "\n".join(f"{number}. 须合理 | {kind}" for number, (kind, _) in numbered)
    return checklist, "\n".join(f"{number}. {kind} | {word}" for number, (kind, word) in numbered)


def turn(
    session: int,
    number: int,
    *words: str,
    types: Sequence[str] = (),
    dependent: bool = True,
    alignment: str = "align",
    **changed: Any,
) -> dict[str, Any]:
    """One row of a sheet; its constraints are of content unless `types` says otherwise."""
    checklist, verdicts = cells(types or [CONTENT] * len(words), words)
    values = (
        *(session, "旅游", None, dependent, alignment, number),
        *("只回答旅游问题。", "问题", "参考", "回答", "small"),
        *(checklist, "理由", verdicts, int("否" not in words)),
    )
    return dict(zip(COLUMNS, values, strict=True)) | changed


def session(number: int, *turns: str, **of_all: Any) -> list[dict[str, Any]]:
    """Turns as ``是否``, a word for each constraint; a slash parts other words: ``不适用/是``."""
    return [
        turn(number, at, *(words if set(words) <= {"是", "否"} else words.split("/")), **of_all)
        for at, words in enumerate(turns, 1)
    ]


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)
    return path


def write_xlsx(path: Path, sheets: dict[str, list[dict[str, Any]]]) -> Path:
    """A workbook with the least that a reader needs; texts stand in the cells themselves."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    base = "http://schemas.openxmlformats.org"
    main = f'xmlns="{base}/spreadsheetml/2006/main"'
    relation = f"{base}/officeDocument/2006/relationships"
    package = f"{base}/package/2006"
    parts = [
        f'<Override PartName="/xl/worksheets/s{at}.xml" ContentType="{kind}.worksheet+xml"/>'
        for at in range(len(sheets))
    ]
    types = (
        f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName='
        f'"/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>{"".join(parts)}</Types>'
    )
    names = "".join(
        f'<sheet name="{escape(name)}" sheetId="{at + 1}" r:id="r{at}"/>'
        for at, name in enumerate(sheets)
    )
    links = "".join(
        f'<Relationship Id="r{at}" Type="{relation}/worksheet" Target="worksheets/s{at}.xml"/>'
        for at in range(len(sheets))
    )
    root = f'<Relationship Id="r" Type="{relation}/officeDocument" Target="xl/workbook.xml"/>'
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("[Content_Types].xml", types)
        for name, inner in (("_rels/.rels", root), ("xl/_rels/workbook.xml.rels", links)):
            file.writestr(
                name, f'<Relationships xmlns="{package}/relationships">{inner}</Relationships>'
            )
        file.writestr(
            "xl/workbook.xml",
            f'<workbook {main} xmlns:r="{relation}"><sheets>{names}</sheets></workbook>',
        )
        for at, rows in enumerate(sheets.values()):
            lines = [list(rows[0]), *(list(row.values()) for row in rows)] if rows else []
            inner = "".join(f"<row>{''.join(map(_cell, line))}</row>" for line in lines)
            file.writestr(
                f"xl/worksheets/s{at}.xml",
                f"<worksheet {main}><sheetData>{inner}</sheetData></worksheet>",
            )
    return path


def _cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
