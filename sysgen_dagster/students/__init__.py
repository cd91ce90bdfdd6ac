"""Students: models that are fine-tuned on a training set. Not built yet.

Belongs here: recipes of a training, the training program, checkpoints as models that can be served.
Does not: the rows (`training_sets`), and how good a student is (`evaluation`).
"""
