"""Cache vectors of texts on disk: one folder per model and settings, with Arrow files that are mapped, never rewritten.

A file is written atomically (beside, flushed, renamed) and holds texts' digests, vectors, and a check of both for each
text, which is compared when the vector is first used. So readers and writers of several processes need no lock: at
worst two of them compute the same text, and the texts of a damaged file are computed again. A folder that cannot be
read or written is not used, with a warning.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kg.durable import OWNER_ONLY, file_written_whole, make_private, remove_partial, remove_tree

MERGE_FROM = 16
"""Number of files from which they are merged into one: opening more takes longer than reading their vectors."""

DIGEST_BYTES = 16
_CHECK_BYTES = 8

_DAMAGE = (ArithmeticError, LookupError, MemoryError, OSError, TypeError, ValueError, pa.ArrowException)
"""What opening a file raises that this module has not written."""

_log = logging.getLogger(__name__)


class VectorCache:
    """The vectors of one model with one set of settings; not thread-safe, safe between processes. No method raises
    OSError.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # A check includes the folder's name: vectors of another model do not pass it.
        self._key = hashlib.blake2b(folder.name.encode("utf-8", "surrogateescape")).digest()
        self._files: list[Path | None] = []
        self._vectors: list[NDArray[np.float32]] = []
        self._checks: list[NDArray[np.void]] = []
        self._places: dict[bytes, tuple[int, int]] = {}
        self._sound: set[bytes] = set()
        self._has_warned = False
        self._read()

    def __len__(self) -> int:
        return len(self._places)

    @property
    def dimension(self) -> int | None:
        """Length of the vectors, None while there are none."""
        return next((self._vectors[file].shape[1] for file, _ in self._places.values()), None)

    def missing(self, texts: Sequence[str]) -> list[str]:
        """The texts without a vector here, each once, in order."""
        wanted = {text: text_digest(text) for text in dict.fromkeys(texts)}
        self._check(wanted.values())
        return [text for text, digest in wanted.items() if digest not in self._places]

    def get(self, texts: Sequence[str], out: NDArray[np.float32]) -> None:
        """Copy the texts' vectors into `out` [n, dimension]; raises KeyError for one that is not here."""
        digests = [text_digest(text) for text in texts]
        self._check(digests)
        for row, digest in enumerate(digests):
            file, place = self._places[digest]
            out[row] = self._vectors[file][place]

    def add(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Store vectors [n, dimension]; they are on disk when this returns, or in memory where that cannot be."""
        if not texts:
            return
        digests = [text_digest(text) for text in texts]
        if not self._kept(digests, vectors):
            self._take(None, digests, np.array(vectors, dtype=np.float32), np.zeros(0, dtype=f"V{_CHECK_BYTES}"))
        # Vectors that this process has computed need no comparison.
        self._sound.update(digests)

    def merge(self) -> None:
        """Merge the files into one, where there are many."""
        if sum(file is not None for file in self._files) < MERGE_FROM:
            return
        # New checks must not be computed from damaged vectors.
        self._check(list(self._places))
        digests = list(self._places)
        if not digests:
            return
        vectors = np.stack([self._vectors[file][place] for file, place in self._places.values()])
        old = (self._files, self._vectors, self._checks, self._places)
        self._files, self._vectors, self._checks, self._places = [], [], [], {}
        if not self._kept(digests, vectors):
            self._files, self._vectors, self._checks, self._places = old
            return
        for file in old[0]:
            self._remove(file)

    def _read(self) -> None:
        remove_partial(self._folder)
        try:
            files = sorted(path for path in self._folder.iterdir() if path.suffix == ".arrow")
        except FileNotFoundError:
            return
        except OSError as error:
            self._warn(f"cached vectors there cannot be read ({error.strerror}); they are computed again")
            return
        for file in files:
            self._open(file)

    def _open(self, file: Path) -> bool:
        try:
            digests, vectors, checks = _columns(file)
            if len(digests) and not self._is_sound(digests[0], vectors[0], checks[0]):
                raise ValueError("its first vector is not what was written")
        except FileNotFoundError:
            # Another process has merged it into another file.
            return False
        except _DAMAGE as error:
            self._damaged(file, str(error))
            return False
        if len(digests):
            self._take(file, digests, vectors, checks)
        return True

    def _take(
        self, file: Path | None, digests: Sequence[bytes], vectors: NDArray[np.float32], checks: NDArray[np.void]
    ) -> None:
        self._files.append(file)
        self._vectors.append(vectors)
        self._checks.append(checks)
        for place, digest in enumerate(digests):
            self._places.setdefault(digest, (len(self._files) - 1, place))

    def _check(self, digests: Iterable[bytes]) -> None:
        """Compare the checks of vectors that are used for the first time, and drop the files where one differs."""
        for digest in digests:
            location = self._places.get(digest)
            if location is None or digest in self._sound:
                continue
            number, place = location
            if self._is_sound(digest, self._vectors[number][place], self._checks[number][place]):
                self._sound.add(digest)
                continue
            file = self._files[number]
            if file is not None:
                self._damaged(file, "a vector is not what was written")
            # Vectors that were compared before are right, and callers may use them.
            unchecked = [e for e, (holder, _) in self._places.items() if holder == number and e not in self._sound]
            for dropped in unchecked:
                del self._places[dropped]
            self._files[number] = None

    def _is_sound(self, digest: bytes, vector: NDArray[np.float32], check: np.void) -> bool:
        return _check_of(self._key, digest, vector) == check.tobytes()

    def _damaged(self, file: Path, how: str) -> None:
        _log.warning("%s is damaged (%s). It is dropped, and its texts are computed again", file, how)
        self._remove(file)

    def _remove(self, file: Path | None) -> None:
        try:
            if file is not None:
                remove_tree(file)
        except OSError as error:
            self._warn(f"{file} cannot be removed ({error.strerror})")

    def _warn(self, what: str) -> None:
        """Warn once: writing will fail the next time, too."""
        if not self._has_warned:
            self._has_warned = True
            _log.warning("%s: %s", self._folder, what)

    def _kept(self, digests: Sequence[bytes], vectors: NDArray[np.float32]) -> bool:
        """Write a file and use it; False where it cannot be written."""
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        checks = [_check_of(self._key, digest, row) for digest, row in zip(digests, rows, strict=True)]
        batch = pa.record_batch(
            {
                "digest": pa.array(digests, pa.binary(DIGEST_BYTES)),
                "vector": pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1]),
                "check": pa.array(checks, pa.binary(_CHECK_BYTES)),
            }
        )
        file = self._folder / f"{secrets.token_hex(8)}.arrow"
        try:
            make_private(self._folder)
            with file_written_whole(file, mode=OWNER_ONLY) as sink, pa.ipc.new_file(sink, batch.schema) as writer:
                writer.write_batch(batch)
        except OSError as error:
            self._warn(f"vectors of texts cannot be cached ({error.strerror}), and are computed again the next time")
            return False
        return self._open(file)


def text_digest(text: str) -> bytes:
    """16 bytes that identify a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()


def _check_of(key: bytes, digest: bytes, vector: NDArray[np.float32]) -> bytes:
    return hashlib.blake2b(digest + vector.tobytes(), digest_size=_CHECK_BYTES, key=key).digest()


def _columns(file: Path) -> tuple[list[bytes], NDArray[np.float32], NDArray[np.void]]:
    """Digests [n], vectors float32 [n, dimension] and checks [n] of a file, the latter two mapped. Raises `_DAMAGE`."""
    batch: Any = pa.ipc.open_file(pa.memory_map(str(file))).get_batch(0)
    batch.validate(full=True)
    digests, rows, checks = (batch.column(name) for name in ("digest", "vector", "check"))
    kinds = (digests.type, rows.type.value_type, checks.type)
    if kinds != (pa.binary(DIGEST_BYTES), pa.float32(), pa.binary(_CHECK_BYTES)) or not rows.type.list_size:
        raise ValueError(f"its columns are {batch.schema}")
    if any(column.null_count or column.offset for column in (digests, rows, checks)):
        raise ValueError("it has rows without a value")
    vectors = rows.values.to_numpy(zero_copy_only=True).reshape(len(rows), rows.type.list_size)
    check = np.frombuffer(checks.buffers()[1], dtype=f"V{_CHECK_BYTES}", count=len(rows)) if len(rows) else None
    return digests.to_pylist(), vectors, np.zeros(0, dtype=f"V{_CHECK_BYTES}") if check is None else check
