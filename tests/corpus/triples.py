"""Triples as text: KGAT's numbers behind blanks, tables with a header, an index column, files that name entities."""

from __future__ import annotations

from tests.corpus.planted import WORLD
from tests.corpus.render import BASIC, PLAIN, Ids, basic_items, basic_rows, events, items, plain, table, writes
from tests.corpus.shape import Edges, Either, Expected, Node, Nodes, Refusal, Shape

_ACTS = WORLD.acts
_LIKES = WORLD.likes
_MAKERS = tuple(sorted({i.maker for i in WORLD.items}))
_CATEGORIES = tuple(sorted({i.category for i in WORLD.items}))

_ENTITIES = Ids(item=lambda i: f"Q{10_000 + i}")


def _facts(entities: Ids = _ENTITIES) -> list[tuple[str, str, str]]:
    """(head, relation, tail): the maker and the category of every item."""
    return [
        fact
        for i in WORLD.items
        for fact in (
            (entities.item(i.number), "made_by", f"Q{20_000 + _MAKERS.index(i.maker)}"),
            (entities.item(i.number), "belongs_to", f"Q{30_000 + _CATEGORIES.index(i.category)}"),
        )
    ]


_SAMPLE = (_ENTITIES.item(1), "made_by", f"Q{20_000 + _MAKERS.index(WORLD.item(1).maker)}")


def _interactions(ids: Ids) -> str:
    return table(("user", "item", "rating"), ((*ids.pair(a.user, a.item), a.rating) for a in _ACTS))


def _triples(
    name: str, about: str, file: str, text: str, edges: Edges, *, headerless: bool, ids: Ids = _ENTITIES
) -> Shape:
    return Shape(
        f"triples-{name}",
        about,
        writes(lambda: {"interactions.csv": _interactions(ids), file: text}),
        ("interactions.csv", file),
        Expected(
            events=(events("interactions.csv", user="user", item="item", weight="rating", ids=ids),),
            edges=(edges,),
            taste=ids.taste(),
        ),
        planted=True,
        headerless=(file,) if headerless else (),
    )


def _edges(file: str, head: str, relation: str, tail: str) -> Edges:
    return Edges(files=(file,), head=head, relation=relation, tail=tail, counts=(72,), samples=(_SAMPLE,))


HEADER = _triples(
    "with-header",
    "A .tsv with head, relation, tail.",
    "kg.tsv",
    plain(_facts(), "\t", header=("head", "relation", "tail")),
    _edges("kg.tsv", "head", "relation", "tail"),
    headerless=False,
)
NO_HEADER = _triples(
    "no-header",
    "A .tsv of three columns without a header.",
    "triples.tsv",
    plain(_facts(), "\t"),
    _edges("triples.tsv", "#1", "#2", "#3"),
    headerless=True,
)
SUBJECT = _triples(
    "subject-predicate-object",
    "A .csv with subject, predicate, object.",
    "facts.csv",
    table(("subject", "predicate", "object"), _facts()),
    _edges("facts.csv", "subject", "predicate", "object"),
    headerless=False,
)
INDEXED = _triples(
    "with-index",
    "A data frame's index before head, relation, tail.",
    "kg.csv",
    table(("", "head", "relation", "tail"), ((n, *fact) for n, fact in enumerate(_facts()))),
    _edges("kg.csv", "head", "relation", "tail"),
    headerless=False,
)
BACKWARDS = _triples(
    "tail-before-relation",
    "A header with head, tail, relation, in this order.",
    "edges.csv",
    table(("source", "target", "type"), ((h, t, r) for h, r, t in _facts())),
    _edges("edges.csv", "source", "type", "target"),
    headerless=False,
)

NUMBERS = Shape(
    "triples-of-numbers-behind-blanks",
    "KGAT's kg_final.txt (numbers behind blanks, no header), items and relations in lists that name the numbers; the"
    " numbers of users and of entities overlap.",
    writes(
        lambda: {
            "kg_final.txt": plain(
                [(i.number, 0, 1_000 + _MAKERS.index(i.maker)) for i in WORLD.items]
                + [(i.number, 1, 1_100 + _CATEGORIES.index(i.category)) for i in WORLD.items],
                " ",
            ),
            "item_list.txt": plain(
                ((f"B0{i.number:05d}", i.number, f"m.0{i.number:03d}") for i in WORLD.items),
                " ",
                header=("org_id", "remap_id", "freebase_id"),
            ),
            "relation_list.txt": plain((("made_by", 0), ("belongs_to", 1)), " ", header=("org_id", "remap_id")),
            "train.csv": table(("user", "item"), ((a.user, a.item) for a in _LIKES)),
        }
    ),
    ("item_list.txt", "kg_final.txt", "relation_list.txt", "train.csv"),
    Expected(
        events=(events("train.csv", user="user", item="item", acts=_LIKES),),
        edges=(
            Edges(
                files=("kg_final.txt",),
                head="#1",
                relation="#2",
                tail="#3",
                counts=(72,),
                samples=(("1", "0", str(1_000 + _MAKERS.index(WORLD.item(1).maker))),),
            ),
        ),
        either=(
            Either("item_list.txt", "org_id", ("label", "unread", "key", "field")),
            Either("item_list.txt", "freebase_id", ("unread", "field", "label")),
            Either("relation_list.txt", "org_id", ("label", "unread")),
        ),
        same_items={str(i.number): f"B0{i.number:05d}" for i in WORLD.items},
        taste=PLAIN.taste(),
    ),
    planted=True,
    headerless=("kg_final.txt",),
)

LINKED = Shape(
    "triples-with-a-link-file",
    "Items by number in ratings and table, entities by Q-number in the triples, a link file between them.",
    writes(
        lambda: {
            "items.csv": table(BASIC, basic_rows()),
            "item2entity.csv": table(
                ("item_id", "entity_id"), ((i.number, f"Q{10_000 + i.number}") for i in WORLD.items)
            ),
            "ratings.csv": table(("user_id", "item_id", "rating"), ((a.user, a.item, a.rating) for a in _ACTS)),
            "wikidata.tsv": plain(_facts(), "\t"),
        }
    ),
    ("item2entity.csv", "items.csv", "ratings.csv", "wikidata.tsv"),
    Expected(
        events=(events("ratings.csv", user="user_id", item="item_id", weight="rating"),),
        nodes=(basic_items(),),
        edges=(
            Edges(
                files=("wikidata.tsv",),
                head="#1",
                relation="#2",
                tail="#3",
                counts=(72,),
                samples=(("1", *_SAMPLE[1:]),),
            ),
        ),
        same_items={str(i.number): f"Q{10_000 + i.number}" for i in WORLD.items},
        taste=PLAIN.taste(),
    ),
    planted=True,
    headerless=("wikidata.tsv",),
)

NAMED = Shape(
    "triples-with-names-of-entities",
    "Triples of Q-numbers, and a table that gives every entity a name and a type; items are entities, too.",
    writes(
        lambda: {
            "entities.tsv": plain(
                [(_ENTITIES.item(i.number), i.label, "work") for i in WORLD.items]
                + [(f"Q{20_000 + n}", name, "person") for n, name in enumerate(_MAKERS)]
                + [(f"Q{30_000 + n}", name, "genre") for n, name in enumerate(_CATEGORIES)],
                "\t",
                header=("id", "name", "type"),
            ),
            "interactions.csv": _interactions(_ENTITIES),
            "kg.tsv": plain(_facts(), "\t", header=("head", "relation", "tail")),
        }
    ),
    ("entities.tsv", "interactions.csv", "kg.tsv"),
    Expected(
        events=(events("interactions.csv", user="user", item="item", weight="rating", ids=_ENTITIES),),
        nodes=(
            items("entities.tsv", key="id", label="name", ids=_ENTITIES, counts=(36, 51)),
            Nodes(
                role="entity",
                files=("entities.tsv",),
                key="id",
                label="name",
                counts=(9, 6, 15),
                samples=(Node(key="Q20000", label=_MAKERS[0]),),
            ),
        ),
        edges=(_edges("kg.tsv", "head", "relation", "tail"),),
        either=(Either("entities.tsv", "type", ("where", "field", "link", "unread")),),
        taste=_ENTITIES.taste(),
    ),
    planted=True,
)

ALL_IN_ONE = Shape(
    "triples-with-users-among-them",
    "One file of triples, in which `likes` and `dislikes` lead from users to items and all else are facts.",
    writes(
        lambda: {
            "graph.tsv": plain(
                [(f"user:{a.user}", "likes", f"item:{a.item}") for a in _LIKES]
                + [(f"user:{a.user}", "dislikes", f"item:{a.item}") for a in WORLD.dislikes]
                + [(f"item:{i.number}", "made_by", f"maker:{_MAKERS.index(i.maker)}") for i in WORLD.items],
                "\t",
            )
        }
    ),
    ("graph.tsv",),
    Expected(
        events=(
            events(
                "graph.tsv",
                user="#1",
                item="#3",
                kind="#2",
                acts=WORLD.clear,
                ids=Ids(lambda u: f"user:{u}", lambda i: f"item:{i}"),
                counts=(len(WORLD.clear), len(_LIKES)),
            ),
        ),
        edges=(Edges(files=("graph.tsv",), head="#1", relation="#2", tail="#3", counts=(36,)),),
        refuse=Refusal("likes|interactions"),
        taste=Ids(lambda u: f"user:{u}", lambda i: f"item:{i}").taste(),
    ),
    headerless=("graph.tsv",),
)

SHAPES = (HEADER, NO_HEADER, SUBJECT, INDEXED, BACKWARDS, NUMBERS, LINKED, NAMED, ALL_IN_ONE)
