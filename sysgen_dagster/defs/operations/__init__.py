"""The operation of a deployment: schedules and sensors, alerts, staleness, forecasts, recording.

Belongs here: definitions that read what Dagster has recorded. Does not: assets that make data.
"""
