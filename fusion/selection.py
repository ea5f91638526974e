"""Choosing settings on valid: the `search_space` of each block, tried at a few factors of what was asked for.

A block keeps its setting unless another ranks valid better by more than one standard error of the paired difference:
among settings that valid cannot tell apart, the one that was asked for is as good and does not chase noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import BaseModel, ValidationError

from encoders.block import Block
from fusion.evaluation import RankingTask, evaluate
from fusion.registry import ENCODERS
from fusion.settings import FusionSettings

MEASURE = "ndcg@10"
"""What valid is ranked by."""

FitWith = Callable[[str, BaseModel], Block]
"""Fits the block of a name with these settings on train."""


def choose_settings(
    settings: FusionSettings, names: Sequence[str], fit: FitWith, task: RankingTask, tell: Callable[[str], None]
) -> FusionSettings:
    """The settings with what valid prefers; `task` ranks valid with train as history."""
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
            tell(f"{name}: {field} {getattr(chosen, field):g} ({MEASURE} on valid {best.mean(MEASURE):.4f})")
        block = block.model_copy(update={name: chosen})
    return settings.model_copy(update={"block": block})


def _at(settings: BaseModel, field: str, factor: float) -> BaseModel | None:
    """The settings with a field multiplied, None where its limits do not allow that."""
    value = getattr(settings, field)
    scaled = round(value * factor) if isinstance(value, int) else value * factor
    try:
        return type(settings).model_validate({**settings.model_dump(), field: scaled})
    except ValidationError:
        return None
