"""The figures that the SysGen paper (arXiv 2502.11330) prints, to be shown beside ours.

"v1" and "v2" are the paper's two versions, whose tables are numbered differently. Models and
sources have the names of the shipped catalogue; models and sources of other names have no figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sysgen_dagster.catalog.entries import AtLeastOne, Count, Entry, Share
from sysgen_dagster.catalog.rules import rule
from sysgen_dagster.chat.messages import Sampling
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES

# Appendix E, by the number of the phase.
SAMPLING: Mapping[int, Sampling] = {
    1: Sampling(temperature=0.7, max_tokens=512),
    3: Sampling(temperature=0.7, max_tokens=256),
    4: Sampling(temperature=0.7, max_tokens=1024),
}


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """One line of v1 Table 9: conversations, and mean characters of question and answer."""

    conversations: int
    question_chars: float
    answer_chars: float


SOURCES: Mapping[str, SourceFigures] = {
    "capybara": SourceFigures(41_301, 300.24, 1423.28),
    "airoboros": SourceFigures(59_277, 507.26, 1110.62),
    "orca_math": SourceFigures(200_035, 238.87, 878.43),
    "magicoder": SourceFigures(111_183, 652.53, 1552.41),
    "metamath": SourceFigures(395_000, 213.53, 498.24),
}


class ModelCounts(Entry):
    """How many conversations a paper reports for one model, after each step and for each tag.

    A catalogue may give its own for a model, in place of those of `COUNTS`.
    """

    started: AtLeastOne
    filtered: AtLeastOne  # kept after Phase 2
    aligned: AtLeastOne  # with a new answer after Phase 4
    tags: Mapping[str, Count]  # conversations whose message holds the tag, after Phase 2
    filtered_printed: Share | None = None  # printed after Phase 2, where it is not their quotient

    @property
    def filtered_share(self) -> float:
        """The share of the started conversations that is kept after Phase 2."""
        return self.filtered / self.started

    @property
    def filtered_as_printed(self) -> float:
        """The same as the paper's table shows it."""
        return self.filtered_share if self.filtered_printed is None else self.filtered_printed

    @property
    def aligned_share(self) -> float:
        """The share of the started conversations that is kept after Phase 4."""
        return self.aligned / self.started

    def tag_share(self, tag: str) -> float:
        """The share of the conversations kept after Phase 2 whose message holds the tag.

        The paper does not say at which step it counts. Nearly all messages hold Content, and
        verification takes it out of many: the counts are of the messages before it.
        """
        return self.tags[tag] / self.filtered

    @rule("tags")
    def _require_the_eight_tags(self) -> str | None:
        if self.tags.keys() == set(TAG_NAMES):
            return None
        return f"`tags` must count {', '.join(TAG_NAMES)}; it has {', '.join(self.tags)}"


def _counts(
    filtered: int, aligned: int, *tags: int, filtered_printed: float | None = None
) -> ModelCounts:
    return ModelCounts(
        started=806_796,
        filtered=filtered,
        aligned=aligned,
        tags=dict(zip(TAG_NAMES, tags, strict=True)),
        filtered_printed=filtered_printed,
    )


# Table 2 (kept after Phase 2 and after Phase 4) and v1 Table 8 (tags in canonical order).
COUNTS: Mapping[str, ModelCounts] = {
    "llama-3.1-8b": _counts(
        *(602_750, 586_831),
        *(576_341, 580_231, 579_558, 495_301, 283_579, 293_791, 10_238, 327_909),
    ),
    "qwen2.5-14b": _counts(
        *(806_602, 775_830),
        *(753_579, 739_892, 765_331, 382_358, 598_553, 539_757, 132_038, 401_593),
        filtered_printed=0.999,  # of 0.99976
    ),
    "phi-4": _counts(
        *(774_613, 773_878),
        *(745_751, 743_311, 735_298, 662_589, 603_918, 553_791, 90_989, 538_973),
    ),
}
# Section 3.3: Phase 3 keeps "up to 99 %".
VERIFIED_SHARE = 0.99


def _by_name(
    names: Sequence[str], rows: Mapping[str, Sequence[float]]
) -> Mapping[str, Mapping[str, float]]:
    return {model: dict(zip(names, row, strict=True)) for model, row in rows.items()}


# Table 1, the new answers against the original ones, by model and metric. The paper does not say
# how the metrics were computed. The n-gram metrics are shares here and percentages there;
# ``length_ratio`` is the mean length of the new answers over that of the original ones.
SIMILARITY = _by_name(
    ("rouge1", "rouge2", "rougeL", "bertscore", "bleurt", "gleu", "length_ratio"),
    {
        "llama-3.1-8b": (0.333, 0.156, 0.231, 0.813, 0.336, 0.282, 1.35),
        "qwen2.5-14b": (0.449, 0.232, 0.307, 0.859, 0.399, 0.392, 1.55),
        "phi-4": (0.519, 0.323, 0.411, 0.861, 0.401, 0.372, 1.89),
    },
)

_SOURCE_ORDER = ("capybara", "airoboros", "magicoder", "metamath", "orca_math")
# v2 Table 9 as printed: by model, a line for each source of `_SOURCE_ORDER` and in it a cell
# "Bad/None" for each tag in canonical order, in percent. The paper does not say in percent of what;
# we read it as of the messages that hold the tag.
_VERDICTS = {
    "llama-3.1-8b": (
        "8.88/.18 39.03/.55 1.63/.22 1.76/1.42 1.48/1.09 21.26/2.82 .17/49.87 .38/4.11",
        "8.99/.13 37.86/.58 1.60/.18 1.75/1.16 1.63/.97 20.80/2.17 .15/51.09 .40/3.56",
        "9.81/.17 38.61/.60 1.72/.19 1.99/1.35 1.56/1.14 21.77/3.16 .23/50.32 .43/5.12",
        "8.96/.12 37.30/.57 1.62/.15 1.84/.91 1.61/.89 20.75/2.43 .21/51.25 .39/2.91",
        "9.07/.15 36.96/.51 1.55/.14 1.75/.96 1.48/.96 20.51/2.21 .14/49.30 .31/2.87",
    ),
    "qwen2.5-14b": (
        "2.54/.09 54.14/.28 .75/.01 .47/23.09 .95/1.21 9.25/1.69 3.78/50.37 1.42/10.06",
        "3.05/.15 63.49/.20 .48/.01 .40/25.62 .89/2.71 8.22/1.68 5.60/55.15 .77/9.86",
        "2.52/.17 63.75/.05 1.02/.01 .49/19.75 .74/1.66 10.36/3.12 5.49/45.68 .69/11.66",
        "2.11/.27 73.88/.11 .25/.00 .46/25.67 .68/1.75 8.17/2.38 7.05/63.18 2.03/7.79",
        "2.54/.12 66.73/.09 .28/.00 .46/22.47 .76/1.78 6.47/.97 12.47/49.08 1.74/12.30",
    ),
    "phi-4": (
        "1.90/.11 9.83/.25 .66/.08 .34/5.78 .10/.13 4.30/.92 .28/45.48 .05/3.23",
        "1.96/.18 10.07/.48 .57/.06 .35/3.75 .15/.13 4.13/.79 .35/20.12 .08/1.25",
        ".62/.06 13.57/.09 .81/.03 .42/2.17 .13/.05 4.35/.35 .83/17.08 .02/1.21",
        "1.94/.43 15.07/.12 .80/.02 .27/.71 .05/.04 5.59/1.04 .15/22.75 .03/.88",
        "1.50/.39 15.26/.26 .61/.04 .27/.93 .04/.09 4.45/1.21 .13/25.10 .03/.91",
    ),
}


@dataclass(frozen=True, slots=True)
class Removed:
    """Of the messages that hold a tag: the share judged Bad and the share judged None."""

    bad: float
    none: float


def _cells(row: str) -> dict[str, Removed]:
    pairs = (cell.split("/") for cell in row.split())
    return {
        tag: Removed(float(bad) / 100, float(none) / 100)
        for tag, (bad, none) in zip(TAG_NAMES, pairs, strict=True)
    }


# By model, source and tag.
REMOVED: Mapping[str, Mapping[str, Mapping[str, Removed]]] = {
    model: {source: _cells(row) for source, row in zip(_SOURCE_ORDER, rows, strict=True)}
    for model, rows in _VERDICTS.items()
}

# Figure 3, by model and source: the share of answers for which GPT-4o preferred the new one, with
# the original one always shown first. The figure has fifteen bars without names; we read them as
# five sources for each model, models and sources in the order of the legend.
PREFERENCES = _by_name(
    _SOURCE_ORDER,
    {
        "llama-3.1-8b": (0.668, 0.606, 0.791, 0.785, 0.525),
        "qwen2.5-14b": (0.445, 0.473, 0.512, 0.570, 0.644),
        "phi-4": (0.574, 0.462, 0.740, 0.803, 0.800),
    },
)

# v2 Figure 5, by model, over 100 rows each: the share Aligned and the share Not aligned. We read
# the figure's models in the order of its legend.
ALIGNMENT: Mapping[str, tuple[float, float]] = {
    "phi-4": (0.91, 0.08),
    "llama-3.1-8b": (0.83, 0.13),
    "qwen2.5-14b": (0.81, 0.17),
}

# The tables of scores. A row is a model or a training of the shipped catalogue, or one that is
# copied from the paper of Janus (there with a dagger).
UNTRAINED = ("llama-3.1-8b", "qwen2.5-14b", "phi-4", "solar-10.7b", "gemma-2-9b")
DAGGER = ("gpt-3.5-turbo-0125", "gpt-4-0613", "gpt-4-turbo-0125", "janus-7b", "janus-dpo-7b")
AVERAGE = "average"  # the column at the right, as printed

# Tables 3 and 4: Multifacet, from 1 to 5.
MULTIFACET = _by_name(
    ("AlpacaEval", "FLASK", "Koala", "MT-Bench", "Self-Instruct", AVERAGE),
    {
        "gpt-3.5-turbo-0125": (4.05, 3.86, 4.15, 3.87, 3.85, 3.91),
        "gpt-4-0613": (4.25, 4.00, 4.18, 4.16, 4.13, 4.10),
        "gpt-4-turbo-0125": (4.45, 4.27, 4.61, 4.45, 4.27, 4.35),
        "janus-7b": (4.43, 4.06, 4.41, 4.11, 4.01, 4.17),
        "janus-dpo-7b": (4.45, 4.13, 4.43, 4.21, 4.17, 4.24),
        "llama-3.1-8b": (4.26, 3.82, 4.29, 4.15, 4.06, 4.12),
        "qwen2.5-14b": (4.37, 4.07, 4.37, 4.27, 4.21, 4.26),
        "phi-4": (4.53, 4.24, 4.51, 4.39, 4.40, 4.41),
        "llama-3.1-8b-sysgen": (4.38, 3.95, 4.41, 4.22, 4.11, 4.21),
        "qwen2.5-14b-sysgen": (4.40, 4.11, 4.42, 4.22, 4.25, 4.28),
        "phi-4-sysgen": (4.62, 4.63, 4.52, 4.44, 4.49, 4.54),
        "solar-10.7b": (3.30, 3.31, 3.09, 3.19, 3.08, 3.19),
        "gemma-2-9b": (4.10, 3.80, 4.26, 4.15, 3.92, 4.05),
        "solar-10.7b-distillation": (3.97, 3.73, 3.64, 3.98, 3.52, 3.76),
        "gemma-2-9b-distillation": (4.40, 4.04, 4.30, 4.23, 4.18, 4.23),
    },
)

# Table 11 of version 2 (Table 5 of version 1): benchmarks that the training had nothing to do with,
# in percent.
_UNSEEN = {
    "solar-10.7b": "63.28 30.20 63.99 30.36 86.35 38.59 36.38 37.28 48.31",
    "gemma-2-9b": "73.27 32.78 67.89 31.05 81.92 74.78 38.87 41.98 55.31",
    "llama-3.1-8b": "67.95 40.87 54.95 34.60 79.18 50.71 39.53 70.85 54.83",
    "qwen2.5-14b": "79.73 51.22 67.39 45.51 82.31 79.83 42.12 78.25 65.79",
    "phi-4": "84.56 70.12 68.26 55.93 84.42 62.98 48.87 79.87 69.37",
    "solar-10.7b-no-system-message": "62.38 29.12 58.87 29.17 81.58 31.27 37.21 32.85 45.30",
    "gemma-2-9b-no-system-message": "71.85 31.67 62.57 30.51 77.54 69.25 39.12 37.25 52.47",
    "llama-3.1-8b-no-system-message": "65.34 36.85 54.18 33.93 77.98 35.64 40.03 62.83 50.85",
    "qwen2.5-14b-no-system-message": "75.87 49.85 66.89 43.98 80.99 62.57 43.28 71.17 61.82",
    "phi-4-no-system-message": "80.27 66.58 66.27 52.89 83.39 55.83 49.98 75.49 66.33",
    "llama-3.1-8b-sysgen": "66.89 39.77 54.55 34.21 78.89 46.75 42.11 68.98 54.02",
    "qwen2.5-14b-sysgen": "78.92 43.38 66.82 44.46 80.98 74.59 43.23 76.28 63.58",
    "phi-4-sysgen": "83.27 68.77 67.89 55.18 84.31 57.87 50.23 77.12 68.08",
    "solar-10.7b-distillation": "59.98 29.26 62.81 30.25 85.91 34.58 38.25 35.97 47.12",
    "gemma-2-9b-distillation": "72.19 31.56 66.75 30.89 81.53 71.37 40.27 40.38 54.37",
}
UNSEEN = _by_name(
    ("MMLU", "MMLU-Pro", "ARC-c", "GPQA", "HellaSwag", "IFEval", "MathQA", "BBH", AVERAGE),
    {row: tuple(map(float, figures.split())) for row, figures in _UNSEEN.items()},
)

# Table 6 (Table 5 of version 2), the arms that no other table has: averages of Multifacet, unseen.
ABLATION = {
    "llama-3.1-8b-no-system-message": (3.98, 50.85),
    "llama-3.1-8b-common-system-message": (3.89, 51.23),
    "llama-3.1-8b-original-answer": (4.09, 51.89),
    "phi-4-no-system-message": (4.26, 66.33),
    "phi-4-common-system-message": (4.23, 66.52),
    "phi-4-original-answer": (4.38, 66.12),
}
# Table 7: the average of Multifacet with the message in the user turn.
USER_ROLE = {
    **{"solar-10.7b": 2.98, "llama-3.1-8b": 4.09, "qwen2.5-14b": 4.13, "phi-4": 4.26},
    **{"llama-3.1-8b-sysgen": 4.13, "qwen2.5-14b-sysgen": 4.16, "phi-4-sysgen": 4.38},
    "solar-10.7b-distillation": 3.64,
}
# Figure 4 of version 2: what R1 to R5 of SysBench gain over the untrained model, in percentage
# points. The panels have no names; we read them in the order of the legend.
SYSBENCH_GAINS = _by_name(
    ("R1", "R2", "R3", "R4", "R5"),
    {
        "llama-3.1-8b-sysgen": (18.8, 20.8, 17.8, 7.9, 4.0),
        "qwen2.5-14b-sysgen": (15.3, 22.7, 21.7, 12.0, 6.0),
        "phi-4-sysgen": (18.4, 20.1, 15.2, 9.4, 6.2),
        "solar-10.7b-distillation": (26.7, 20.8, 5.9, 1.0, 1.0),
        "gemma-2-9b-distillation": (15.5, 21.8, 18.1, 8.6, 4.6),
    },
)
# The rows of all of these tables.
SCORED = tuple(dict.fromkeys([*MULTIFACET, *UNSEEN, *ABLATION]))
