"""Other trainers than our program: the files and the command line that a training has with each.

They are written, not run: such a trainer has an environment, checkpoints and metrics of its own.
What an export's file for the trainer says of its rows (`trainers/` in it) is taken from there.
"""
