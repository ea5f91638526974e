"""A handful of films for tests: small enough to know every answer by heart."""

from __future__ import annotations

from kg.graph import KnowledgeGraph
from kg.rows import EdgeRow, Event, NodeRow
from kg.schema import DomainSchema

SCHEMA = """
name: films
nodes:
  film:
    role: item
    source: films.tsv
    key: id
    label: title
    fields:
      year: integer
      released: date
      colour: boolean
      rating: categorical
      secret: {type: integer, sensitive: true}
      discontinued: boolean
    lists:
      genres: {relation: genre, target: genre, label: of the genre}
      directors: {relation: director, target: person, label: directed by}
      notes: {relation: note, target: note, hidden: true}
    available: {field: discontinued, equals: false}
  book: {role: item, source: books.tsv, key: id, label: title, fields: {year: integer}}
  genre: {}
  person: {}
  note: {}
  user: {role: user, source: users.tsv, key: id, fields: {age: {type: integer, sensitive: true}}}
interactions:
  rating:
    columns: {user: user, item: item, weight: stars}
    source: ratings.tsv
    positive: {min_weight: 4}
"""

FILMS = {
    "007": ("Dr. No", 1962, "1962-10-05", True, "A", False, ["Action"], ["Terence Young"]),
    "f1": ("Reservoir Dogs", 1992, "1992-09-02", True, "R", False, ["Crime"], ["Quentin Tarantino"]),
    "f2": ("Pulp Fiction", 1994, "1994-09-10", True, "R", True, ["Crime", "Comedy"], ["Quentin Tarantino"]),
    "f3": ("Psycho", 1960, None, False, None, False, ["Horror"], ["Alfred Hitchcock"]),
    "f4": ("Untold", None, None, None, None, None, [], []),
}


def schema() -> DomainSchema:
    """The films' domain."""
    return DomainSchema.from_yaml(SCHEMA)


def films() -> KnowledgeGraph:
    """Five films, one book, two users; user "1" liked Pulp Fiction and did not like Psycho."""
    nodes = [NodeRow("user", "1", "1", fields={"age": 30}), NodeRow("user", "2", "2")]
    nodes += [NodeRow("book", "b1", "Psycho, the novel", "Psycho, the novel", {"year": 1959})]
    edges = []
    for key, (title, year, released, colour, rating, gone, genres, people) in FILMS.items():
        fields = {
            "year": year,
            "released": released,
            "colour": colour,
            "rating": rating,
            "discontinued": gone,
            "secret": 1,
        }
        nodes.append(NodeRow("film", key, title, title, fields))
        edges += [EdgeRow("genre", key, name) for name in genres] + [EdgeRow("director", key, name) for name in people]
        edges.append(EdgeRow("note", key, "n"))
    named = {(relation, edge.tail) for edge in edges for relation in [edge.relation]}
    kinds = {"genre": "genre", "director": "person", "note": "note"}
    nodes += [NodeRow(kinds[relation], key, key) for relation, key in sorted(named)]
    events = [
        Event.of("1", "f2", "film", "rating", weight=5, time=100),
        Event.of("1", "f3", "film", "rating", weight=2, time=200),
    ]
    return KnowledgeGraph.from_rows(schema(), nodes, edges, events)
