"""Where WhyPath keeps things on this machine: what it can make or fetch again, and what it must not lose."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder for everything that can be fetched again: WHYPATH_CACHE, or the user's cache folder."""
    named = os.environ.get("WHYPATH_CACHE")
    if named:
        return Path(named).expanduser()
    # platformdirs is small, but only whoever keeps something needs it.
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("whypath"))


def data_folder() -> Path:
    """The folder for what cannot be fetched again, such as events that wait for a server: WHYPATH_DATA, or the user's
    folder for data of programs.
    """
    named = os.environ.get("WHYPATH_DATA")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_dir

    return Path(user_data_dir("whypath"))
