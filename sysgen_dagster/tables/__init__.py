"""What a stored table is, and the checks and rates that are evaluated over tables.

Belongs here: the declaration of columns and partitions, checks that fit any table, columns that
several tables share. Does not: particular tables, which are declared in the package that fills
them, and reading and writing files, which is in `storage`.
"""
