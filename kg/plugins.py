"""`Plugins`: what installed packages add to WhyPath, through their entry points.

Entry points are read once per process, when a name is requested that WhyPath itself does not have.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from threading import RLock
from typing import Generic, TypeVar

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Plugins(Mapping[str, T], Generic[T]):
    """The entry points of a group by name; their objects are imported on request.

    One that cannot be imported, or that `check` raises ValueError for, is left out, and logged once with its
    distribution.
    """

    def __init__(self, group: str, check: Callable[[str, object], T]) -> None:
        """check: called with the entry point's name and its object; returns the object."""
        self.group = group
        self._check = check
        self._loaded: dict[str, T | None] = {}
        self._lock = RLock()

    def __getitem__(self, name: str) -> T:
        if name not in self._points:
            raise KeyError(name)
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            loaded = self._loaded[name]
        if loaded is None:
            raise KeyError(name)
        return loaded

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._points if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def package_of(self, name: str) -> str | None:
        """The distribution that provides a name, None if none does."""
        point = self._points.get(name)
        return None if point is None or point.dist is None else point.dist.name

    @cached_property
    def _points(self) -> dict[str, EntryPoint]:
        points: dict[str, EntryPoint] = {}
        # Sorted, so that of two with the same name, the same one is chosen everywhere.
        for point in sorted(entry_points(group=self.group), key=lambda point: (point.name, _origin(point))):
            first = points.setdefault(point.name, point)
            if first is not point:
                _log.warning(
                    "%s: left out, as %s has the name %r in %s, too",
                    _origin(point),
                    _origin(first),
                    point.name,
                    self.group,
                )
        return points

    def _load(self, name: str) -> T | None:
        point = self._points[name]
        try:
            return self._check(name, point.load())
        except Exception as error:
            _log.warning(
                "%s: %r (%s) cannot be used and is left out: %s: %s",
                _origin(point),
                name,
                self.group,
                type(error).__name__,
                error,
            )
            return None


def _origin(point: EntryPoint) -> str:
    return "a package without a name" if point.dist is None else f"{point.dist.name} {point.dist.version}"
