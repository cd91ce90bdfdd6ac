"""Model servers on this machine: how they are started, shared by runs, and ended."""
