"""What a store holds after loads of a small shop, told by a model in plain Python; the model is the specification.

A film's row says its director and its genres; a file says genres of films as well; ratings have a time or none; some
events are recorded and belong to no load.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from kg.graph import KnowledgeGraph
from kg.ingest import LoadReport, load_domain
from kg.rows import Event
from kg.schema import DomainSchema
from kg.stores import GraphStore
from whypath.testing.stores.base import dangling

FILMS, GENRES, DIRECTORS, USERS = "abc", "xyz", "pq", "uv"
TIMES = (None, 10.0, 20.0)

SHOP = DomainSchema.from_mapping(
    {
        "name": "shop",
        "nodes": {
            "film": {
                "role": "item",
                "source": {"table": "films"},
                "key": "id",
                "label": "title",
                "links": {"director": {"target": "person", "relation": "directed_by"}},
                "lists": {"genres": {"target": "genre", "relation": "has_genre", "syntax": "json"}},
            },
            "genre": {},
            "person": {},
            "user": {"role": "user"},
        },
        "relations": {"has_genre": {"head": "film", "tail": "genre", "source": {"table": "genres"}}},
        "interactions": {
            "rating": {
                "source": {"table": "ratings"},
                "columns": {"user": "user", "item": "film", "weight": "stars", "time": "at"},
                "items": "film",
                "positive": {"min_weight": 4},
            }
        },
    },
    "the shop",
)

Identity = tuple[str, str, float | None]


@dataclass(frozen=True)
class Film:
    """A row of films."""

    title: str
    director: str | None
    genres: frozenset[str]


@dataclass(frozen=True)
class Version:
    """The tables at one load, in the order of their rows, and what is recorded after it."""

    films: dict[str, Film]
    genres: tuple[tuple[str, str], ...]
    ratings: tuple[tuple[Identity, int], ...]
    recorded: tuple[tuple[Identity, int], ...]
    replace: bool


@dataclass
class Model:
    """What must be there."""

    films: dict[str, Film] = field(default_factory=dict)
    filed: set[tuple[str, str]] = field(default_factory=set)
    ratings: dict[Identity, int] = field(default_factory=dict)
    recorded: set[tuple[Identity, int]] = field(default_factory=set)

    def load(self, version: Version) -> None:
        """A row replaces what the same row said; an absent row stays, unless everything is replaced."""
        if version.replace:
            self.films, self.filed, self.ratings = {}, set(), {}
        self.films |= version.films
        self.filed |= {(film, genre) for film, genre in version.genres if film in self.films}
        for identity, weight in version.ratings:
            # What was recorded with the same content is that event, and its recorder's.
            if identity[1] in self.films and (identity in self.ratings or (identity, weight) not in self.recorded):
                self.ratings[identity] = weight

    def record(self, version: Version) -> None:
        """A recorded event is one of its own, whatever rows say of the same user, item and time."""
        self.recorded |= {(i, w) for i, w in version.recorded if i[1] in self.films}

    @property
    def facts(self) -> set[tuple[str, str, str]]:
        """(relation, film, other end)."""
        said = {("has_genre", key, genre) for key, film in self.films.items() for genre in film.genres}
        directed = {("directed_by", key, film.director) for key, film in self.films.items() if film.director}
        return said | directed | {("has_genre", film, genre) for film, genre in self.filed}

    @property
    def events(self) -> list[tuple[Identity, int]]:
        """(user, film, time) and weight, sorted."""
        present = [(i, w) for i, w in self.recorded if i[1] in self.films]
        return sorted([*self.ratings.items(), *present], key=repr)

    @property
    def waiting(self) -> int:
        """Recorded events whose film is away."""
        return sum(i[1] not in self.films for i, _ in self.recorded)


def load_version(store: GraphStore, version: Version) -> LoadReport:
    """Load the tables of a version, then record what it records."""
    tables = {
        "films": [
            {"id": key, "title": film.title, "director": film.director, "genres": sorted(film.genres)}
            for key, film in version.films.items()
        ],
        "genres": [{"head": film, "tail": genre} for film, genre in version.genres] or [{"head": None, "tail": None}],
        "ratings": [{"user": u, "film": f, "at": t, "stars": w} for (u, f, t), w in version.ratings]
        or [{"user": None, "film": None, "at": None, "stars": None}],
    }
    report = load_domain(SHOP, store, tables=tables, replace=version.replace)
    events = [Event.of(u, f, "film", "rating", time=t, weight=w) for (u, f, t), w in version.recorded]
    store.append_events(events)
    return report


def facts_in(graph: KnowledgeGraph) -> set[tuple[str, str, str]]:
    """(relation, film, other end) of a snapshot."""
    return {
        (table.name, graph.nodes(table.head_kind).keys[head], graph.nodes(table.tail_kind).keys[tail])
        for table in graph.relations
        for head, tail in zip(table.heads.tolist(), table.tails.tolist(), strict=True)
    }


def events_in(graph: KnowledgeGraph) -> list[tuple[Identity, int]]:
    """(user, film, time) and weight of a snapshot's events, sorted."""
    (table,) = graph.events
    users, films = graph.nodes("user").keys, graph.nodes("film").keys
    rows = zip(table.users.tolist(), table.items.tolist(), table.times.tolist(), table.weights.tolist(), strict=True)
    return sorted(
        (((users[u], films[i], None if t != t else t), int(w)) for u, i, t, w in rows),
        key=repr,
    )


def versions() -> st.SearchStrategy[list[Version]]:
    """Up to five versions of the shop, each with a film."""
    films = st.builds(
        Film,
        st.sampled_from(("one", "two")),
        st.none() | st.sampled_from(DIRECTORS),
        st.frozensets(st.sampled_from(GENRES)),
    )
    identities = st.tuples(st.sampled_from(USERS), st.sampled_from(FILMS), st.sampled_from(TIMES))
    rated = st.tuples(identities, st.integers(1, 5))
    version = st.builds(
        Version,
        st.dictionaries(st.sampled_from(FILMS), films, min_size=1),
        st.lists(st.tuples(st.sampled_from(FILMS), st.sampled_from(GENRES)), max_size=3).map(tuple),
        st.lists(rated, max_size=5).map(tuple),
        st.lists(rated, max_size=1).map(tuple),
        st.booleans(),
    )
    return st.lists(version, min_size=1, max_size=5)


def check(store: GraphStore, steps: Sequence[Version]) -> None:
    """Load versions one after the other, and compare the store with the model after each."""
    model = Model()
    for step in steps:
        report = load_version(store, step)
        model.load(step)
        waiting = model.waiting
        model.record(step)
        graph = store.snapshot()
        assert facts_in(graph) == model.facts
        assert events_in(graph) == model.events
        titles = dict(zip(graph.nodes("film").keys, graph.nodes("film").labels, strict=True))
        assert titles == {key: film.title for key, film in model.films.items()}
        assert dangling(store) == 0
        assert report.finish.waiting_events == waiting
        assert report.warnings is not None
