"""The simulated model: an OpenAI-compatible server without a model, which says what it is."""
