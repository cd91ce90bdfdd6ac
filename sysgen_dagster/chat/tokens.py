"""A rough count of tokens, for use where no tokenizer is available."""

CHARACTERS_PER_TOKEN = 4  # a rule of thumb for English text


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has; at least 1."""
    return max(1, len(text) // CHARACTERS_PER_TOKEN)
