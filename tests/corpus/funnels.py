"""Logs of what people do on a site: views, carts and purchases in one file."""

from __future__ import annotations

from collections.abc import Sequence

from tests.corpus.planted import WORLD, Act, Item
from tests.corpus.render import (
    PLAIN,
    Ids,
    at,
    category,
    events,
    items,
    maker,
    no_weight,
    table,
    writes,
)
from tests.corpus.shape import Edges, Either, Expected, Shape

_LIKES = WORLD.likes


_UNSEEN = WORLD.unseen


_FLAT = Ids(lambda u: str(512_000_000 + u), lambda i: str(1_004_000 + i))


def _flat(act: tuple[int, int, int], kind: str) -> tuple[object, ...]:
    user, number, time = act
    item = WORLD.item(number)
    return (
        at(time, "%Y-%m-%d %H:%M:%S UTC"),
        kind,
        _FLAT.item(number),
        2_053_000_000 + ord(item.category[0]),
        f"home.{item.category.lower()}",
        item.maker.lower(),
        item.price,
        _FLAT.user(user),
        f"{user:08x}-{time % 997:04x}-4000-8000-{time:012x}",
    )


def _steps(act: Act) -> list[tuple[object, ...]]:
    kinds = ("view", "cart", "purchase")
    return [_flat((act.user, act.item, act.time + 40 * n), kind) for n, kind in enumerate(kinds)]


FLAT_FUNNEL = Shape(
    "flat-shop-events",
    "One flat file of views, carts, removals and purchases; brand, price and category depend on the product.",
    writes(
        lambda: {
            "2020-Oct.csv": table(
                (
                    "event_time",
                    "event_type",
                    "product_id",
                    "category_id",
                    "category_code",
                    "brand",
                    "price",
                    "user_id",
                    "user_session",
                ),
                [row for a in _LIKES for row in _steps(a)] + [_flat(u, "remove_from_cart") for u in _UNSEEN],
            )
        }
    ),
    ("2020-Oct.csv",),
    Expected(
        events=(
            events(
                "2020-Oct.csv",
                user="user_id",
                item="product_id",
                time="event_time",
                kind="event_type",
                acts=_LIKES,
                ids=_FLAT,
                when=lambda t: t + 80,
                weigh=no_weight,
                counts=(3 * len(_LIKES) + len(_UNSEEN), 3 * len(_LIKES), 2 * len(_LIKES), len(_LIKES)),
                negative=_FLAT.unseen(),
            ),
        ),
        nodes=(
            items(
                "2020-Oct.csv",
                key="product_id",
                facts={
                    "brand": lambda i: (i.maker.lower(),),
                    "category_code": lambda i: (f"home.{i.category.lower()}",),
                },
                fields={"price": lambda i: i.price},
                ids=_FLAT,
            ),
        ),
        unread={"2020-Oct.csv": ("user_session",)},
        either=(Either("2020-Oct.csv", "category_id", ("link", "unread", "field")),),
        taste=_FLAT.taste(),
    ),
    planted=True,
)


def _log(acts: Sequence[tuple[int, int, int, str, object]]) -> list[tuple[object, ...]]:
    return [(time * 1_000 + 123, user, kind, item, sale) for user, item, time, kind, sale in acts]


_PROPERTY_TIME = (1_601_000_000 + 86_400) * 1_000


def _properties(item: Item) -> list[tuple[object, ...]]:
    return [
        (_PROPERTY_TIME, item.number, "categoryid", 100 + _CATEGORIES.index(item.category)),
        (_PROPERTY_TIME, item.number, "790", f"n{item.price * 1000:.3f}"),
        (_PROPERTY_TIME, item.number, "available", item.number % 2),
    ]


_CATEGORIES = ("Harbour", "Reef", "Summit", "Valley", "Market", "Station")


VISITORS = Shape(
    "visitors-and-properties",
    "Events of visitors in ms with an empty transaction id, properties of items as rows, a tree of categories.",
    writes(
        lambda: {
            "events.csv": table(
                ("timestamp", "visitorid", "event", "itemid", "transactionid"),
                _log(
                    [
                        (a.user, a.item, a.time + 9 * n, k, None)
                        for a in _LIKES
                        for n, k in enumerate(("view", "addtocart"))
                    ]
                    + [(a.user, a.item, a.time + 99, "transaction", n) for n, a in enumerate(_LIKES) if n % 2]
                    + [(u, i, t, "view", None) for u, i, t in _UNSEEN]
                ),
            ),
            "item_properties.csv": table(
                ("timestamp", "itemid", "property", "value"), (row for i in WORLD.items for row in _properties(i))
            ),
            "category_tree.csv": table(
                ("categoryid", "parentid"),
                [(100 + n, 200 + n // 2) for n in range(6)] + [(200 + n, None) for n in range(3)],
            ),
        }
    ),
    ("category_tree.csv", "events.csv", "item_properties.csv"),
    Expected(
        events=(
            events(
                "events.csv",
                user="visitorid",
                item="itemid",
                time="timestamp",
                kind="event",
                acts=_LIKES,
                when=lambda t: t + 9.123,
                weigh=no_weight,
                counts=(
                    2 * len(_LIKES) + len(_LIKES) // 2 + len(_UNSEEN),
                    len(_LIKES) + len(_LIKES) // 2,
                ),
            ),
        ),
        edges=(
            Edges(
                files=("category_tree.csv",),
                head="categoryid",
                tail="parentid",
                counts=(6,),
                samples=(("100", "", "200"),),
            ),
            Edges(
                files=("item_properties.csv",),
                head="itemid",
                relation="property",
                tail="value",
                optional=True,
                samples=(("1", "categoryid", str(100 + _CATEGORIES.index(WORLD.item(1).category))),),
            ),
        ),
        either=(Either("events.csv", "transactionid", ("unread", "id")),),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


BEHAVIOUR_CODES = Shape(
    "behaviour-codes-no-header",
    "No header: user, item, category, behaviour (pv, cart, fav, buy), unix time, as Taobao's log.",
    writes(
        lambda: {
            "UserBehavior.csv": table(
                None,
                (
                    (a.user, a.item, 4_000 + _CATEGORIES.index(WORLD.item(a.item).category), kind, a.time + n)
                    for a in _LIKES
                    for n, kind in enumerate(("pv", "cart" if a.item % 2 else "fav", "buy"))
                ),
            )
        }
    ),
    ("UserBehavior.csv",),
    Expected(
        events=(
            events(
                "UserBehavior.csv",
                user="#1",
                item="#2",
                time="#5",
                kind="#4",
                acts=_LIKES,
                when=lambda t: t + 2,
                weigh=no_weight,
                counts=(3 * len(_LIKES), 2 * len(_LIKES), len(_LIKES)),
            ),
        ),
        nodes=(
            items(
                "UserBehavior.csv",
                key="#2",
                facts={"#3": lambda i: (str(4_000 + _CATEGORIES.index(i.category)),)},
            ),
        ),
        taste=PLAIN.taste(),
    ),
    planted=True,
    headerless=("UserBehavior.csv",),
)


BY_BRAND = Shape(
    "flat-purchases-with-product-columns",
    "Purchases with the product's name, brand and department in every row, and no table of products.",
    writes(
        lambda: {
            "sales.csv": table(
                ("sale_id", "customer", "sku", "product_name", "brand", "department", "sold_on", "qty"),
                (
                    (
                        n,
                        WORLD.user(a.user).name,
                        f"SKU-{a.item:04d}",
                        WORLD.item(a.item).label,
                        WORLD.item(a.item).maker,
                        WORLD.item(a.item).category,
                        at(a.time, "%Y-%m-%d"),
                        a.quantity,
                    )
                    for n, a in enumerate(_LIKES, 1)
                ),
            )
        }
    ),
    ("sales.csv",),
    Expected(
        events=(
            events(
                "sales.csv",
                user="customer",
                item="sku",
                time="sold_on",
                weight="qty",
                acts=_LIKES,
                ids=Ids(lambda u: WORLD.user(u).name, lambda i: f"SKU-{i:04d}"),
                when=lambda t: t - t % 86_400,
                weigh=lambda a: a.quantity,
            ),
        ),
        nodes=(
            items(
                "sales.csv",
                key="sku",
                label="product_name",
                facts={"brand": maker, "department": category},
                ids=Ids(item=lambda i: f"SKU-{i:04d}"),
            ),
        ),
        either=(Either("sales.csv", "sale_id", ("id", "unread")),),
        taste=Ids(lambda u: WORLD.user(u).name, lambda i: f"SKU-{i:04d}").taste(),
    ),
    planted=True,
)


SHAPES = (
    FLAT_FUNNEL,
    VISITORS,
    BEHAVIOUR_CODES,
    BY_BRAND,
)
