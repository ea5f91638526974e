"""Ratings: stars of several scales, percent, decimal commas."""

from __future__ import annotations

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
    writes,
)
from tests.corpus.shape import Either, Expected, Refusal, Shape

_ACTS = WORLD.acts


def _half(act: Act) -> float:
    """Half stars from 0.5 to 5: likes 4, 4.5 or 5, dislikes 0.5 to 2."""
    return act.rating - 0.5 * (act.minutes % 2 if act.rating != 4 else 0)


def _percent(act: Act) -> float:
    return act.rating * 20 - act.minutes % 5


def _one_decimal(act: Act) -> float:
    return act.rating + (act.quantity - 2) * 0.1 if act.rating in (2, 3) else act.rating - 0.2 * (act.rating == 5)


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
        events=(events("ratings.csv", user="listener", item="album", weight="score", weigh=_percent),),
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
    PERCENT,
    DECIMAL_COMMA,
    ONLY_EVENTS,
    NESTED_STARS,
)
