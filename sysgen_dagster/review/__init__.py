"""What people decide about rows: to take, to leave out, to write otherwise; labels of judges.

Belongs here: decisions and how they are kept, which rows are shown in which order, the page that
shows them, how far judges agree with people. Does not: what mixtures and exports make of a decision
(`training_sets`), the server of the page (`commands`).
"""
