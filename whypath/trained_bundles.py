"""`TrainedBundles`: which bundles on this machine were trained with a user's events, so that `forget` can say so.

A bundle holds no user, but what its users did can be read off it in part. So whoever saves one leaves a note among this
person's data: where it is, its digest, its store, and keyed digests of its training users. Digests have 8 bytes: two
users among a billion share one by chance, and then a bundle too many is named. The key never leaves this machine, so
the notes alone tell nobody who the users are.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kg.durable import OWNER_ONLY, file_written_whole, make_private
from kg.errors import WhyPathError
from kg.folders import data_folder
from kg.locking import FileLock
from whypath.bundle import Bundle, BundleRecord, read_record

_KEY_BYTES = 32
_DIGEST_BYTES = 8
_LOCK_SECONDS = 10.0
_SUFFIX = ".users"
"""Of a note: a line of JSON with the bundle, then the digests, 8 bytes each."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainedBundle:
    """A bundle of this machine: where it is, the digest that it was saved with, the URL of the store that it was
    trained on, and the training files, none where the store's own events were learnt from.
    """

    path: str
    digest: str
    store: str
    files: tuple[str, ...]


class TrainedBundles:
    """The notes, in the folder for data of this user; safe for many processes, as every note is written whole."""

    def __init__(self) -> None:
        self._folder = data_folder() / "bundles"

    def add(self, bundle: TrainedBundle, users: Iterable[str] | None) -> None:
        """Note a bundle that was saved, in the place of an earlier one at its path. `users`: those that it was trained
        with; None where it was not trained here but opened, so that the note of what was opened says whom.

        A folder that cannot be written is logged: the bundle is saved all the same.
        """
        try:
            digests = self._copied(bundle.digest) if users is None else self._digests(users)
            if digests is None:
                return
            stem = hashlib.blake2b(bundle.path.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
            with file_written_whole(self._folder / f"{stem}{_SUFFIX}", mode=OWNER_ONLY) as file:
                file.write(json.dumps(asdict(bundle)).encode() + b"\n" + digests.tobytes())
        except OSError as error:
            _log.warning(
                "%s: it cannot be noted whom the bundle was trained with (%s), so forgetting a user will not name it",
                bundle.path,
                error,
            )

    def trained_with(self, user: str, store: str) -> list[TrainedBundle]:
        """The bundles over a store (its URL) that are still where they were saved and were trained with the user."""
        found = [(bundle, digests) for bundle, digests in self._notes() if bundle.store == store]
        if not found:
            return []
        wanted = self._digests([user])[0]
        return [bundle for bundle, digests in found if wanted in digests and _is_there(bundle)]

    def _copied(self, digest: str) -> NDArray[np.uint64] | None:
        return next((digests for bundle, digests in self._notes() if bundle.digest == digest), None)

    def _notes(self) -> Iterator[tuple[TrainedBundle, NDArray[np.uint64]]]:
        try:
            notes = sorted(path for path in self._folder.iterdir() if path.suffix == _SUFFIX)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            _log.warning("%s: which bundles were trained with whom cannot be read (%s)", self._folder, error.strerror)
            return
        for note in notes:
            # What another version or a damaged disk has left says nothing.
            with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
                text, _, content = note.read_bytes().partition(b"\n")
                values = json.loads(text)
                bundle = TrainedBundle(**{**values, "files": tuple(values["files"])})
                yield bundle, np.frombuffer(content, dtype="<u8")

    def _digests(self, users: Iterable[str]) -> NDArray[np.uint64]:
        """Keyed digests [n_users]. Raises OSError."""
        key = self._key()
        found = (
            hashlib.blake2b(user.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES, key=key).digest()
            for user in users
        )
        return np.frombuffer(b"".join(found), dtype="<u8")

    def _key(self) -> bytes:
        """The key of this machine, drawn when it is first needed. Raises OSError."""
        path = self._folder / "key"
        make_private(self._folder)
        lock = FileLock(self._folder / "lock")
        lock.acquire(_LOCK_SECONDS)
        try:
            if not path.exists():
                with file_written_whole(path, mode=OWNER_ONLY) as file:
                    file.write(secrets.token_bytes(_KEY_BYTES))
            return path.read_bytes()
        finally:
            lock.release()


def save_and_note(bundle: Bundle, directory: Path, store: str, *, force: bool) -> BundleRecord:
    """Save a bundle, trained on a store (its URL), and note on this machine whom it was trained with. Raises
    BundleError.
    """
    record = bundle.save(directory, force=force)
    files = tuple(str(path.resolve()) for path in bundle.files)
    TrainedBundles().add(TrainedBundle(str(directory.resolve()), record.digest, store, files), bundle.users)
    return record


def _is_there(bundle: TrainedBundle) -> bool:
    try:
        return read_record(Path(bundle.path)).digest == bundle.digest
    except (WhyPathError, OSError):
        return False
