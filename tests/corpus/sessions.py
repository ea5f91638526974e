"""Sessions, and lists of what was shown and clicked."""

from __future__ import annotations

from tests.corpus.planted import WORLD
from tests.corpus.render import (
    PLAIN,
    Ids,
    at,
    category,
    events,
    items,
    json_lines,
    no_weight,
    plain,
    table,
    writes,
)
from tests.corpus.shape import Either, Events, EventSample, Expected, Refusal, Shape

_LIKES = WORLD.likes


_UNSEEN = WORLD.unseen


CLICKS_AND_BUYS = Shape(
    "clicks-and-buys-no-header",
    "Sessions without header: session, time in ISO, item, category in one file; with price and quantity in the other.",
    writes(
        lambda: {
            "yoochoose-clicks.dat": table(
                None,
                (
                    (a.user, at(a.time, "%Y-%m-%dT%H:%M:%S.277Z"), 214_000_000 + a.item, "S" if a.item % 5 == 0 else 0)
                    for a in _LIKES
                ),
            ),
            "yoochoose-buys.dat": table(
                None,
                (
                    (
                        a.user,
                        at(a.time + 60, "%Y-%m-%dT%H:%M:%S.000Z"),
                        214_000_000 + a.item,
                        round(WORLD.item(a.item).price * 100),
                        a.quantity,
                    )
                    for a in _LIKES
                    if a.rating == 5
                ),
            ),
        }
    ),
    ("yoochoose-clicks.dat", "yoochoose-buys.dat"),
    Expected(
        events=(
            events(
                "yoochoose-clicks.dat",
                user="#1",
                item="#3",
                time="#2",
                acts=_LIKES,
                ids=Ids(item=lambda i: str(214_000_000 + i)),
                when=lambda t: t + 0.277,
            ),
            events(
                "yoochoose-buys.dat",
                user="#1",
                item="#3",
                time="#2",
                weight="#5",
                acts=tuple(a for a in _LIKES if a.rating == 5),
                ids=Ids(item=lambda i: str(214_000_000 + i)),
                when=lambda t: t + 60,
                weigh=lambda a: a.quantity,
            ),
        ),
        either=(
            Either("yoochoose-clicks.dat", "#4", ("unread", "link", "field")),
            Either("yoochoose-buys.dat", "#4", ("unread", "field", "weight")),
        ),
        taste=Ids(item=lambda i: str(214_000_000 + i)).taste(),
    ),
    planted=True,
    headerless=("yoochoose-clicks.dat", "yoochoose-buys.dat"),
)


SESSION_CLICKS = Shape(
    "session-clicks",
    "session_id, timestamp, item_id, category: a session stands for the user, and the category is the item's.",
    writes(
        lambda: {
            "sessions.csv": table(
                ("session_id", "timestamp", "item_id", "category"),
                ((f"s{a.user}", a.time * 1_000, a.item, WORLD.item(a.item).category) for a in _LIKES),
            )
        }
    ),
    ("sessions.csv",),
    Expected(
        events=(
            events(
                "sessions.csv",
                user="session_id",
                item="item_id",
                time="timestamp",
                acts=_LIKES,
                ids=Ids(lambda u: f"s{u}"),
            ),
        ),
        nodes=(items("sessions.csv", key="item_id", facts={"category": category}),),
        taste=Ids(lambda u: f"s{u}").taste(),
    ),
    planted=True,
)


NESTED_SESSIONS = Shape(
    "sessions-with-lists-of-events",
    "JSON Lines, one session each, with a list of events: aid, ts in ms, type clicks, carts or orders.",
    writes(
        lambda: {
            "train.jsonl": json_lines(
                {
                    "session": u.number,
                    "events": [
                        {"aid": a.item, "ts": a.time * 1_000, "type": ("orders", "carts", "clicks")[a.minutes % 3]}
                        for a in _LIKES
                        if a.user == u.number
                    ],
                }
                for u in WORLD.users
            )
        }
    ),
    ("train.jsonl",),
    Expected(
        events=(
            events(
                "train.jsonl",
                user="session",
                item="events.aid",
                time="events.ts",
                kind="events.type",
                acts=_LIKES,
                weigh=no_weight,
            ),
        ),
        refuse=Refusal("events"),
        taste=PLAIN.taste(),
    ),
)


_NEWS = Ids(lambda u: f"U{u}", lambda i: f"N{i}")


def _impressions(user: int) -> tuple[str, str]:
    """(what was clicked before, what was shown with -1 or -0)."""
    likes = [a.item for a in _LIKES if a.user == user]
    shown = [f"N{item}-1" for item in likes[4:]] + [f"N{item}-0" for who, item, _ in _UNSEEN if who == user]
    return " ".join(f"N{item}" for item in likes[:4]), " ".join(shown)


NEWS = Shape(
    "news-impressions",
    "No header: impression, user, time, news clicked before, news shown with -1 or -0; news with abstract.",
    writes(
        lambda: {
            "behaviors.tsv": plain(
                ((u.number, f"U{u.number}", "11/11/2020 9:05:58 AM", *_impressions(u.number)) for u in WORLD.users),
                "\t",
            ),
            "news.tsv": plain(
                (
                    (
                        f"N{i.number}",
                        i.category.lower(),
                        i.tags[0],
                        i.label,
                        i.text,
                        f"https://news.example.org/{i.number}.html",
                        "[]",
                        f'[{{"Label": "{i.maker}", "Type": "P"}}]',
                    )
                    for i in WORLD.items
                ),
                "\t",
            ),
        }
    ),
    ("behaviors.tsv", "news.tsv"),
    Expected(
        events=(
            Events(
                files=("behaviors.tsv",),
                user="#2",
                item="#5",
                time="#3",
                positive=_NEWS.pairs(a for u in WORLD.users for a in [a for a in _LIKES if a.user == u.number][4:]),
                negative=_NEWS.unseen(),
                sample=EventSample(user="U1", item=_NEWS.item([a.item for a in _LIKES if a.user == 1][5])),
            ),
        ),
        nodes=(
            items(
                "news.tsv",
                key="#1",
                label="#4",
                text=("#5",),
                facts={"#2": lambda i: (i.category.lower(),), "#3": lambda i: (i.tags[0],)},
                ids=_NEWS,
            ),
        ),
        unread={"news.tsv": ("#6",)},
        either=(Either("news.tsv", "#8", ("list", "unread")), Either("behaviors.tsv", "#4", ("item", "unread"))),
        refuse=Refusal("behaviors.*(list|several|impression)"),
        taste=_NEWS.taste(),
    ),
    headerless=("behaviors.tsv", "news.tsv"),
)


SHAPES = (
    CLICKS_AND_BUYS,
    SESSION_CLICKS,
    NESTED_SESSIONS,
    NEWS,
)
