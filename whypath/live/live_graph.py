"""`LiveGraph`: publish the state that a running engine answers from, and keep it up to date in the background.

Readers take one reference, an immutable `Serving`, and wait for nothing. A thread follows the store: it overlays events
on the snapshot at once, and for a load it reads the new snapshot and binds the model to it before it publishes both.
Events of this engine are published by the call that records them. Texts of new items are encoded in a child process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from numbers import Real

from encoders.text import TextModelError
from kg.errors import WhyPathError
from kg.forking import at_fork
from kg.graph import KnowledgeGraph
from kg.rows import Event
from kg.stores import DeletionReport, GraphStore, KeptStore, StoreError, StoreState
from whypath.answering.scoring import Scorer
from whypath.live.following import SILENCE, Follower
from whypath.live.recording import Recorder
from whypath.live.serving import Serving
from whypath.models.bundle import Bundle, BundleError
from whypath.models.new_texts import NewTexts

_log = logging.getLogger(__name__)


class LiveGraph:
    """The served state of one store and one model; safe to use from many threads."""

    fork_rank = 1

    def __init__(
        self,
        store: GraphStore | KeptStore,
        *,
        queue: bool,
        freshness: float,
        download: bool,
        wait_for_texts: bool,
    ) -> None:
        """See `Engine.open`. Nothing is read before it is needed. Raises WhyPathError for a freshness below 0."""
        if not isinstance(freshness, Real) or not freshness >= 0:
            raise WhyPathError(f"freshness is a number of seconds from 0 on, not {freshness!r}")
        kept = store if isinstance(store, KeptStore) else None
        self.store = store.store if isinstance(store, KeptStore) else store
        self._download = download
        self._waits_for_texts = wait_for_texts
        self._serving: Serving | None = None
        self._texts: NewTexts | None = None
        self._encoding: threading.Thread | None = None
        self._reset_locks()
        self.follower = Follower(self.store, self, freshness, kept and kept.since)
        self.recorder = Recorder(self.store, self, queue=queue)
        if kept is not None:
            self._serving = self._with_waiting(Serving(kept.graph))
        at_fork(self)

    def _reset_locks(self) -> None:
        # Held while a snapshot is read or a model is bound: one of these at a time. Readers take neither lock.
        self._building = threading.Lock()
        # Held while a few events are read and overlaid. Taken after `_building`.
        self._publishing = threading.Lock()

    # For readers

    def serving(self) -> Serving:
        """The state to answer from; the first call reads the store. Raises StoreError if there is nothing to answer
        from, or if the store reports that it cannot be used."""
        self._open()
        self.follower.called()
        self._lay_over_waiting(block=False)
        serving = self._opened
        since = self.follower.stale_since
        return serving if since is None else replace(serving, stale_since=since)

    @property
    def _opened(self) -> Serving:
        assert self._serving is not None, "nothing has been read yet"
        return self._serving

    def _open(self) -> None:
        if self._serving is not None:
            return
        with self._building:
            if self._serving is not None:
                return
            # There is nothing to answer from without the store, so its errors are the caller's.
            serving = self._with_waiting(Serving(self.store.snapshot()))
            with self._publishing:
                self._serving = serving
        # A store may have given the last snapshot that it has kept, if its server is unavailable.
        self.follower.look()

    def refresh(self) -> bool:
        """Look for loads and events of other processes, wait until they are served; returns whether there were any."""
        self._open()
        before = self._opened.graph
        self.follower.look()
        return self._opened.graph is not before

    # Models

    def use(self, bundle: Bundle) -> None:
        """Serve another model as soon as it is bound, the former one until then. Raises what binding raises."""
        self._open()
        with self._building:
            texts = bundle.new_texts(download=self._download, wait=self._waits_for_texts)
            bound = self._bound(Serving(self._opened.graph, bundle=bundle), texts)
            if bound.unbound is not None:
                raise bound.unbound
            with self._publishing:
                self._publish(self._over(bound, self._opened.graph, self._opened.waiting))
            former, self._texts = self._texts, texts
        if former is not None:
            former.close()
        self._encode_unread()

    def _bound(self, serving: Serving, texts: NewTexts) -> Serving:
        """Add the scorer of the bundle over the graph. If new texts are waited for, raises what encoding raises."""
        bundle = serving.bundle
        assert bundle is not None
        texts.unread = ()
        try:
            bundle.check_fits(serving.graph)
            scorer = bundle.scorer(serving.graph, bundle.popularity_in_store, texts.vectors)
        except BundleError as error:
            return replace(serving, scorer=None, unbound=error, unread_texts=0)
        unread = len(texts.unread)
        return replace(serving, scorer=scorer, unbound=None, unread_texts=unread, texts_problem=texts.problem)

    def _over(self, bound: Serving, graph: KnowledgeGraph, waiting: int) -> Serving:
        """Move a bound state to the same snapshot with other events."""
        scorer: Scorer | None = bound.scorer
        if scorer is not None and graph is not bound.graph:
            scorer = scorer.with_events(graph)
        return replace(bound, graph=graph, scorer=scorer, waiting=waiting)

    def _encode_unread(self) -> None:
        """Encode texts that the served model lacks, in the background; the model is bound again afterwards."""
        texts = self._texts
        if texts is None or not texts.unread or texts.problem:
            return
        if self._encoding is None or not self._encoding.is_alive():
            self._encoding = threading.Thread(target=self._encode, name="whypath-new-texts", daemon=True)
            self._encoding.start()

    def _encode(self) -> None:
        while (texts := self._texts) is not None and texts.unread and not texts.problem and not texts.is_closed:
            try:
                texts.encode()
            except WhyPathError as error:
                if texts.is_closed:
                    continue  # its process was ended with it; another model may have taken its place
                self._give_up(texts, error)
            with self._building:
                if self._texts is texts and not texts.is_closed:
                    self._read(texts)

    def _give_up(self, texts: NewTexts, error: WhyPathError) -> None:
        """Serve new items without text from now on; loading the bundle again tries once more."""
        texts.problem = str(error)
        _log.warning("new items are scored without their texts: %s", error)

    def _read(self, texts: NewTexts) -> None:
        """Serve the result of the encoding; with `_building` held."""
        serving = self._opened
        bound = replace(serving, texts_problem=texts.problem) if texts.problem else self._bound(serving, texts)
        with self._publishing:
            self._publish(self._over(bound, self._opened.graph, self._opened.waiting))

    # Following the store

    def follow(self, state: StoreState) -> None:
        """See `Followed`."""
        with self._building:
            serving = self._serving
            if serving is None:
                return
            # Events that were refused on delivery are in the overlay, and must be removed from it.
            put_aside, self.recorder.some_put_aside = self.recorder.some_put_aside, False
            if serving.graph.generation != state.generation or put_aside:
                try:
                    self._rebuild(serving)
                except WhyPathError:
                    self.recorder.some_put_aside |= put_aside
                    raise
            elif serving.graph.event_generation != state.event_generation:
                with self._publishing:
                    self._publish(self._caught_up(self._opened))
        self._encode_unread()

    def _rebuild(self, serving: Serving) -> None:
        built = Serving(self.store.snapshot(), bundle=serving.bundle)
        if built.bundle is not None and self._texts is not None:
            try:
                built = self._bound(built, self._texts)
            except TextModelError as error:
                self._give_up(self._texts, error)
                built = self._bound(built, self._texts)
        with self._publishing:
            # Events may have been recorded and published since the snapshot was read.
            self._publish(self._with_waiting(self._caught_up(built)))

    def _caught_up(self, serving: Serving) -> Serving:
        """Add the events that the store has got since. Raises StoreError."""
        events, reached = self.store.events_since(serving.graph.event_generation)
        if not events and reached == serving.graph.event_generation:
            return serving
        return self._over(serving, serving.graph.overlay(events, event_generation=reached), serving.waiting)

    def _with_waiting(self, serving: Serving) -> Serving:
        """Add the events that have been queued on this machine since."""
        events, reached = self.recorder.waiting_since(serving.waiting)
        if not events:
            return replace(serving, waiting=reached) if reached != serving.waiting else serving
        graph = serving.graph.overlay(events, event_generation=serving.graph.event_generation)
        return self._over(serving, graph, reached)

    def _lay_over_waiting(self, *, block: bool) -> None:
        # The holder of the lock publishes a newer state soon, so a reader need not wait for it.
        if self._publishing.acquire(blocking=block):
            try:
                self._publish(self._with_waiting(self._opened))
            finally:
                self._publishing.release()

    def _publish(self, serving: Serving) -> None:
        """With `_publishing` held."""
        self._serving = serving

    # For the recorder

    def recorded(self, events: Sequence[Event]) -> None:
        """See `Listener`: the events are in every answer after this returns."""
        if self._serving is None:
            return
        with self._publishing:
            serving = self._opened
            try:
                self._publish(self._caught_up(serving))
            except StoreError as error:
                if isinstance(error, SILENCE):
                    self.follower.silent(error)
                graph = serving.graph.overlay(events, event_generation=serving.graph.event_generation)
                self._publish(self._over(serving, graph, serving.waiting))

    def queued(self) -> None:
        """See `Listener`."""
        if self._serving is not None:
            self._lay_over_waiting(block=True)

    def silent(self, error: StoreError) -> None:
        """See `Listener`."""
        self.follower.silent(error)

    def forget(self, user: str) -> DeletionReport:
        """Remove a user from the store, from the queue, and from the served state when this returns."""
        report = self.recorder.forget(user)
        if self._serving is not None and not self.follower.look():
            # The store went away after the deletion: the last snapshot is served until it is back.
            with self._publishing:
                serving = self._opened
                self._publish(self._over(serving, serving.graph.without_users([user]), serving.waiting))
        return report

    def close(self) -> None:
        """Close the store; queued events continue to wait."""
        self.recorder.close()
        self.follower.close()
        if self._texts is not None:
            self._texts.close()
        self.store.close()

    def before_fork(self) -> None:
        """See `ForkAware`: the served state is one reference, which is always complete."""

    def after_fork(self, *, in_child: bool) -> None:
        """See `ForkAware`: a thread that held a lock may no longer exist."""
        if in_child:
            self._reset_locks()
            self._encoding = None
