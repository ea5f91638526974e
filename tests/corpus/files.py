"""Files in folders, and JSON and Parquet in less usual forms."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

from tests.corpus.planted import WORLD, Act
from tests.corpus.render import (
    BASIC,
    PLAIN,
    Ids,
    basic_items,
    basic_rows,
    category,
    events,
    items,
    json_lines,
    maker,
    table,
    users,
    writes,
    year,
)
from tests.corpus.shape import Either, Expected, Refusal, Shape

_ACTS = WORLD.acts
_LIKES = WORLD.likes
_HEADER = ("user_id", "item_id", "rating", "timestamp")


def _rows(acts: tuple[Act, ...] = _ACTS) -> list[tuple[object, ...]]:
    return [(a.user, a.item, a.rating, a.time) for a in acts]


SUBFOLDERS = Shape(
    "files-in-subfolders",
    "Files below the folder, two of them of the same name: logs/2020/ratings.csv and logs/2021/ratings.csv.",
    writes(
        lambda: {
            "catalogue/items.csv": table(BASIC, basic_rows()),
            "logs/2020/ratings.csv": table(_HEADER, _rows(_ACTS[:130])),
            "logs/2021/ratings.csv": table(_HEADER, _rows(_ACTS[130:])),
        }
    ),
    ("catalogue/items.csv", "logs/2020/ratings.csv", "logs/2021/ratings.csv"),
    Expected(
        events=(
            events(
                "logs/2020/ratings.csv",
                "logs/2021/ratings.csv",
                user="user_id",
                item="item_id",
                weight="rating",
                time="timestamp",
            ),
        ),
        nodes=(basic_items("catalogue/items.csv"),),
        taste=PLAIN.taste(),
    ),
    planted=True,
)

SPACES = Shape(
    "file-names-with-blanks-and-accents",
    "File names that people have: blanks, brackets, accents, capitals in the suffix.",
    writes(
        lambda: {
            "Kopie von Artikel (2).CSV": table(BASIC, basic_rows()),
            "Bewertungen für Müller & Co.csv": table(_HEADER, _rows()),
        }
    ),
    ("Bewertungen für Müller & Co.csv", "Kopie von Artikel (2).CSV"),
    Expected(
        events=(
            events(
                "Bewertungen für Müller & Co.csv",
                user="user_id",
                item="item_id",
                weight="rating",
                time="timestamp",
            ),
        ),
        nodes=(basic_items("Kopie von Artikel (2).CSV"),),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


def _loose(act: Act) -> str:
    stars = float(act.rating)
    review = {"reviewerID": f"A{act.user}", "asin": f"B{act.item:03d}", "helpful": [act.quantity, 3]}
    return str({**review, "reviewText": 'It\'s what it "says".', "overall": stars, "unixReviewTime": act.time}) + "\n"


_LOOSE = Ids(lambda u: f"A{u}", lambda i: f"B{i:03d}")

LOOSE_JSON = Shape(
    "lines-of-python-dictionaries",
    "Lines that look like JSON and are Python's dictionaries, as Amazon's reviews of 2014 were.",
    writes(
        lambda: {
            "items.jsonl": json_lines(
                {"asin": f"B{i.number:03d}", "title": i.label, "brand": i.maker} for i in WORLD.items
            ),
            "reviews.json": "".join(map(_loose, _ACTS)),
        }
    ),
    ("items.jsonl", "reviews.json"),
    Expected(
        events=(
            events("reviews.json", user="reviewerID", item="asin", weight="overall", time="unixReviewTime", ids=_LOOSE),
        ),
        nodes=(items("items.jsonl", key="asin", label="title", facts={"brand": maker}, ids=_LOOSE),),
        unread={"reviews.json": ("reviewText", "helpful")},
        refuse=Refusal("reviews.*(json|quot)"),
        taste=_LOOSE.taste(),
    ),
    planted=True,
)

WRAPPED = Shape(
    "json-arrays-within-an-object",
    "One .json with all: an object whose members are lists of users, items and ratings.",
    writes(
        lambda: {
            "export.json": json.dumps(
                {
                    "version": 3,
                    "users": [{"user_id": u.number, "name": u.name} for u in WORLD.users],
                    "items": [dict(zip(BASIC, row, strict=True)) for row in basic_rows()],
                    "ratings": [dict(zip(_HEADER, row, strict=True)) for row in _rows()],
                },
                indent=1,
            )
        }
    ),
    ("export.json",),
    Expected(
        events=(
            events(
                "export.json",
                user="ratings.user_id",
                item="ratings.item_id",
                weight="ratings.rating",
                time="ratings.timestamp",
            ),
        ),
        refuse=Refusal("json"),
        taste=PLAIN.taste(),
    ),
)

BY_COLUMN = Shape(
    "json-by-column",
    "A data frame's to_json(): an object of columns, each an object by row number.",
    writes(
        lambda: {
            "items.csv": table(BASIC, basic_rows()),
            "ratings.json": json.dumps(
                {name: {str(n): row[c] for n, row in enumerate(_rows())} for c, name in enumerate(_HEADER)}
            ),
        }
    ),
    ("items.csv", "ratings.json"),
    Expected(
        events=(events("ratings.json", user="user_id", item="item_id", weight="rating", time="timestamp"),),
        nodes=(basic_items(),),
        refuse=Refusal("json"),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


def _parquet(columns: dict[str, pa.Array]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


NESTED_PARQUET = Shape(
    "parquet-with-structs",
    "Parquet with structs, decimals, dates, naive times in ns, truth values and a list of structs.",
    writes(
        lambda: {
            "items.parquet": _parquet(
                {
                    "id": pa.array([f"i{i.number}" for i in WORLD.items]),
                    "info": pa.array([{"title": i.label, "maker": i.maker} for i in WORLD.items]),
                    "price": pa.array([Decimal(f"{i.price:.2f}") for i in WORLD.items], pa.decimal128(9, 2)),
                    "released": pa.array([datetime(i.year, 5, 4, tzinfo=UTC).date() for i in WORLD.items]),
                    "in_stock": pa.array([i.number % 4 != 0 for i in WORLD.items]),
                    "category": pa.array([i.category for i in WORLD.items]),
                }
            ),
            "plays.parquet": _parquet(
                {
                    "user": pa.array([f"u{a.user}" for a in _LIKES]),
                    "item": pa.array([f"i{a.item}" for a in _LIKES]),
                    "at": pa.array(
                        [datetime.fromtimestamp(a.time, UTC).replace(tzinfo=None) for a in _LIKES], pa.timestamp("ns")
                    ),
                    "seconds": pa.array([a.minutes * 60 for a in _LIKES], pa.uint32()),
                }
            ),
        }
    ),
    ("items.parquet", "plays.parquet"),
    Expected(
        events=(
            events(
                "plays.parquet",
                user="user",
                item="item",
                time="at",
                weight="seconds",
                acts=_LIKES,
                ids=Ids(lambda u: f"u{u}", lambda i: f"i{i}"),
                weigh=lambda a: a.minutes * 60,
            ),
        ),
        nodes=(
            items(
                "items.parquet",
                key="id",
                label="info.title",
                fields={"price": lambda i: i.price, "in_stock": lambda i: i.number % 4 != 0},
                facts={"category": category, "info.maker": maker},
                ids=Ids(item=lambda i: f"i{i}"),
            ),
        ),
        either=(Either("items.parquet", "released", ("field",)),),
        taste=Ids(lambda u: f"u{u}", lambda i: f"i{i}").taste(),
    ),
    planted=True,
)

USERS_INSIDE = Shape(
    "users-with-lists-of-likes",
    "JSON Lines of users, each with the ids of what they like and of what they hide.",
    writes(
        lambda: {
            "items.csv": table(("item_id", "title", "year"), ((i.number, i.label, i.year) for i in WORLD.items)),
            "users.jsonl": json_lines(
                {
                    "user_id": u.number,
                    "name": u.name,
                    "liked_items": [a.item for a in _LIKES if a.user == u.number],
                    "hidden_items": [a.item for a in WORLD.dislikes if a.user == u.number],
                }
                for u in WORLD.users
            ),
        }
    ),
    ("items.csv", "users.jsonl"),
    Expected(
        events=(
            events("users.jsonl", user="user_id", item="liked_items", acts=_LIKES),
            events("users.jsonl", user="user_id", item="hidden_items", acts=WORLD.dislikes, counts=(0, 120)),
        ),
        nodes=(
            items("items.csv", key="item_id", label="title", fields={"year": year}),
            users("users.jsonl", key="user_id", label="name"),
        ),
        refuse=Refusal("liked_items"),
        taste=PLAIN.taste(),
    ),
    planted=True,
)

SHAPES = (SUBFOLDERS, SPACES, LOOSE_JSON, WRAPPED, BY_COLUMN, NESTED_PARQUET, USERS_INSIDE)
