"""RDF in its spellings, alone with events and behind a link file."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from tests.corpus.planted import WORLD, Item
from tests.corpus.render import PLAIN, Ids, category, events, items, maker, table, writes, year
from tests.corpus.shape import Expected, Nodes, Refusal, Shape

_ACTS = WORLD.acts
_BASE = "http://example.org/"
_VOCABULARY = "http://example.org/v#"
_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_IRIS = Ids(lambda u: f"u{u}", lambda i: f"{_BASE}film/{i}")


def _iri(kind: str, name: str) -> str:
    return f"{_BASE}{kind}/{name.replace(' ', '_')}"


def _n_triples(graph: str = "") -> str:
    """All facts, with the graph's name before the dot if there is one."""
    end = f" <{graph}> .\n" if graph else " .\n"
    lines: list[str] = []
    for i in WORLD.items:
        film, person, genre = f"<{_IRIS.item(i.number)}>", _iri("person", i.maker), _iri("genre", i.category)
        lines += [
            f"{film} <{_TYPE}> <{_VOCABULARY}Film>",
            f'{film} <{_LABEL}> "{i.label}"@en',
            f'{film} <{_LABEL}> "Der Film {i.label}"@de',
            f'{film} <{_VOCABULARY}year> "{i.year}"^^<http://www.w3.org/2001/XMLSchema#gYear>',
            f"{film} <{_VOCABULARY}director> <{person}>",
            f"{film} <{_VOCABULARY}genre> <{genre}>",
        ]
    for name in sorted({i.maker for i in WORLD.items}):
        lines += [
            f"<{_iri('person', name)}> <{_TYPE}> <{_VOCABULARY}Person>",
            f'<{_iri("person", name)}> <{_LABEL}> "{name}"',
        ]
    for name in sorted({i.category for i in WORLD.items}):
        lines.append(f'<{_iri("genre", name)}> <{_LABEL}> "{name}"@en')
    return "".join(line + end for line in lines)


def _turtle() -> str:
    head = f"@prefix : <{_VOCABULARY}> .\n@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
    films = "".join(
        f'<{_IRIS.item(i.number)}> a :Film ;\n    rdfs:label "{i.label}"@en , "Der Film {i.label}"@de ;\n'
        f"    :year {i.year} ;\n    :director <{_iri('person', i.maker)}> ;\n"
        f"    :genre <{_iri('genre', i.category)}> .\n"
        for i in WORLD.items
    )
    return head + films + _names_in_turtle()


def _names_in_turtle() -> str:
    people = sorted({i.maker for i in WORLD.items})
    genres = sorted({i.category for i in WORLD.items})
    return "".join(f'<{_iri("person", n)}> a :Person ; rdfs:label "{n}" .\n' for n in people) + "".join(
        f'<{_iri("genre", n)}> rdfs:label "{n}"@en .\n' for n in genres
    )


def _json_ld() -> str:
    def film(i: Item) -> dict[str, object]:
        return {
            "@id": _IRIS.item(i.number),
            "@type": "Film",
            "label": i.label,
            "year": i.year,
            "director": {"@id": _iri("person", i.maker), "label": i.maker},
            "genre": {"@id": _iri("genre", i.category), "label": i.category},
        }

    context = {
        "@vocab": _VOCABULARY,
        "label": _LABEL,
        "director": {"@id": f"{_VOCABULARY}director"},
    }
    return json.dumps({"@context": context, "@graph": [film(i) for i in WORLD.items]}, indent=1)


def _xml() -> str:
    films = "".join(
        f'<v:Film rdf:about="{escape(_IRIS.item(i.number))}"><rdfs:label>{escape(i.label)}</rdfs:label>'
        f'<v:year>{i.year}</v:year><v:director rdf:resource="{_iri("person", i.maker)}"/>'
        f'<v:genre rdf:resource="{_iri("genre", i.category)}"/></v:Film>\n'
        for i in WORLD.items
    )
    names = "".join(
        f'<rdf:Description rdf:about="{_iri(kind, name)}"><rdfs:label>{name}</rdfs:label></rdf:Description>\n'
        for kind, found in (("person", {i.maker for i in WORLD.items}), ("genre", {i.category for i in WORLD.items}))
        for name in sorted(found)
    )
    return (
        '<?xml version="1.0"?>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        f' xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#" xmlns:v="{_VOCABULARY}">\n{films}{names}</rdf:RDF>\n'
    )


def _ratings(ids: Ids) -> str:
    return table(("user", "film", "rating"), ((*ids.pair(a.user, a.item), a.rating) for a in _ACTS))


def _shape(name: str, about: str, file: str, text: str, *, refuse: str | None = None) -> Shape:
    return Shape(
        f"rdf-{name}",
        about,
        writes(lambda: {file: text, "ratings.csv": _ratings(_IRIS)}),
        (file, "ratings.csv"),
        Expected(
            events=(events("ratings.csv", user="user", item="film", weight="rating", ids=_IRIS),),
            nodes=(_films(file),),
            refuse=Refusal(refuse) if refuse else None,
            taste=_IRIS.taste(),
        ),
        planted=True,
    )


def _films(file: str) -> Nodes:
    return items(
        file,
        key="@id",
        label=_LABEL,
        fields={f"{_VOCABULARY}year": year},
        facts={f"{_VOCABULARY}director": maker, f"{_VOCABULARY}genre": category},
        ids=_IRIS,
    )


LINKED = Shape(
    "rdf-with-a-link-file",
    "N-Triples whose subjects are IRIs, ratings with numbers, and a link file from number to IRI.",
    writes(
        lambda: {
            "films.nt": _n_triples(),
            "links.csv": table(("movieId", "iri"), ((i.number, _IRIS.item(i.number)) for i in WORLD.items)),
            "ratings.csv": table(("userId", "movieId", "rating"), ((a.user, a.item, a.rating) for a in _ACTS)),
        }
    ),
    ("films.nt", "links.csv", "ratings.csv"),
    Expected(
        events=(events("ratings.csv", user="userId", item="links.csv:iri", weight="rating", ids=Ids(item=_IRIS.item)),),
        nodes=(_films("films.nt"),),
        same_items={_IRIS.item(i.number): str(i.number) for i in WORLD.items},
        taste=Ids(item=_IRIS.item).taste(),
    ),
    planted=True,
)

SHORT_IDS = Shape(
    "rdf-with-ids-at-the-end-of-iris",
    "Ratings name films by the number with which the IRI ends; nothing else joins the two.",
    writes(lambda: {"films.ttl": _turtle(), "ratings.csv": _ratings(PLAIN)}),
    ("films.ttl", "ratings.csv"),
    Expected(
        events=(events("ratings.csv", user="user", item="film", weight="rating"),),
        same_items={str(i.number): _IRIS.item(i.number) for i in WORLD.items},
        refuse=Refusal("film.*(IRI|join|match|none)|(IRI|join|match|none).*film"),
        taste=PLAIN.taste(),
    ),
)

SHAPES = (
    _shape("n-triples", "N-Triples, labels in two languages, typed literals.", "films.nt", _n_triples()),
    _shape("turtle", "Turtle with prefixes.", "films.ttl", _turtle()),
    _shape("n-quads", "N-Quads, all in one graph.", "films.nq", _n_triples(f"{_BASE}graph"), refuse="nq|quads|format"),
    _shape("json-ld", "JSON-LD with a context and a graph.", "films.jsonld", _json_ld(), refuse="json-?ld|format"),
    _shape("xml", "RDF/XML.", "films.rdf", _xml(), refuse=r"XML|format|\.rdf"),
    LINKED,
    SHORT_IDS,
)
