"""The figures of Janus' Multifaceted Collection (arXiv 2405.17977), to be shown beside ours.

Sources: the paper, the cards of its data sets, and the authors' repository kaistAI/Janus. The
prompts and the decoding that made the data are published nowhere.
"""

from sysgen_dagster.chat.messages import Sampling

INSTRUCTIONS = 65_666
SETS = 3  # of preferences, and so system messages, for each instruction
ROWS = 196_998  # of the data set: an instruction, one of its messages, the answer
DPO_PAIRS = 65_142  # one an instruction; for ORPO 64,641
PREFERENCES = 4  # in each set, one in each dimension
PREFERENCE_WORDS = (2, 6)  # fewest and most
# Shortest and longest message of the benchmark, in characters.
MESSAGE_CHARACTERS = (682, 1_370)

# As the authors' repository has rubrics written; that of the sets and messages is not published.
WRITING = Sampling(temperature=1.0, max_tokens=1_024, top_p=0.9)
