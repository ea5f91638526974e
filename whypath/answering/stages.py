"""Stages: change a ranked list before it is answered, such as a re-ranker, rules, or a choice for diversity.

A stage gets the best candidates of a query and returns some of them with its own scores, best first. Its change of an
item's score is the stage's share in the item's explanation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.plugins import Plugins
from whypath.answering.query import Query


class UnknownStage(WhyPathError):
    """No installed package has a stage of this name."""


class StageError(WhyPathError):
    """A stage that cannot be made or used, or gave back something other than some of its candidates, best first."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Ranked candidates of one query: `items` int32 [n], dense indices of `graph`, and `scores` float32 [n], in
    descending order. `history` has the one user's events.
    """

    graph: KnowledgeGraph
    history: Histories
    items: NDArray[np.int32]
    scores: NDArray[np.float32]


class Stage(Protocol):
    """A step between the ranked candidates and the answer. It is used from many threads at once."""

    @property
    def name(self) -> str:
        """The name of its share in explanations."""
        ...

    def depth(self, k: int) -> int:
        """The number of candidates that it needs for a list of k."""
        ...

    def rerank(self, query: Query, candidates: Candidates) -> Candidates:
        """Return some candidates, each once, best first by their new scores. Those after the k-th are not listed."""
        ...


def _checked(name: str, value: object) -> Callable[[], Stage]:
    if not callable(value):
        raise ValueError("a stage's entry point names a class, or a function that makes a stage")
    # What it makes is checked when it is used: a list that no stage could give is an error that names it.
    return cast(Callable[[], Stage], value)


INSTALLED: Plugins[Callable[[], Stage]] = Plugins("whypath.stages", _checked)
"""Makers of the stages of installed packages, by name."""


def stages_of(stages: Iterable[Stage | str]) -> tuple[Stage, ...]:
    """Return the stages; one given by name is made by an installed package. Raises UnknownStage."""
    if isinstance(stages, str):
        raise UnknownStage(f"`stages` is a list; write [{stages!r}] for one")
    return tuple(_named(stage) if isinstance(stage, str) else _whole(stage) for stage in stages)


def _whole(stage: Stage) -> Stage:
    lacking = [part for part in ("name", "depth", "rerank") if not hasattr(stage, part)]
    if lacking:
        raise StageError(f"{stage!r} is no stage: it has no {', '.join(lacking)}")
    return stage


def _named(name: str) -> Stage:
    if name not in INSTALLED:
        raise UnknownStage(
            f"no installed package has a stage {name!r} among its entry points of {INSTALLED.group}; there are: "
            + (", ".join(sorted(INSTALLED)) or "none")
        )
    try:
        return _whole(INSTALLED[name]())
    except Exception as error:
        package = INSTALLED.package_of(name)
        raise StageError(f"the stage {name!r} of the package {package} cannot be made: {error}") from error


def staged(stage: Stage, query: Query, candidates: Candidates) -> Candidates:
    """Apply a stage to the candidates and check its result. Raises StageError."""
    for array in (candidates.items, candidates.scores):
        # The result is compared with them.
        array.setflags(write=False)
    found = stage.rerank(query, candidates)
    problem = None
    if not isinstance(found, Candidates):
        problem = f"a {type(found).__name__}"
    elif not isinstance(found.items, np.ndarray) or not isinstance(found.scores, np.ndarray):
        problem = "items and scores that are not arrays"
    elif found.items.shape != found.scores.shape or found.items.ndim != 1:
        problem = f"{found.items.shape} items and {found.scores.shape} scores"
    elif len(np.unique(found.items)) < len(found.items) or not np.isin(found.items, candidates.items).all():
        problem = "items that were no candidates, or one of them twice"
    elif not np.isfinite(found.scores).all() or (np.diff(found.scores) > 0).any():
        problem = "scores that rise from one item to the next or are not finite"
    if problem is not None:
        raise StageError(f"the stage {stage.name!r} gave back {problem}")
    return found


def stage_changes(
    stages: Sequence[Stage], query: Query, candidates: Candidates, item: int
) -> tuple[list[tuple[str, float]], str | None]:
    """Each stage's share in the score of one of the candidates, and the stage that drops the item, None if none."""
    changes: list[tuple[str, float]] = []
    for stage in stages:
        before, candidates = candidates, staged(stage, query, candidates)
        if item not in candidates.items:
            return changes, stage.name
        changes.append((stage.name, _score(candidates, item) - _score(before, item)))
    return changes, None


def _score(candidates: Candidates, item: int) -> float:
    return float(candidates.scores[candidates.items == item][0])
