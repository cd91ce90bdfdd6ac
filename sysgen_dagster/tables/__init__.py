"""What a stored table is, and what must be true of it.

Belongs here: columns, partitions, checks and the rates that they compare. Does not: any particular
table, which is declared in the room that fills it, and files, which are in `storage`.
"""
