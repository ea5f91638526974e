"""`Engine`: the façade over a store and a trained model, in the caller's own ids.

It answers for known users, for users that came after training, and (by a popularity blend, marked as such) for unknown
ones; it sees what it has recorded at its next call, and what other processes load and record within a bound; while the
store's server is away it answers from the last snapshot and says so; it may be used from many threads. Lists and
explanations are computed in `whypath.answering`, training is in `whypath.models`.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from encoders.text import TextEncoderSettings
from fusion.settings import FusionSettings
from kg.graph import KnowledgeGraph
from kg.ids import Id, id_text
from kg.rows import Event
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
from whypath.models.bundle import Bundle, BundleRecord, NotTrained, TrainingChoices
from whypath.models.seeds import checked_seed
from whypath.models.trained_bundles import TrainedBundle, TrainedBundles, save_and_note

if TYPE_CHECKING:
    from fusion.ablation import Ablation
    from fusion.results import EvaluationResult
    from kg.ingest import NodeUpsert
    from whypath.models.evaluating import EvaluationFiles


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
        self._live = LiveGraph(
            store, queue=queue, freshness=freshness, download=download, wait_for_texts=wait_for_texts
        )
        self.store = self._live.store
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

        `freshness`: maximum age, in seconds, of what an answer knows of events that other processes record, and of
        loads once they are read and bound, while there are calls; after a pause the first answer may be a second old. A
        thread follows the store, so that no answer waits for it; with 0 each call asks the store and waits. What this
        engine records is always in its next answer, and `refresh` waits for everything.

        `download`: whether the text model that the bundle names may be fetched where it is not on this machine, which
        new items with texts need; the environment variable WHYPATH_DOWNLOAD=1 allows it too. `wait_for_texts`: whether
        new texts are encoded before their items are served; else these are scored without text until then, and answers
        say so.

        `stages` change each ranked list, in this order, before it is answered; a name is that of a stage of an
        installed package (entry point of `whypath.stages`). `retriever` chooses the items that
        compete, by default all that the filters allow.

        Where the store's server is away, and this machine has a snapshot of the store, the engine answers from that
        and is `stale`. Raises StoreNotFound, StoreUnavailable, and BundleError where the bundle does not fit the store.
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
        """Close the store."""
        self._live.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Models

    def train(
        self,
        train: Sequence[str | Path] | str | Path | None = None,
        valid: Sequence[str | Path] | str | Path | None = None,
        *,
        seed: int = 1,
        refit: bool = False,
        graph: Literal["real", "none", "shuffled"] = "real",
        text: bool = True,
        only: str | None = None,
        min_users: int | None = None,
        settings: FusionSettings | None = None,
        text_encoder: TextEncoderSettings | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> BundleRecord:
        """Train on files of (user, item) rows, or on the store's own positive events, and use the model from now on.

        With `train` none of the store's interactions is read. Without `valid` stored default settings are used; `refit`
        fits on both once settings are found. `graph`, `text` and `only` take parts out of the model. `min_users` is the
        setting of that name in `FusionSettings`: what fewer users did is not learnt, so that it cannot be read off the
        model. `text_encoder` names the model that reads texts, which is fetched where it is not on this machine. Raises
        StoreLoading while a load is in progress, FileProblem, NothingToTrainOn, UnknownBlock, TextModelError, BadSeed.
        """
        # Imported by those who train, load or evaluate: a process that serves starts without.
        from whypath.models.training import TrainingOptions, train_on_files, train_on_store

        choices = TrainingChoices(seed=checked_seed(seed), refit=refit, graph=graph, text=text, only=only)
        fusion = settings or FusionSettings()
        if min_users is not None:
            fusion = fusion.model_copy(update={"min_users": min_users})
        options = TrainingOptions(choices, fusion, text_encoder or TextEncoderSettings())
        if train is not None:
            bundle = train_on_files(self.store, paths_of(train), paths_of(valid), options, progress)
        else:
            bundle = train_on_store(self.store, options, progress)
        self._use(bundle)
        return bundle.record

    def load(self, bundle: str | Path) -> Self:
        """Use a bundle that `save` or `whypath train` wrote; all of it is checked. Raises BundleError."""
        self._use(Bundle.load(bundle))
        return self

    def save(self, directory: str | Path, *, force: bool = False) -> BundleRecord:
        """Write the model as a bundle; an existing one is an error without `force`, anything else in the folder always.

        Raises BundleError, NotTrained, OSError.
        """
        return save_and_note(self.bundle, Path(directory), self.store.url, force=force)

    def evaluate(self, files: EvaluationFiles, *, progress: Callable[[str], None] = lambda _: None) -> EvaluationResult:
        """Rank for every user of a test file as requests are answered, and measure the lists.

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
        """`evaluate`, and the same for the model without each of its parts, trained from scratch on the bundle's own
        files; see `whypath.models.ablation`, also for what it raises.
        """
        from whypath.models.ablation import ablate

        path = self.requests(offline=bool(files.history))
        held_out = None if valid is None else Path(valid)
        return ablate(self.store, self.bundle, path, files, Path(train), held_out, progress, download=self._download)

    def trained_with(self, user: Id) -> list[TrainedBundle]:
        """The bundles over this store, on this machine, that were trained with the user's events: what the user did can
        be read off them in part, also after `forget`; `whypath.models.retraining` trains them again."""
        return TrainedBundles().trained_with(id_text(user), self.store.url)

    @property
    def bundle(self) -> Bundle:
        """The model in use, with the record of its training. Raises NotTrained."""
        if self._bundle is None:
            raise NotTrained("there is no model yet: call train(), or load() a bundle")
        return self._bundle

    def swap(self, bundle: str | Path) -> Self:
        """`load`, under the name of what it does in a running engine: until the new model is bound the former one
        answers, and where it cannot be bound goes on answering."""
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
        """Look now for loads and events of other processes, and wait until they are served; whether there were any."""
        return self._live.refresh()

    @property
    def stale(self) -> str | None:
        """Since when the store has not answered (ISO 8601, UTC), so that answers come from its last snapshot; None
        while it answers. The store is followed again when it is back.
        """
        return self._live.follower.stale_since

    def scorer(self) -> Scorer:
        """The model over the snapshot of `graph`; immutable. Raises NotTrained."""
        return self._live.serving().model()

    # Answers

    def requests(self, *, offline: bool = False) -> RequestPath:
        """See `Answers`; lists, similar items and explanations are there, too."""
        serving = self._live.serving()
        scorer = serving.model()
        if offline:
            scorer = replace(scorer, popularity_of=self.bundle.popularity_over)
        return RequestPath(scorer, self._stages, self._retriever, serving.texts_note, serving.stale_since)

    # Events

    def event(
        self,
        user: Id,
        item: Id,
        *,
        kind: str | None = None,
        weight: float | None = None,
        time: float | None = None,
        id: Id | None = None,
    ) -> Event:
        """An event in the caller's ids, ready for `record`: the time is now and the kind the domain's one if not given.

        Raises UnknownItem, and WhyPathError where the domain has several kinds of events and none is named.
        """
        moment = clock.time() if time is None else time
        return event_of(self.graph, user, item, kind=kind, weight=weight, time=moment, id=id)

    def record(self, *events: Event) -> AppendReport:
        """Write events to the store; durable when this returns, and part of the next answer.

        While the store's server is away StoreUnavailable is raised and nothing is written. An engine opened with
        `queue` keeps the events on this machine instead, as durably: they are reported as queued, are part of the next
        answer, and are delivered in order when the server is back, by this engine or by whichever process of this
        machine records next. What the store refuses then is logged and kept aside; see `queue`.
        """
        recorder = self._live.recorder
        if not recorder.may_wait:
            return recorder.record(events)
        serving = self._live.serving()
        return recorder.record_or_queue(events, serving.graph, away=serving.stale_since is not None)

    def upsert(self, *nodes: NodeUpsert) -> UpsertReport:
        """Write a few items or entities with fields and relations to the store, all or none; they are part of the next
        answer, a new item with a text as said in `open`. Checked as a load is.

        The store is not read again, but the model is bound to the new snapshot before this returns. Raises LoadError,
        RowsRefused, StoreLocked while a load is in progress.
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
        """Deliver the events that wait for the store's server. Raises StoreUnavailable; then they go on waiting."""
        return self._live.recorder.deliver()

    def forget(self, user: Id) -> DeletionReport:
        """Remove a user and all their events from the store, and from those that wait for it on this machine."""
        report = self._live.forget(id_text(user))
        hidden = self.queue.hidden
        return report if hidden is None else replace(report, unreached=(*report.unreached, hidden))
