"""Training sets from aligned rows: variants, preference pairs, splits, mixtures, as frames.

`export` writes them as folders that trainers and the Hub take. Does not belong here: training
itself (`students`).
"""
