"""Chat messages, prompts and requests to models, and what came back.

Belongs here: messages, requests, loading of prompt files, joining completions to the rows that were
asked about, the reasons for missing answers. Does not: sending requests (`inference`), and what
particular prompts ask (the lanes).
"""
