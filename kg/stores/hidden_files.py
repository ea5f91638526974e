"""Detect files that this user cannot access, because the file or a folder on its path has another owner."""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from pathlib import Path

_log = logging.getLogger(__name__)


def hidden(file: Path) -> str | None:
    """The file and what prevents this user from reading and writing it, or from knowing whether it exists; None if
    nothing does.
    """
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return f"{file} ({error.strerror})"
    return None if os.access(file, os.R_OK | os.W_OK) else f"{file} (it has another owner)"


def is_there(file: Path, what: str) -> bool:
    """Whether a file exists, as far as this user can see; lacking access is logged once, where `what` names what it
    holds.
    """
    why = hidden(file)
    if why is not None:
        _warn(f"{what} are ignored: {why}")
    return why is None and file.exists()


@lru_cache(maxsize=64)
def _warn(message: str) -> None:
    _log.warning("%s", message)
