"""Exports of more trades: loans, statements of learning, numbers for actions, searches."""

from __future__ import annotations

from tests.corpus.planted import WORLD, Act
from tests.corpus.render import (
    PLAIN,
    Ids,
    at,
    events,
    items,
    json_lines,
    maker,
    no_weight,
    table,
    tags,
    writes,
    year,
)
from tests.corpus.shape import Either, Expected, Refusal, Shape

_LIKES = WORLD.likes


_UNSEEN = WORLD.unseen


_COOKS = tuple(sorted({i.maker for i in WORLD.items}))


LOANS = Shape(
    "library-loans",
    "Loans of a library: borrower, copy, title, lent and returned; `returned` is a date and no dislike.",
    writes(
        lambda: {
            "loans.csv": table(
                ("loan_id", "borrower_no", "barcode", "title_no", "loan_date", "return_date"),
                (
                    (
                        n,
                        600 + a.user,
                        f"{a.item:03d}{a.quantity:02d}",
                        7_000 + a.item,
                        at(a.time, "%d.%m.%Y"),
                        at(a.time + 14 * 86_400, "%d.%m.%Y"),
                    )
                    for n, a in enumerate(_LIKES, 1)
                ),
            ),
            "titles.csv": table(
                ("title_no", "title", "author", "subject", "published"),
                ((7_000 + i.number, i.label, i.maker, "; ".join(i.tags), i.year) for i in WORLD.items),
            ),
        }
    ),
    ("loans.csv", "titles.csv"),
    Expected(
        events=(
            events(
                "loans.csv",
                user="borrower_no",
                item="title_no",
                time="loan_date",
                acts=_LIKES,
                ids=Ids(lambda u: str(600 + u), lambda i: str(7_000 + i)),
                when=lambda t: t - t % 86_400,
            ),
        ),
        nodes=(
            items(
                "titles.csv",
                key="title_no",
                label="title",
                fields={"published": year},
                facts={"author": maker, "subject": tags},
                ids=Ids(item=lambda i: str(7_000 + i)),
            ),
        ),
        unread={"loans.csv": ("barcode", "return_date")},
        either=(Either("loans.csv", "loan_id", ("id", "unread")),),
        taste=Ids(lambda u: str(600 + u), lambda i: str(7_000 + i)).taste(),
    ),
    planted=True,
)


def _statement(user: int, item: int, verb: str, time: int) -> dict[str, object]:
    return {
        "actor": {"objectType": "Agent", "account": {"homePage": "https://lms.example.org", "name": f"learner{user}"}},
        "verb": {"id": f"http://adlnet.gov/expapi/verbs/{verb}", "display": {"en": verb}},
        "object": {
            "id": f"https://lms.example.org/unit/{item}",
            "definition": {"name": {"en": WORLD.item(item).label}},
        },
        "timestamp": at(time, "%Y-%m-%dT%H:%M:%SZ"),
    }


STATEMENTS = Shape(
    "learning-statements",
    "Statements of a learning system (xAPI): actor, verb and object nested, verbs are IRIs.",
    writes(
        lambda: {
            "statements.jsonl": json_lines(
                [_statement(a.user, a.item, "completed", a.time) for a in _LIKES]
                + [_statement(u, i, "suspended", t) for u, i, t in _UNSEEN]
            )
        }
    ),
    ("statements.jsonl",),
    Expected(
        events=(
            events(
                "statements.jsonl",
                user="actor.account.name",
                item="object.id",
                time="timestamp",
                kind="verb.id",
                acts=_LIKES,
                ids=Ids(lambda u: f"learner{u}", lambda i: f"https://lms.example.org/unit/{i}"),
                weigh=no_weight,
                counts=(len(_LIKES) + len(_UNSEEN), len(_LIKES)),
                negative=Ids(lambda u: f"learner{u}", lambda i: f"https://lms.example.org/unit/{i}").unseen(),
            ),
        ),
        either=(
            Either("statements.jsonl", "object.definition.name.en", ("label", "unread")),
            Either("statements.jsonl", "actor.account.homePage", ("unread",)),
        ),
        taste=Ids(lambda u: f"learner{u}", lambda i: f"https://lms.example.org/unit/{i}").taste(),
    ),
)


def _code(act: Act) -> list[tuple[object, ...]]:
    item = WORLD.item(act.item)
    seller = 100 + _COOKS.index(item.maker)
    row = (act.user, act.item, 500 + ord(item.category[0]), seller, at(act.time, "%m%d"))
    return [(*row, 0), (*row, 2)]


CODES = Shape(
    "numbers-for-actions",
    "Tmall's log: action_type 0 click, 2 purchase, 3 favourite, told nowhere in the data; times are MMDD.",
    writes(
        lambda: {
            "user_log_format1.csv": table(
                ("user_id", "item_id", "cat_id", "seller_id", "time_stamp", "action_type"),
                (row for a in _LIKES for row in _code(a)),
            )
        }
    ),
    ("user_log_format1.csv",),
    Expected(
        events=(
            events(
                "user_log_format1.csv",
                user="user_id",
                item="item_id",
                acts=_LIKES,
                weigh=no_weight,
                counts=(2 * len(_LIKES), len(_LIKES)),
            ),
        ),
        either=(
            Either("user_log_format1.csv", "action_type", ("kind", "where", "unread")),
            Either("user_log_format1.csv", "time_stamp", ("time", "unread")),
            Either("user_log_format1.csv", "cat_id", ("link", "field")),
        ),
        refuse=Refusal("action_type"),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


SEARCHES = Shape(
    "views-purchases-and-searches",
    "Diginetica's files behind semicolons: views and purchases by session, products with name tokens, categories.",
    writes(
        lambda: {
            "product-categories.csv": table(
                ("itemId", "categoryId"), ((i.number, 100 + ord(i.category[0])) for i in WORLD.items), ";"
            ),
            "products.csv": table(
                ("itemId", "pricelog2", "product.name.tokens"),
                ((i.number, i.year % 13, ",".join(str(1_000 + sum(map(ord, t))) for t in i.tags)) for i in WORLD.items),
                ";",
            ),
            "train-item-views.csv": table(
                ("sessionId", "userId", "itemId", "timeframe", "eventdate"),
                ((a.user, "NA", a.item, 1_000 * a.minutes, at(a.time, "%Y-%m-%d")) for a in _LIKES),
                ";",
            ),
            "train-purchases.csv": table(
                ("sessionId", "userId", "timeframe", "eventdate", "ordernumber", "itemId"),
                (
                    (a.user, "NA", 1_000 * a.minutes + 9, at(a.time, "%Y-%m-%d"), n, a.item)
                    for n, a in enumerate(_LIKES)
                    if a.rating == 5
                ),
                ";",
            ),
        }
    ),
    ("product-categories.csv", "products.csv", "train-item-views.csv", "train-purchases.csv"),
    Expected(
        events=(
            events(
                "train-item-views.csv",
                user="sessionId",
                item="itemId",
                time="eventdate",
                acts=_LIKES,
                when=lambda t: t - t % 86_400,
                counts=(len(_LIKES),),
            ),
            events(
                "train-purchases.csv",
                user="sessionId",
                item="itemId",
                time="eventdate",
                acts=tuple(a for a in _LIKES if a.rating == 5),
                when=lambda t: t - t % 86_400,
            ),
        ),
        nodes=(items("products.csv", key="itemId"),),
        unread={"train-item-views.csv": ("userId",), "train-purchases.csv": ("userId",)},
        either=(
            Either("train-item-views.csv", "timeframe", ("unread", "weight")),
            Either("train-purchases.csv", "ordernumber", ("id", "unread")),
            Either("products.csv", "product.name.tokens", ("list", "text", "unread")),
            Either("products.csv", "pricelog2", ("field",)),
        ),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


SHAPES = (
    LOANS,
    STATEMENTS,
    CODES,
    SEARCHES,
)
