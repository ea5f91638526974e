"""Update a bundle with the events and items that its store has now, without a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from encoders.block import Input
from encoders.text import TextModelError
from fusion.model import Encode
from fusion.updating import updated_model
from kg.stores import GraphStore
from whypath.answering.popularity import popularity_blend
from whypath.models.bundle import Bundle, BundleError, BundleRecord, check_free, read_record, versions
from whypath.models.bundle_record import Updated, using_bundle
from whypath.models.trained_bundles import save_and_note
from whypath.models.training import NothingToTrainOn, complete_snapshot, events_of_store

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update did. `updated`: whether there was anything new; without it the bundle is as it was.

    `events` and `users`: those of the model now; `new_events`: how many more events than before, below 0 where more
    were removed than came; `new_items`: items that the model did not have. `blocks`: the parts that were fitted again;
    `kept`: those that are as they were trained. `seconds`: wall time. `path`: the folder that was written, None for
    none; `digest`: of the bundle in use.
    """

    updated: bool
    events: int
    users: int
    new_events: int
    new_items: int
    blocks: tuple[str, ...]
    kept: tuple[str, ...]
    seconds: float
    digest: str
    path: Path | None = None

    def written(self, record: BundleRecord, directory: str | Path | None) -> UpdateReport:
        """The report with the place of the updated bundle."""
        return replace(self, digest=record.digest, path=None if directory is None else Path(directory))

    def __str__(self) -> str:
        if not self.updated:
            return "nothing new: the model has all events, items and facts of the store"
        change = f"{self.new_events:+,} events, {self.new_items:,} new items"
        kept = f"; as trained: {', '.join(self.kept)}" if self.kept else ""
        return (
            f"updated to {self.events:,} interactions of {self.users:,} users ({change}) in {self.seconds:.1f} s\n"
            f"fitted again: {', '.join(self.blocks) or 'none'}{kept}"
        )


def check_place(directory: Path, former: Bundle) -> None:
    """Raise BundleError unless an updated bundle can be written there: a new folder, or that of the bundle itself."""
    try:
        is_its_own = read_record(directory).digest == former.record.digest
    except BundleError:
        is_its_own = False
    try:
        check_free(directory, force=is_its_own)
    except BundleError as error:
        if is_its_own:
            raise
        raise BundleError(
            f"{directory} holds something else than the bundle that this update began with, for example one that was"
            " trained or updated meanwhile; nothing is replaced. Update that bundle, or name a new folder"
        ) from error


def update_folder(
    store: GraphStore, directory: Path, *, download: bool = False, tell: Tell | None = None
) -> UpdateReport:
    """Update the bundle in a folder and replace it in one step. Raises as `Engine.update` does."""
    former = Bundle.load(directory)
    check_place(directory, former)
    report, bundle = updated_bundle(store, former, download=download, tell=tell)
    if bundle is None:
        return replace(report, path=directory)
    check_place(directory, former)
    return report.written(save_and_note(bundle, directory, store.url, force=True), directory)


def updated_bundle(
    store: GraphStore, former: Bundle, *, download: bool, tell: Tell | None = None
) -> tuple[UpdateReport, Bundle | None]:
    """Compute the updated bundle, None where the store has nothing new. Raises as `Engine.update` does."""
    started = perf_counter()
    _check_trained_on_store(former.record)
    graph = complete_snapshot(store, then="update")
    former.check_fits(graph)
    events = graph.interactions()
    if not len(events):
        raise NothingToTrainOn("the store has no positive event left to learn from; load or record some")
    record, model = former.record, former.model
    data = events_of_store(graph, events)
    if data == record.data:
        report = UpdateReport(False, data.n_events, data.n_users, 0, 0, (), tuple(model.states), 0.0, record.digest)
        return replace(report, seconds=perf_counter() - started), None
    with using_bundle():
        encode, dislikes = _encode(former, download, tell), graph.dislikes()
        made = updated_model(model, graph, events, dislikes=dislikes, encode=encode, progress=tell)
    kept = tuple(name for name in model.states if name not in made.blocks)
    update = Updated(
        of=record.digest,
        at=datetime.now(UTC).replace(microsecond=0),
        number=1 if record.updated is None else record.updated.number + 1,
        trained=record.data if record.updated is None else record.updated.trained,
        new_events=data.n_events - record.data.n_events,
        new_items=made.new_items,
        blocks=made.blocks,
    )
    bundle = Bundle(
        made.model,
        record.model_copy(update={"data": data, "updated": update, "versions": versions(model.states), "files": {}}),
        graph.item_ids,
        popularity_blend(events, model.protocol, model.asked.min_users),
        users=sorted({*events.user_ids, *(former.users or ())}),
        # What is kept as it was trained, gates among it, has traces of the users that it was trained with.
        users_of=record.digest if former.users is None else former.users_of,
    )
    report = UpdateReport(
        True,
        data.n_events,
        data.n_users,
        update.new_events,
        update.new_items,
        made.blocks,
        kept,
        perf_counter() - started,
        bundle.record.digest,
    )
    return report, bundle


def _check_trained_on_store(record: BundleRecord) -> None:
    if record.data.train is not None:
        names = ", ".join(file.name for file in record.data.train)
        raise BundleError(
            f"the bundle was trained on files ({names}), and an update takes in the events of the store; train it again"
            " on the files, or train one on the store's events"
        )


def _encode(bundle: Bundle, download: bool, tell: Tell | None) -> Mapping[str, Encode]:
    """Vectors of texts that training did not see; zeros, which is reported, where they cannot be computed here."""
    known = bundle.new_texts(download=download, wait=True)

    def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
        try:
            return known.vectors(texts)
        except TextModelError as error:
            if tell is not None:
                tell(f"New texts are not encoded now, but when the bundle is opened: {error}")
            known.problem = str(error)
            return known.vectors(texts)

    return {Input.TEXT: vectors}
