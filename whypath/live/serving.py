"""`Serving`: the state that answers come from."""

from __future__ import annotations

from dataclasses import dataclass

from kg.errors import WhyPathError
from kg.graph import KnowledgeGraph
from whypath.answering.scoring import Scorer
from whypath.models.bundle import Bundle, NotTrained


@dataclass(frozen=True, eq=False)
class Serving:
    """One consistent state of store and model; each request uses one state until its answer is made.

    `scorer` is `bundle`'s model over `graph`, None if there is no model or `unbound` says why it does not fit.
    `waiting`: number of the last event of this machine's queue in the overlay. `unread_texts` items are scored without
    their text, which is not encoded yet, or cannot be for the reason in `texts_problem`. `stale_since` (ISO 8601, UTC)
    is the time of the store's last answer, None while it answers.
    """

    graph: KnowledgeGraph
    waiting: int = 0
    bundle: Bundle | None = None
    scorer: Scorer | None = None
    unbound: WhyPathError | None = None
    unread_texts: int = 0
    texts_problem: str = ""
    stale_since: str | None = None

    def model(self) -> Scorer:
        """The scorer. Raises NotTrained, and the error that prevents the model's use over this graph."""
        if self.unbound is not None:
            raise self.unbound.with_traceback(None)
        if self.scorer is None:
            raise NotTrained("there is no model yet: call train(), or load() a bundle")
        return self.scorer

    @property
    def texts_note(self) -> str:
        """A note for readers of an answer about texts that do not count in it yet; empty if all do."""
        if not self.unread_texts:
            return ""
        many = f"{self.unread_texts:,} new items are" if self.unread_texts > 1 else "1 new item is"
        why = f"cannot be encoded ({self.texts_problem})" if self.texts_problem else "is still being encoded"
        return f"{many} scored without text, which {why}."
