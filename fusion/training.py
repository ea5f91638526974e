"""Train a `FusionModel`: settings chosen on held-out events, blocks fitted on train, gates on out-of-sample scores.

`Fitting(…).model()` is the whole training. A `Fitting` keeps the examples that the gates were fitted on, so that a
model without one of the blocks costs a fit of the gates instead of a whole training (`fusion.ablation`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from encoders.behavior import BehaviorSettings, CatalogueTooLarge
from encoders.behavior.rare import coarse_counts, without_rare_items
from encoders.block import Block, Catalogue, Family, Input, TrainingData
from encoders.history_weights import HistoryWeights
from encoders.installed import check_training_installed
from fusion.crossfit import CrossFit, cross_fit, spread
from fusion.evaluation import RankingTask, evaluate
from fusion.fold_dislikes import with_dislikes
from fusion.folds import Fold, HeldOut, folds_of
from fusion.gates import GateForm, Gates
from fusion.lists import Scorer
from fusion.model import FusionModel, TrainedContent, TrainedItems, content_digests
from fusion.protocol import Protocol, histories_of, untimed_events, why_random
from fusion.ranking import tie_break_keys
from fusion.registry import ENCODERS, UnknownBlock
from fusion.selection import MEASURE, choose_settings
from fusion.settings import FusionSettings, GateSettings
from fusion.splits import joined
from fusion.tuning import Tuning, check_tuning_installed
from fusion.user_weights import Weighed, can_weigh, choose_user_weights
from fusion.variant import Variant
from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph, item_contents
from kg.histories import Histories
from kg.interactions import Interactions

_LIKELY = HistoryWeights(floor=0.1, places=8.0)
"""Weights that most blocks are near to where a model predicts what comes next."""

Tell = Callable[[str], None]
"""Called with a line about each step."""


class NoTimes(WhyPathError):
    """The protocol needs times of events that have none."""


@dataclass(eq=False)
class Fitting:
    """One training: its inputs, the out-of-sample scores that its gates are fitted on, and its models.

    train: positive interactions over the items of `graph`; the snapshot's interactions are not read. dislikes: the
    users' negative ones, which blocks are not fitted on, but which histories hold. valid:
    held-out interactions of the same users (rows of both tables agree), on which settings are chosen; without them, on
    events of train, where the model predicts what comes next or `asked.tune` is given. asked: the settings to start
    from. refit: fit the blocks again on train and valid together, after settings and gates.
    contents: by name, such as "text", the vectors of the items' content float32 [n_items, d]. chosen: settings chosen
    on valid before, if any. trials: file that keeps the trials of `asked.tune`, so that they are made once.

    Nothing is computed before it is needed, and nothing twice. Deterministic for a seed, versions and a thread count.
    Raises UnknownBlock, CatalogueTooLarge if no block can hold the items, TrainingNotInstalled without torch, and with
    `asked.tune` TuningNotInstalled without optuna, and TrialsUnreadable.
    """

    graph: KnowledgeGraph
    train: Interactions
    valid: Interactions | None = None
    _: KW_ONLY
    asked: FusionSettings = field(default_factory=FusionSettings)
    seed: int = 0
    variant: Variant = field(default_factory=Variant)
    refit: bool = False
    contents: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    progress: Tell | None = None
    chosen: FusionSettings | None = None
    trials: Path | None = None
    dislikes: Interactions | None = None

    def __post_init__(self) -> None:
        check_training_installed()
        if self.asked.tune:
            check_tuning_installed()
        self._contents = {name: v for name, v in self.contents.items() if name not in self.variant.without}
        seen = self.variant.graph_of(self.graph.without_interactions(), self.seed)
        self._catalogue = Catalogue(seen, np.arange(seen.n_items, dtype=np.int32), self._contents)
        self.protocol = self._protocol()
        """What the model predicts."""
        self._train = self._histories(self.train)
        self._all = self._train
        if self.valid is not None and self.refit:
            self._all = self._histories(joined(self.train, self.valid))
        left_out = len(self.train) - self._train.n_events
        if left_out:
            self._tell(
                f"{left_out:,} interactions are left out: fewer than {self.asked.min_users} users had their items"
            )
        self._relations = _relations(seen)
        self._final: dict[str, Block] = {}
        self.blocks = self._possible_blocks()
        """Names of the blocks that are fitted; those that cannot hold the catalogue are left out."""
        # So that the model states the settings of every block.
        self.asked = self.asked.model_copy(update={"block": self.asked.block.including(self.blocks)})

    def _protocol(self) -> Protocol:
        asked = self.asked.protocol
        if asked == "next":
            check_times(self.train)
        if asked != "auto":
            return Protocol(asked)
        parts = [self.train, *([self.valid] if self.valid is not None else [])]
        why = why_random(self.train, self.valid)
        # Where no event has a time there is nothing to say.
        if why is not None and any(untimed_events(part) < len(part) for part in parts):
            self._tell(f"What comes next is not predicted, because {why}")
        return Protocol.NEXT if why is None else Protocol.RANDOM

    def _histories(self, events: Interactions) -> Histories:
        return histories_of(events, self.protocol, self.asked.min_users, self.dislikes)

    @cached_property
    def _folds(self) -> tuple[Fold, ...]:
        rng = np.random.default_rng(self.seed)
        return tuple(map(with_dislikes, folds_of(self._train, self.protocol, self.asked.crossfit, rng)))

    def twin(self, variant: Variant, protocol: Protocol | None = None) -> Fitting:
        """The same training of another variant, or for another protocol, from scratch, with the same seed.

        Raises as the class does.
        """
        asked = self.asked.model_copy(update={"protocol": (protocol or self.protocol).value})
        return replace(self, variant=variant, asked=asked, chosen=None, trials=None)

    def _tell(self, line: str) -> None:
        if self.progress is not None:
            self.progress(line)

    @property
    def families(self) -> frozenset[Family]:
        """Families of the blocks."""
        return frozenset(ENCODERS[name].family for name in self.blocks)

    @property
    def contents_read(self) -> tuple[str, ...]:
        """Names of the contents that the training uses."""
        read = frozenset[str]().union(*(ENCODERS[name].needs | ENCODERS[name].uses for name in self.blocks))
        return tuple(name for name in self._contents if name in read)

    @cached_property
    def settings(self) -> FusionSettings:
        """The asked settings, with those chosen on valid or on the last events of train."""
        if self.chosen is not None:
            return self.chosen
        settings = self.asked.model_copy(update={"protocol": self.protocol.value})
        task, seen = self._choice()
        # Settings are compared over users, and one user says nothing about the others.
        if task is None or len(task.test_users) < 2:
            return settings

        weights: dict[str, HistoryWeights] = {}

        def fit_with(name: str, tried: BaseModel) -> Scorer:
            data = TrainingData(seen, self._catalogue)
            block = ENCODERS[name].fit(data, with_floor(tried, self.asked.min_users), seed=self.seed)
            if self.protocol is Protocol.RANDOM:
                return block
            if name not in weights:
                # Settings are for weighed histories, and weights are chosen after them: likely ones are used here.
                weighed = [Weighed(block, HistoryWeights()), Weighed(block, _LIKELY)]
                values = [evaluate(scorer, task, name=name, ks=(10,)).mean(MEASURE) for scorer in weighed]
                weights[name] = weighed[int(np.argmax(values))].weights
            return Weighed(block, weights[name])

        if self.asked.tune:
            self._tell(f"Searching settings on held-out events, {self.asked.tune} trials for each block")
            tuning = Tuning(self.asked.tune, self.seed, self._digest(), self.trials, self._tell)
            return tuning.settings(settings, self.blocks, fit_with, task)
        self._tell("Choosing settings on held-out events")
        return choose_settings(settings, self.blocks, fit_with, task, self._tell)

    def _digest(self) -> str:
        """Digest of what trials depend on: data, content, settings, and the ranges that are searched."""
        asked = self.asked.model_copy(update={"tune": 0})
        spaces = {name: sorted(ENCODERS[name].search_space.items()) for name in self.blocks}
        said = (self.graph.digest, asked.model_dump_json(), self.variant, self.seed, spaces)
        digest = hashlib.blake2b(repr(said).encode(), digest_size=16)
        for events in (self.train, self.valid, self.dislikes):
            for column in () if events is None else (events.users, events.items, events.times):
                digest.update(b"" if column is None else np.ascontiguousarray(column).tobytes())
        for name, vectors in sorted(self._contents.items()):
            digest.update(name.encode() + np.ascontiguousarray(vectors).tobytes())
        return digest.hexdigest()

    def _choice(self) -> tuple[RankingTask | None, Histories]:
        """The task that settings are chosen on, and the histories to fit on for it."""
        if self.valid is not None:
            task = RankingTask(
                history=self._train,
                test=self.valid.matrix(),
                tie_break=tie_break_keys(self.graph.item_ids),
                user_ids=self.train.user_ids,
                candidates=np.unique(np.concatenate([self.train.items, self.valid.items])).astype(np.intp),
            )
            return task, self._train
        held_out = self.protocol is Protocol.NEXT or self.asked.tune
        events = self._folds[0].of("events") if held_out else None
        if events is None:
            return None, self._train
        return self._task(events), without_rare_items(self._folds[0].seen, self.asked.min_users)

    def _task(self, held_out: HeldOut) -> RankingTask:
        return RankingTask(
            history=held_out.histories,
            test=held_out.targets,
            tie_break=tie_break_keys(self.graph.item_ids),
            user_ids=[str(row) for row in range(len(held_out.histories))],
            exclude=held_out.excluded,
            candidates=held_out.candidates,
        )

    @cached_property
    def _weights(self) -> Mapping[str, HistoryWeights]:
        """The weights of the events of a history by block, where they are chosen."""
        if not can_weigh(self._train):
            return {}
        if len(self.blocks) > 1:
            return self.cross_fit.weights
        # A block alone has no gates, so that one fold is enough.
        fold = self._folds[0]
        events = fold.of("events")
        if events is None:
            return {}
        name = next(iter(self.blocks))
        block = self._fit(name, without_rare_items(fold.seen, self.asked.min_users), 0)
        return self._choose_weights({name: block}, events)

    def _choose_weights(self, blocks: Mapping[str, Block], events: HeldOut) -> dict[str, HistoryWeights]:
        self._tell("Choosing how the events of a history count")
        return choose_user_weights(blocks, self._task(events))

    @cached_property
    def cross_fit(self) -> CrossFit:
        """Out-of-sample scores of all blocks, in the order of `blocks`; costs a fit of every block for every fold."""
        return cross_fit(
            self._folds,
            self._catalogue,
            self._relations,
            lambda part, fold: {name: self._fit(name, part, fold) for name in self.blocks},
            self.settings.crossfit,
            seed=self.seed,
            min_users=self.asked.min_users,
            choose=self._choose_weights if can_weigh(self._train) else None,
        )

    def model(self, *, without: Collection[str] = (), gates: GateSettings | None = None) -> FusionModel:
        """Fit the model; `without` leaves out blocks, and the gates are fitted again on the scores of the others.

        Gates and bias have the inputs of the full model, so that only the blocks' scores are missing. gates: how they
        are fitted, by default as in `settings`. Raises UnknownBlock for a name not among `blocks`, or if none is left.
        """
        for name in without:
            if name not in self.blocks:
                raise UnknownBlock(f"there is no block {name!r} to leave out; there are {', '.join(self.blocks)}")
        names = tuple(name for name in self.blocks if name not in without)
        if not names:
            raise UnknownBlock(f"nothing is left without {', '.join(without)}")
        changed = {**({"blocks": names} if without else {}), **({"gates": gates} if gates else {})}
        fitted = self._gates(names, gates or self.settings.gates)
        histories = self._all
        for name in fitted.blocks:
            if name not in self._final:
                self._final[name] = self._fit(name, histories, None)
        users = coarse_counts(histories.item_users(), self.settings.min_users)
        final = {name: self._final[name] for name in fitted.blocks}
        several = len(self.blocks) > 1
        weights = {name: self._weights.get(name, HistoryWeights()) for name in final}
        spreads = {
            name: spread(Weighed(block, weights[name]), histories, users) if several else 1.0
            for name, block in final.items()
        }
        contents = {
            name: TrainedContent(content_digests(item_contents(self.graph, name)), vectors)
            for name, vectors in self._contents.items()
        }
        return FusionModel(
            {name: block.state() for name, block in final.items()},
            spreads,
            fitted,
            weights,
            TrainedItems(tuple(self.graph.item_ids), users, contents),
            self._relations,
            self.settings.model_copy(update=changed),
            self.asked.model_copy(update=changed),
            self.variant,
            self.seed,
        )

    def _gates(self, names: tuple[str, ...], settings: GateSettings) -> Gates:
        if len(self.blocks) == 1:
            return Gates.single(names[0])
        examples = self.cross_fit.examples
        if not examples:
            self._tell("Too few interactions to hold any out: all blocks count the same")
            return Gates.even(names, _form(self.blocks, self.variant), len(self._relations))
        self._tell("Fitting the gates")
        columns = [self.blocks.index(name) for name in names]
        if len(columns) < len(self.blocks):
            examples = tuple(replace(e, scores=np.ascontiguousarray(e.scores[:, :, columns])) for e in examples)
        # Opening a bundle imports this module too, without torch.
        from fusion.gate_fitting import fit_gates

        return fit_gates(names, examples, settings, _form(self.blocks, self.variant))

    def _possible_blocks(self) -> tuple[str, ...]:
        """The blocks to fit: those of the variant whose inputs exist and that can hold the items."""
        names = self.variant.blocks_of(self.asked.blocks)
        lacking = self._lacking()
        wanting = {name: ENCODERS[name].needs & lacking for name in names}
        for name, needed in wanting.items():
            if needed:
                self._tell(f"{name} is left out: it needs {' and '.join(sorted(needed))}, and this training reads none")
        names = tuple(name for name in names if not wanting[name])
        if not names:
            inputs = " and no ".join(sorted(frozenset[Input]().union(*wanting.values())))
            raise UnknownBlock(f"no block is left: {', '.join(wanting)} need {inputs}, and this training reads none")
        n_items = len(np.unique(self._all.items))
        kept = []
        for name in names:
            limit = ENCODERS[name].max_items
            if limit is None or n_items <= limit:
                kept.append(name)
                continue
            self._tell(f"{name} is left out: {n_items:,} items have interactions, and it is made for {limit:,}")
        if not kept:
            raise CatalogueTooLarge(
                f"{n_items:,} items have interactions, more than {' and '.join(names)} can hold; "
                "train with other blocks, such as rp3beta or ials, which grow with the interactions"
            )
        return tuple(kept)

    def _fit(self, name: str, histories: Histories, fold: int | None) -> Block:
        """Fit a block on histories; `fold` is None for the final fit."""
        where = "all of train" if fold is None else f"fold {fold + 1} of {len(self._folds)}"
        settings = with_floor(self.settings.block.of(name), self.asked.min_users)
        self._tell(f"Fitting {name} on {where}")
        # Every fit has its own seed; that of the final fit is the asked seed.
        seed = self.seed if fold is None else self.seed * 1000 + fold + 1
        return ENCODERS[name].fit(TrainingData(histories, self._catalogue), settings, seed=seed)

    def _lacking(self) -> frozenset[Input]:
        """Inputs of blocks that these data lack."""
        has = {Input.GRAPH, *self._contents, *([Input.TIMES] if self.protocol is Protocol.NEXT else [])}
        return frozenset(needed for needed in Input if needed not in has)


def check_times(events: Interactions) -> None:
    """Raise NoTimes unless every event has a time."""
    if untimed := untimed_events(events):
        raise NoTimes(
            "a model of what comes next needs the time of every event, and "
            f"{untimed:,} of {len(events):,} events have no time; leave these out, add their times, or train with "
            "--protocol random"
        )


def with_floor(settings: BaseModel, min_users: int) -> BaseModel:
    """A block's settings with the model's floor, see `FusionSettings.min_users`."""
    if not isinstance(settings, BehaviorSettings):
        return settings
    return settings.model_copy(update={"min_users": max(settings.min_users, min_users)})


def _relations(graph: KnowledgeGraph) -> tuple[str, ...]:
    """The relations that items have facts of."""
    facts = graph.item_facts()
    used = np.unique(facts.relations)
    return tuple(facts.relation_names[code] for code in used)


def _form(names: tuple[str, ...], variant: Variant) -> GateForm:
    """Inputs that the gates may use. In a score, popularity counts as behaviour and facts as graph; how much to trust a
    block for an item, cold or popular, may depend on both whatever the blocks.
    """
    families = {ENCODERS[name].family for name in names}
    popularity = Family.BEHAVIOR in families
    facts = Family.GRAPH in families and variant.graph != "none"
    return GateForm(user=True, item=True, popularity_bias=popularity, fact_bias=facts)
