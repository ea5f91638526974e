"""Remember the quarantine files of a store's loads, so that deleting a user cleans them too.

A store remembers each file with its machine. The deletion of a user removes the user's rows from the files that can be
reached, and reports the others.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kg.durable import OWNER_ONLY, file_written_whole, remove_partial, unfinished
from kg.quarantine_files import is_quarantine, remove_user, rows_about
from kg.stores.protocol import DeletionReport


@dataclass(frozen=True, slots=True, order=True)
class QuarantinePlace:
    """A quarantine file: the machine and the absolute path."""

    host: str
    path: str

    @classmethod
    def here(cls, path: Path) -> QuarantinePlace:
        """A file on this machine."""
        return cls(socket.gethostname(), str(path.resolve()))


class QuarantineNote:
    """The note of a store with its own folder on this machine: one JSON file in it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "quarantines.json"

    def places(self) -> Sequence[QuarantinePlace]:
        """All files that were remembered; none where the note is absent or cannot be read."""
        try:
            note = json.loads(self._path.read_bytes())
            return sorted({QuarantinePlace(str(place["host"]), str(place["path"])) for place in note})
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return ()

    def add(self, path: Path) -> None:
        """Remember a file on this machine, durably. Raises OSError."""
        place = QuarantinePlace.here(path)
        before = self.places()
        if place in before:
            return
        with file_written_whole(self._path, mode=OWNER_ONLY) as file:
            places = [{"host": known.host, "path": known.path} for known in sorted([*before, place])]
            file.write(json.dumps(places).encode())


def with_quarantines(report: DeletionReport, places: Iterable[QuarantinePlace]) -> DeletionReport:
    """The report of a deletion after the user's rows have been removed from the quarantine files as well."""
    removed = remaining = 0
    unreached: list[str] = []
    this_host = socket.gethostname()
    for place in places:
        path = Path(place.path)
        if place.host != this_host:
            unreached.append(f"{place.path} on {place.host}")
            continue
        # The unfinished file of a load that was killed, also beside a finished file of an earlier one.
        remove_partial(path.parent, path.name)
        unreached += [f"{partial} (a load is writing it)" for partial in unfinished(path.parent, path.name)]
        try:
            if not path.exists():
                unreached.append(f"{path} (it is not there any more)")
            elif not is_quarantine(path):
                unreached.append(f"{path} (it is another file now)")
            else:
                removed += remove_user(path, report.user)
                remaining += rows_about(path, report.user)
        except OSError as error:
            unreached.append(f"{path} ({error.strerror or error})")
    return replace(
        report,
        found=report.found or removed > 0,
        quarantined=report.quarantined + removed,
        remaining=report.remaining + remaining,
        unreached=(*report.unreached, *unreached),
    )
