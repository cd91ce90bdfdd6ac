"""The wordings by which phrases ask for what rules can compute, by subject.

Belongs here: patterns of clauses and the rules they stand for. Does not: taking a phrase apart into
clauses (`recognition`), and looking at answers (`verifying`).
"""
