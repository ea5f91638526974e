"""Ratings with numbers that say "not rated": -1, 0 and 99."""

from __future__ import annotations

from tests.corpus.planted import WORLD, Act
from tests.corpus.render import (
    PLAIN,
    Ids,
    events,
    items,
    maker,
    table,
    tags,
    users,
    writes,
    year,
)
from tests.corpus.shape import Either, Expected, Shape

_ACTS = WORLD.acts


def _ten(act: Act) -> float:
    """1 to 10: likes 8 to 10, dislikes 1 to 4."""
    return act.rating * 2 - (act.minutes % 2 if act.rating != 4 else 0)


def _jester(act: Act) -> float:
    return (act.rating - 3) * 4.5 + (act.quantity - 2) * 0.25


ONE_TO_TEN = Shape(
    "scale-of-ten",
    "Scores from 1 to 10, and -1 for what was seen and not scored, as anime sites export them.",
    writes(
        lambda: {
            "rating.csv": table(
                ("user_id", "anime_id", "rating"),
                [(a.user, a.item, int(_ten(a))) for a in _ACTS] + [(u, i, -1) for u, i, _ in WORLD.unseen],
            ),
            "anime.csv": table(
                ("anime_id", "name", "genre", "type", "episodes", "rating", "members"),
                (
                    (
                        i.number,
                        i.label,
                        ", ".join(i.tags),
                        "TV" if i.number % 4 else "Movie",
                        "Unknown" if i.number == 9 else i.number % 24 + 1,
                        round(5 + i.price / 20, 2),
                        i.year * 10,
                    )
                    for i in WORLD.items
                ),
            ),
        }
    ),
    ("anime.csv", "rating.csv"),
    Expected(
        events=(
            events(
                "rating.csv",
                user="user_id",
                item="anime_id",
                weight="rating",
                weigh=_ten,
                counts=(len(_ACTS), len(_ACTS) + len(WORLD.unseen)),
                negative=PLAIN.unseen(),
            ),
        ),
        nodes=(
            items(
                "anime.csv",
                key="anime_id",
                label="name",
                fields={"rating": lambda i: round(5 + i.price / 20, 2), "members": lambda i: i.year * 10},
                facts={"genre": tags, "type": lambda i: ("TV" if i.number % 4 else "Movie",)},
            ),
        ),
        either=(Either("anime.csv", "type", ("link", "field")), Either("anime.csv", "members", ("field", "unread"))),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


ZERO_IS_IMPLICIT = Shape(
    "book-crossing",
    "Scores from 1 to 10 behind semicolons, all in quotes, Latin-1; 0 means that the reader gave none.",
    writes(
        lambda: {
            "BX-Book-Ratings.csv": table(
                ("User-ID", "ISBN", "Book-Rating"),
                [(a.user, f"0{a.item:08d}X", int(_ten(a))) for a in _ACTS]
                + [(u, f"0{i:08d}X", 0) for u, i, _ in WORLD.unseen],
                ";",
                quote_all=True,
            ).encode("latin-1"),
            "BX-Books.csv": table(
                ("ISBN", "Book-Title", "Book-Author", "Year-Of-Publication", "Publisher", "Image-URL-S"),
                (
                    (
                        f"0{i.number:08d}X",
                        f"{i.label} für Anfänger",
                        i.maker,
                        0 if i.number == 5 else i.year,
                        f"Éditions {i.category}",
                        f"http://images.example.org/0{i.number:08d}X.jpg",
                    )
                    for i in WORLD.items
                ),
                ";",
                quote_all=True,
            ).encode("latin-1"),
            "BX-Users.csv": table(
                ("User-ID", "Location", "Age"),
                ((u.number, f"{u.city.lower()}, n/a, europe", "NULL" if u.number == 7 else u.age) for u in WORLD.users),
                ";",
                quote_all=True,
            ).encode("latin-1"),
        }
    ),
    ("BX-Books.csv", "BX-Users.csv", "BX-Book-Ratings.csv"),
    Expected(
        events=(
            events(
                "BX-Book-Ratings.csv",
                user="User-ID",
                item="ISBN",
                weight="Book-Rating",
                weigh=_ten,
                counts=(len(_ACTS), len(_ACTS) + len(WORLD.unseen)),
                negative=Ids(item=lambda i: f"0{i:08d}X").unseen(),
                ids=Ids(item=lambda i: f"0{i:08d}X"),
            ),
        ),
        nodes=(
            items(
                "BX-Books.csv",
                key="ISBN",
                label="Book-Title",
                name=lambda i: f"{i.label} für Anfänger",
                fields={"Year-Of-Publication": year},
                facts={"Book-Author": maker, "Publisher": lambda i: (f"Éditions {i.category}",)},
                ids=Ids(item=lambda i: f"0{i:08d}X"),
            ),
            users("BX-Users.csv", key="User-ID", fields={"Age": lambda u: u.age}),
        ),
        unread={"BX-Books.csv": ("Image-URL-S",)},
        either=(Either("BX-Users.csv", "Location", ("field", "unread", "link", "list")),),
        taste=Ids(item=lambda i: f"0{i:08d}X").taste(),
    ),
    planted=True,
    encoding="latin-1",
)


MEAN_CENTRED = Shape(
    "jokes-from-minus-ten-to-ten",
    "Ratings from -10.00 to 10.00, where 99 means not rated; dislikes are negative numbers.",
    writes(
        lambda: {
            "jester.csv": table(
                ("userId", "jokeId", "rating"),
                [(a.user, a.item, f"{_jester(a):.2f}") for a in _ACTS] + [(u, i, 99) for u, i, _ in WORLD.unseen],
            ),
            "jokes.csv": table(("jokeId", "jokeText"), ((i.number, f"{i.label}? {i.text}") for i in WORLD.items)),
        }
    ),
    ("jester.csv", "jokes.csv"),
    Expected(
        events=(
            events(
                "jester.csv",
                user="userId",
                item="jokeId",
                weight="rating",
                weigh=_jester,
                counts=(len(_ACTS), len(_ACTS) + len(WORLD.unseen)),
                negative=PLAIN.unseen(),
            ),
        ),
        nodes=(items("jokes.csv", key="jokeId", text=("jokeText",)),),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


SHAPES = (
    ONE_TO_TEN,
    ZERO_IS_IMPLICIT,
    MEAN_CENTRED,
)
