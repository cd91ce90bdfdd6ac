"""The groups of assets in Dagster's UI, in the order of the pipeline."""

from enum import StrEnum


class Group(StrEnum):
    """Names of asset groups. Each begins with its position, because the UI sorts by name."""

    SOURCES = "01_sources"
    CONVERSATIONS = "02_conversations"
    SYSGEN_PHASES = "03_sysgen_phases"
    MULTIFACETED = "03b_multifaceted"
    QUALITY = "04_quality"
    STATISTICS = "05_statistics"
    JUDGEMENTS = "06_judgements"
    TRAINING_SETS = "07_training_sets"
    STUDENTS = "08_students"
    EVALUATION = "09_evaluation"
    REPORT = "10_report"
    OPERATIONS = "11_operations"
