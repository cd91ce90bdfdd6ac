"""Tests of the inference layer with real HTTP, real processes and real files."""
