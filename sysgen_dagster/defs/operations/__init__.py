"""What keeps a deployment going: schedules and sensors, alerts, staleness, forecasts, recording.

Belongs here: definitions that look at what Dagster has recorded. Does not: assets that make data.
"""
