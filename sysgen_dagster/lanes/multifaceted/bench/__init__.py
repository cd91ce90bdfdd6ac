"""The lane's own bench, in the manner of Multifaceted-Bench: instructions that nobody trains on.

1. `instructions`: the held-out ones that no training instruction nearly repeats.
2. `references`: of each its preference sets, messages and answers, as the lane makes them.
3. `rubrics`: a model writes what the scores 1 to 5 mean for each preference, and a judge tries it
   on the answer that was written for it and on a sibling's.
4. `items`: the sets whose four rubrics tell the two apart.
"""
