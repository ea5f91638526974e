"""Inputs from which no domain can be read: a refusal that says why is the only, or a right, answer."""

from __future__ import annotations

import gzip

from tests.corpus.planted import WORLD
from tests.corpus.render import BASIC, PLAIN, Contents, basic_items, basic_rows, events, table, writes
from tests.corpus.shape import Expected, Refusal, Shape

_ACTS = WORLD.acts


def _ratings() -> str:
    return table(("user_id", "item_id", "rating"), ((a.user, a.item, a.rating) for a in _ACTS))


def _refused(name: str, about: str, file: str, content: bytes, pattern: str) -> Shape:
    def contents() -> Contents:
        return {file: content}

    return Shape(
        f"refused-{name}",
        about,
        writes(contents),
        (file,),
        Expected(refuse=Refusal(pattern, required=True)),
        encoding="latin-1",
    )


def _page() -> bytes:
    return b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Sign in, and try again</body></html>\n"


def _pointer() -> bytes:
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0f" * 32 + b"\nsize 123456789\n"


def _cut() -> bytes:
    whole = gzip.compress(_ratings().encode(), mtime=0)
    return whole[: len(whole) // 2]


def _database() -> bytes:
    """The first page of an empty SQLite file."""
    return b"SQLite format 3\x00" + b"\x10\x00\x01\x01\x00\x40\x20\x20" + bytes(4_072)


def _dump() -> bytes:
    rows = ",\n".join(f"  ({a.user}, {a.item}, {a.rating})" for a in _ACTS)
    table_ = "CREATE TABLE ratings (user_id int, item_id int, rating int);\n"
    return f"-- a dump\n{table_}INSERT INTO ratings (user_id, item_id, rating) VALUES\n{rows};\n".encode()


ITEMS_ALONE = Shape(
    "items-alone",
    "A table of items, and nobody who did anything: a description without events, or a refusal that says so.",
    writes(lambda: {"items.csv": table(BASIC, basic_rows())}),
    ("items.csv",),
    Expected(nodes=(basic_items(),), refuse=Refusal("users?|interactions?|events?|behaviou?r")),
)

SQL_DUMP = Shape(
    "refused-sql-dump",
    "A dump in SQL: a table and one INSERT with all rows. Reading it would be right, too.",
    writes(lambda: {"ratings.sql": _dump()}),
    ("ratings.sql",),
    Expected(
        events=(events("ratings.sql", user="user_id", item="item_id", weight="rating"),),
        refuse=Refusal("sql|format"),
    ),
)

AVERAGES = Shape(
    "averages-alone",
    "Items with an average rating and a count of votes: numbers of no user, so nothing here is an event.",
    writes(
        lambda: {
            "stats.csv": table(
                ("item_id", "title", "avg_rating", "num_votes"),
                ((i.number, i.label, round(2 + i.price / 25, 2), i.year) for i in WORLD.items),
            )
        }
    ),
    ("stats.csv",),
    Expected(refuse=Refusal("users?|interactions?|events?|behaviou?r", required=True)),
)

NO_ITEM_OVERLAP = Shape(
    "ids-of-two-worlds",
    "Items and ratings whose ids have nothing in common: the ratings are read, and that no item is found is said.",
    writes(
        lambda: {
            "items.csv": table(BASIC, [(f"X-{row[0]}-{row[1]}", *row[1:]) for row in basic_rows()]),
            "ratings.csv": _ratings(),
        }
    ),
    ("items.csv", "ratings.csv"),
    Expected(
        events=(events("ratings.csv", user="user_id", item="item_id", weight="rating"),),
        refuse=Refusal("item_id"),
        taste=PLAIN.taste(),
    ),
)

SHAPES = (
    _refused("empty-file", "A file of one line break.", "ratings.csv", b"\n", "empty"),
    _refused(
        "web-page",
        "A page that asks to sign in, saved under the name of the data.",
        "ratings.csv",
        _page(),
        "html|page|column|table",
    ),
    _refused(
        "lfs-pointer",
        "A pointer of Git LFS where the data should be.",
        "ratings.csv",
        _pointer(),
        "lfs|pointer|column|table",
    ),
    _refused(
        "cut-gzip", "A download that was cut short.", "ratings.csv.part.gz", _cut(), "gzip|cut|end|incomplete|format"
    ),
    _refused("picture", "A picture.", "cover.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "png|format|read|binary"),
    _refused(
        "prose",
        "A text for people.",
        "README.txt",
        b"This folder holds data.\n\nAsk Berit for the rest.\n",
        "column|table|read",
    ),
    _refused("sqlite", "A database of SQLite.", "shop.db", _database(), "sqlite|database|format|read"),
    _refused(
        "pickle", "A pickle, which is never opened.", "ratings.pkl", b"\x80\x04\x95" + bytes(40), "pickle|format|pkl"
    ),
    _refused(
        "numpy",
        "A sparse matrix of numpy, without names.",
        "train.npz",
        b"PK\x03\x04" + bytes(60),
        "npz|format|zip|read",
    ),
    _refused(
        "xls",
        "A workbook of the old binary kind.",
        "sales.xls",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504),
        "xls|format|read",
    ),
    _refused(
        "configuration",
        "A JSON object of settings.",
        "settings.json",
        b'{"debug": true, "paths": {"data": "x"}}\n',
        "json|rows?|column|table|format|users?",
    ),
    SQL_DUMP,
    ITEMS_ALONE,
    AVERAGES,
    NO_ITEM_OVERLAP,
)
