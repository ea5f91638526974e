"""Where WhyPath keeps what it can make or fetch again."""

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
