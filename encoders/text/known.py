"""Remember the folders of text models that a user has named on this machine, by the digest of their content.

A bundle that was trained with one records the digest; only this machine knows the folder's path.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from encoders.text.folder import ModelFolder
from kg.durable import OWNER_ONLY, file_written_whole, make_private
from kg.folders import cache_folder


def remember(folder: ModelFolder) -> None:
    """Record the folder of a model."""
    place = folder.path.resolve()
    if remembered(folder.digest) == place:
        return
    note = _note_of(folder.digest)
    # Without this record only new texts for a bundle fail later, until the folder is named again.
    with suppress(OSError):
        make_private(note.parent)
        with file_written_whole(note, mode=OWNER_ONLY) as file:
            file.write(json.dumps({"folder": str(place)}).encode())


def remembered(digest: str) -> Path | None:
    """The folder of a model with this content when a user last named it."""
    try:
        return Path(json.loads(_note_of(digest).read_bytes())["folder"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note_of(digest: str) -> Path:
    return cache_folder() / "text-models" / f"{digest}.json"
