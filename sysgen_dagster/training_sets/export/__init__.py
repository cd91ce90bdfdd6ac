"""Training sets as folders that trainers and the Hub take: files, card, snippets, push."""
