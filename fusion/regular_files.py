"""Whether a path is a file and nothing else: a folder that comes from somebody else may hold links and devices."""

from __future__ import annotations

import stat
from pathlib import Path


def check_regular(path: Path) -> None:
    """Raise OSError unless there is a regular file; a link, a pipe and a device are none."""
    # Opening a pipe waits for its writer, a link leads out of the folder, and a device may never end.
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError("it is no regular file")
