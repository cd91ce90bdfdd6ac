"""Janus' Multifaceted Collection (arXiv 2405.17977) with open models: no Dagster, network or clock.

From an instruction the method makes several system messages, each of which asks for another
answer, and these answers:

1. `selection`: which instructions of the lane's sources are taken.
2. `preference_sets`: a model writes what somebody may prefer of an answer, one preference in each
   of four dimensions (`taxonomy`), from general to specific. `replies` reads what it wrote,
   `likeness` and `contradictions` refuse sets that say the same again or speak against themselves.
3. `preference_messages`: the model makes one paragraph of the four descriptions.
4. `gold_answers`: the model answers the instruction under that message.

`steps` declares what is asked, `tables` what is stored, `checks` what must hold of it, `settings`
what a catalogue can say, and `paper` every figure of the paper. The prompts are ours: the paper's
were never published.
"""
