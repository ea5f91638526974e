"""Events that a store refused on delivery, with the reasons: a file with one JSON object per line."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kg.durable import OWNER_ONLY, file_written_whole, flush
from kg.rows import Event
from kg.stores.errors import StoreError


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event that the store refused on delivery, and the reason; set aside."""

    event: Event
    reason: str


class RefusedEvents:
    """The file; a line that cannot be read is skipped, and kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, refused: Sequence[RefusedEvent]) -> None:
        """Write more, durably. Raises StoreError."""
        if not refused:
            return
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
            with os.fdopen(descriptor, "ab") as file:
                # Begins with a line break, in case the last process was killed within a line.
                file.write(b"\n" + b"".join(map(_line, refused)))
                file.flush()
                os.fsync(file.fileno())
            flush(self._path.parent)
        except OSError as error:
            raise StoreError(
                f"{self._path}: refused events cannot be kept ({error.strerror}), so they still wait"
            ) from None

    def all(self) -> list[RefusedEvent]:
        """All of them, each event once. Raises StoreError."""
        # A process that died between its line and the removal from the queue was followed by one that wrote it again;
        # one that died within its line left half of one.
        return list({refused.event.id: refused for _, refused in self._lines() if refused is not None}.values())

    def remove_user(self, user: str) -> int:
        """Remove a user's events, and unreadable lines that contain the user's id; return their number."""
        spellings = user.encode("utf-8", "surrogatepass"), json.dumps(user)[1:-1].encode()
        kept: list[bytes] = []
        removed: set[str] = set()
        dropped = False
        for line, refused in self._lines():
            if refused is not None and refused.event.user == user:
                removed.add(refused.event.id)
            elif refused is None and any(spelling in line for spelling in spellings):
                dropped = True
            else:
                kept.append(line)
        if removed or dropped:
            with file_written_whole(self._path, mode=OWNER_ONLY) as file:
                file.write(b"".join(line + b"\n" for line in kept if line))
        return len(removed)

    def _lines(self) -> Iterator[tuple[bytes, RefusedEvent | None]]:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"{self._path} cannot be read: {error.strerror}") from None
        for line in content.split(b"\n"):
            yield line, _refused(line)


def _line(refused: RefusedEvent) -> bytes:
    record = {"event": asdict(refused.event), "reason": refused.reason, "at": time.time()}
    return json.dumps(record).encode() + b"\n"


def _refused(line: bytes) -> RefusedEvent | None:
    try:
        values = json.loads(line)
        event = Event(**values["event"])
        reason = values["reason"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    texts: list[Any] = [event.id, event.user, event.item, event.item_kind, event.kind, reason]
    numbers = [number for number in (event.time, event.weight) if number is not None]
    fits = all(isinstance(text, str) for text in texts) and all(type(number) in (int, float) for number in numbers)
    return RefusedEvent(event, reason) if fits else None
