"""Find what an installation has and lacks, for `whypath doctor` and for bug reports."""

from __future__ import annotations

import logging
import os
import platform
import sqlite3
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from importlib.util import find_spec
from typing import Any

from packaging.requirements import Requirement

from encoders.installed import TRAINING
from kg.datasets.fetch import FILMS, RECBOLE, TEXT_MODEL, is_cached
from kg.folders import cache_folder, data_folder
from kg.stores.event_queue import Waiting, queues
from kg.stores.sqlite import journal_mode_reason

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Findings:
    """What an installation has. `packages` maps each package of a plain installation to its version, None if missing;
    `extras` maps each extra to the packages that it lacks (none: installed); `threads` are those of torch."""

    whypath: str
    python: str
    system: str
    packages: dict[str, str | None]
    extras: dict[str, tuple[str, ...]]
    threads: int | None
    processors: int
    accelerator: str
    sqlite: str
    journal: str
    cache: str
    demo_data: bool
    text_model: str
    waiting: tuple[Waiting, ...]

    @property
    def sound(self) -> bool:
        """Whether everything that serving needs is there; packages that only training needs may be missing."""
        return all(found for name, found in self.packages.items() if name not in TRAINING)

    def to_json(self) -> dict[str, Any]:
        """Plain data, ready for `json.dumps`."""
        return {**asdict(self), "sound": self.sound}

    def sections(self) -> dict[str, dict[str, str]]:
        """The findings as texts, by section."""
        return {
            "Installation": {
                "whypath": self.whypath,
                "python": self.python,
                "system": self.system,
                **{name: found or _missing(name) for name, found in self.packages.items()},
            },
            "Extras": {
                name: f"lacks {', '.join(lacking)}: pip install 'whypath[{name}]'" if lacking else "installed"
                for name, lacking in self.extras.items()
            },
            "Computing": {
                "threads": f"{self.threads or 'any'} of {self.processors} processors (OMP_NUM_THREADS sets them)",
                "accelerator": self.accelerator,
            },
            "Embedded store": {"sqlite": self.sqlite, "journal": self.journal},
            "Caches": {
                "folder": f"{self.cache} (WHYPATH_CACHE names another)",
                "demo data": "there" if self.demo_data else "not yet; fetched by `whypath demo`",
                "text model": self.text_model,
            },
            "Events that wait for a server": {
                each.url: f"{each.events:,} wait, {each.refused:,} were refused when they were delivered"
                + "".join(f"; damaged, perhaps with events in it: {what}" for what in each.damaged)
                for each in self.waiting
            }
            or {"none": f"({data_folder()}; WHYPATH_DATA names another folder)"},
        }


def examine() -> Findings:
    """Collect the findings; reads files, uses no network."""
    needed, extras = _requirements()
    threads, accelerator = _computing()
    return Findings(
        whypath=_version("whypath") or "run from a checkout",
        python=f"{platform.python_version()} ({sys.executable})",
        system=f"{platform.system()} {platform.release()}, {platform.machine()}",
        packages={name: _version(name) for name in needed},
        extras={extra: tuple(n for n in names if _version(n) is None) for extra, names in sorted(extras.items())},
        threads=threads,
        processors=os.cpu_count() or 1,
        accelerator=accelerator,
        sqlite=sqlite3.sqlite_version,
        journal=journal_mode_reason(),
        cache=str(cache_folder()),
        demo_data=is_cached(RECBOLE) and is_cached(FILMS),
        text_model=_text_model(),
        waiting=_waiting(),
    )


def _waiting() -> tuple[Waiting, ...]:
    try:
        return tuple(queues())
    except OSError as error:
        _log.warning("events that may wait cannot be looked for: %s (%s)", error.filename, error.strerror)
        return ()


def _requirements() -> tuple[list[str], dict[str, list[str]]]:
    """Required packages, and those of each extra, from the metadata of the installed distribution."""
    try:
        lines = metadata("whypath").get_all("Requires-Dist") or []
    except PackageNotFoundError:
        return [], {}
    needed: list[str] = []
    extras: dict[str, list[str]] = {}
    for line in lines:
        requirement = Requirement(line)
        if requirement.name == "whypath":
            continue
        marker = str(requirement.marker or "")
        if "extra" in marker:
            extras.setdefault(marker.rsplit("==", 1)[1].strip(" \"'"), []).append(requirement.name)
        else:
            needed.append(requirement.name)
    return sorted(needed), extras


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _missing(package: str) -> str:
    return "not installed: training needs it, serving does not" if package in TRAINING else "MISSING"


def _computing() -> tuple[int | None, str]:
    """Return threads and accelerator of torch."""
    if find_spec("torch") is None:
        return None, "none without torch"
    import torch

    return torch.get_num_threads(), _accelerator()


def _accelerator() -> str:
    import torch

    if torch.cuda.is_available():
        return f"CUDA: {torch.cuda.get_device_name()}"
    if torch.backends.mps.is_available():
        return "Apple MPS"
    return "none; everything runs on the processor"


def _text_model() -> str:
    if _version("transformers") is None:
        return "the extra `text` is not installed; `whypath train --no-text` works without it"
    if is_cached(TEXT_MODEL):
        return f"{TEXT_MODEL.project} {TEXT_MODEL.version} is available"
    return f"{TEXT_MODEL.project} {TEXT_MODEL.version} is fetched by the first `whypath train` that reads texts"
