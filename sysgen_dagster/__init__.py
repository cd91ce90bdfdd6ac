"""SysGen (arXiv 2502.11330) on Dagster, vLLM and Polars; the flow is `defs.pipeline`."""
