"""Files in and files out: `sources` reads the upstream data sets, `store` holds our own tables."""
