"""Several tables: one in several files, link tables, a tree of categories."""

from __future__ import annotations

from tests.corpus.planted import WORLD
from tests.corpus.render import (
    BASIC,
    PLAIN,
    at,
    basic_rows,
    category,
    events,
    items,
    maker,
    price,
    table,
    writes,
    year,
)
from tests.corpus.shape import Edges, Either, Expected, Node, Nodes, Shape

_ACTS = WORLD.acts


_LIKES = WORLD.likes


_EVENTS = events("ratings.csv", user="user_id", item="item_id", weight="rating")


def _ratings() -> str:
    return table(("user_id", "item_id", "rating"), ((a.user, a.item, a.rating) for a in _ACTS))


SEVERAL_FILES = Shape(
    "one-table-in-several-files",
    "Items in three files of the same columns, ratings in two, by year.",
    writes(
        lambda: {
            **{f"items_{n}.csv": table(BASIC, basic_rows()[n * 12 : n * 12 + 12]) for n in range(3)},
            **{
                f"ratings_{part}.csv": table(
                    ("user_id", "item_id", "rating"), ((a.user, a.item, a.rating) for a in acts)
                )
                for part, acts in (("2020", _ACTS[:200]), ("2021", _ACTS[200:]))
            },
        }
    ),
    ("items_0.csv", "items_1.csv", "items_2.csv", "ratings_2020.csv", "ratings_2021.csv"),
    Expected(
        events=(events("ratings_2020.csv", "ratings_2021.csv", user="user_id", item="item_id", weight="rating"),),
        nodes=(
            items(
                "items_0.csv",
                "items_1.csv",
                "items_2.csv",
                key="item_id",
                label="title",
                fields={"year": year, "price": price},
                facts={"category": category, "maker": maker},
            ),
        ),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


TWO_TABLES = Shape(
    "item-columns-in-two-tables",
    "Titles in one table, descriptions and prices in another, by the same id: one node of both is wanted.",
    writes(
        lambda: {
            "items.csv": table(
                ("item_id", "title", "category"), ((i.number, i.label, i.category) for i in WORLD.items)
            ),
            "item_details.csv": table(
                ("item_id", "description", "maker"), ((i.number, i.text, i.maker) for i in WORLD.items)
            ),
            "ratings.csv": _ratings(),
        }
    ),
    ("item_details.csv", "items.csv", "ratings.csv"),
    Expected(
        events=(_EVENTS,),
        nodes=(items("items.csv", key="item_id", label="title", facts={"category": category}),),
        edges=(
            Edges(
                files=("item_details.csv",),
                head="item_id",
                tail="maker",
                counts=(36,),
                samples=(("1", "", WORLD.item(1).maker),),
            ),
        ),
        either=(Either("item_details.csv", "description", ("text", "unread")),),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


_PARENTS = {"Harbour": 1, "Reef": 1, "Summit": 2, "Valley": 2, "Market": 3, "Station": 3}


_CODES = {name: 10 + n for n, name in enumerate(_PARENTS)}


TREE = Shape(
    "category-tree",
    "Categories with parent_id in a table of their own; the roots have none.",
    writes(
        lambda: {
            "categories.csv": table(
                ("category_id", "name", "parent_id"),
                [(1, "Sea", None), (2, "Hills", None), (3, "Town", None)]
                + [(_CODES[name], name, parent) for name, parent in _PARENTS.items()],
            ),
            "products.csv": table(
                ("product_id", "name", "category_id", "price"),
                ((i.number, i.label, _CODES[i.category], i.price) for i in WORLD.items),
            ),
            "purchases.csv": table(
                ("customer_id", "product_id", "purchased_at"),
                ((a.user, a.item, at(a.time, "%Y-%m-%d %H:%M:%S")) for a in _LIKES),
            ),
        }
    ),
    ("categories.csv", "products.csv", "purchases.csv"),
    Expected(
        events=(events("purchases.csv", user="customer_id", item="product_id", time="purchased_at", acts=_LIKES),),
        nodes=(
            items(
                "products.csv", key="product_id", label="name", fields={"price": price}, facts={"category_id": category}
            ),
            Nodes(
                role="entity",
                files=("categories.csv",),
                key="category_id",
                label="name",
                counts=(9,),
                samples=(Node(key="10", label="Harbour", facts={"parent_id": frozenset({"Sea"})}),),
            ),
        ),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


_PEOPLE = tuple(enumerate(sorted({i.maker for i in WORLD.items})))


_PERSON = {name: n for n, name in _PEOPLE}


LINK_TABLE = Shape(
    "people-and-roles",
    "People in a table, a link table from films to people with the role, genres in a link table of two columns.",
    writes(
        lambda: {
            "film.csv": table(("film_id", "title", "release_year"), ((i.number, i.label, i.year) for i in WORLD.items)),
            "person.csv": table(("person_id", "full_name", "born"), ((f"nm{n}", p, 1950 + n) for n, p in _PEOPLE)),
            "film_person.csv": table(
                ("film_id", "person_id", "role"),
                [(i.number, f"nm{_PERSON[i.maker]}", "director") for i in WORLD.items]
                + [(i.number, f"nm{(_PERSON[i.maker] + 3) % 9}", "actor") for i in WORLD.items],
            ),
            "film_genre.csv": table(("film_id", "genre"), ((i.number, t) for i in WORLD.items for t in i.tags)),
            "rating.csv": table(("viewer", "film_id", "stars"), ((a.user, a.item, a.rating) for a in _ACTS)),
        }
    ),
    ("film.csv", "film_genre.csv", "film_person.csv", "person.csv", "rating.csv"),
    Expected(
        events=(events("rating.csv", user="viewer", item="film_id", weight="stars"),),
        nodes=(
            items("film.csv", key="film_id", label="title", fields={"release_year": year}),
            Nodes(
                role="entity",
                files=("person.csv",),
                key="person_id",
                label="full_name",
                counts=(9,),
                samples=(Node(key="nm0", label=_PEOPLE[0][1]),),
            ),
        ),
        edges=(
            Edges(
                files=("film_person.csv",),
                head="film_id",
                tail="person_id",
                relation="role",
                counts=(72,),
                samples=(("1", "director", f"nm{_PERSON[WORLD.item(1).maker]}"),),
            ),
            Edges(
                files=("film_genre.csv",),
                head="film_id",
                tail="genre",
                counts=(sum(len(i.tags) for i in WORLD.items),),
                samples=(("1", "", WORLD.item(1).tags[0]),),
            ),
        ),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


SHAPES = (
    SEVERAL_FILES,
    TWO_TABLES,
    TREE,
    LINK_TABLE,
)
