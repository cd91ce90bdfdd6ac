"""Our own conflict set: whether a message holds when a user asks for the opposite of what it says.

Belongs here: the messages that are put to the test, and what an answer adds to the two rates. Does
not: the turns and which side an answer takes (`obedience.conflicts`), which the rows of a
deployment are put to, too.
"""
