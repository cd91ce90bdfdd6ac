"""The command ``sysgen``: its subcommands and their options, one module for each kind of them.

What a subcommand does is in a module of `commands`, which is imported when the subcommand runs: the
import takes a second, and `--help` should not.
"""

from sysgen_dagster.cli import keeping, looking, making
from sysgen_dagster.cli.group import sysgen

__all__ = ["keeping", "looking", "making", "sysgen"]
