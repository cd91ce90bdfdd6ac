"""What the operating system refused about a file, in words that say what to do.

It is another thing than damage: a file that cannot be opened because too many are open is whole.
"""

import errno
import grp
import os
import pwd
import re
import resource
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

# Polars names the system's error in its text, and raises some as errors of its own.
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
# Python has classes for these; Polars raises them without the number.
_NUMBERS: dict[type[OSError], int] = {
    PermissionError: errno.EACCES,
    IsADirectoryError: errno.EISDIR,
    NotADirectoryError: errno.ENOTDIR,
    TimeoutError: errno.ETIMEDOUT,
}


class FileFault(NamedTuple):
    """Why a file could not be read or written.

    Attributes:
        message: One sentence or two, which name the culprit and the fix.
        may_pass: Whether trying again later may help although nobody changes anything.
    """

    message: str
    may_pass: bool


def as_os_error(error: BaseException) -> OSError | None:
    """The system's own error in an error of Polars, or `error` if it is one; else None."""
    if isinstance(error, OSError) and error.errno is not None:
        return error
    if named := _OS_ERROR.search(str(error)):
        return OSError(int(named[1]), str(error).replace(named[0], "").strip())
    if isinstance(error, OSError):
        return OSError(_NUMBERS.get(type(error), 0), str(error))
    return None


def explain(error: OSError, path: Path) -> FileFault:
    """What to do about an error that came of reading or writing `path`."""
    number = error.errno or 0
    say, may_pass = _FAULTS.get(number, (_other, False))
    said = error.strerror or str(error)
    return FileFault(f"{path} cannot be used: {say(path, said)}", may_pass)


def _other(_: Path, said: str) -> str:
    return f"the system says {said!r}"


def _too_many_open(_: Path, __: str) -> str:
    limit, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        f"this process has too many files open, {limit} are allowed. Raise the limit where it is "
        "started (`ulimit -n 65536`), or let fewer runs go on at once. The file itself is whole"
    )


def _no_space(path: Path, _: str) -> str:
    there = next(each for each in (path, *path.absolute().parents) if _is_seen(each))
    free = shutil.disk_usage(there).free
    return (
        f"its disk is full, {free / 1e6:,.1f} MB are left (or no inodes, see `df -i`). Free some; "
        "`sysgen prune` names what may go"
    )


def _over_quota(_: Path, __: str) -> str:
    return (
        f"the disk quota of {_user(os.geteuid())} is used up. Free some, `sysgen prune` names what "
        "may go; or ask for more"
    )


def _not_allowed(path: Path, _: str) -> str:
    """Whose file or folder it is, and how two users share it."""
    barred = _barred(path)
    found = barred.stat()
    try:
        group = grp.getgrgid(found.st_gid).gr_name
    except KeyError:
        group = str(found.st_gid)
    kind = "the folder" if barred.is_dir() else "the file"
    return (
        f"{_user(os.geteuid())} may not. {kind.capitalize()} {barred} belongs to "
        f"{_user(found.st_uid)}, group {group}, {stat.filemode(found.st_mode)}. Run as "
        f"{_user(found.st_uid)}; or share the folder of the data with a group of both: "
        "`chgrp -R GROUP FOLDER`, `chmod -R g+rwXs FOLDER`, and `umask 002` where each starts"
    )


def _barred(path: Path) -> Path:
    """What bars the way: the first folder that cannot be entered, else the file or its folder."""
    *folders, last = [each for each in (*reversed(path.absolute().parents), path) if _is_seen(each)]
    return next((folder for folder in folders if not os.access(folder, os.X_OK)), last)


def _is_seen(path: Path) -> bool:
    """Whether there is something at a path; not where a folder above it bars the way."""
    try:
        return path.exists()
    except OSError:
        return False


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _read_only(_: Path, __: str) -> str:
    return "its disk is mounted for reading only. Mount it for writing, or name another folder"


def _broken_disk(_: Path, __: str) -> str:
    return (
        "its disk gave an error. `dmesg` says more; copy what can be read to another disk, and "
        "materialize again what cannot"
    )


def _network_drive(_: Path, said: str) -> str:
    return f"its network drive does not answer ({said}). Check the mount and the server"


def _no_memory(_: Path, said: str) -> str:
    return f"the machine is short of memory or processes ({said}). Let fewer runs go on at once"


def _other_kind(path: Path, said: str) -> str:
    return f"something else is in its place ({said}). Move it away, or name another folder"


_FAULTS: dict[int, tuple[Callable[[Path, str], str], bool]] = {
    errno.EMFILE: (_too_many_open, True),
    errno.ENFILE: (_too_many_open, True),
    errno.ENOSPC: (_no_space, True),
    errno.EDQUOT: (_over_quota, True),
    errno.EACCES: (_not_allowed, False),
    errno.EPERM: (_not_allowed, False),
    errno.EROFS: (_read_only, False),
    errno.EIO: (_broken_disk, False),
    errno.ESTALE: (_network_drive, True),
    errno.ETIMEDOUT: (_network_drive, True),
    errno.EHOSTDOWN: (_network_drive, True),
    errno.ENOTCONN: (_network_drive, True),
    errno.ENOMEM: (_no_memory, True),
    errno.EAGAIN: (_no_memory, True),
    errno.EISDIR: (_other_kind, False),
    errno.ENOTDIR: (_other_kind, False),
    errno.EEXIST: (_other_kind, False),
    errno.ELOOP: (_other_kind, False),
}
