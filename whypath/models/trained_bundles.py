"""`TrainedBundles`: notes of the bundles on this machine that were trained with a user's events, for `forget`.

A bundle holds no user, but part of its users' events can be inferred from it. So saving a bundle leaves a note in the
data folder of the operating system's user: its path, its digest, its store, and keyed digests of its training users.
Digests have 8 bytes: two users among a billion share one by chance, and then a bundle too many is named. The key never
leaves this machine, so the notes alone do not reveal the users.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kg.durable import OWNER_ONLY, file_written_whole, make_private
from kg.errors import WhyPathError
from kg.folders import data_folder
from kg.locking import FileLock
from kg.stores.permissions import close_to_others
from whypath.models.bundle import Bundle, BundleRecord, read_record

_KEY_BYTES = 32
_DIGEST_BYTES = 8
_LOCK_SECONDS = 10.0
_DAMAGED_KEY = "damaged, so no user can be found in the notes beside it; remove the folder, train the bundles again"
_SUFFIX = ".users"
"""Suffix of a note: a line of JSON with the bundle, then the digests, 8 bytes each."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainedBundle:
    """A bundle of this machine: its path, the digest that it was saved with, the URL of the store that it was trained
    on, and the training files, none if it was trained on the store's events.
    """

    path: str
    digest: str
    store: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Note:
    """A bundle with the digests of its users, uint64 [n_users], and the identity of the key that they were made with,
    empty in notes of earlier versions.
    """

    bundle: TrainedBundle
    key: str
    users: NDArray[np.uint64]


class TrainedBundles:
    """The notes, in this user's data folder; safe for many processes, as every note is written whole."""

    def __init__(self) -> None:
        self._folder = data_folder() / "bundles"

    def add(self, bundle: TrainedBundle, users: Iterable[str] | None, users_of: str | None = None) -> None:
        """Note a bundle that was saved, replacing an earlier note of its path. `users`: those that it was trained with;
        None if it was not trained here but opened, so that the note of the opened bundle gives them. `users_of`: the
        digest of a noted bundle, of which it was made by an update: it was trained with the users of that one too.

        A folder that cannot be written is logged: the bundle is saved nevertheless.
        """
        try:
            if users is None:
                known = self._copied(bundle.digest)
                if known is None:
                    return
                note = replace(known, bundle=bundle)
            else:
                key = self._key()
                note = _Note(bundle, _key_check(key), _digests(users, key))
                former = None if users_of is None else self._copied(users_of)
                if former is not None and former.key in ("", note.key):
                    note = replace(note, users=np.union1d(note.users, former.users))
                elif former is not None:
                    # Noted with a key that is lost, so it is named for all users.
                    note = replace(note, key=former.key)
            close_to_others(self._folder, re.compile(".*", re.DOTALL))
            stem = hashlib.blake2b(bundle.path.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
            with file_written_whole(self._folder / f"{stem}{_SUFFIX}", mode=OWNER_ONLY) as file:
                file.write(_written(note))
        except OSError as error:
            _log.warning(
                "%s: the users of the bundle cannot be noted (%s), so forgetting a user will not name it",
                bundle.path,
                error,
            )

    def trained_with(self, user: str, store: str) -> list[TrainedBundle]:
        """The bundles over a store (its URL) that are still where they were saved and were trained with the user, or
        may have been: if the key is damaged or lost, that is each of them, which is logged.
        """
        found = [note for note in self._notes() if note.bundle.store == store]
        if not found:
            return []
        try:
            key = self._key()
        except OSError as error:
            _log.warning("%s: %s; all bundles over this store are named", error.filename, error.strerror)
            return [note.bundle for note in found if _is_there(note.bundle)]
        wanted = _digests([user], key)[0]
        named: list[TrainedBundle] = []
        for note in found:
            if note.key not in ("", _key_check(key)):
                _log.warning("%s: noted with a key that is lost, so it is named for all users", note.bundle.path)
            elif wanted not in note.users:
                continue
            if _is_there(note.bundle):
                named.append(note.bundle)
        return named

    def _copied(self, digest: str) -> _Note | None:
        return next((note for note in self._notes() if note.bundle.digest == digest), None)

    def _notes(self) -> Iterator[_Note]:
        try:
            notes = sorted(path for path in self._folder.iterdir() if path.suffix == _SUFFIX)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            _log.warning("%s: the notes of bundles and their users cannot be read (%s)", self._folder, error.strerror)
            return
        for note in notes:
            try:
                found = _read(note.read_bytes())
            except OSError as error:
                _log.warning("%s cannot be read (%s), so the users of its bundle are not known", note, error)
                continue
            if found is None:
                # Not skipped silently: forgetting a user would not name the bundle.
                _log.warning(
                    "%s is damaged, so the users of its bundle are not known; train the bundle again",
                    note,
                )
                continue
            yield found

    def _key(self) -> bytes:
        """Return the key of this machine, drawn at first use. Raises OSError."""
        path = self._folder / "key"
        make_private(self._folder)
        lock = FileLock(self._folder / "lock")
        lock.acquire(_LOCK_SECONDS)
        try:
            if not path.exists():
                with file_written_whole(path, mode=OWNER_ONLY) as file:
                    file.write(secrets.token_bytes(_KEY_BYTES))
            key = path.read_bytes()
        finally:
            lock.release()
        if len(key) != _KEY_BYTES:
            raise OSError(errno.EINVAL, _DAMAGED_KEY, str(path))
        return key


def save_and_note(bundle: Bundle, directory: Path, store: str, *, force: bool) -> BundleRecord:
    """Save a bundle, trained on a store (its URL), and note its users on this machine. Raises
    BundleError.
    """
    record = bundle.save(directory, force=force)
    files = tuple(str(path.resolve()) for path in bundle.files)
    noted = TrainedBundle(str(directory.resolve()), record.digest, store, files)
    TrainedBundles().add(noted, bundle.users, bundle.users_of)
    return record


def _digests(users: Iterable[str], key: bytes) -> NDArray[np.uint64]:
    """Keyed digests [n_users]."""
    found = (
        hashlib.blake2b(user.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES, key=key).digest()
        for user in users
    )
    return np.frombuffer(b"".join(found), dtype="<u8")


def _key_check(key: bytes) -> str:
    """The identity of a key."""
    return hashlib.blake2b(b"key", digest_size=_DIGEST_BYTES, key=key).hexdigest()


def _check(note: _Note) -> str:
    """Digest of a note's content."""
    content = json.dumps([asdict(note.bundle), note.key]).encode() + note.users.tobytes()
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()


def _written(note: _Note) -> bytes:
    """A line of JSON with the bundle, then the users' digests."""
    values = {**asdict(note.bundle), "key": note.key, "check": _check(note)}
    return json.dumps(values).encode() + b"\n" + note.users.tobytes()


def _read(written: bytes) -> _Note | None:
    """Read a note; None if it is damaged."""
    text, _, content = written.partition(b"\n")
    try:
        values = json.loads(text)
        check, key, files = values.pop("check", None), values.pop("key", ""), values.pop("files")
        bundle = TrainedBundle(**values, files=tuple(files))
        note = _Note(bundle, key, np.frombuffer(content, dtype="<u8"))
        texts = (bundle.path, bundle.digest, bundle.store, *bundle.files, key)
        if not all(isinstance(each, str) and "\0" not in each for each in texts):
            return None
        # Notes of earlier versions have no digest.
        return note if check is None or check == _check(note) else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _is_there(bundle: TrainedBundle) -> bool:
    try:
        return read_record(Path(bundle.path)).digest == bundle.digest
    except (WhyPathError, OSError):
        return False
