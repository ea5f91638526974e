"""Cells with several values, in all the spellings that exports have, and cells that only look like lists."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from tests.corpus.planted import WORLD, Item
from tests.corpus.render import PLAIN, Contents, events, items, json_lines, maker, table, tags, writes, year
from tests.corpus.shape import Either, Expected, Refusal, Shape

_ACTS = WORLD.acts


def _ratings() -> str:
    return table(("user_id", "item_id", "rating"), ((a.user, a.item, a.rating) for a in _ACTS))


_EVENTS = events("ratings.csv", user="user_id", item="item_id", weight="rating")


def _listed(
    name: str,
    about: str,
    column: str,
    spell: Callable[[Item], object],
    facts: Callable[[Item], Iterable[str]] = tags,
    *,
    separator: str = ",",
    refuse: str | None = None,
) -> Shape:
    """Ratings beside items with one column of several values."""
    file = "items.csv" if separator == "," else "items.tsv"
    return Shape(
        f"list-{name}",
        about,
        writes(
            lambda: {
                file: table(
                    ("item_id", "title", column, "year"),
                    ((i.number, i.label, spell(i), i.year) for i in WORLD.items),
                    separator,
                ),
                "ratings.csv": _ratings(),
            }
        ),
        (file, "ratings.csv"),
        Expected(
            events=(_EVENTS,),
            nodes=(items(file, key="item_id", label="title", fields={"year": year}, facts={column: facts}),),
            refuse=Refusal(refuse) if refuse else None,
            taste=PLAIN.taste(),
        ),
        planted=True,
    )


def _dicts(item: Item) -> list[dict[str, object]]:
    return [{"id": 100 + sum(map(ord, t)), "name": t.title()} for t in item.tags]


def _titled(item: Item) -> Iterable[str]:
    return [t.title() for t in item.tags]


def _cast(item: Item) -> list[dict[str, object]]:
    return [
        {"cast_id": item.number, "character": 'The "Kid"', "name": item.maker, "order": 0},
        {"cast_id": item.number + 1, "character": "It's me", "name": f"Young {item.maker}", "order": 1},
    ]


def _cast_names(item: Item) -> Iterable[str]:
    return (item.maker, f"Young {item.maker}")


def _slashed(item: Item) -> str:
    return {"Harbour": "Coast/Harbour", "Market": "Market/Square"}.get(item.category, item.category)


def _kept(name: str, about: str, column: str, spell: Callable[[Item], str]) -> Shape:
    """A column of single values that hold a separator: one fact each."""
    return _listed(name, about, column, spell, lambda i: (spell(i),))


def _lines(contents: Callable[[Item], dict[str, object]]) -> Callable[[], Contents]:
    return lambda: {"items.jsonl": json_lines(map(contents, WORLD.items)), "ratings.csv": _ratings()}


JSON_LISTS = Shape(
    "list-real-ones-in-json",
    "JSON Lines with lists of texts and of objects, and an object within.",
    writes(
        _lines(
            lambda i: {
                "item_id": i.number,
                "title": i.label,
                "genres": list(i.tags),
                "crew": {"director": i.maker, "size": i.number},
                "categories": [["Home", i.category]],
            }
        )
    ),
    ("items.jsonl", "ratings.csv"),
    Expected(
        events=(_EVENTS,),
        nodes=(items("items.jsonl", key="item_id", label="title", facts={"genres": tags, "crew.director": maker}),),
        either=(
            Either("items.jsonl", "categories", ("list", "unread")),
            Either("items.jsonl", "crew.size", ("field", "unread")),
        ),
        taste=PLAIN.taste(),
    ),
    planted=True,
)

MANY_COLUMNS = Shape(
    "list-numbered-columns",
    "genre1, genre2, genre3, the last ones often empty.",
    writes(
        lambda: {
            "items.csv": table(
                ("item_id", "title", "genre1", "genre2", "genre3"),
                ((i.number, i.label, *i.tags, *[""] * (3 - len(i.tags))) for i in WORLD.items),
            ),
            "ratings.csv": _ratings(),
        }
    ),
    ("items.csv", "ratings.csv"),
    Expected(
        events=(_EVENTS,),
        nodes=(
            items(
                "items.csv",
                key="item_id",
                label="title",
                facts={"genre1": lambda i: i.tags[:1], "genre2": lambda i: i.tags[1:2]},
            ),
        ),
        taste=PLAIN.taste(),
    ),
    planted=True,
)

_ALL_TAGS = tuple(sorted({t for i in WORLD.items for t in i.tags}))

FLAGS = Shape(
    "list-flag-columns",
    "A column of 0 and 1 for every genre, as MovieLens-100k has them, behind pipes and without a header; genre names"
    " stand in a file of their own.",
    writes(
        lambda: {
            "u.item": table(
                None,
                (
                    (i.number, f"{i.label} ({i.year})", f"01-Jan-{i.year}", "", *[int(t in i.tags) for t in _ALL_TAGS])
                    for i in WORLD.items
                ),
                "|",
            ),
            "u.genre": table(None, ((t, n) for n, t in enumerate(_ALL_TAGS)), "|"),
            "u.data": table(None, ((a.user, a.item, a.rating, a.time) for a in _ACTS), "\t"),
            "u.user": table(
                None,
                ((u.number, u.age, "MF"[u.number % 2], "writer", f"{u.number * 311:05d}") for u in WORLD.users),
                "|",
            ),
        }
    ),
    ("u.data", "u.genre", "u.item", "u.user"),
    Expected(
        events=(events("u.data", user="#1", item="#2", weight="#3", time="#4"),),
        nodes=(items("u.item", key="#1", label="#2", name=lambda i: f"{i.label} ({i.year})"),),
        unread={"u.item": ("#4",)},
        either=(
            Either("u.user", "#5", ("field", "unread")),
            Either("u.item", "#5", ("field", "link", "unread")),
            Either("u.item", "#3", ("field", "unread")),
        ),
        taste=PLAIN.taste(),
    ),
    planted=True,
    headerless=("u.data", "u.genre", "u.item", "u.user"),
)

NAMED_FLAGS = Shape(
    "list-named-flag-columns",
    "One-hot columns with names: is_sea, is_snow and so on.",
    writes(
        lambda: {
            "items.csv": table(
                ("item_id", "title", *(f"is_{t}" for t in _ALL_TAGS)),
                ((i.number, i.label, *[int(t in i.tags) for t in _ALL_TAGS]) for i in WORLD.items),
            ),
            "ratings.csv": _ratings(),
        }
    ),
    ("items.csv", "ratings.csv"),
    Expected(
        events=(_EVENTS,),
        nodes=(items("items.csv", key="item_id", label="title"),),
        either=tuple(Either("items.csv", f"is_{t}", ("field", "link", "list")) for t in _ALL_TAGS),
        taste=PLAIN.taste(),
    ),
    planted=True,
)

PROSE = Shape(
    "list-prose-is-none",
    "A description with commas and a title with a colon and a comma are texts, no lists.",
    writes(
        lambda: {
            "items.csv": table(
                ("item_id", "title", "description", "keywords"),
                ((i.number, f"{i.label}, Part {i.number}: Home", i.text, ", ".join(i.tags)) for i in WORLD.items),
            ),
            "ratings.csv": _ratings(),
        }
    ),
    ("items.csv", "ratings.csv"),
    Expected(
        events=(_EVENTS,),
        nodes=(
            items(
                "items.csv",
                key="item_id",
                label="title",
                text=("description",),
                name=lambda i: f"{i.label}, Part {i.number}: Home",
                facts={"keywords": tags},
            ),
        ),
        taste=PLAIN.taste(),
    ),
    planted=True,
)

REFERENCES = Shape(
    "list-of-other-items",
    "similar_items lists ids of other items, sequel_of names one: both lead to items.",
    writes(
        lambda: {
            "items.csv": table(
                ("item_id", "title", "similar_items", "sequel_of"),
                (
                    (
                        i.number,
                        i.label,
                        "|".join(map(str, i.related)),
                        i.number - 3 if i.number > 3 and i.number % 2 else "",
                    )
                    for i in WORLD.items
                ),
            ),
            "ratings.csv": _ratings(),
        }
    ),
    ("items.csv", "ratings.csv"),
    Expected(
        events=(_EVENTS,),
        nodes=(
            items(
                "items.csv",
                key="item_id",
                label="title",
                facts={"similar_items": lambda i: [WORLD.item(n).label for n in i.related]},
            ),
        ),
        taste=PLAIN.taste(),
    ),
    planted=True,
)

SHAPES = (
    _listed("pipes", "Pipes.", "genres", lambda i: "|".join(i.tags)),
    _listed("semicolons", "Semicolons and blanks.", "tags", lambda i: "; ".join(i.tags)),
    _listed("commas-in-quotes", "Commas in a quoted cell.", "genre", lambda i: ", ".join(i.tags)),
    _listed("slashes-with-blanks", "'sea / salt'.", "genres", lambda i: " / ".join(i.tags)),
    _listed("postgres-braces", "An array of Postgres: {sea,salt}.", "tags", lambda i: "{" + ",".join(i.tags) + "}"),
    _listed("brackets", "[sea, salt], without quotation marks.", "tags", lambda i: f"[{', '.join(i.tags)}]"),
    _listed("json", 'A JSON list: ["sea", "salt"].', "categories", lambda i: json.dumps(i.tags)),
    _listed("python", "A Python list: ['sea', 'salt'].", "genres", lambda i: str(list(i.tags))),
    _listed(
        "numpy",
        "A numpy array as text: ['sea' 'salt'].",
        "tags",
        lambda i: "[" + " ".join(map(repr, i.tags)) + "]",
        refuse="tags",
    ),
    _listed(
        "python-dicts", "Python dictionaries as TMDB's export has them.", "genres", lambda i: str(_dicts(i)), _titled
    ),
    _listed("json-dicts", "JSON objects with id and name.", "genres", lambda i: json.dumps(_dicts(i)), _titled),
    _listed(
        "cast-of-dicts",
        "The cast as Python dictionaries, with quotation marks of both kinds.",
        "cast",
        lambda i: str(_cast(i)),
        _cast_names,
    ),
    _listed("angle-brackets", "<sea><salt>.", "Tags", lambda i: "".join(f"<{t}>" for t in i.tags)),
    _listed("carets", "sea^salt.", "keywords", lambda i: "^".join(i.tags)),
    _listed("line-breaks", "One value a line within the cell.", "tags", lambda i: "\n".join(i.tags)),
    _listed(
        "hashtags",
        "#sea #salt.",
        "hashtags",
        lambda i: " ".join(f"#{t}" for t in i.tags),
        lambda i: [f"#{t}" for t in i.tags],
    ),
    _listed(
        "blanks-in-tsv", "Blanks between single words, in a TSV.", "tags", lambda i: " ".join(i.tags), separator="\t"
    ),
    _listed(
        "mostly-one-value",
        "Two thirds of the cells have one value, the others several behind pipes.",
        "genres",
        lambda i: "|".join(i.tags) if i.number % 3 == 0 else i.tags[0],
        lambda i: i.tags if i.number % 3 == 0 else i.tags[:1],
    ),
    _kept("slashes-are-none", "Coast/Harbour is one category.", "category", _slashed),
    _kept("ampersands-are-none", "Fish & Chips is one category.", "department", lambda i: f"{i.category} & Co"),
    _kept(
        "names-with-commas-are-none",
        "Family name, first name.",
        "author",
        lambda i: ", ".join(reversed(i.maker.split(" "))),
    ),
    JSON_LISTS,
    MANY_COLUMNS,
    FLAGS,
    NAMED_FLAGS,
    PROSE,
    REFERENCES,
)
