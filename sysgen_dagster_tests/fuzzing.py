"""How many random inputs each fuzz test of `make test-slow` plays."""

import os

EXAMPLES = int(os.environ.get("SYSGEN_FUZZED", "10000"))
