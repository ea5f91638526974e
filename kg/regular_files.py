"""Open files that users or data name: only regular ones, and without ever blocking."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
# Otherwise a pipe without a writer would block the process permanently.
_FLAGS |= getattr(os, "O_NONBLOCK", 0)

_SORTS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


class NotRegular(OSError):
    """The file to be read is a device, a pipe or a socket; `strerror` says which."""


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading. Raises `NotRegular`, `IsADirectoryError` and what `open` raises."""
    # Checked before opening, as opening a device can have effects, and after, as the file may have changed by then.
    _check(path.stat(), path)
    descriptor = os.open(path, _FLAGS)
    try:
        _check(os.fstat(descriptor), path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _check(status: os.stat_result, path: Path) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        sort = next((name for is_sort, name in _SORTS if is_sort(status.st_mode)), "no regular file")
        raise NotRegular(errno.EINVAL, f"this is {sort}, not a file", str(path))
