"""Check that a bundle can be written into a folder: only a bundle may be replaced."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from kg.visible import has_halves
from whypath.models.bundle_record import MODEL, RECORD, BundleError, may_be_of_bundle, put_back, read_record

_NAMED = 3
"""Number of files that a message names."""


def folder_of(directory: str | Path) -> Path:
    """Return the path of a bundle's folder. Raises BundleError if the files of a bundle cannot be written to it."""
    if has_halves(str(directory)):
        raise BundleError(f"{directory}: the path has bytes that are not UTF-8; name another folder")
    return Path(directory)


def check_free(directory: Path, *, force: bool) -> None:
    """Raise BundleError unless a bundle can be written into a folder: it is absent, empty or, with `force`, a bundle.

    With `force` all of it is replaced, so everything in it must belong to the bundle: `bundle.json`, and the files
    that it names; if it cannot be read, files with the names of a bundle's. A link to a folder is followed.
    """
    folder_of(directory)
    try:
        put_back(directory)
        _check_place(directory)
        if not os.path.lexists(directory) or not any(directory.iterdir()):
            return
        if not os.path.lexists(directory / RECORD):
            raise BundleError(f"{directory} exists and is not a bundle; name a folder that does not exist")
        if not force:
            raise BundleError(
                f"{directory} holds a bundle already; give --force to overwrite it, or name another folder"
            )
        _check_own(directory)
    except (OSError, ValueError) as error:
        raise BundleError(f"no bundle can be written to {directory} ({error}); name another folder") from error


def _check_place(directory: Path) -> None:
    if directory.is_symlink() and not directory.exists():
        raise BundleError(
            f"{directory} is a link that leads nowhere; remove it, or create the folder {os.path.realpath(directory)}"
        )
    if os.path.lexists(directory) and not directory.is_dir():
        raise BundleError(f"{directory} is a file; a bundle is a folder: name one that does not exist")
    # The bundle is written beside its place first. Checked now, because training can take hours.
    parent = Path(os.path.realpath(directory)).parent
    while not os.path.lexists(parent):
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise BundleError(
            f"no bundle can be written to {directory}: {parent} is not a folder, or may not be written to"
        )


def _check_own(directory: Path) -> None:
    """Raise BundleError if a folder with a bundle holds anything else."""
    try:
        files = read_record(directory).files
        own, why = {RECORD, *files}, "are not part of it"
    except BundleError:
        own, why = None, f"do not have the names of a bundle's files ({directory / RECORD} cannot be read)"
    foreign = [name for name in _content(directory) if not (may_be_of_bundle(name) if own is None else name in own)]
    if foreign:
        named = ", ".join(map(repr, sorted(foreign)[:_NAMED])) + (", …" if len(foreign) > _NAMED else "")
        raise BundleError(
            f"{directory} holds a bundle and {named}, which {why} and would be lost if the bundle were replaced; "
            "move away what you need of it, or name another folder"
        )


def _content(directory: Path, prefix: str = "") -> Iterator[str]:
    """Yield relative names of everything in a folder; of folders that no bundle has, only their name, with a /."""
    for entry in os.scandir(directory):
        name, kind = prefix + entry.name, entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(kind) and name == MODEL:
            yield from _content(Path(entry.path), f"{name}/")
        elif stat.S_ISREG(kind):
            yield name
        else:
            # Links and other special files never belong to a bundle, whatever their name.
            yield f"{name}/" if stat.S_ISDIR(kind) else f"{name} (not a regular file)"
