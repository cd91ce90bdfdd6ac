"""Model servers on this machine: how each engine is started, kept, shared by runs, and ended."""
