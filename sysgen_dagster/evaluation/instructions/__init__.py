"""Whether an answer keeps to an instruction that a program can verify, as IFEval defines them.

Belongs here: what each of the 25 instruction ids asks of an answer. Does not: items, asking and
scores (`s_ifeval`, `ifeval`), and the rules of our own rows, which leave open what two readers
could count in two ways (`obedience/verifying`); a benchmark counts in one.
"""
