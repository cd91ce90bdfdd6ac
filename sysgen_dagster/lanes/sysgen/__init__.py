"""The SysGen method (arXiv 2502.11330) in plain Python and Polars: no Dagster, network or clock.

From a question Q and its answer A, the method makes a system message S and a new answer A':

1. `annotation`: the model writes S, with its phrases in eight tags (`tags`). `attempts` does this
   once, as the paper does, or several times.
2. `filtering`: rules remove malformed and unknown tags.
3. `verification`: the model judges each tag, and only phrases judged Good stay.
4. `alignment`: the tags are stripped, and the model answers Q again under S.

`phases` declares the four, `tables` what they store, `checks` what must hold of it, `settings` what
a catalogue can change, and `paper` every figure of the paper.
"""
