"""Check by digest that the files of a snapshot hold what was written, and note which files were checked.

Reading every file at every opening would cost as much as reading the snapshot, so a process that has compared the
digests notes size, times and place on disk of each file beside them. Where these are unchanged, no process has written
to the files since; where one differs, or there is no note, the files are read once. Silent corruption by the disk is
not noticed, but each opening checks that indices stay within their tables.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kg.durable import file_written_whole

_NOTE = "graph.checked.json"
_TICK_NS = 100_000_000
"""Times of files advance in steps; a file that was written more recently may be written again within its step."""


def digest_of(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_record(record: Mapping[str, Any]) -> str:
    """SHA-256 of a record's content without its own digest field, independent of its JSON formatting."""
    content = {name: value for name, value in record.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def described(paths: Iterable[Path]) -> dict[str, dict[str, object]]:
    """Size and digest of each file by name, for the record. Raises OSError."""
    return {path.name: {"bytes": path.stat().st_size, "sha256": digest_of(path)} for path in paths}


def fault_of(directory: Path, files: Mapping[str, Mapping[str, object]], digest: str) -> str | None:
    """Problem of the files of a directory, by their descriptions in the record with this digest; None where they are as
    written. Raises OSError.
    """
    places: dict[str, list[int]] = {}
    at = time.time_ns()
    for name, described_as in files.items():
        path = directory / name
        try:
            status = path.stat()
        except FileNotFoundError:
            return f"{path} is missing"
        if status.st_size != described_as["bytes"]:
            return f"{path} has {status.st_size} bytes instead of {described_as['bytes']}"
        places[name] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    if _noted(directory) == {"record": digest, "files": places}:
        return None
    for name, described_as in files.items():
        if digest_of(directory / name) != described_as["sha256"]:
            return f"{directory / name} does not hold what was written"
    if all(at - max(times) > _TICK_NS for _, *times, _ in places.values()):
        _note(directory, digest, places)
    return None


def _noted(directory: Path) -> object:
    try:
        return json.loads((directory / _NOTE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _note(directory: Path, digest: str, places: Mapping[str, list[int]]) -> None:
    # Without a note, in a directory of another owner, the files are read again the next time.
    with suppress(OSError):
        mode = (directory / next(iter(places))).stat().st_mode & 0o666 if places else None
        with file_written_whole(directory / _NOTE, mode=mode) as file:
            file.write(json.dumps({"record": digest, "files": places}).encode())
