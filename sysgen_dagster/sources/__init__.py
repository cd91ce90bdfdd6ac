"""Reading upstream files, on the Hub or on this machine, and turning their rows into conversations.

Belongs here: everything between an upstream file and the table `conversations`; also reading
benchmark items, whose files are fetched in the same way. Does not: what a lane does with
conversations.
"""
