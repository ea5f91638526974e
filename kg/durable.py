"""Write files and directories atomically: beside the target, flushed, then renamed to it in one step.

An unfinished one is named `.NAME.RANDOM.partial` and locked by the process that writes it. The lock tells what a killed
process left from what another process is writing, also on a disk that machines share.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO

from kg.exchanging import exchange
from kg.forking import not_forking
from kg.locking import try_lock

OWNER_ONLY = 0o600
"""Permissions of files that say what people did."""

_PARTIAL = ".partial"
_FORMER = ".former.partial"
"""Suffix of the former target while it is exchanged in two steps, where the system has no single one."""

_RANDOM, _IS_FORMER = r"(?:[0-9a-f]{16}|\d+-[0-9a-f]{8})", r"(?:\.(?:former|old))"
"""Patterns that tell partial files of one target apart, and mark its former content; the second forms are those of
earlier versions.
"""


def folder_mode(mode: int) -> int:
    """Permissions of a folder whose files have `mode`: who may read the files may enter."""
    return mode | (mode & 0o444) >> 2


@contextmanager
def directory_written_whole(target: Path, *, mode: int | None = None) -> Iterator[Path]:
    """Give an empty directory to write into, and put it in the place of `target` when the block ends without an error.

    The former content of `target` is replaced; a link remains, and what it points to is replaced. All files get `mode`,
    also files of other writers, or what the process's umask allows. A process that dies leaves a partial directory and
    `target` as it was (where the system cannot exchange two names in one step, `recover` makes sure of that).
    """
    target = Path(os.path.realpath(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    recover(target)
    remove_partial(target.parent, target.name)
    partial, descriptor = _new_directory(target)
    try:
        yield partial
        _set_modes(partial, mode)
        for folder, _, names in os.walk(partial):
            for name in names:
                flush(Path(folder, name))
            flush(Path(folder))
        _put(partial, target)
        flush(target.parent)
    finally:
        # By now this is the former content, if there was any.
        shutil.rmtree(partial, ignore_errors=True)
        os.close(descriptor)


def recover(target: Path) -> None:
    """Put back the former content of `target` that a killed process had moved away and not replaced yet."""
    if target.exists() or not target.parent.is_dir():
        return
    for former in _partials(target.parent, target.name, former=True):
        with _unlocked(former) as is_dead:
            if is_dead and not target.exists():
                former.rename(target)


def remove_partial(parent: Path, name: str | None = None, *, alive: bool = False) -> None:
    """Remove what dead processes left unfinished in a directory: of the target `name`, or of all.

    With `alive` also what live processes are writing; they fail as if they had been too late.
    """
    for partial in _partials(parent, name):
        with _unlocked(partial) as is_dead:
            if is_dead or alive:
                _remove(partial)


class PartialFile:
    """A file beside `path` that takes its place with `publish` and is removed by `discard`; a context manager that
    discards what is not published.
    """

    def __init__(self, path: Path, *, mode: int | None = None) -> None:
        """`mode`: its permissions; without one those of the file that it replaces, or what the umask allows.

        Raises OSError.
        """
        self.path = path
        self._is_published = False
        remove_partial(path.parent, path.name)
        self._place, self.file = _new_file(path)
        if mode is None:
            with suppress(OSError):
                mode = stat.S_IMODE(path.stat().st_mode) & 0o777
        try:
            if mode is not None:
                self._place.chmod(mode)
        except BaseException:
            self.discard()
            raise

    def __enter__(self) -> PartialFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def publish(self, *, replace: bool = True) -> None:
        """Put the file in its place, durably; without `replace` raises FileExistsError where something is there."""
        self.file.flush()
        os.fsync(self.file.fileno())
        if sys.platform == "win32":
            self.file.close()  # an open file cannot be renamed there
        if replace:
            self._place.replace(self.path)
        else:
            _put_new(self._place, self.path)
        self._is_published = True
        self.file.close()
        flush(self.path.parent)

    def discard(self) -> None:
        """Remove the file, unless it is published."""
        with suppress(OSError):
            self.file.close()
        if not self._is_published:
            with suppress(OSError):
                self._place.unlink()


@contextmanager
def file_written_whole(path: Path, *, mode: int | None = None, replace: bool = True) -> Iterator[IO[bytes]]:
    """Give a binary file that gets the name `path`, durably, when the block ends without an error, and is removed on
    one.
    `mode`: see `PartialFile`; `replace`: see `PartialFile.publish`.
    """
    with PartialFile(path, mode=mode) as partial:
        yield partial.file
        partial.publish(replace=replace)


def flush(path: Path) -> None:
    """Make a file's content, or a directory's entries, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        # Windows cannot flush a directory and need not.
        with suppress(PermissionError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private(folder: Path) -> None:
    """Make a folder and its parents, for their owner alone; existing ones remain as they are. Raises OSError."""
    if not folder.parent.exists():
        make_private(folder.parent)
    folder.mkdir(exist_ok=True, mode=0o700)


def unfinished(parent: Path, name: str | None = None) -> list[Path]:
    """Partial files and directories that live processes are writing in a directory: of the target `name`, or of all."""
    live: list[Path] = []
    for partial in _partials(parent, name):
        with _unlocked(partial) as is_dead:
            if not is_dead and os.path.lexists(partial):
                live.append(partial)
    return live


def remove_tree(path: Path) -> None:
    """Remove a directory or a file, in one step for other processes, also while they remove it too. Raises OSError if
    something of it is left.
    """
    aside = _name(path)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    except OSError:
        # Windows cannot rename what is open.
        aside = path
    for _ in range(3):
        # It is no error if another process removes it first.
        _remove(aside)
        if not os.path.lexists(aside):
            return
    raise OSError(errno.ENOTEMPTY, "something of it cannot be removed", str(aside))


def _put_new(partial: Path, target: Path) -> None:
    """Give a finished file a name that is not taken. Raises FileExistsError."""
    try:
        os.link(partial, target)  # unlike a rename, this replaces nothing
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links: the name is taken first, and freed again on failure.
        with target.open("x"):
            pass
        try:
            partial.replace(target)
        except BaseException:
            target.unlink()
            raise
        return
    partial.unlink()


def _put(partial: Path, target: Path) -> None:
    """Put a finished directory at the target; the former content is then at `partial`."""
    try:
        partial.rename(target)
        return
    except OSError:
        if not target.exists():
            raise
    if not exchange(partial, target):
        _exchange_in_steps(partial, target)


def _exchange_in_steps(partial: Path, target: Path) -> None:
    """Exchange in two steps, where a directory cannot be renamed over a filled one: move the old one away first."""
    former = partial.with_name(partial.name.removesuffix(_PARTIAL) + _FORMER)
    with suppress(FileNotFoundError), _held(target):
        target.rename(former)
        try:
            partial.rename(target)
        except BaseException:
            former.rename(target)
            raise
        former.rename(partial)
        return
    # Another process has taken the old one away.
    partial.rename(target)


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    """Hold the lock of a directory, so that no process takes it for one that a dead process left."""
    descriptor = _locked(directory)
    try:
        yield
    finally:
        os.close(descriptor)


def _new_directory(target: Path) -> tuple[Path, int]:
    """Make a new partial directory of a target, and open a file that holds its lock."""
    while True:
        partial = _name(target)
        partial.mkdir()
        with suppress(FileNotFoundError):
            return partial, _locked(partial)


def _new_file(target: Path) -> tuple[Path, BinaryIO]:
    """Make and open a new partial file of a target; the open file holds its lock."""
    while True:
        partial = _name(target)
        # Never through a link, nor into an existing file.
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with not_forking():
            descriptor = os.open(partial, flags, 0o666)
        if try_lock(descriptor) and os.fstat(descriptor).st_nlink:
            return partial, os.fdopen(descriptor, "w+b")
        os.close(descriptor)


def _name(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(8)}{_PARTIAL}")


def _locked(directory: Path) -> int:
    """Open a file that holds the lock of a directory just made. Raises FileNotFoundError if the directory is gone."""
    if sys.platform == "win32":
        # Directories cannot be opened there, and a directory in use cannot be removed.
        return os.open(os.devnull, os.O_RDONLY)
    descriptor = os.open(directory, os.O_RDONLY)
    if try_lock(descriptor) and directory.exists():
        return descriptor
    os.close(descriptor)
    raise FileNotFoundError(directory)


@contextmanager
def _unlocked(partial: Path) -> Iterator[bool]:
    """Whether no process writes a partial file or directory; within the block none can begin to."""
    try:
        descriptor = os.open(partial, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        # Removed meanwhile, or a link, which is never ours; Windows opens no directories.
        yield sys.platform == "win32" and partial.is_dir()
        return
    try:
        yield try_lock(descriptor)
    finally:
        os.close(descriptor)


def _partials(parent: Path, name: str | None, *, former: bool = False) -> list[Path]:
    of = ".+" if name is None else re.escape(name)
    pattern = re.compile(rf"\.{of}\.{_RANDOM}{_IS_FORMER}{'' if former else '?'}{re.escape(_PARTIAL)}")
    try:
        return sorted(path for path in parent.iterdir() if pattern.fullmatch(path.name))
    except OSError:
        return []


def _remove(partial: Path) -> None:
    if partial.is_dir() and not partial.is_symlink():
        shutil.rmtree(partial, ignore_errors=True)
    else:
        with suppress(OSError):
            partial.unlink()


def _set_modes(directory: Path, mode: int | None) -> None:
    """Set the permissions of a directory and its content to those of files with `mode`, or to those that the umask
    leaves, read off the directory itself.
    """
    folder = stat.S_IMODE(directory.stat().st_mode) & 0o777 if mode is None else folder_mode(mode)
    file = folder & 0o666 if mode is None else mode
    for place, folders, names in os.walk(directory):
        for name in names:
            Path(place, name).chmod(file)
        for name in folders:
            Path(place, name).chmod(folder)
    directory.chmod(folder)
