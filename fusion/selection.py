"""Choosing settings on valid: one setting a block, tried at a few factors of what was asked for.

A block keeps its setting unless another ranks valid better by more than one standard error of the paired difference:
among settings that valid cannot tell apart, the one that was asked for is as good and does not chase noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from pydantic import BaseModel, ValidationError

from encoders.block import Block
from fusion.evaluation import RankingTask, evaluate
from fusion.settings import FusionSettings

TRIED: Mapping[str, tuple[str, tuple[float, ...]]] = MappingProxyType(
    {
        "ease": ("regularization", (0.5, 2.0)),
        "factease": ("facts", (0.4, 2.5)),
        "ials": ("regularization", (0.5, 2.0)),
        "itemknn": ("neighbours", (0.5, 2.0)),
        "rp3beta": ("beta", (0.5, 1.5)),
    }
)
"""Block to the field that decides most, and the factors to try it at. The graph network is not among them: it is the
dearest block to fit."""

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
        if name not in TRIED:
            continue
        field, factors = TRIED[name]
        asked = getattr(block, name)
        if field not in type(asked).model_fields:
            continue
        start = best = evaluate(fit(name, asked), task, name=name, ks=(10,))
        chosen = asked
        for factor in factors:
            tried = _at(asked, field, factor)
            if tried is None:
                continue
            found = evaluate(fit(name, tried), task, name=name, ks=(10,))
            gain = found.against(start, MEASURE)
            if gain.mean > gain.standard_error and found.mean(MEASURE) > best.mean(MEASURE):
                best, chosen = found, tried
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
