"""Unpack files while they are read: gzip, bzip2, xz, and zip with one file in it, recognised by their first bytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from typing import IO

from kg.sources.records import SourceError

_GZIP, _BZIP2, _XZ, _ZIP, _ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"PK\x03\x04", b"\x28\xb5\x2f\xfd"
_SHOWN = 5


def unpacked(raw: IO[bytes], name: str) -> IO[bytes]:
    """The bytes of a file, unpacked where they are packed. Raises `SourceError` for what cannot be unpacked."""
    start = raw.read(6)
    raw.seek(0)
    if start.startswith(_GZIP):
        return gzip.GzipFile(fileobj=raw)  # pyright: ignore[reportReturnType]
    # A text may begin with these bytes too, so the name must agree.
    ending = name.lower().rsplit(".", 1)[-1]
    if start.startswith(_BZIP2) and ending == "bz2":
        return bz2.BZ2File(raw)
    if start.startswith(_XZ) and ending == "xz":
        return lzma.LZMAFile(raw)
    if start.startswith(_ZIP) and ending == "zip":
        return _only_member(raw, name)
    if start.startswith(_ZSTD) and ending in ("zst", "zstd"):
        raise SourceError(f"{name}: packed with zstd, which is not read; unpack it (`unzstd`), or pack it with gzip")
    if ending in ("zip", "bz2", "xz"):
        raise SourceError(f"{name}: not {ending} data, despite its name; fetch it again")
    return raw


def _only_member(raw: IO[bytes], name: str) -> IO[bytes]:
    archive = opened_archive(raw, name)
    members = files_in(archive)
    if not members:
        raise SourceError(f"{name}: there is no file in this zip archive")
    if len(members) > 1:
        shown = ", ".join(members[:_SHOWN]) + (", …" if len(members) > _SHOWN else "")
        raise SourceError(f"{name}: a zip archive of several files ({shown}); unpack it and name the files to read")
    try:
        return archive.open(members[0])
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise SourceError(f"{name}: {members[0]} cannot be unpacked ({error}); unpack it by hand") from None


def opened_archive(raw: IO[bytes], name: str) -> zipfile.ZipFile:
    """Open a zip archive. Raises `SourceError` for one that is damaged."""
    try:
        return zipfile.ZipFile(raw)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise SourceError(f"{name}: the zip archive is damaged or cut off ({error}); fetch it again") from None


def files_in(archive: zipfile.ZipFile) -> list[str]:
    """The files of an archive, without folders and the extra files of macOS."""
    names = (info.filename for info in archive.infolist() if not info.is_dir())
    return [name for name in names if not name.startswith("__MACOSX/") and not name.rsplit("/", 1)[-1].startswith(".")]
