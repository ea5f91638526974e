"""Data that is split already: train, validation and test, the last one left out, negative samples, atomic files."""

from __future__ import annotations

from tests.corpus.planted import WORLD, Act
from tests.corpus.render import BASIC, PLAIN, basic_items, basic_rows, events, items, plain, table, tags, writes
from tests.corpus.shape import Edges, Either, Expected, Refusal, Shape

_ACTS = WORLD.acts
_LIKES = WORLD.likes
_HEADER = ("user_id", "item_id", "rating", "timestamp")


def _rows(acts: tuple[Act, ...]) -> list[tuple[object, ...]]:
    return [(a.user, a.item, a.rating, a.time) for a in acts]


def _last_ones() -> tuple[tuple[Act, ...], tuple[Act, ...]]:
    """(all but the last like of every user, the last ones)."""
    last = {a.user: a for a in _LIKES}
    return tuple(a for a in _LIKES if last[a.user] != a), tuple(last.values())


_TRAIN, _TEST = _last_ones()

TRAIN_VALID_TEST = Shape(
    "train-valid-test",
    "Ratings in train.csv, valid.csv and test.csv, split by time; together they are all that happened.",
    writes(
        lambda: {
            "items.csv": table(BASIC, basic_rows()),
            "train.csv": table(_HEADER, _rows(_ACTS[:310])),
            "valid.csv": table(_HEADER, _rows(_ACTS[310:350])),
            "test.csv": table(_HEADER, _rows(_ACTS[350:])),
        }
    ),
    ("items.csv", "test.csv", "train.csv", "valid.csv"),
    Expected(
        events=(
            events(
                "train.csv", "valid.csv", "test.csv", user="user_id", item="item_id", weight="rating", time="timestamp"
            ),
        ),
        nodes=(basic_items(),),
        taste=PLAIN.taste(),
    ),
    planted=True,
)

LEAVE_ONE_OUT = Shape(
    "leave-one-out-with-negatives",
    "NCF's files: train.rating and test.rating without header, and test.negative with (user,item) and 99 unseen items.",
    writes(
        lambda: {
            "toy.train.rating": plain(_rows(_TRAIN), "\t"),
            "toy.test.rating": plain(_rows(_TEST), "\t"),
            "toy.test.negative": plain(
                ((f"({a.user},{a.item})", *(i for u, i, _ in WORLD.unseen if u == a.user)) for a in _TEST), "\t"
            ),
            "items.csv": table(BASIC, basic_rows()),
        }
    ),
    ("items.csv", "toy.test.negative", "toy.test.rating", "toy.train.rating"),
    Expected(
        events=(
            events(
                "toy.train.rating",
                "toy.test.rating",
                user="#1",
                item="#2",
                weight="#3",
                time="#4",
                acts=_TRAIN + _TEST,
                negative=PLAIN.unseen(),
            ),
        ),
        nodes=(basic_items(),),
        refuse=Refusal("negative|format"),
        taste=PLAIN.taste(),
        unread_files=("toy.test.negative",),
    ),
    planted=True,
    headerless=("toy.train.rating", "toy.test.rating", "toy.test.negative"),
)

NEGATIVES = Shape(
    "file-of-negative-samples",
    "Clicks in one file and sampled non-clicks in another with the same columns, called negatives.",
    writes(
        lambda: {
            "items.csv": table(BASIC, basic_rows()),
            "negatives.csv": table(("user_id", "item_id"), ((u, i) for u, i, _ in WORLD.unseen)),
            "positives.csv": table(("user_id", "item_id"), ((a.user, a.item) for a in _LIKES)),
        }
    ),
    ("items.csv", "negatives.csv", "positives.csv"),
    Expected(
        events=(events("positives.csv", user="user_id", item="item_id", acts=_LIKES, negative=PLAIN.unseen()),),
        nodes=(basic_items(),),
        taste=PLAIN.taste(),
        unread_files=("negatives.csv",),
    ),
    planted=True,
)

SPLIT_COLUMN = Shape(
    "split-in-a-column",
    "One file of ratings with the column split: train, val, test; the split is no fact of the rating.",
    writes(
        lambda: {
            "items.csv": table(BASIC, basic_rows()),
            "ratings.csv": table(
                (*_HEADER, "split"),
                ((*row, "train" if n < 310 else "val" if n < 350 else "test") for n, row in enumerate(_rows(_ACTS))),
            ),
        }
    ),
    ("items.csv", "ratings.csv"),
    Expected(
        events=(events("ratings.csv", user="user_id", item="item_id", weight="rating", time="timestamp"),),
        nodes=(basic_items(),),
        unread={"ratings.csv": ("split",)},
        taste=PLAIN.taste(),
    ),
    planted=True,
)

ATOMIC = Shape(
    "atomic-files",
    "RecBole's atomic files: toy.inter, toy.item, toy.user, with types in the header, token_seq behind blanks.",
    writes(
        lambda: {
            "toy.inter": plain(
                ((a.user, a.item, float(a.rating), float(a.time)) for a in _ACTS),
                "\t",
                header=("user_id:token", "item_id:token", "rating:float", "timestamp:float"),
            ),
            "toy.item": plain(
                ((i.number, i.label, " ".join(i.tags), float(i.year)) for i in WORLD.items),
                "\t",
                header=("item_id:token", "title:token_seq", "class:token_seq", "year:float"),
            ),
            "toy.user": plain(
                ((u.number, u.age, u.city) for u in WORLD.users),
                "\t",
                header=("user_id:token", "age:float", "city:token"),
            ),
        }
    ),
    ("toy.inter", "toy.item", "toy.user"),
    Expected(
        events=(events("toy.inter", user="user_id", item="item_id", weight="rating", time="timestamp"),),
        nodes=(
            items(
                "toy.item",
                key="item_id",
                label="title",
                facts={"class": tags},
                fields={"year": lambda i: float(i.year)},
            ),
        ),
        either=(Either("toy.user", "age", ("field",)), Either("toy.user", "city", ("field", "link"))),
        taste=PLAIN.taste(),
    ),
    planted=True,
)

ATOMIC_GRAPH = Shape(
    "atomic-files-with-a-graph",
    "RecBole with toy.kg (head, relation, tail) and toy.link (item, entity); items are known by both ids.",
    writes(
        lambda: {
            "toy.inter": plain(
                ((a.user, a.item, float(a.rating)) for a in _ACTS),
                "\t",
                header=("user_id:token", "item_id:token", "rating:float"),
            ),
            "toy.link": plain(
                ((i.number, f"m.0{i.number:03d}") for i in WORLD.items),
                "\t",
                header=("item_id:token", "entity_id:token"),
            ),
            "toy.kg": plain(
                [(f"m.0{i.number:03d}", "film.maker", f"m.9{sum(map(ord, i.maker)):04d}") for i in WORLD.items]
                + [(f"m.0{i.number:03d}", "film.genre", f"m.8{i.category}") for i in WORLD.items],
                "\t",
                header=("head_id:token", "relation_id:token", "tail_id:token"),
            ),
        }
    ),
    ("toy.inter", "toy.kg", "toy.link"),
    Expected(
        events=(events("toy.inter", user="user_id", item="item_id", weight="rating"),),
        edges=(
            Edges(
                files=("toy.kg",),
                head="head_id",
                relation="relation_id",
                tail="tail_id",
                counts=(72,),
                samples=(("1", "film.genre", f"m.8{WORLD.item(1).category}"),),
            ),
        ),
        same_items={str(i.number): f"m.0{i.number:03d}" for i in WORLD.items},
        taste=PLAIN.taste(),
    ),
    planted=True,
)

SHAPES = (TRAIN_VALID_TEST, LEAVE_ONE_OUT, NEGATIVES, SPLIT_COLUMN, ATOMIC, ATOMIC_GRAPH)
