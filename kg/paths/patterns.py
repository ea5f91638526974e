"""Relation patterns: the relation and direction that each edge of a path must have.

A pattern is a sequence of steps: "director" walks the relation from head to tail, "~director" from tail to head, "*" is
any edge. ("director", "~director") leads from a film to the films of its directors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kg.errors import WhyPathError
from kg.paths.adjacency import Adjacency

ANY = "*"


class ImpossiblePattern(WhyPathError):
    """A pattern that names an unknown relation, or that no path of this schema can follow."""


def allowed_codes(adjacency: Adjacency, pattern: Sequence[str]) -> list[NDArray[np.bool_]]:
    """For each step a mask [n_codes] of the codes that it allows; raises ImpossiblePattern."""
    if not pattern:
        raise ImpossiblePattern("a pattern needs at least one step")
    names = {kind.name: index for index, kind in enumerate(adjacency.kinds)}
    masks: list[NDArray[np.bool_]] = []
    standing: set[str] | None = None
    for position, step in enumerate(pattern):
        mask = np.zeros(2 * len(adjacency.kinds), dtype=bool)
        if step == ANY:
            mask[:] = True
            standing = None
        else:
            forward = not step.startswith("~")
            name = step.removeprefix("~")
            if name not in names:
                known = ", ".join(names) or "none"
                raise ImpossiblePattern(f"pattern {_shown(pattern)}: no relation {name!r} to walk; there are {known}")
            kind = adjacency.kinds[names[name]]
            begins, ends = (kind.head_kinds, kind.tail_kinds) if forward else (kind.tail_kinds, kind.head_kinds)
            if standing is not None and not standing & set(begins):
                raise ImpossiblePattern(
                    f"pattern {_shown(pattern)} leads nowhere: after step {position} a path is at"
                    f" {' or '.join(sorted(standing))}, but {step!r} begins at {' or '.join(begins)}"
                )
            mask[2 * names[name] + (0 if forward else 1)] = True
            standing = set(ends)
        masks.append(mask)
    return masks


def _shown(pattern: Sequence[str]) -> str:
    return f"({', '.join(pattern)})"
