"""Choose settings on held-out events: go from the asked setting in steps, up or down, as long as it gets better.

A block keeps its setting unless another ranks them better by more than one standard error of the paired difference:
among settings that they cannot distinguish, the asked one is as good and does not follow noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import BaseModel, ValidationError

from encoders.search_space import Between
from fusion.evaluation import RankingTask, evaluate
from fusion.lists import Scorer
from fusion.registry import ENCODERS
from fusion.results import EvaluationResult
from fusion.settings import FusionSettings

MEASURE = "ndcg@10"
"""The metric that settings are chosen by."""

FitWith = Callable[[str, BaseModel], Scorer]
"""Fits the named block with these settings on the rest."""


def choose_settings(
    settings: FusionSettings, names: Sequence[str], fit: FitWith, task: RankingTask, tell: Callable[[str], None]
) -> FusionSettings:
    """Return the settings with those chosen on `task`, which ranks the held-out events.

    Each field of a block's `search_space` that has a step is chosen in turn, with the fields before it as chosen.
    """
    block = settings.block
    for name in names:
        space = {
            field: values
            for field, values in ENCODERS.find(name).search_space.items()
            if isinstance(values, Between) and values.step is not None
        }
        if not space:
            continue
        chosen = block.of(name)

        def measure(tried: BaseModel, name: str = name) -> EvaluationResult:
            return evaluate(fit(name, tried), task, name=name, ks=(10,))

        best = measure(chosen)
        for field, values in space.items():
            chosen, best = _walked(chosen, best, field, values, measure)
            tell(f"{name}: {field} {getattr(chosen, field):g} ({MEASURE} on held-out events {best.mean(MEASURE):.4f})")
        block = block.model_copy(update={name: chosen})
    return settings.model_copy(update={"block": block})


def _walked(
    asked: BaseModel,
    start: EvaluationResult,
    field: str,
    values: Between,
    measure: Callable[[BaseModel], EvaluationResult],
) -> tuple[BaseModel, EvaluationResult]:
    """Go down in steps of a field as long as each is better than the last, or up where no step down is better."""
    for up in (False, True):
        chosen, best = asked, start
        while (tried := _stepped(chosen, field, values, up)) is not None:
            result = measure(tried)
            gain = result.against(start, MEASURE)
            if gain.mean <= gain.standard_error or result.mean(MEASURE) <= best.mean(MEASURE):
                break
            chosen, best = tried, result
        if chosen is not asked:
            return chosen, best
    return asked, start


def _stepped(settings: BaseModel, field: str, values: Between, up: bool) -> BaseModel | None:
    """Return the settings with a field one step further, None if its range or its limits end before."""
    value = getattr(settings, field)
    assert values.step is not None
    scaled = value * values.step if up else value / values.step
    scaled = round(scaled) if isinstance(value, int) else scaled
    if scaled == value or (scaled > values.high if up else scaled < values.low):
        return None
    try:
        return type(settings).model_validate({**settings.model_dump(), field: scaled})
    except ValidationError:
        return None
