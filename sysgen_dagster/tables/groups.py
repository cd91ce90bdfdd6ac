"""The groups of assets in Dagster's UI, in the order of the pipeline."""

from enum import StrEnum


class Group(StrEnum):
    """Names of asset groups. Each begins with its position, because the UI sorts by name."""

    SOURCES = "1_sources"
    CONVERSATIONS = "2_conversations"
    SYSGEN_PHASES = "3_sysgen_phases"
    QUALITY = "4_quality"
    STATISTICS = "5_statistics"
    JUDGEMENTS = "6_judgements"
    TRAINING_SETS = "7_training_sets"
    REPORT = "8_report"
    OPERATIONS = "9_operations"
