"""A small domain with everything in it: two item kinds, a relation between items, one of users, two interactions."""

from __future__ import annotations

from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema


def films_schema(**changes: object) -> DomainSchema:
    """The schema, with top-level sections exchanged by `changes`."""
    description = {
        "name": "films",
        "nodes": {
            "film": {
                "role": "item",
                "source": "films.csv",
                "key": "id",
                "fields": {"year": "integer", "language": "categorical", "released": "date", "hit": "boolean"},
            },
            "series": {"role": "item", "source": "series.csv", "key": "id", "fields": {"year": "integer"}},
            "person": {},
            "genre": {},
            "city": {},
            "viewer": {
                "role": "user",
                "source": "viewers.csv",
                "key": "id",
                "fields": {"age": {"type": "integer", "sensitive": True}, "plan": "categorical"},
            },
        },
        "relations": {
            "director": {"source": "r.csv", "head": "film", "tail": "person", "label": "directed by"},
            "genre": {"source": "r.csv", "head": ["film", "series"], "tail": "genre", "label": "is"},
            "sequel": {"source": "r.csv", "head": "film", "tail": "film", "label": "followed by"},
            "lives": {"source": "r.csv", "head": "viewer", "tail": "city", "hidden": True},
        },
        "interactions": {
            "rating": {"items": "film", "positive": {"min_weight": 3}},
            "view": {"items": ["film", "series"], "label": "watched"},
        },
    }
    return DomainSchema.from_mapping(description | changes)


NODES = (
    NodeRow("film", "2", "Pulp Fiction", "Pulp Fiction", {"year": 1994, "language": "en", "released": "1994-09-10"}),
    NodeRow("film", "1", "Reservoir Dogs", "Reservoir Dogs", {"year": 1992, "language": "en", "hit": True}),
    NodeRow("film", "10", "Kill Bill", "", {"year": 2003}),
    NodeRow("film", "11", "Kill Bill 2", "", {"language": "ja"}),
    NodeRow("film", "ä", "Ähnlich", "Nothing known"),
    NodeRow("series", "2", "The Wire", "The Wire", {"year": 2002}),
    NodeRow("series", "9", "Dark"),
    NodeRow("person", "qt", "Quentin Tarantino"),
    NodeRow("person", "rr", "Robert Rodriguez"),
    NodeRow("genre", "crime", "crime"),
    NodeRow("genre", "drama", "drama"),
    NodeRow("city", "b", "Berlin"),
    NodeRow("viewer", "ann", "Ann", "", {"age": 33, "plan": "paid"}),
    NodeRow("viewer", "bob", "Bob", "", {"age": 44}),
)

EDGES = (
    EdgeRow("director", "1", "qt"),
    EdgeRow("director", "2", "qt"),
    EdgeRow("director", "10", "qt"),
    EdgeRow("director", "10", "rr"),
    EdgeRow("genre.film.genre", "1", "crime"),
    EdgeRow("genre.film.genre", "2", "crime"),
    EdgeRow("genre.series.genre", "2", "crime"),
    EdgeRow("genre.series.genre", "9", "drama"),
    EdgeRow("sequel", "10", "11"),
    EdgeRow("lives", "ann", "b"),
)

EVENTS = (
    Event.of("ann", "1", "film", "rating", time=10.0, weight=5.0),
    Event.of("ann", "2", "film", "rating", time=5.0, weight=2.0),
    Event.of("bob", "2", "film", "rating", time=7.0, weight=4.0),
    Event.of("cid", "2", "series", "view", time=8.0),
    Event.of("ann", "2", "film", "view"),
    Event.of("ann", "1", "film", "view", time=1.0),
    Event.of("ann", "1", "film", "view", time=2.0),
)
