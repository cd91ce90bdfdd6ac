"""Whether an answer keeps to a rule, by subject.

Belongs here: reading an answer's form and counting in it. Does not: phrases (`recognizing`).

What can be counted in two ways, such as the words of a formula, is counted in both: a count is the
smallest and the largest number that a reader could come to, and a rule decides where both agree.
"""
