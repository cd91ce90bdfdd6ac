"""The groups of assets in Dagster's UI, in the order in which a reader meets them."""

from enum import StrEnum


class Group(StrEnum):
    """The UI sorts groups by name, so each name begins with its place."""

    SOURCES = "1_sources"
    CONVERSATIONS = "2_conversations"
    SYSGEN_PHASES = "3_sysgen_phases"
    QUALITY = "4_quality"
    PAPER_STATISTICS = "5_paper_statistics"
    JUDGEMENTS = "6_judgements"
    TRAINING_SETS = "7_training_sets"
    REPORT = "8_report"
    OPERATIONS = "9_operations"
