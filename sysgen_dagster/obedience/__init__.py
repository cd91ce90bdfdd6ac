"""Does an answer obey its system message, and who says so.

Belongs here: results that can be checked by rule (final answers, code that parses), and what judges
are asked and what they said. Does not: sending the questions (`inference`), counting over a whole
model (`analysis`).
"""
