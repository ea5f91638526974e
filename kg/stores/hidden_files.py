"""Files that may be there and that this user may not see, as a folder on the way, or the file, is somebody else's."""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from pathlib import Path

_log = logging.getLogger(__name__)


def hidden(file: Path) -> str | None:
    """The file and what hinders this user from reading and writing it, or from knowing whether it is there; None where
    nothing does.
    """
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return f"{file} ({error.strerror})"
    return None if os.access(file, os.R_OK | os.W_OK) else f"{file} (it is somebody else's)"


def is_there(file: Path, what: str) -> bool:
    """Whether a file is there, as far as this user may see; that they may not see it is logged once, `what` naming what
    it holds.
    """
    why = hidden(file)
    if why is not None:
        _warn(f"{what} are done without: {why}")
    return why is None and file.exists()


@lru_cache(maxsize=64)
def _warn(said: str) -> None:
    _log.warning("%s", said)
