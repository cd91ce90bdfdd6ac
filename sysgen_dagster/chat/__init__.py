"""What is asked of a model and what came back, before any server and after any reply.

Belongs here: messages, requests, prompt files, completions joined to the rows that asked, the
reasons why no answer came. Does not: HTTP (`inference`), and what a prompt is about (the lanes).
"""
