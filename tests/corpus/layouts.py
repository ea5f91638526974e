"""Layouts that are no table of one event a row: matrices, lists of items, blocks."""

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
    events,
    items,
    no_weight,
    plain,
    table,
    writes,
)
from tests.corpus.shape import Expected, Refusal, Shape

_ACTS = WORLD.acts


_LIKES = WORLD.likes


_BY_PAIR = {(a.user, a.item): a.rating for a in _ACTS}


WIDE = Shape(
    "wide-matrix",
    "A row for each user, a column for each item, a rating in the cells that have one.",
    writes(
        lambda: {
            "items.csv": table(BASIC, basic_rows()),
            "matrix.csv": table(
                ("user", *(str(i.number) for i in WORLD.items)),
                ((u.number, *(_BY_PAIR.get((u.number, i.number)) for i in WORLD.items)) for u in WORLD.users),
            ),
        }
    ),
    ("items.csv", "matrix.csv"),
    Expected(
        events=(events("matrix.csv", user="user", item="*", weigh=no_weight),),
        nodes=(basic_items(),),
        refuse=Refusal("matrix.*(wide|matrix|column)|one column (per|for each) item"),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


ITEM_LISTS = Shape(
    "one-row-with-all-items",
    "KGAT's train.txt: a line is a user and all items, behind blanks; the items have a list of their own.",
    writes(
        lambda: {
            "train.txt": "".join(
                f"{u.number} {' '.join(str(a.item) for a in _LIKES if a.user == u.number)}\n" for u in WORLD.users
            ),
            "items.csv": table(BASIC, basic_rows()),
        }
    ),
    ("items.csv", "train.txt"),
    Expected(
        events=(events("train.txt", user="#1", item="#2", acts=_LIKES),),
        nodes=(basic_items(),),
        refuse=Refusal("train"),
        taste=PLAIN.taste(),
    ),
    planted=True,
    headerless=("train.txt",),
)


BASKETS = Shape(
    "items-in-one-cell",
    "A purchase a row, with the items in one cell behind commas.",
    writes(
        lambda: {
            "baskets.csv": table(
                ("customer", "date", "items"),
                (
                    (f"c{u.number}", f"2021-0{part + 1}-10", ",".join(f"p{a.item}" for a in acts))
                    for u in WORLD.users
                    for part, acts in enumerate(_halves(u.number))
                ),
            ),
            "products.csv": table(
                ("product_id", "name", "category"), ((f"p{i.number}", i.label, i.category) for i in WORLD.items)
            ),
        }
    ),
    ("baskets.csv", "products.csv"),
    Expected(
        events=(
            events(
                "baskets.csv",
                user="customer",
                item="items",
                time="date",
                acts=_LIKES,
                ids=Ids(lambda u: f"c{u}", lambda i: f"p{i}"),
                when=lambda _: None,
            ),
        ),
        nodes=(
            items(
                "products.csv",
                key="product_id",
                label="name",
                facts={"category": category},
                ids=Ids(item=lambda i: f"p{i}"),
            ),
        ),
        refuse=Refusal("items.*(list|several|one row)|(list|several).*items"),
        taste=Ids(lambda u: f"c{u}", lambda i: f"p{i}").taste(),
    ),
    planted=True,
)


def _halves(user: int) -> tuple[list[Act], list[Act]]:
    own = [a for a in _LIKES if a.user == user]
    return own[:4], own[4:]


def _block(item: int) -> str:
    acts = [a for a in _ACTS if a.item == item]
    return f"{item}:\n" + "".join(f"{1_488_000 + a.user},{a.rating},{at(a.time, '%Y-%m-%d')}\n" for a in acts)


_CUSTOMERS = Ids(lambda u: str(1_488_000 + u))


NETFLIX = Shape(
    "blocks-by-item",
    "The prize's files: a line `7:` opens the block of an item, then customer, stars, date; titles with a year before.",
    writes(
        lambda: {
            "combined_data_1.txt": "".join(_block(i.number) for i in WORLD.items),
            "movie_titles.csv": plain(((i.number, i.year, f"{i.label}, The Film") for i in WORLD.items), ",").encode(
                "latin-1"
            ),
        }
    ),
    ("combined_data_1.txt", "movie_titles.csv"),
    Expected(
        events=(
            events(
                "combined_data_1.txt",
                user="#1",
                item="#0",
                weight="#2",
                time="#3",
                ids=_CUSTOMERS,
                when=lambda t: t - t % 86_400,
            ),
        ),
        refuse=Refusal("combined_data_1.*(block|lines? (such as|like)|:)"),
        taste=_CUSTOMERS.taste(),
    ),
    headerless=("combined_data_1.txt", "movie_titles.csv"),
)


SHAPES = (
    WIDE,
    ITEM_LISTS,
    BASKETS,
    NETFLIX,
)
