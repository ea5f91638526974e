"""Check that a path is a regular file: a folder of unknown origin may hold links and devices."""

from __future__ import annotations

import stat
from pathlib import Path


def check_regular(path: Path) -> None:
    """Raise OSError unless it is a regular file; links, pipes and devices are not."""
    # Opening a pipe waits for its writer, a link leads out of the folder, and a device may never end.
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError("it is no regular file")
