"""Janus' Multifaceted Collection (arXiv 2405.17977): not built yet.

Belongs here: its preference sets, system messages, answers, pairs and items to be judged, with its
tables, checks and the paper's figures.
"""
