"""Choose settings on held-out events: try the `search_space` of each block at a few factors of the asked setting.

A block keeps its setting unless another ranks them better by more than one standard error of the paired difference:
among settings that they cannot distinguish, the asked one is as good and does not follow noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import BaseModel, ValidationError

from encoders.block import Block
from fusion.evaluation import RankingTask, evaluate
from fusion.registry import ENCODERS
from fusion.settings import FusionSettings

MEASURE = "ndcg@10"
"""The metric that settings are chosen by."""

FitWith = Callable[[str, BaseModel], Block]
"""Fits the named block with these settings on the rest."""


def choose_settings(
    settings: FusionSettings, names: Sequence[str], fit: FitWith, task: RankingTask, tell: Callable[[str], None]
) -> FusionSettings:
    """Return the settings with those chosen on `task`, which ranks the held-out events."""
    block = settings.block
    for name in names:
        space = ENCODERS.find(name).search_space
        if not space:
            continue
        chosen = block.of(name)
        start = best = evaluate(fit(name, chosen), task, name=name, ks=(10,))
        for field, factors in space.items():
            asked = chosen
            for factor in factors:
                tried = _at(asked, field, factor)
                if tried is None:
                    continue
                result = evaluate(fit(name, tried), task, name=name, ks=(10,))
                gain = result.against(start, MEASURE)
                if gain.mean > gain.standard_error and result.mean(MEASURE) > best.mean(MEASURE):
                    best, chosen = result, tried
            start = best
            tell(f"{name}: {field} {getattr(chosen, field):g} ({MEASURE} on held-out events {best.mean(MEASURE):.4f})")
        block = block.model_copy(update={name: chosen})
    return settings.model_copy(update={"block": block})


def _at(settings: BaseModel, field: str, factor: float) -> BaseModel | None:
    """Return the settings with a field multiplied, None if its limits do not allow that."""
    value = getattr(settings, field)
    scaled = round(value * factor) if isinstance(value, int) else value * factor
    try:
        return type(settings).model_validate({**settings.model_dump(), field: scaled})
    except ValidationError:
        return None
