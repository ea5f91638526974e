"""Opening files for readers: gzip by its magic bytes, one message for whatever is wrong with the file as a whole."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from kg.sources.records import SourceError

_GZIP_MAGIC = b"\x1f\x8b"


class OpenFile:
    """A file being read: its bytes, unpacked where it is gzip, and how far reading has come."""

    def __init__(self, raw: IO[bytes], size: int) -> None:
        self._raw = raw
        self._size = size
        packed = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        self.binary: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if packed else raw

    def text(self, encoding: str) -> io.TextIOWrapper:
        """Text in lines that end at \\n only; undecodable bytes of UTF-8 become lone surrogates, to be found by row."""
        utf8 = encoding.lower().replace("_", "-") in ("utf-8", "utf8")
        return io.TextIOWrapper(
            _Buffered(self.binary),
            "utf-8-sig" if utf8 else encoding,
            "surrogateescape" if utf8 else "strict",
            newline="\n",
        )

    def fraction(self) -> float | None:
        """Share of the file's bytes read so far."""
        try:
            return min(1.0, self._raw.tell() / self._size) if self._size else 1.0
        except ValueError:  # closed
            return None


class _Buffered(io.BufferedIOBase):
    """The parts of a binary file that `TextIOWrapper` reads, without closing the file at the end."""

    name = ""

    def __init__(self, binary: IO[bytes] | gzip.GzipFile) -> None:
        self._binary = binary

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._binary.read(-1 if size is None else size)

    def read1(self, size: int = -1, /) -> bytes:
        # 256 KiB at a time: gzip's read1 else returns a few bytes per call.
        return self._binary.read(size if size > 0 else 1 << 18)


@contextmanager
def opened(path: Path, name: str) -> Iterator[OpenFile]:
    """Open a source's file; any failure while it is open that concerns the whole file becomes a `SourceError`."""
    try:
        with path.open("rb") as raw:
            yield OpenFile(raw, path.stat().st_size)
    except FileNotFoundError:
        raise SourceError(
            f"{name}: no such file ({path}); correct the path in domain.yaml or put the file there"
        ) from None
    except IsADirectoryError:
        raise SourceError(f"{name}: {path} is a folder, not a file") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(f"{name}: the gzip file is damaged or cut off ({error}); fetch it again") from None
    except UnicodeDecodeError as error:
        raise SourceError(f"{name}: not text in {error.encoding} ({error.reason}); correct `encoding`") from None
    except OSError as error:
        raise SourceError(f"{name}: cannot be read ({error.strerror or error})") from None
