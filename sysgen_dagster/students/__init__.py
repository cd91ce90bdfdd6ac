"""Students: models that are fine-tuned on a training set.

Belongs here: what a training is told, the program that trains, checkpoints as models that can be
served. Does not: the rows (`training_sets`), and how good a student is (`evaluation`).
"""
