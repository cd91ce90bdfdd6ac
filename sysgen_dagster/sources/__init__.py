"""Upstream rows in: files of the Hub or of this machine, their shapes, the conversations in them.

Belongs here: everything between a file of somebody else's and the table `conversations`; benchmark
items too, which are read in the same way. Does not: what a lane does with a conversation.
"""
