"""Open the files of a description: check where they are, unpack them, and report a file that is unreadable as a whole.

Descriptions may be untrusted. So a file must be regular, and its real place in the description's folder or in a folder
that the caller allows; all code that opens such a file goes through this module.
"""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import os
import shlex
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from kg.regular_files import NotRegular, open_regular
from kg.sources.packed import unpacked
from kg.sources.records import SourceError

_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Codecs of Python that no text file is written in; some take time quadratic in the length of the text."""


def located(file: str, name: str, folder: Path, allow_outside: Sequence[str | Path] = ()) -> Path:
    """Resolve the path of a file that a description names, relative to `folder`, with links followed.

    Raises `SourceError` if it is neither in `folder` nor in one of `allow_outside`, whether it exists or not.
    """
    try:
        path = (folder / file).resolve()
        places = [Path(place).resolve() for place in (folder, *allow_outside)]
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL, a lone surrogate
        raise SourceError(f"{name!r}: no file can have this path ({error})") from None
    if any(path.is_relative_to(place) for place in places):
        return path
    raise SourceError(
        f"{name}: {path} is outside the description's folder {places[0]}; if it may be read, say so with "
        f"`--allow-outside {shlex.quote(str(path.parent))}` (in Python `allow_outside=[{str(path.parent)!r}]`)"
    )


class OpenFile:
    """A file being read: its bytes, unpacked where it is packed, and the progress of reading."""

    def __init__(self, raw: IO[bytes], name: str) -> None:
        self._raw = raw
        self._name = name
        self._size = os.fstat(raw.fileno()).st_size
        self.binary = unpacked(raw, name)

    def text(self, encoding: str) -> io.TextIOWrapper:
        """Text in lines that end at \\n only; bytes that are not UTF-8 become lone surrogates, which are found row by
        row."""
        utf8 = _codec(encoding, self._name) in ("utf-8", "utf-8-sig")
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

    def __init__(self, binary: IO[bytes]) -> None:
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
    """Open a source's file; a failure of the file as a whole, while it is open, becomes a `SourceError`."""
    with opened_raw(path, name) as raw:
        yield OpenFile(raw, name)


@contextmanager
def opened_raw(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Open a source's file without unpacking, as `opened` does."""
    try:
        with _open(path, name) as raw:
            yield raw
    except FileNotFoundError:
        raise SourceError(
            f"{name}: no such file ({path}); correct the path in domain.yaml or put the file there"
        ) from None
    except IsADirectoryError:
        raise SourceError(f"{name}: {path} is a folder, not a file") from None
    except NotRegular as error:
        raise SourceError(f"{name}: {path} cannot be a source: {error.strerror}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise SourceError(f"{name}: the gzip file is damaged or cut off ({error}); fetch it again") from None
    except UnicodeDecodeError as error:
        raise SourceError(f"{name}: not text in {error.encoding} ({error.reason}); correct `encoding`") from None
    except UnicodeError as error:
        raise SourceError(f"{name}: not text in its `encoding` ({error}); correct that") from None
    except OSError as error:
        raise SourceError(f"{name}: cannot be read ({error.strerror or error})") from None
    except MemoryError:
        raise SourceError(f"{name}: this machine has not enough memory to read it") from None


def _open(path: Path, name: str) -> IO[bytes]:
    try:
        return open_regular(path)
    except ValueError as error:  # a NUL, a lone surrogate
        raise SourceError(f"{name!r}: no file can have this path ({error})") from None


def _codec(encoding: str, name: str) -> str:
    """Python's name of an encoding; raises `SourceError` for one that is not a text encoding."""
    try:
        "".encode(encoding)  # refuses codecs from bytes to bytes, such as base64
        codec = codecs.lookup(encoding).name.replace("_", "-")
    except (LookupError, ValueError):
        codec = ""
    if not codec or codec in _NO_CHARSETS:
        raise SourceError(f"{name}: there is no text encoding {encoding!r}; use one such as utf-8 or latin-1")
    return codec
