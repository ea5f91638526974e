"""Tables of items and users: rows that repeat, keys that are none, columns to leave out."""

from __future__ import annotations

from tests.corpus.planted import WORLD
from tests.corpus.render import (
    BASIC,
    PLAIN,
    Contents,
    Ids,
    at,
    basic_items,
    basic_rows,
    events,
    items,
    json_lines,
    maker,
    table,
    users,
    writes,
)
from tests.corpus.shape import Either, Expected, Shape

_ACTS = WORLD.acts


_LIKES = WORLD.likes


_EVENTS = events("ratings.csv", user="user_id", item="item_id", weight="rating")


def _ratings() -> str:
    return table(("user_id", "item_id", "rating"), ((a.user, a.item, a.rating) for a in _ACTS))


DUPLICATES = Shape(
    "rows-twice",
    "Every fifth item and every tenth rating stands twice, word for word.",
    writes(
        lambda: {
            "items.csv": table(BASIC, [*basic_rows(), *basic_rows()[::5]]),
            "ratings.csv": table(
                ("user_id", "item_id", "rating"),
                [(a.user, a.item, a.rating) for a in _ACTS] + [(a.user, a.item, a.rating) for a in _ACTS[::10]],
            ),
        }
    ),
    ("items.csv", "ratings.csv"),
    Expected(events=(_EVENTS,), nodes=(basic_items(),), taste=PLAIN.taste()),
    planted=True,
)


CONTRADICTING = Shape(
    "item-twice-with-other-content",
    "Two items stand twice with another price (a newer row): the key is still the id.",
    writes(
        lambda: {
            "items.csv": table(BASIC, [*basic_rows(), *[(*row[:-1], 1.5) for row in basic_rows()[10:12]]]),
            "ratings.csv": _ratings(),
        }
    ),
    ("items.csv", "ratings.csv"),
    Expected(events=(_EVENTS,), nodes=(basic_items(),), taste=PLAIN.taste()),
    planted=True,
)


KEYLESS = Shape(
    "rows-without-key",
    "Three items have no id and some ratings no user (guests): those rows are left out, the others are good.",
    writes(
        lambda: {
            "items.csv": table(
                BASIC, [*basic_rows(), *[("", f"Nameless {n}", "Reef", "?", 1999, 1.0) for n in range(3)]]
            ),
            "ratings.csv": table(
                ("user_id", "item_id", "rating"),
                [(a.user, a.item, a.rating) for a in _ACTS] + [(None, n, 4) for n in range(1, 20)],
            ),
        }
    ),
    ("items.csv", "ratings.csv"),
    Expected(events=(_EVENTS,), nodes=(basic_items(),), taste=PLAIN.taste()),
    planted=True,
)


PRIVATE = Shape(
    "users-with-private-columns",
    "Customers with mail address, phone, birthday, password hash and card digits beside name and city.",
    writes(
        lambda: {
            "customers.csv": table(
                ("customer_id", "name", "email", "phone", "birth_date", "password_hash", "card_last4", "city"),
                (
                    (
                        f"c{u.number}",
                        u.name,
                        f"{u.name.split()[0].lower()}{u.number}@example.org",
                        f"+49 30 {u.number * 7_331:07d}",
                        f"{2020 - u.age}-03-{u.number % 28 + 1:02d}",
                        f"{u.number * 0x9E3779B97F4A7C15 % 2**64:016x}",
                        f"{u.number * 37 % 10_000:04d}",
                        u.city,
                    )
                    for u in WORLD.users
                ),
            ),
            "items.csv": table(BASIC, basic_rows()),
            "purchases.csv": table(
                ("customer_id", "item_id", "bought_at"),
                ((f"c{a.user}", a.item, at(a.time, "%Y-%m-%dT%H:%M:%SZ")) for a in _LIKES),
            ),
        }
    ),
    ("customers.csv", "items.csv", "purchases.csv"),
    Expected(
        events=(
            events(
                "purchases.csv",
                user="customer_id",
                item="item_id",
                time="bought_at",
                acts=_LIKES,
                ids=Ids(lambda u: f"c{u}"),
            ),
        ),
        nodes=(basic_items(), users("customers.csv", key="customer_id", label="name", ids=Ids(lambda u: f"c{u}"))),
        unread={"customers.csv": ("password_hash", "card_last4")},
        either=(
            Either("customers.csv", "email", ("unread", "field")),
            Either("customers.csv", "phone", ("unread", "field")),
            Either("customers.csv", "birth_date", ("unread", "field")),
            Either("customers.csv", "city", ("field", "link", "unread")),
        ),
        taste=Ids(lambda u: f"c{u}").taste(),
    ),
    planted=True,
)


USELESS = Shape(
    "columns-that-say-nothing",
    "Items with constant, empty and technical columns: status, currency, slug, image, row version, sync time.",
    writes(
        lambda: {
            "items.csv": table(
                (*BASIC, "status", "currency", "notes", "slug", "image_url", "row_version", "synced_at"),
                (
                    (
                        *row,
                        "active",
                        "EUR",
                        "",
                        f"{str(row[1]).lower().replace(' ', '-')}-{row[0]}",
                        f"/img/{row[0]}.png",
                        1,
                        "2021-08-01 00:00:00",
                    )
                    for row in basic_rows()
                ),
            ),
            "ratings.csv": _ratings(),
        }
    ),
    ("items.csv", "ratings.csv"),
    Expected(
        events=(_EVENTS,),
        nodes=(basic_items(),),
        unread={"items.csv": ("status", "currency", "notes", "slug", "image_url", "row_version", "synced_at")},
        taste=PLAIN.taste(),
    ),
    planted=True,
)


AVAILABLE = Shape(
    "stock-and-discontinued",
    "Items with in_stock true or false, a launch date, a weight in kg and a colour.",
    writes(
        lambda: {
            "products.jsonl": json_lines(
                {
                    "sku": f"S{i.number}",
                    "name": i.label,
                    "description": i.text,
                    "in_stock": i.number % 5 != 0,
                    "launched": f"{i.year}-06-{i.number % 28 + 1:02d}",
                    "weight_kg": i.price / 10,
                    "colour": i.tags[0],
                    "vendor": {"name": i.maker},
                }
                for i in WORLD.items
            ),
            "orders.jsonl": json_lines(
                {"client": f"k{a.user}", "sku": f"S{a.item}", "qty": a.quantity, "ts": a.time} for a in _LIKES
            ),
        }
    ),
    ("orders.jsonl", "products.jsonl"),
    Expected(
        events=(
            events(
                "orders.jsonl",
                user="client",
                item="sku",
                time="ts",
                weight="qty",
                acts=_LIKES,
                weigh=lambda a: a.quantity,
                ids=Ids(lambda u: f"k{u}", lambda i: f"S{i}"),
            ),
        ),
        nodes=(
            items(
                "products.jsonl",
                key="sku",
                label="name",
                text=("description",),
                fields={"in_stock": lambda i: i.number % 5 != 0, "weight_kg": lambda i: i.price / 10},
                facts={"colour": lambda i: i.tags[:1], "vendor.name": maker},
                ids=Ids(item=lambda i: f"S{i}"),
            ),
        ),
        either=(Either("products.jsonl", "launched", ("field",)),),
        taste=Ids(lambda u: f"k{u}", lambda i: f"S{i}").taste(),
    ),
    planted=True,
)


UNRELATED = Shape(
    "a-file-that-joins-nothing",
    "Beside items and ratings a table of exchange rates, which nothing refers to.",
    writes(
        lambda: {
            "items.csv": table(BASIC, basic_rows()),
            "rates.csv": table(("currency", "per_euro"), (("NOK", 10.2), ("SEK", 9.9), ("CZK", 25.1))),
            "ratings.csv": _ratings(),
        }
    ),
    ("items.csv", "rates.csv", "ratings.csv"),
    Expected(events=(_EVENTS,), nodes=(basic_items(),), taste=PLAIN.taste(), unread_files=("rates.csv",)),
    planted=True,
)


def _nothing() -> Contents:
    return {"items.csv": table(BASIC, []), "ratings.csv": _ratings()}


EMPTY_TABLE = Shape(
    "empty-table-of-items",
    "The table of items has a header and no row; the ratings are good.",
    writes(_nothing),
    ("items.csv", "ratings.csv"),
    Expected(events=(_EVENTS,), taste=PLAIN.taste(), unread_files=("items.csv",)),
)


SHAPES = (
    DUPLICATES,
    CONTRADICTING,
    KEYLESS,
    PRIVATE,
    USELESS,
    AVAILABLE,
    UNRELATED,
    EMPTY_TABLE,
)
