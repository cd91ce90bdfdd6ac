"""Ask for known vulnerabilities of every package in the lock files: `make audit`.

pip-audit ends well too where the advisory service knows none of the packages, as behind a mirror.
So the packages that were looked up are counted, and one that was not is no pass.

Ends with 0: all were looked up and none is vulnerable; 1: one is; 2: not all were looked up, which
``--may-be-offline`` makes 0. What it prints begins with AUDITED, VULNERABLE or NOT AUDITED.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CLEAN, VULNERABLE, NOT_AUDITED = 0, 1, 2
_MAY_BE_OFFLINE = "--may-be-offline"
_PIP_AUDIT = Path(sys.executable).with_name("pip-audit")


def main(arguments: Sequence[str]) -> int:
    """Audit these lock files; what is no file goes to pip-audit, such as ``-s osv``."""
    packages: dict[str, Mapping[str, Any]] = {}
    locks = [each for each in arguments if Path(each).is_file()]
    options = [each for each in arguments if each not in {*locks, _MAY_BE_OFFLINE}]
    not_audited = CLEAN if _MAY_BE_OFFLINE in arguments else NOT_AUDITED
    for lock in locks:
        audited = _audit(lock, options)
        if audited is None:
            print(f"NOT AUDITED: pip-audit gave no result for {lock}; the lines above say why")
            return not_audited
        packages |= {f"{each['name']} {each.get('version')}": each for each in audited}
    skipped = [each for each in packages.values() if "skip_reason" in each]
    found = [(name, vuln) for name, each in packages.items() for vuln in each.get("vulns", ())]
    for name, vuln in found:
        fixed = ", ".join(vuln["fix_versions"]) or "no release yet"
        print(f"VULNERABLE: {name}: {vuln['id']}, fixed in {fixed}")
    if found:
        return VULNERABLE
    if skipped or not packages:
        first = f", such as: {skipped[0]['skip_reason']}" if skipped else ""
        print(f"NOT AUDITED: {len(skipped)} of {len(packages)} packages were not looked up{first}")
        return not_audited
    print(f"AUDITED: {len(packages)} packages of {len(locks)} lock files, no known vulnerability")
    return CLEAN


def _audit(lock: str, options: Sequence[str]) -> list[Mapping[str, Any]] | None:
    """What pip-audit says of each package; None where it could not ask."""
    command = [str(_PIP_AUDIT), "--require-hashes", "--disable-pip", "--progress-spinner=off"]
    asked = subprocess.run(
        [*command, "--format=json", *options, "-r", lock],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        audited: list[Mapping[str, Any]] = json.loads(asked.stdout)["dependencies"]
    except ValueError:
        print(asked.stderr)  # else it may say that nothing was found where nothing was looked up
        return None
    return audited


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
