"""Ratings: stars of several scales, percent, decimal commas, and numbers that say "not rated"."""

from __future__ import annotations

from dataclasses import replace

from tests.corpus.planted import WORLD, Act
from tests.corpus.render import (
    BASIC,
    PLAIN,
    Ids,
    at,
    basic_items,
    basic_rows,
    category,
    day,
    events,
    items,
    json_lines,
    maker,
    price,
    table,
    tags,
    users,
    writes,
    year,
)
from tests.corpus.shape import Either, Expected, Refusal, Shape

_ACTS = WORLD.acts


def _half(act: Act) -> float:
    """Half stars from 0.5 to 5: likes 4, 4.5 or 5, dislikes 0.5 to 2."""
    return act.rating - 0.5 * (act.minutes % 2 if act.rating != 4 else 0)


def _ten(act: Act) -> float:
    """1 to 10: likes 8 to 10, dislikes 1 to 4."""
    return act.rating * 2 - (act.minutes % 2 if act.rating != 4 else 0)


def _percent(act: Act) -> float:
    return act.rating * 20 - act.minutes % 5


def _one_decimal(act: Act) -> float:
    return act.rating + (act.quantity - 2) * 0.1 if act.rating in (2, 3) else act.rating - 0.2 * (act.rating == 5)


def _jester(act: Act) -> float:
    return (act.rating - 3) * 4.5 + (act.quantity - 2) * 0.25


MOVIELENS = Shape(
    "movielens-latest",
    "Two tables as MovieLens has them since 2014: stars by halves, genres behind pipes, the year in the title.",
    writes(
        lambda: {
            "ratings.csv": table(
                ("userId", "movieId", "rating", "timestamp"), ((a.user, a.item, _half(a), a.time) for a in _ACTS)
            ),
            "movies.csv": table(
                ("movieId", "title", "genres"),
                ((i.number, f"{i.label} ({i.year})", "|".join((i.category, *i.tags))) for i in WORLD.items),
            ),
        }
    ),
    ("ratings.csv", "movies.csv"),
    Expected(
        events=(events("ratings.csv", user="userId", item="movieId", time="timestamp", weight="rating", weigh=_half),),
        nodes=(
            items(
                "movies.csv",
                key="movieId",
                label="title",
                name=lambda i: f"{i.label} ({i.year})",
                facts={"genres": lambda i: (i.category, *i.tags)},
            ),
        ),
        taste=PLAIN.taste(),
    ),
    planted=True,
)

STARS_WITH_REVIEW = Shape(
    "stars-with-review",
    "Reviews of products with stars, a headline, a text, votes of others and a flag, as shops export them.",
    writes(
        lambda: {
            "reviews.csv": table(
                (
                    "reviewerID",
                    "asin",
                    "overall",
                    "summary",
                    "reviewText",
                    "unixReviewTime",
                    "helpful_votes",
                    "verified",
                ),
                (
                    (
                        f"A{a.user:05d}X",
                        f"B00{a.item:05d}",
                        float(a.rating),
                        "Good" if a.liked else "So so",
                        f"I had it for {a.minutes} days, and it {'does' if a.liked else 'does not do'} what it says.",
                        a.time,
                        a.minutes % 5,
                        a.minutes % 3 != 0,
                    )
                    for a in _ACTS
                ),
            ),
            "meta.csv": table(
                ("asin", "title", "brand", "main_category", "price", "description"),
                ((f"B00{i.number:05d}", i.label, i.maker, i.category, i.price, i.text) for i in WORLD.items),
            ),
        }
    ),
    ("reviews.csv", "meta.csv"),
    Expected(
        events=(
            events(
                "reviews.csv",
                user="reviewerID",
                item="asin",
                time="unixReviewTime",
                weight="overall",
                ids=Ids(lambda u: f"A{u:05d}X", lambda i: f"B00{i:05d}"),
            ),
        ),
        nodes=(
            items(
                "meta.csv",
                key="asin",
                label="title",
                text=("description",),
                fields={"price": price},
                facts={"brand": maker, "main_category": category},
                ids=Ids(item=lambda i: f"B00{i:05d}"),
            ),
        ),
        unread={"reviews.csv": ("summary", "reviewText", "helpful_votes", "verified")},
        taste=Ids(lambda u: f"A{u:05d}X", lambda i: f"B00{i:05d}").taste(),
    ),
    planted=True,
)

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

PERCENT = Shape(
    "percent",
    "Ratings in percent with the sign, 88 and more for likes, under 45 for dislikes.",
    writes(
        lambda: {
            "ratings.csv": table(
                ("listener", "album", "score"), ((a.user, a.item, f"{_percent(a):.0f}%") for a in _ACTS)
            ),
            "items.csv": table(BASIC, basic_rows()),
        }
    ),
    ("items.csv", "ratings.csv"),
    Expected(
        events=(
            replace(
                events("ratings.csv", user="listener", item="album", weight="score", weigh=_percent),
                negative=PLAIN.pairs(WORLD.dislikes),
            ),
        ),
        nodes=(basic_items(),),
        refuse=Refusal("score.*(%|percent)|(%|percent).*score"),
        taste=PLAIN.taste(),
    ),
    planted=True,
)

DECIMAL_COMMA = Shape(
    "decimal-comma",
    "A European export: semicolons, numbers such as 4,8, headers in German.",
    writes(
        lambda: {
            "bewertungen.csv": table(
                ("Kunde", "Artikel", "Bewertung", "Datum"),
                (
                    (f"K{a.user}", f"A{a.item}", f"{_one_decimal(a):.1f}".replace(".", ","), at(a.time, "%d.%m.%Y"))
                    for a in _ACTS
                ),
                ";",
            ),
            "artikel.csv": table(
                ("Artikel", "Bezeichnung", "Kategorie", "Hersteller", "Preis"),
                (
                    (f"A{i.number}", i.label, i.category, i.maker, f"{i.price:.2f}".replace(".", ","))
                    for i in WORLD.items
                ),
                ";",
            ),
        }
    ),
    ("artikel.csv", "bewertungen.csv"),
    Expected(
        events=(
            events(
                "bewertungen.csv",
                user="Kunde",
                item="Artikel",
                time="Datum",
                weight="Bewertung",
                ids=Ids(lambda u: f"K{u}", lambda i: f"A{i}"),
                when=day,
                weigh=_one_decimal,
            ),
        ),
        nodes=(
            items(
                "artikel.csv",
                key="Artikel",
                label="Bezeichnung",
                facts={"Kategorie": category, "Hersteller": maker},
                ids=Ids(item=lambda i: f"A{i}"),
            ),
        ),
        either=(Either("artikel.csv", "Preis", ("field", "unread")),),
        refuse=Refusal("Bewertung.*comma|comma.*Bewertung"),
        taste=Ids(lambda u: f"K{u}", lambda i: f"A{i}").taste(),
    ),
    planted=True,
)

ONLY_EVENTS = Shape(
    "ratings-alone",
    "One file of ratings and nothing about items: user, item, stars, time.",
    writes(
        lambda: {
            "ratings.csv": table(("user", "item", "stars", "ts"), ((a.user, a.item, a.rating, a.time) for a in _ACTS))
        }
    ),
    ("ratings.csv",),
    Expected(events=(events("ratings.csv", user="user", item="item", time="ts", weight="stars"),), taste=PLAIN.taste()),
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


NESTED_STARS = Shape(
    "json-stars",
    "JSON Lines of reviews with nested user and product, stars as whole numbers.",
    writes(
        lambda: {
            "reviews.jsonl": json_lines(
                {
                    "id": f"r{n}",
                    "user": {"id": f"u{a.user}", "name": WORLD.user(a.user).name},
                    "product": {"id": f"p{a.item}", "name": WORLD.item(a.item).label},
                    "stars": a.rating,
                    "created_at": at(a.time, "%Y-%m-%dT%H:%M:%SZ"),
                }
                for n, a in enumerate(_ACTS)
            )
        }
    ),
    ("reviews.jsonl",),
    Expected(
        events=(
            events(
                "reviews.jsonl",
                user="user.id",
                item="product.id",
                time="created_at",
                weight="stars",
                ids=Ids(lambda u: f"u{u}", lambda i: f"p{i}"),
            ),
        ),
        either=(
            Either("reviews.jsonl", "product.name", ("label", "unread")),
            Either("reviews.jsonl", "user.name", ("label", "unread", "field")),
            Either("reviews.jsonl", "id", ("id", "unread")),
        ),
        taste=Ids(lambda u: f"u{u}", lambda i: f"p{i}").taste(),
    ),
)

SHAPES = (
    MOVIELENS,
    STARS_WITH_REVIEW,
    ONE_TO_TEN,
    ZERO_IS_IMPLICIT,
    PERCENT,
    DECIMAL_COMMA,
    ONLY_EVENTS,
    MEAN_CENTRED,
    NESTED_STARS,
)
