"""Folders of WhyPath on this machine: the cache (can be fetched again) and the data (must not be lost)."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder for everything that can be fetched again: WHYPATH_CACHE, or the user's cache folder."""
    named = os.environ.get("WHYPATH_CACHE")
    if named:
        return Path(named).expanduser()
    # platformdirs is small, but only a process that keeps files needs it.
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("whypath"))


def data_folder() -> Path:
    """The folder for what cannot be fetched again, such as events that wait for a server: WHYPATH_DATA, or the user's
    data folder.
    """
    named = os.environ.get("WHYPATH_DATA")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_dir

    return Path(user_data_dir("whypath"))
