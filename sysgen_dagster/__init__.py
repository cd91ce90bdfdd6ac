"""System messages, and answers that obey them, for any supervised fine-tuning data set."""
