"""Training sets as folders that trainers and the Hub can read, and their push to the Hub."""
