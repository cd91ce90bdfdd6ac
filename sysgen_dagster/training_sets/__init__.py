"""Training sets from aligned rows: variants, preference pairs, splits, mixtures, as frames.

`export` writes them as folders that trainers and the Hub can read. Training itself does not belong
here (it does in `students`).
"""
