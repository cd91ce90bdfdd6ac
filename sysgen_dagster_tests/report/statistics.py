"""Small stored statistics of every kind, as a finished model and the sources would leave them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from sysgen_dagster.analysis import tables as analysis
from sysgen_dagster.evaluation.comparisons import tables as comparisons
from sysgen_dagster.lanes.sysgen import tables as lane
from sysgen_dagster.lanes.sysgen.paper import COUNTS, ModelCounts
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.obedience import tables as obedience
from sysgen_dagster.report import tables as report
from sysgen_dagster.report.view import View
from sysgen_dagster.report.views import view_of
from sysgen_dagster.tables.table import By, Table, by_name

# The tables that are not partitioned by shard.
STATISTICS: Mapping[str, Table] = by_name(
    table
    for room in (analysis, lane, obedience, report, comparisons)
    for table in room.TABLES
    if table.by in {By.MODEL, By.NOTHING}
)

DIFFERENT = {
    **{"against": "phi-4", "difference": 0.1, "difference_low": -0.1, "difference_high": 0.3},
    **{"paired_items": 39, "moved": 0.2, "floor": 0.2},
    **{"published_as": "phi-4-sysgen", "score_paper": 0.75, "difference_paper": 0.05},
    "protocol_paper": "protocol unknown: the judge is not said",
}
COMPARED = [
    {
        **{"suite": "riddles", "student": "phi-4", "arm": "sysgen"},
        **{"subject": subject, "metric": metric, "of": of, "score": 0.7, "low": 0.6, "high": 0.8},
        **{"items": 40, "dropped": 1, "judge": "hawk", "worth": "uncalibrated: no labels"},
        **({} if subject == "phi-4" else DIFFERENT),
        "protocol": "asked once",
    }
    for subject in ("phi-4", "mine")
    for metric, of in (("R1", "total"), ("R2", "total"), ("R1", "dependent"))
] + [
    {"published_as": "janus-7b", "metric": "R1", "of": "total", "score_paper": 0.5},
    {"subject": "later", "remarks": "not evaluated: sysgen evaluate riddles --subject later"},
]
_VERDICTS = {"Good": 6, "Bad": 3, "None": 1, "Unreadable": 0}
_JUDGED = {"judge": "phi-4", "judge_is_generator": False, "source": "metamath"}
ROWS: Mapping[str, list[dict[str, Any]]] = {
    **{
        table.name: [
            {name: value for name, value in row.items() if name in table.columns}
            for row in COMPARED
        ]
        for table in comparisons.TABLES
    },
    "source_lengths": [
        {
            "source": source,
            "conversations": 200,
            "question_chars": 210.0,
            "answer_chars": 480.0,
            "question_chars_p95": 400.0,
            "answer_chars_p95": 900.0,
        }
        for source in ("capybara", "metamath")
    ],
    "retention": [
        {"source": "metamath", "table": table, "outcome": outcome, "conversations": count}
        for table, outcome, count in [
            ("conversations", "kept", 200),
            ("annotated_system_messages", "kept", 200),
            ("filtered_system_messages", "kept", 150),
            ("filtered_system_messages", "malformed_boundary", 50),
            ("verified_system_messages", "kept", 150),
            ("aligned_responses", "kept", 145),
            ("aligned_responses", "refused", 5),
        ]
    ],
    "tag_counts": [
        {"source": "metamath", "table": table, "tag": tag, "messages": 90, "of_messages": 150}
        for table in ("filtered_system_messages", "verified_system_messages")
        for tag in TAG_NAMES
    ],
    "result_counts": [
        {
            "source": "metamath",
            "result_kind": "final_answer",
            "checked": 140,
            "contradicted_at_first": 14,
            "contradicts": 7,
            "dropped": 7,
            "kept_original": 0,
            "same": 120,
            "unread": 13,
        }
    ],
    "conflict_counts": [
        {
            "source": "metamath",
            "rule": "words",
            "turn": turn,
            "has_system_message": has_message,
            "outcome": outcome,
            "is_refusal": False,
            "answers": count,
        }
        for turn, has_message, outcome, count in [
            ("aligned", True, "message", 9),
            ("aligned", True, "neither", 1),
            ("unrelated", True, "message", 10),
            ("conflicting", True, "message", 7),
            ("conflicting", True, "user", 3),
            ("conflicting", False, "user", 10),
            ("claimed_authority", True, "message", 6),
            ("claimed_authority", True, "truncated", 4),
            ("claimed_authority", False, "neither", 10),
        ]
    ],
    "planted_faults": [
        {"message": f"planted-{n:02}", "tag": "Role", "is_planted": n < 10, "verdict": verdict}
        for n, verdict in enumerate([*["Bad"] * 8, *["Good"] * 32])
    ],
    "verdict_counts": [
        {
            "source": source,
            "tag": tag,
            "verdict": verdict,
            "messages": messages,
            "of_messages": 10,
        }
        for source in ("capybara", "metamath")
        for tag in TAG_NAMES
        for verdict, messages in _VERDICTS.items()
    ],
    "obedience_counts": [
        {"source": "metamath", "tag": tag, "verdict": verdict, "by": by, "phrases": phrases}
        for tag in TAG_NAMES
        for verdict, by, phrases in [
            ("obeyed", "rules", 20),
            ("obeyed", "phi-4", 60),
            ("not_obeyed", "rules", 5),
            ("not_obeyed", "phi-4", 10),
            ("unknown", None, 5),
        ]
    ],
    "answer_similarity": [
        {"source": source, "metric": metric, "rows": 145, "mean": 0.4, "deviation": 0.1}
        for source in ("metamath", "all")
        for metric in ("rouge1", "rouge2", "rougeL", "gleu", "length_ratio")
    ],
    "learned_similarity": [
        {
            "source": "metamath",
            "metric": "bertscore",
            "rows": 0,
            "computed": False,
            "how": "no weights are named",
        }
    ],
    "quality_counts": [
        {"source": "metamath", "finding": "final_answer_differs", "rows": 30, "of_rows": 140},
        {"source": "metamath", "finding": "repetitive", "rows": 0, "of_rows": 145},
        {"source": "metamath", "finding": "personal_data: e-mail in question", "rows": 1},
    ],
    "message_diversity": [
        {"source": source, "messages": 145, "sampled": 145, "distinct_1": 0.2}
        for source in ("metamath", "all")
    ],
    "near_duplicate_questions": [
        {
            "conversation_id": f"metamath-{number}",
            "source": "metamath",
            "cluster": "metamath-0",
            "cluster_rows": 3,
            "cluster_sources": 1,
            "similarity": 0.9,
        }
        for number in range(3)
    ],
    "near_duplicate_messages": [],
    "contamination": [
        {
            "conversation_id": f"metamath-{number}",
            "source": "metamath",
            "benchmark": "gsm8k",
            "item": 7,
            "overlap": overlap,
        }
        for number, overlap in enumerate((1.0, 0.1, 0.1))
    ],
    "judged_preferences": [
        {
            **_JUDGED,
            "conversation_id": f"metamath-{number}",
            "shown_first": first,
            "verdict": "new" if number else "original",
        }
        for number in range(4)
        for first in ("original", "new")
    ],
    "paper_comparison": [
        {
            "model": model,
            "published_in": "Table 2",
            "of": "aligned_responses",
            "figure": "kept_share",
            "ours": 0.9,
            "paper": 0.96,
            "difference": -0.06,
        }
        for model in ("phi-4", "mine")
    ],
    "forecast": [
        {
            "source": source,
            "phase": phase,
            "conversations": 140,
            "requests": 130.0,
            "prompt_tokens": 250_000.0,
            "completion_tokens": 30_000.0,
            "basis": "measured on 60 rows",
            "conversations_done": 60,
            "requests_done": 57.0,
            "prompt_tokens_done": 107_000.0,
            "completion_tokens_done": 13_000.0,
        }
        for source in ("capybara", "metamath")
        for phase in ("annotated_system_messages", "aligned_responses")
    ],
    "judge_calibration": [
        {"kind": "alignment", "item": str(number), "judge": judge, "label": "Aligned", **said}
        for judge in ("phi-4", "gpt-4o")
        for number, said in enumerate([{"verdict": "Aligned"}, {"verdict": "Not aligned"}])
    ],
    "judged_alignment": [
        {**_JUDGED, "conversation_id": f"metamath-{number}", "verdict": verdict}
        for number, verdict in enumerate(["Aligned", "Aligned", "Not aligned", "Unknown"])
    ],
}


@dataclass(frozen=True)
class Stored:
    """The statistics `ROWS`: without the tables of `missing`, with other rows where `changed`."""

    model: str = ""
    missing: frozenset[str] = frozenset()
    changed: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def published(self) -> ModelCounts | None:
        return COUNTS.get(self.model)

    def read(self, table: Table) -> pl.DataFrame | None:
        if table.name in self.missing:
            return None
        rows = self.changed.get(table.name, ROWS[table.name])
        return pl.DataFrame(rows, schema=table.schema)


def view_by(name: str) -> View:
    """The view of the table of that name."""
    view = view_of(STATISTICS[name])
    assert view
    return view


def summary_of(table: str, stored: Stored | None = None) -> pl.DataFrame:
    """The short table of a table's view, of phi-4 unless other statistics are given."""
    summary = view_by(table).read(stored or Stored("phi-4"))
    assert summary is not None
    return summary
