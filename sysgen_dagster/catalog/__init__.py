"""The catalogue: one YAML file that says what differs between deployments, read and checked.

Belongs here: the form of its entries and their faults. Does not: what is done with an entry, and
the settings of a lane, which stand with the lane and join the catalogue in `lanes.catalog`.
"""
