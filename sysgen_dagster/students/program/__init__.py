"""The program that trains a student: it knows no Dagster, and runs in an environment of its own.

    PYTHON -m program ARGUMENTS.json
    PYTHON -m program.answer FOLDER
    PYTHON -m program.likelihood WEIGHTS CHATS WRITTEN

Belongs here: what happens between a file of arguments and the files of a training's folder. Imports
the standard library, torch, transformers, trl, datasets, accelerate, jinja2, and its own siblings
by relative imports: the folder that holds it is all that is on the path.
Does not: which trainings there are (`catalog`), who starts and follows it (`students`, `defs`).
"""
