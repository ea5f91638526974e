"""Note which store this machine last found at a URL, so that its cached snapshot can be served while the server is
away.

A database can be created again, so the note is only used while the server cannot be asked.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from kg.durable import OWNER_ONLY, file_written_whole, make_private
from kg.folders import cache_folder


def remember(url: str, store_id: str) -> None:
    """Note the id of the store at a URL."""
    if remembered(url) == store_id:
        return
    path = _note_of(url)
    # Without a note the store works too, except while its server is away.
    with suppress(OSError):
        make_private(path.parent)
        with file_written_whole(path, mode=OWNER_ONLY) as file:
            file.write(json.dumps({"url": url, "store": store_id}).encode())


def remembered(url: str) -> str | None:
    """Id of the store that was last found at a URL."""
    try:
        note = json.loads(_note_of(url).read_bytes())
        return str(note["store"]) if note["url"] == url else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note_of(url: str) -> Path:
    return cache_folder() / "stores" / "places" / f"{hashlib.blake2b(url.encode(), digest_size=16).hexdigest()}.json"
