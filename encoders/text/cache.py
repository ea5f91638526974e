"""Vectors of texts on disk: one folder for each model and settings, in it Arrow files that are mapped, never rewritten.

A file appears whole (written beside, flushed, renamed) and holds texts' digests and vectors; new texts make new files.
So readers and writers of several processes need no lock: the worst that can happen is that two compute the same text.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kg.durable import flush

MERGE_FROM = 16
"""Files from which they are merged into one: opening more takes longer than reading their vectors."""

STALE_SECONDS = 3600.0
"""Age from which an unfinished file is one that its process will not finish."""

DIGEST_BYTES = 16


class VectorCache:
    """The vectors of one model with one way of computing them; not thread-safe, safe between processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[Path] = []
        self._vectors: list[NDArray[np.float32]] = []
        self._places: dict[bytes, tuple[int, int]] = {}
        if folder.is_dir():
            self._read()

    def __len__(self) -> int:
        return len(self._places)

    @property
    def dimension(self) -> int | None:
        """Length of the vectors, None while there is none."""
        return self._vectors[0].shape[1] if self._vectors else None

    def missing(self, texts: Sequence[str]) -> list[str]:
        """The texts without a vector here, each once, in order."""
        return [text for text in dict.fromkeys(texts) if text_digest(text) not in self._places]

    def get(self, texts: Sequence[str], out: NDArray[np.float32]) -> None:
        """Copy the texts' vectors into `out` [n, dimension]; raises KeyError for one that is not here."""
        for row, text in enumerate(texts):
            file, place = self._places[text_digest(text)]
            out[row] = self._vectors[file][place]

    def add(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Store vectors [n, dimension]; they are on disk when this returns."""
        if texts:
            self._open(self._write([text_digest(text) for text in texts], vectors))

    def merge(self) -> None:
        """Put many files into one, where there are many."""
        if len(self._files) < MERGE_FROM:
            return
        digests = list(self._places)
        vectors = np.stack([self._vectors[file][place] for file, place in self._places.values()])
        merged, old = self._write(digests, vectors), self._files
        self._files, self._vectors, self._places = [], [], {}
        self._open(merged)
        for file in old:
            file.unlink(missing_ok=True)

    def _read(self) -> None:
        for partial in self._folder.glob(".*.partial"):
            with suppress(FileNotFoundError):
                if time.time() - partial.stat().st_mtime > STALE_SECONDS:
                    partial.unlink()
        for file in sorted(self._folder.glob("*.arrow")):
            # Another process may have merged the file away, and a damaged file is only a miss.
            with suppress(FileNotFoundError, pa.ArrowInvalid, KeyError):
                self._open(file)

    def _open(self, file: Path) -> None:
        table = pa.ipc.open_file(pa.memory_map(str(file))).read_all().combine_chunks()
        digests, rows = table["digest"].chunk(0), table["vector"].chunk(0)
        vectors = rows.values.to_numpy(zero_copy_only=True).reshape(len(rows), -1)
        self._files.append(file)
        self._vectors.append(vectors)
        for place, digest in enumerate(digests.to_pylist()):
            self._places.setdefault(digest, (len(self._files) - 1, place))

    def _write(self, digests: Sequence[bytes], vectors: NDArray[np.float32]) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).ravel())
        table = pa.table(
            {
                "digest": pa.array(digests, pa.binary(DIGEST_BYTES)),
                "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
            }
        )
        file = self._folder / f"{secrets.token_hex(8)}.arrow"
        partial = file.with_name(f".{file.stem}.partial")
        with pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=max(1, len(table)))
        flush(partial)
        partial.replace(file)
        flush(self._folder)
        return file


def text_digest(text: str) -> bytes:
    """16 bytes that stand for a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
