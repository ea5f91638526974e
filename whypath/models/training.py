"""Train a bundle from files or from a store's events: a model with the record of its data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from encoders.behavior.rare import without_rare_items
from encoders.block import Input
from encoders.installed import check_training_installed
from encoders.text import TextEncoder, TextEncoderSettings
from fusion.model import FusionModel
from fusion.registry import ENCODERS
from fusion.settings import FusionSettings
from fusion.splits import joined
from fusion.training import Fitting
from fusion.tuning import check_tuning_installed
from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph
from kg.interactions import Interactions
from kg.stores import GraphStore, StoreLoading
from whypath.answering.histories import to_interactions
from whypath.answering.popularity import popularity_blend
from whypath.io.files import FileDigest, Rows, read_interactions
from whypath.models.bundle import Bundle, BundleRecord, DataFile, TrainedOn, TrainingChoices, versions
from whypath.models.texts import item_text_vectors


class NothingToTrainOn(WhyPathError):
    """No positive interaction is left to train on."""


@dataclass(frozen=True)
class TrainingOptions:
    """What determines a model besides its data: the choices in its record, settings of fusion and text encoder."""

    choices: TrainingChoices
    settings: FusionSettings
    text: TextEncoderSettings
    text_of_bundle: bool = False
    """Whether `text` comes from a bundle's record; its model is then fetched only if `download` allows it."""
    download: bool = False
    trials: Path | None = None
    """File that keeps the trials of `settings.tune`, see `fusion.tuning`."""

    def encoder(self, tell: Callable[[str], None] | None) -> TextEncoder:
        """The text encoder of these options."""
        return TextEncoder(self.text, progress=tell, of_bundle=self.text_of_bundle, download=self.download)


def train_on_files(
    store: GraphStore,
    train: Sequence[Path],
    valid: Sequence[Path],
    options: TrainingOptions,
    tell: Callable[[str], None] | None = None,
) -> Bundle:
    """Train on files of (user, item) rows; only graph, items and texts of the store are read.

    Raises FileProblem, NothingToTrainOn, StoreLoading, TrainingNotInstalled.
    """
    data = _read(store, train, valid, tell)
    encoder = options.encoder(tell)
    model = _fitting(data.graph, data.train, data.valid, options, encoder, tell).model()
    return _bundle(model, data, options, encoder, files=(*train, *valid))


def fitting_on_files(
    store: GraphStore,
    train: Sequence[Path],
    valid: Sequence[Path],
    options: TrainingOptions,
    tell: Callable[[str], None] | None = None,
    *,
    chosen: FusionSettings | None = None,
) -> Fitting:
    """Prepare the training of `train_on_files` without fitting, for ablations. Raises the same errors.

    chosen: the settings that this training chose on valid, if already known.
    """
    data = _read(store, train, valid, tell)
    return _fitting(data.graph, data.train, data.valid, options, options.encoder(tell), tell, chosen)


def train_on_store(store: GraphStore, options: TrainingOptions, tell: Callable[[str], None] | None = None) -> Bundle:
    """Train on the store's positive events; histories hold the negative ones too.

    Raises NothingToTrainOn, StoreLoading, TrainingNotInstalled.
    """
    check_training_installed()
    graph = complete_snapshot(store, then="train")
    train = graph.interactions()
    if not len(train):
        raise NothingToTrainOn("the store has no positive event to learn from; load some, or give files with --train")
    encoder = options.encoder(tell)
    dislikes = graph.dislikes()
    model = _fitting(graph, train, None, options, encoder, tell, dislikes=dislikes).model()
    return _bundle(model, _Data(graph, train, None), options, encoder)


@dataclass(frozen=True, eq=False)
class _Data:
    """Training data: files over the store's graph, or without files the store's events."""

    graph: KnowledgeGraph
    train: Interactions
    valid: Interactions | None
    train_files: Sequence[FileDigest] | None = None
    valid_files: Sequence[FileDigest] | None = None

    def users(self) -> list[str]:
        """Users with an event in either part."""
        parts = [self.train, *([self.valid] if self.valid is not None else [])]
        names: set[str] = set()
        for part in parts:
            names.update(str(part.user_ids[row]) for row in np.unique(part.users).tolist())
        return sorted(names)


def _read(store: GraphStore, train: Sequence[Path], valid: Sequence[Path], tell: Callable[[str], None] | None) -> _Data:
    # Reported before files and texts are read.
    check_training_installed()
    graph = complete_snapshot(store, then="train").without_interactions()
    rows = read_interactions(train)
    held_out = read_interactions(valid) if valid else None
    # One table of users for both, so that their rows agree.
    users = sorted({*rows.users, *(held_out.users if held_out is not None else ())})
    fitted = _interactions(rows, graph, users, "train", tell)
    stopping = None if held_out is None else _interactions(held_out, graph, users, "valid", tell)
    if stopping is not None and held_out is not None:
        stopping = _held_out(fitted, stopping, held_out.files[0].name, tell)
    return _Data(graph, fitted, stopping, rows.files, held_out.files if held_out else None)


def _held_out(train: Interactions, valid: Interactions, name: str, tell: Callable[[str], None] | None) -> Interactions:
    """The rows of valid that are not in train, which alone say something about settings; raise NothingToTrainOn if
    there are none.
    """
    learned, held_out = (part.users.astype(np.int64) * part.n_items + part.items for part in (train, valid))
    known = np.isin(held_out, learned)
    if known.all():
        raise NothingToTrainOn(
            f"{name}: every row is in train too, so settings would be chosen on what was learned; give rows of the "
            "same users that are held out of train"
        )
    if not np.isin(valid.users, train.users).any() and tell is not None:
        tell("valid: none of its users has a row in train, so that it says nothing about settings")
    if known.any() and tell is not None:
        tell(f"valid: {known.sum():,} of {len(held_out):,} rows are in train too and are left out")
    return valid.take(~known)


def complete_snapshot(store: GraphStore, *, then: str) -> KnowledgeGraph:
    """Read the store's snapshot to do something with it. Raises StoreLoading while a load is in progress."""
    mark = store.state().loading
    if mark is not None:
        what = "a load is in progress" if mark.alive else "a load was interrupted"
        first = "wait until it is done" if mark.alive else "run `whypath load` again to complete it"
        raise StoreLoading(f"{store.url}: {what}, so its content may be incomplete; {first}, then {then}")
    return store.snapshot()


def _interactions(
    rows: Rows, graph: KnowledgeGraph, users: Sequence[str], name: str, tell: Callable[[str], None] | None
) -> Interactions:
    found, reading = to_interactions(rows, graph, users=users)
    if tell is not None and (reading.unknown_rows or reading.not_positive):
        tell(f"{name}: {reading}")
    if not len(found):
        raise NothingToTrainOn(f"{rows.files[0].name}: no row is left to learn from ({reading})")
    return found


def _fitting(
    graph: KnowledgeGraph,
    train: Interactions,
    valid: Interactions | None,
    options: TrainingOptions,
    encoder: TextEncoder,
    tell: Callable[[str], None] | None,
    chosen: FusionSettings | None = None,
    dislikes: Interactions | None = None,
) -> Fitting:
    choices = options.choices
    variant = choices.variant
    if options.settings.tune:
        # Before texts are encoded.
        check_tuning_installed()
    # Made first, so that an unknown block is reported at once, and blocks that read no text need no text model.
    names = variant.blocks_of(options.settings.blocks)
    kept = without_rare_items(train.histories(), options.settings.min_users)
    if not kept.n_events:
        raise NothingToTrainOn(
            f"no item has {options.settings.min_users} users in the training data, and items of fewer users are not"
            " learned, so that no user's history can be inferred from the model; with --min-users 1 everything counts"
        )
    reads_texts = choices.text and any(Input.TEXT in ENCODERS[name].needs | ENCODERS[name].uses for name in names)
    if options.text.model is not None and not reads_texts and tell is not None:
        tell(f"No part of this model reads texts: the text model {options.text.model} is not used")
    vectors = item_text_vectors(graph, encoder, tell) if reads_texts else None
    return Fitting(
        graph,
        train,
        valid,
        asked=options.settings,
        seed=choices.seed,
        variant=variant,
        refit=choices.refit,
        contents={} if vectors is None else {Input.TEXT.value: vectors},
        progress=tell,
        chosen=chosen,
        trials=options.trials,
        dislikes=dislikes,
    )


def _bundle(
    model: FusionModel, on: _Data, options: TrainingOptions, encoder: TextEncoder, *, files: Sequence[Path] = ()
) -> Bundle:
    import torch  # Every engine imports this module, but serving needs no torch.

    graph = on.graph
    if on.train_files is None:
        data = events_of_store(graph, on.train)
    else:
        fitted = on.train if on.valid is None or not options.choices.refit else joined(on.train, on.valid)
        data = TrainedOn(
            train=_data_files(on.train_files),
            valid=_data_files(on.valid_files),
            n_users=len(np.unique(fitted.users)),
            n_events=len(fitted),
            graph_digest=graph.digest,
            schema_name=graph.schema.name,
            schema_digest=graph.schema.digest,
        )
    record = BundleRecord(
        choices=options.choices,
        protocol=model.protocol.value,
        data=data,
        # It has no effect without texts, and the asked model may be a path on this machine.
        text=encoder.recorded if Input.TEXT in model.items.contents else TextEncoderSettings(),
        threads=torch.get_num_threads(),
        versions=versions(model.states),
    )
    popularity = popularity_blend(on.train, model.protocol, options.settings.min_users)
    return Bundle(model, record, graph.item_ids, popularity, users=on.users(), files=files)


def events_of_store(graph: KnowledgeGraph, events: Interactions) -> TrainedOn:
    """The record of a store's positive events as the data of a model."""
    return TrainedOn(
        n_users=len(np.unique(events.users)),
        n_events=len(events),
        generation=graph.generation,
        event_generation=graph.event_generation,
        graph_digest=graph.digest,
        schema_name=graph.schema.name,
        schema_digest=graph.schema.digest,
    )


def _data_files(files: Sequence[FileDigest] | None) -> tuple[DataFile, ...] | None:
    return None if files is None else tuple(DataFile(name=f.name, sha256=f.sha256, rows=f.rows) for f in files)
