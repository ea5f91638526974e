"""Files and directories that appear whole or not at all: written beside their place, flushed, then renamed."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def directory_written_whole(target: Path) -> Iterator[Path]:
    """Give an empty directory to write into, and put it in the place of `target` when the block ends without an error.

    What was at `target` is exchanged for it. A process that dies leaves `target` as it was, and beside it a
    directory named `.<name>.<process id>-<random>.partial`, which `remove_partial` clears away.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.parent / f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.partial"
    partial.mkdir()
    try:
        yield partial
        for path in partial.iterdir():
            flush(path)
        flush(partial)
        if target.exists():
            # A directory cannot be renamed over a filled one; the old one steps aside first.
            aside = partial.with_suffix(".old.partial")
            target.rename(aside)
            partial.rename(target)
            shutil.rmtree(aside)
        else:
            partial.rename(target)
        flush(target.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


@contextmanager
def file_written_whole(path: Path) -> Iterator[BinaryIO]:
    """A binary file that takes the name `path` when the block ends without an error, durably, and vanishes on one."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files for their owner alone; these are ordinary data.
        Path(name).chmod(0o644)
        Path(name).replace(path)
        flush(path.parent)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def flush(path: Path) -> None:
    """Make a file's content, or a directory's entries, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        # Windows cannot flush a directory and need not.
        with suppress(PermissionError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_partial(parent: Path) -> None:
    """Clear away what processes that no longer live left unfinished in a directory."""
    for partial in parent.glob(".*.partial"):
        process = partial.name.split(".")[-2 if not partial.name.endswith(".old.partial") else -3].split("-")[0]
        if not process.isdigit() or not _lives(int(process)):
            shutil.rmtree(partial, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
