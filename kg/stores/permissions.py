"""Restrict folders with users' events to their owner, also those that earlier versions made with the permissions of the
umask.

New files are made so; this is for existing ones. It never fails: who does not own a file cannot change it, and may yet
be allowed to use it.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from kg.durable import OWNER_ONLY

_FOLDER = 0o700


def close_to_others(folder: Path, ours: re.Pattern[str]) -> None:
    """Take the rights of others from all entries of a folder whose names are `ours`, with their content, and from the
    folder itself if it holds nothing else: a user may keep other things in it.
    """
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if ours.fullmatch(entry.name):
            _close(Path(entry.path))
    if all(ours.fullmatch(entry.name) for entry in entries):
        _take_rights(folder)


def _close(path: Path) -> None:
    _take_rights(path)
    for place, folders, names in os.walk(path):
        for name in (*folders, *names):
            _take_rights(Path(place, name))


def _take_rights(path: Path) -> None:
    with suppress(OSError):
        status = path.lstat()
        if not hasattr(os, "geteuid") or status.st_uid != os.geteuid():
            return
        allowed = _FOLDER if stat.S_ISDIR(status.st_mode) else OWNER_ONLY
        mode = stat.S_IMODE(status.st_mode)
        # Never through a link, which may lead anywhere.
        if mode & ~allowed and (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
            path.chmod(mode & allowed)
