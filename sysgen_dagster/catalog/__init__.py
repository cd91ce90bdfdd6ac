"""The catalogue: one YAML file with everything that differs between deployments, read and checked.

Belongs here: the fields of its entries, and the errors about wrong ones. Does not: what is done
with an entry, and the settings of a lane, which are in the lane's folder; `lanes.catalog` adds
them.
"""
