"""`Engine`: the façade over a store and a trained model, in the caller's ids.

It answers for known users, for users that came after training, and (by a popularity blend, marked as such) for unknown
ones. Its own events are part of its next answer, loads and events of other processes within a bounded time. While the
store's server is unavailable, it answers from the last snapshot and says so. It may be used from many threads. Lists
and explanations are computed in `whypath.answering`, training is in `whypath.models`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from time import time as clock
from typing import TYPE_CHECKING, Self, Unpack

from fusion.settings import FusionSettings
from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph
from kg.ids import Id, id_text
from kg.rows import Event, EventParts
from kg.stores import AppendReport, DeletionReport, GraphStore, KeptStore, UpsertReport
from kg.stores.event_queue import Delivery, EventQueue
from whypath.answering.answers import Answers
from whypath.answering.request_path import Exact, RequestPath, Retriever
from whypath.answering.scoring import Scorer
from whypath.answering.stages import Stage, stages_of
from whypath.io.files import paths_of
from whypath.live.following import FRESHNESS_SECONDS, opened
from whypath.live.live_graph import LiveGraph
from whypath.live.recording import event_of
from whypath.models.bundle import Bundle, BundleError, BundleRecord, NotTrained
from whypath.models.trained_bundles import TrainedBundle, TrainedBundles, save_and_note

if TYPE_CHECKING:
    from fusion.ablation import Ablation
    from fusion.results import EvaluationResult
    from kg.ingest import NodeUpsert
    from whypath.models.evaluating import EvaluationFiles
    from whypath.models.train_settings import TrainOptions
    from whypath.models.updating import UpdateReport


class EngineClosed(WhyPathError):
    """The engine was closed."""


class Engine(Answers):
    """Recommendations, similar items and explanations over one store. Make one with `Engine.open`."""

    def __init__(
        self,
        store: GraphStore | KeptStore,
        *,
        queue: bool = False,
        freshness: float = FRESHNESS_SECONDS,
        download: bool = False,
        wait_for_texts: bool = False,
        stages: Iterable[Stage | str] = (),
        retriever: Retriever | None = None,
    ) -> None:
        self._served = LiveGraph(
            store, queue=queue, freshness=freshness, download=download, wait_for_texts=wait_for_texts
        )
        self._closed = False
        self._bundle: Bundle | None = None
        self._download = download
        self._stages, self._retriever = stages_of(stages), retriever or Exact()

    @classmethod
    def open(
        cls,
        store: str | Path | GraphStore,
        bundle: str | Path | None = None,
        *,
        queue: bool = False,
        freshness: float = FRESHNESS_SECONDS,
        download: bool = False,
        wait_for_texts: bool = False,
        stages: Iterable[Stage | str] = (),
        retriever: Retriever | None = None,
    ) -> Self:
        """Open a store by path or URL, and a trained bundle with it if one is given. `queue`: see `record`.

        `freshness`: maximum age, in seconds, of an answer's knowledge of events of other processes, and of their loads
        once read and bound, while there are calls; after a pause the first answer may be a second old. A thread follows
        the store, so that no answer waits for it; with 0, each call asks the store and waits. Events that this engine
        records are always in its next answer, and `refresh` waits for everything.

        `download`: whether the bundle's text model, which new items with texts need, may be fetched if this machine
        lacks it; the environment variable WHYPATH_DOWNLOAD=1 allows it too. `wait_for_texts`: whether new texts are
        encoded before their items are served; otherwise the items are scored without text until then, and answers say
        so.

        `stages` change each ranked list, in this order, before it is answered; a name is that of a stage of an
        installed package (entry point of `whypath.stages`). `retriever` chooses the candidates, by default all items
        that the filters allow.

        If the store's server is unavailable, and this machine has a snapshot of the store, the engine answers from it
        and is `stale`. Raises StoreNotFound, StoreUnavailable, and BundleError if the bundle does not fit the store.
        """
        place = store if isinstance(store, GraphStore) else opened(store)
        engine = cls(
            place,
            queue=queue,
            freshness=freshness,
            download=download,
            wait_for_texts=wait_for_texts,
            stages=stages,
            retriever=retriever,
        )
        if bundle is not None:
            engine.load(bundle)
        return engine

    def close(self) -> None:
        """Close the store. Answers in progress may be completed; other methods then raise EngineClosed."""
        self._closed = True
        self._served.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _live(self) -> LiveGraph:
        """The served state; all methods reach the store and the model through it. Raises EngineClosed."""
        if self._closed:
            raise EngineClosed("this engine is closed; open it again")
        return self._served

    @property
    def store(self) -> GraphStore:
        """The store of facts and events. Raises EngineClosed."""
        return self._live.store

    # Models

    def train(
        self,
        train: Sequence[str | Path] | str | Path | None = None,
        valid: Sequence[str | Path] | str | Path | None = None,
        *,
        settings: FusionSettings | None = None,
        progress: Callable[[str], None] | None = None,
        trials: str | Path | None = None,
        **options: Unpack[TrainOptions],
    ) -> BundleRecord:
        """Train on files of (user, item) rows, or on the store's positive events, and use the model from now on.

        With `train`, the store's events are not read. Without `valid`, settings are chosen only for a model of what
        comes next, or with `tune`. `settings` may be `TrainSettings`, as a settings file has them; `options` override
        the settings of their names: `seed`, `refit`, `graph`, `text`, `only`, `min_users`, `protocol`, `tune`, and
        `text_encoder`, whose model is fetched if this machine lacks it. `trials`: file that keeps what a search by
        `tune` has tried, so that an interrupted one is continued.
        Raises BadSettings, StoreLoading while a load is in progress, FileProblem, NothingToTrainOn, UnknownBlock,
        TextModelError, TuningNotInstalled, TrialsUnreadable.
        """
        # Imported by those who train, load or evaluate: a process that serves starts without.
        from whypath.models.train_settings import TrainSettings
        from whypath.models.training import TrainingOptions, train_on_files, train_on_store

        asked = TrainSettings.of(settings, **options)
        kept = None if trials is None else Path(trials)
        training = TrainingOptions(asked.choices, asked.fusion, asked.text_encoder, trials=kept)
        if train is not None:
            bundle = train_on_files(self.store, paths_of(train), paths_of(valid), training, progress)
        else:
            bundle = train_on_store(self.store, training, progress)
        self._use(bundle)
        return bundle.record

    def update(
        self, directory: str | Path | None = None, *, progress: Callable[[str], None] | None = None
    ) -> UpdateReport:
        """Bring the model up to date with the store's events and items of now, without a training, and use it.

        Parts whose fit is cheap are fitted again on all events; the rest stays as it was trained, see
        `fusion.updating`. The model of before answers until the new one is bound, so a thread of its own may call this
        in a running engine. Where nothing has changed since, nothing is done. directory: where the updated bundle is
        written before it is used, as by `save`; the folder of the bundle that is updated may be named, which is then
        replaced. Needs no torch.

        Raises NotTrained, StoreLoading, NothingToTrainOn, and BundleError for a model that cannot be updated: one
        trained on files, or on another domain, or one that was replaced meanwhile.
        """
        from whypath.models.updating import check_place, updated_bundle

        former = self.bundle
        if directory is not None:
            check_place(Path(directory), former)
        report, bundle = updated_bundle(self.store, former, download=self._download, tell=progress)
        if bundle is None:
            return report
        if directory is not None:
            check_place(Path(directory), former)
            save_and_note(bundle, Path(directory), self.store.url, force=True)
        if self._bundle is not former:
            raise BundleError("another model was taken into use during the update, and stays in use; update that one")
        self._use(bundle)
        return report.written(bundle.record, directory)

    def load(self, bundle: str | Path) -> Self:
        """Use a bundle that `save` or `whypath train` wrote; all of it is checked. Raises BundleError."""
        self._use(Bundle.load(bundle))
        return self

    def save(self, directory: str | Path, *, force: bool = False) -> BundleRecord:
        """Write the model as a bundle; an existing bundle is an error without `force`, any other content always.

        Raises BundleError, NotTrained, OSError.
        """
        return save_and_note(self.bundle, Path(directory), self.store.url, force=force)

    def evaluate(self, files: EvaluationFiles, *, progress: Callable[[str], None] = lambda _: None) -> EvaluationResult:
        """Rank for every user of a test file by the path of requests, and measure the lists.

        Raises NotTrained, FileProblem, NothingToEvaluate.
        """
        from whypath.models.evaluating import evaluate_files

        return evaluate_files(self.requests(offline=bool(files.history)), files, progress)

    def ablate(
        self,
        files: EvaluationFiles,
        train: str | Path,
        valid: str | Path | None = None,
        *,
        progress: Callable[[str], None] = lambda _: None,
    ) -> Ablation:
        """Evaluate the model, and the model without each of its parts, trained from scratch on the bundle's files; see
        `whypath.models.ablation`, also for its errors.
        """
        from whypath.models.ablation import ablate

        path = self.requests(offline=bool(files.history))
        held_out = None if valid is None else Path(valid)
        return ablate(self.store, self.bundle, path, files, Path(train), held_out, progress, download=self._download)

    def trained_with(self, user: Id) -> list[TrainedBundle]:
        """The bundles of this store, on this machine, that were trained with the user's events: part of these can be
        inferred from the bundles, even after `forget`; `whypath.models.retraining` trains them again."""
        return TrainedBundles().trained_with(id_text(user), self.store.url)

    @property
    def bundle(self) -> Bundle:
        """The model in use, with the record of its training. Raises NotTrained."""
        if self._bundle is None:
            raise NotTrained("there is no model yet: call train(), or load() a bundle")
        return self._bundle

    def swap(self, bundle: str | Path) -> Self:
        """`load`, by its effect in a running engine: the former model answers until the new one is bound, and continues
        if that fails."""
        return self.load(bundle)

    def _use(self, bundle: Bundle) -> None:
        self._live.use(bundle)
        self._bundle = bundle

    # The state that answers come from

    @property
    def graph(self) -> KnowledgeGraph:
        """The snapshot that the next answer comes from."""
        return self._live.serving().graph

    def refresh(self) -> bool:
        """Look for loads and events of other processes, wait until they are served; returns whether there were any."""
        return self._live.refresh()

    @property
    def stale(self) -> str | None:
        """The time since which the store has not answered (ISO 8601, UTC), so that answers come from its last snapshot;
        None while it answers. The store is followed again when it is back.
        """
        return self._live.follower.stale_since

    def scorer(self) -> Scorer:
        """The model over the snapshot of `graph`; immutable. Raises NotTrained."""
        return self._live.serving().model()

    # Answers

    def requests(self, *, offline: bool = False) -> RequestPath:
        """See `Answers`, which also has lists, similar items and explanations."""
        serving = self._live.serving()
        scorer = serving.model()
        if offline:
            scorer = replace(scorer, popularity_of=self.bundle.popularity_over)
        return RequestPath(scorer, self._stages, self._retriever, serving.texts_note, serving.stale_since)

    # Events

    def event(self, user: Id, item: Id, *, kind: str | None = None, **parts: Unpack[EventParts]) -> Event:
        """Make an event in the caller's ids, ready for `record`; by default, the time is now and the kind the only one.

        `parts` are `time` (seconds since 1970, UTC), `weight` and `id`. Raises UnknownItem, and WhyPathError if the
        domain has several kinds of events and none is given.
        """
        if parts.get("time") is None:
            parts["time"] = clock()
        return event_of(self.graph, user, item, kind=kind, **parts)

    def record(self, *events: Event) -> AppendReport:
        """Write events to the store; durable when this returns, and part of the next answer.

        While the store's server is unavailable, StoreUnavailable is raised and nothing is written. An engine opened
        with `queue` keeps the events on this machine instead, as durably: they are reported as queued, are part of the
        next answer, and are delivered in order when the server is back, by this engine or by the next process of this
        machine that records. Events that the store refuses then are logged and kept; see `queue`.
        """
        recorder = self._live.recorder
        if not recorder.may_wait:
            return recorder.record(events)
        serving = self._live.serving()
        return recorder.record_or_queue(events, serving.graph, away=serving.stale_since is not None)

    def upsert(self, *nodes: NodeUpsert) -> UpsertReport:
        """Write a few items or entities with fields and relations to the store, all or none, checked like a load; they
        are part of the next answer, a new item with a text as stated in `open`.

        The store is not read again, but the model is bound to the new snapshot before this returns. Raises LoadError,
        RowsRefused, and StoreLocked while a load is in progress.
        """
        from kg.ingest import upsert_nodes

        report = upsert_nodes(self.store, nodes)
        self.refresh()
        return report

    @property
    def queue(self) -> EventQueue:
        """Events that wait on this machine for the store's server, and those that it has refused."""
        return self._live.recorder.queue

    def deliver(self) -> Delivery:
        """Deliver the events that wait for the store's server. Raises StoreUnavailable; then they continue to wait."""
        return self._live.recorder.deliver()

    def forget(self, user: Id) -> DeletionReport:
        """Remove a user and all their events from the store, and from those that wait for it on this machine."""
        report = self._live.forget(id_text(user))
        hidden = self.queue.hidden
        return report if hidden is None else replace(report, unreached=(*report.unreached, hidden))
