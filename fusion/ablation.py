"""Measure what each part of a model contributes: without each block, gates fitted again, and with twins trained again.

A model without a block shows what the other blocks cannot replace; its gates are fitted on the same out-of-sample
scores, and the other blocks are unchanged. A twin shows what the data contributes: it is trained as the model was, with
the same seed, without the graph, with a shuffled graph, without texts, or without times. Published graph recommenders
often lose nothing against such twins (KG4RecEval, arXiv 2404.03164), so they are part of every ablation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from encoders.block import Family, Input
from fusion.model import FusionModel
from fusion.protocol import Protocol
from fusion.registry import ENCODERS, UnknownBlock
from fusion.results import Comparison, EvaluationResult
from fusion.significance import PairedDifference
from fusion.training import Fitting
from fusion.variant import Variant
from kg.errors import WhyPathError

Measure: TypeAlias = Callable[[FusionModel, str], EvaluationResult]
"""Evaluates a model on the task of the ablation; the text is the result's name."""


class TooFewUsers(WhyPathError):
    """There are fewer than the two test users that a paired test needs."""


@dataclass(frozen=True, eq=False)
class AblationRow:
    """A model with a part missing, against the full one.

    `part`: a block's name, or what a twin is trained without: "graph", "meaning of the graph", "text", "time".
    `blocks`: those that the gates kept. `difference`: this model's `Ablation.metric` less the full model's, paired over
    users.
    """

    name: str
    part: str
    kind: Literal["left out", "twin"]
    blocks: tuple[str, ...]
    result: EvaluationResult
    difference: PairedDifference

    @property
    def means(self) -> Mapping[str, float]:
        """The mean of every metric."""
        return {metric: self.result.mean(metric) for metric in self.result.metrics}


@dataclass(frozen=True, eq=False)
class Ablation:
    """The full model and the model without each part; prints as a table."""

    full: EvaluationResult
    blocks: tuple[str, ...]
    rows: tuple[AblationRow, ...]
    metric: str

    @property
    def without_effect(self) -> tuple[str, ...]:
        """Blocks whose removal does not make the model significantly worse."""
        return tuple(row.part for row in self.rows if row.kind == "left out" and not _worse(row.difference))

    def comparison(self) -> Comparison:
        """All results, with the full model as the baseline."""
        return Comparison((self.full, *(row.result for row in self.rows)), baseline=self.full.name, metric=self.metric)

    def __str__(self) -> str:
        lines = [str(self.comparison())]
        if self.without_effect:
            lines.append(f"Not significantly worse without: {', '.join(self.without_effect)}")
        return "\n".join(lines)


def ablate(
    fitting: Fitting,
    measure: Measure,
    *,
    full: EvaluationResult | None = None,
    metric: str = "ndcg@10",
    progress: Callable[[str], None] | None = None,
) -> Ablation:
    """Evaluate a training's model without each of its blocks, and its twins, in a fixed order.

    full: the full model's result if already known; its name becomes the baseline's. Raises TooFewUsers.
    """
    tell = progress or (lambda _: None)
    tell("Cross-fitting the model")
    model = fitting.model()
    full = full or measure(model, "full")
    if len(full.users) < 2:
        raise TooFewUsers(f"the test has {len(full.users)} user, and comparing models needs at least two")
    rows: list[AblationRow] = []

    def add(name: str, part: str, kind: Literal["left out", "twin"], other: FusionModel) -> None:
        result = measure(other, name)
        rows.append(AblationRow(name, part, kind, other.gates.blocks, result, result.against(full, metric)))

    if len(fitting.blocks) > 1:
        for block in fitting.blocks:
            tell(f"Leaving out {block}")
            add(f"without {block}", block, "left out", fitting.model(without=[block]))
    for name, part, twin in twins(fitting):
        tell(f"Training the {name}")
        add(name, part, "twin", twin.model())
    return Ablation(full, model.gates.blocks, tuple(rows), metric)


def twins(fitting: Fitting) -> Iterator[tuple[str, str, Fitting]]:
    """Yield name, missing part and training of each twin that differs from the model and has a block left."""
    variant = fitting.variant
    if variant.graph == "real" and Family.GRAPH in fitting.families:
        none = replace(variant, graph="none")
        if _has_blocks(none, fitting):
            yield "twin: no graph", "graph", fitting.twin(none)
        yield "twin: shuffled graph", "meaning of the graph", fitting.twin(replace(variant, graph="shuffled"))
    for name in fitting.contents_read:
        without = replace(variant, without=variant.without | {name})
        if _has_blocks(without, fitting):
            yield f"twin: no {name}", name, fitting.twin(without)
    if fitting.protocol is Protocol.NEXT and any(Input.TIMES not in ENCODERS[name].needs for name in fitting.blocks):
        yield "twin: no time", "time", fitting.twin(variant, Protocol.RANDOM)


def _has_blocks(variant: Variant, fitting: Fitting) -> bool:
    try:
        return bool(variant.blocks_of(fitting.settings.blocks))
    except UnknownBlock:
        return False


def _worse(difference: PairedDifference) -> bool:
    return difference.significant and difference.mean < 0
