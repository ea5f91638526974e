"""Ids: how they are spelled, where two files spell them differently, and columns that only look like ids."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from tests.corpus.planted import WORLD
from tests.corpus.render import (
    BASIC,
    Ids,
    at,
    basic_items,
    basic_rows,
    category,
    events,
    items,
    json_lines,
    maker,
    price,
    table,
    users,
    writes,
    year,
)
from tests.corpus.shape import Either, Expected, Refusal, Shape
from tests.corpus.simple import with_items

_ACTS = WORLD.acts


def _spelled(
    name: str,
    about: str,
    ids: Ids,
    *,
    in_events: Ids | None = None,
    refuse: str | None = None,
    quote_all: bool = False,
) -> Shape:
    """Ratings whose ids are spelled as `in_events` say (as `ids` unless said), beside items and users with `ids`."""
    written = in_events or ids
    return Shape(
        f"ids-{name}",
        about,
        writes(
            lambda: {
                "items.csv": table(BASIC, basic_rows(ids), quote_all=quote_all),
                "users.csv": table(
                    ("user_id", "name", "city"),
                    ((ids.user(u.number), u.name, u.city) for u in WORLD.users),
                    quote_all=quote_all,
                ),
                "ratings.csv": table(
                    ("user_id", "item_id", "rating", "timestamp"),
                    ((*written.pair(a.user, a.item), a.rating, a.time) for a in _ACTS),
                    quote_all=quote_all,
                ),
            }
        ),
        ("items.csv", "users.csv", "ratings.csv"),
        Expected(
            events=(events("ratings.csv", user="user_id", item="item_id", time="timestamp", weight="rating", ids=ids),),
            nodes=(basic_items(ids=ids), users("users.csv", key="user_id", label="name", ids=ids)),
            either=(Either("users.csv", "city", ("field", "link")),),
            refuse=Refusal(refuse) if refuse else None,
            taste=ids.taste(),
        ),
        planted=True,
    )


def _uuid(salt: int) -> Callable[[int], str]:
    return lambda n: str(UUID(int=((100 * salt + n) * 0x9E3779B97F4A7C15F39CC0605CEDC834) % 2**128, version=4))


def _hash(salt: int) -> Callable[[int], str]:
    return lambda n: f"{(100 * salt + n) * 0x9E3779B97F4A7C15 % 2**64:016x}"


FLOATS = _spelled(
    "floats-of-whole-numbers",
    "A data frame with gaps wrote 12.0 for 12 in the events; the tables have 12.",
    Ids(),
    in_events=Ids(lambda u: f"{u}.0", lambda i: f"{i}.0"),
    refuse=r"\.0",
)
ZEROS = _spelled(
    "leading-zeros", "Ids with leading zeros, which are part of them.", Ids(lambda u: f"{u:05d}", lambda i: f"{i:08d}")
)
EXCEL = _spelled(
    "excel-formula-texts",
    'Ids written as ="0345", as people do so that a spreadsheet keeps the zeros; in all files.',
    Ids(lambda u: f"{u:04d}", lambda i: f"{i:04d}"),
    in_events=Ids(lambda u: f'="{u:04d}"', lambda i: f'="{i:04d}"'),
    refuse='="',
)
HASHES = _spelled("hashes", "Hashes of 16 hex digits.", Ids(_hash(3), _hash(7)))
UUIDS = _spelled("uuids", "UUIDs.", Ids(_uuid(3), _uuid(7)))
LINKS = _spelled(
    "urls",
    "Items are named by the address of their page, users by their profile.",
    Ids(lambda u: f"https://shop.example.org/u/{u}", lambda i: f"https://shop.example.org/item?id={i}&ref=x"),
)
MAILS = _spelled("mail-addresses", "Users are mail addresses.", Ids(user=lambda u: f"user{u}@example.org"))
NAMES = _spelled(
    "names",
    "Users and items by their names, with blanks, commas, slashes and accents.",
    Ids(lambda u: f"{WORLD.user(u).name}, {u}", lambda i: f"N° {i} / {WORLD.item(i).label} é"),
)
PREFIXES = _spelled(
    "prefix-in-one-file",
    "The tables have u12 and i7, the events 12 and 7.",
    Ids(lambda u: f"u{u}", lambda i: f"i{i}"),
    in_events=Ids(),
    refuse="prefix|join|match|none of|user_id|item_id",
)
CASES = _spelled(
    "mixed-case",
    "The tables have AB12, the events ab12.",
    Ids(lambda u: f"AB{u}", lambda i: f"SKU{i}X"),
    in_events=Ids(lambda u: f"ab{u}", lambda i: f"sku{i}x"),
    refuse="case|join|match|none of|user_id|item_id",
)
NEGATIVE = _spelled(
    "negative-and-huge",
    "Hashes as signed numbers of 64 bits.",
    Ids(lambda u: str(-(2**62) + u * 10**15), lambda i: str(2**61 + i)),
)

TEXT_AND_NUMBERS = Shape(
    "ids-numbers-here-texts-there",
    "JSON Lines with the id as a number beside CSV.",
    writes(
        lambda: {
            "items.jsonl": json_lines(
                {"id": i.number, "title": i.label, "category": i.category, "year": i.year} for i in WORLD.items
            ),
            "events.jsonl": json_lines(
                {"user": f"{a.user}", "item": str(a.item), "stars": a.rating, "ts": a.time} for a in _ACTS
            ),
        }
    ),
    ("items.jsonl", "events.jsonl"),
    Expected(
        events=(events("events.jsonl", user="user", item="item", time="ts", weight="stars"),),
        nodes=(items("items.jsonl", key="id", label="title", fields={"year": year}, facts={"category": category}),),
        taste=Ids().taste(),
    ),
    planted=True,
)


def _named(name: str, column: str, ids: Ids, about: str) -> Shape:
    """Items whose key column is called as in trade, with other unique columns beside it."""
    return Shape(
        f"key-named-{name}",
        about,
        writes(
            lambda: {
                "catalog.csv": table(
                    (column, "name", "brand", "list_price", "image_url"),
                    (
                        (ids.item(i.number), i.label, i.maker, i.price, f"https://img.example.org/{i.number * 37}.jpg")
                        for i in WORLD.items
                    ),
                ),
                "log.csv": table(
                    ("session_no", "member", column, "stars"),
                    ((n * 13, ids.user(a.user), ids.item(a.item), a.rating) for n, a in enumerate(_ACTS)),
                ),
            }
        ),
        ("catalog.csv", "log.csv"),
        Expected(
            events=(events("log.csv", user="member", item=column, weight="stars", ids=ids),),
            nodes=(
                items(
                    "catalog.csv",
                    key=column,
                    label="name",
                    fields={"list_price": price},
                    facts={"brand": maker},
                    ids=ids,
                ),
            ),
            unread={"catalog.csv": ("image_url",)},
            either=(Either("log.csv", "session_no", ("id", "unread")),),
            taste=ids.taste(),
        ),
        planted=True,
    )


_MEMBERS = ("ada", "bo", "cy", "di", "ed")

ASIN = _named("asin", "asin", Ids(lambda u: f"m{u}", lambda i: f"B0{i:04d}KQZX"), "The key is called asin.")
ISBN = _named("isbn", "ISBN", Ids(lambda u: f"{u}", lambda i: f"978{i:010d}"), "The key is called ISBN.")
SKU = _named("sku", "sku", Ids(lambda u: f"{_MEMBERS[u % 5]}{u}", lambda i: f"T-{i:03d}/RED"), "The key is called sku.")
PARENT = Shape(
    "parent-asin-beside-asin",
    "Reviews name the variant (asin) and the product (parent_asin); only the latter is in the table of products.",
    writes(
        lambda: {
            "reviews.jsonl": json_lines(
                {
                    "rating": float(a.rating),
                    "title": "As told" if a.liked else "Not as told",
                    "text": f"Number {a.minutes} of many.",
                    "images": [],
                    "asin": f"V{a.item:03d}{a.quantity}",
                    "parent_asin": f"P{a.item:03d}",
                    "user_id": f"AE{a.user:03d}",
                    "timestamp": a.time * 1_000,
                    "helpful_vote": a.minutes % 4,
                    "verified_purchase": a.minutes % 2 == 0,
                }
                for a in _ACTS
            ),
            "meta.jsonl": json_lines(
                {
                    "main_category": i.category,
                    "title": i.label,
                    "average_rating": 4.1,
                    "rating_number": i.number * 3,
                    "features": [f"For {i.tags[0]}", f"Good with {i.tags[1]}"],
                    "description": [i.text],
                    "price": None if i.number % 4 == 0 else i.price,
                    "store": i.maker,
                    "categories": ["Home", i.category],
                    "details": {"Material": i.tags[0]},
                    "parent_asin": f"P{i.number:03d}",
                }
                for i in WORLD.items
            ),
        }
    ),
    ("meta.jsonl", "reviews.jsonl"),
    Expected(
        events=(
            events(
                "reviews.jsonl",
                user="user_id",
                item="parent_asin",
                time="timestamp",
                weight="rating",
                ids=Ids(lambda u: f"AE{u:03d}", lambda i: f"P{i:03d}"),
            ),
        ),
        nodes=(
            items(
                "meta.jsonl",
                key="parent_asin",
                label="title",
                text=("description",),
                fields={"price": lambda i: None if i.number % 4 == 0 else i.price},
                facts={"store": maker, "categories": lambda i: ("Home", i.category)},
                ids=Ids(item=lambda i: f"P{i:03d}"),
            ),
        ),
        unread={"reviews.jsonl": ("asin", "title", "text", "images", "helpful_vote", "verified_purchase")},
        either=(
            Either("meta.jsonl", "features", ("text", "list", "unread")),
            Either("meta.jsonl", "main_category", ("link", "field")),
            Either("meta.jsonl", "details.Material", ("link", "field", "unread")),
        ),
        taste=Ids(lambda u: f"AE{u:03d}", lambda i: f"P{i:03d}").taste(),
    ),
    planted=True,
)

COUNTS_BESIDE = with_items(
    "item-beside-counts",
    "Item ids that are small numbers, between counts and positions that are small numbers, too.",
    "log.csv",
    lambda: table(
        ("n", "position", "user_id", "views", "item_id", "rating", "hour", "logged_at"),
        (
            (n, n % 10 + 1, a.user, a.minutes, a.item, a.rating, a.time // 3_600 % 24, at(a.time, "%Y-%m-%dT%H:%M:%SZ"))
            for n, a in enumerate(_ACTS, 1)
        ),
    ),
    events("log.csv", user="user_id", item="item_id", weight="rating", time="logged_at"),
    unread={"log.csv": ("position", "hour", "views")},
    either=(Either("log.csv", "n", ("id", "unread")),),
)

SAME_NUMBERS = Shape(
    "ids-same-numbers-for-all",
    "Users, items, makers and events all count from 1 and the column is called id in every table.",
    writes(
        lambda: {
            "user.csv": table(("id", "name", "age"), ((u.number, u.name, u.age) for u in WORLD.users)),
            "film.csv": table(
                ("id", "name", "director_id", "year"),
                ((i.number, i.label, _DIRECTORS.index(i.maker) + 1, i.year) for i in WORLD.items),
            ),
            "director.csv": table(("id", "name"), enumerate(_DIRECTORS, 1)),
            "rating.csv": table(
                ("id", "user_id", "film_id", "value"),
                ((n, a.user, a.item, a.rating) for n, a in enumerate(_ACTS, 1)),
            ),
        }
    ),
    ("director.csv", "film.csv", "rating.csv", "user.csv"),
    Expected(
        events=(events("rating.csv", user="user_id", item="film_id", weight="value"),),
        nodes=(
            items("film.csv", key="id", label="name", fields={"year": year}, facts={"director_id": maker}),
            users("user.csv", key="id", label="name", fields={"age": lambda u: u.age}),
        ),
        either=(Either("rating.csv", "id", ("id", "unread")),),
        taste=Ids().taste(),
    ),
    planted=True,
)

_DIRECTORS = tuple(sorted({i.maker for i in WORLD.items}))

SHAPES = (
    FLOATS,
    ZEROS,
    EXCEL,
    HASHES,
    UUIDS,
    LINKS,
    MAILS,
    NAMES,
    PREFIXES,
    CASES,
    NEGATIVE,
    TEXT_AND_NUMBERS,
    ASIN,
    ISBN,
    SKU,
    PARENT,
    COUNTS_BESIDE,
    SAME_NUMBERS,
)
