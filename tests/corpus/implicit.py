"""Implicit feedback with a number: plays, minutes, shown and clicked, shelves."""

from __future__ import annotations

from tests.corpus.planted import WORLD, Act
from tests.corpus.render import (
    PLAIN,
    Ids,
    at,
    events,
    items,
    maker,
    no_weight,
    plain,
    table,
    writes,
    year,
)
from tests.corpus.shape import Either, Events, EventSample, Expected, Shape
from tests.corpus.simple import with_items

_LIKES = WORLD.likes
_UNSEEN = WORLD.unseen
_BOTH = len(_LIKES) + len(_UNSEEN)


def _plays(act: Act) -> float:
    return act.minutes * act.quantity


PLAYS = Shape(
    "play-counts",
    "Plays of artists as Last.fm sets have them: user, artist, weight (a count), tab-separated, without times.",
    writes(
        lambda: {
            "user_artists.dat": plain(
                ((a.user, a.item, int(_plays(a))) for a in _LIKES), "\t", header=("userID", "artistID", "weight")
            ),
            "artists.dat": plain(
                (
                    (
                        i.number,
                        i.label,
                        f"http://music.example.org/{i.number}",
                        f"http://img.example.org/{i.number}.jpg",
                    )
                    for i in WORLD.items
                ),
                "\t",
                header=("id", "name", "url", "pictureURL"),
            ),
        }
    ),
    ("user_artists.dat", "artists.dat"),
    Expected(
        events=(
            events("user_artists.dat", user="userID", item="artistID", weight="weight", acts=_LIKES, weigh=_plays),
        ),
        nodes=(items("artists.dat", key="id", label="name"),),
        unread={"artists.dat": ("url", "pictureURL")},
        taste=PLAIN.taste(),
    ),
    planted=True,
)

PLAYS_BY_EVENT = with_items(
    "listens-one-a-row",
    "Every listen is a row with its time; the same user and item come several times.",
    "listens.tsv",
    lambda: table(
        ("user", "ts", "item_id"),
        ((a.user, at(a.time + 86_400 * n, "%Y-%m-%dT%H:%M:%SZ"), a.item) for a in _LIKES for n in range(a.quantity)),
        "\t",
    ),
    events(
        "listens.tsv",
        user="user",
        item="item_id",
        time="ts",
        acts=_LIKES,
        counts=(sum(a.quantity for a in _LIKES),),
    ),
)

MINUTES = with_items(
    "minutes-watched",
    "Minutes watched of a film; 0 where it was opened and left at once.",
    "views.csv",
    lambda: table(
        ("profile_id", "item_id", "minutes_watched", "watched_at"),
        [(a.user, a.item, a.minutes, at(a.time, "%Y-%m-%d %H:%M")) for a in _LIKES]
        + [(u, i, 0, at(t, "%Y-%m-%d %H:%M")) for u, i, t in _UNSEEN],
    ),
    events(
        "views.csv",
        user="profile_id",
        item="item_id",
        time="watched_at",
        weight="minutes_watched",
        acts=_LIKES,
        when=lambda t: t - t % 60,
        weigh=lambda a: a.minutes,
        counts=(_BOTH, len(_LIKES)),
        negative=PLAIN.unseen(),
    ),
)

RATIO = with_items(
    "watch-ratio",
    "Short videos: play duration, video duration in ms and their ratio; 0.00 where it was swiped away.",
    "small_matrix.csv",
    lambda: table(
        ("user_id", "item_id", "play_duration", "video_duration", "timestamp", "watch_ratio"),
        [(a.user, a.item, a.minutes * 1_000, 30_000, a.time + 0.25, a.minutes / 30) for a in _LIKES]
        + [(u, i, 0, 30_000, t + 0.25, 0.0) for u, i, t in _UNSEEN],
    ),
    events(
        "small_matrix.csv",
        user="user_id",
        item="item_id",
        time="timestamp",
        weight="watch_ratio",
        acts=_LIKES,
        when=lambda t: t + 0.25,
        weigh=no_weight,
        counts=(_BOTH, len(_LIKES)),
        negative=PLAIN.unseen(),
    ),
    unread={"small_matrix.csv": ("video_duration",)},
    either=(
        Either("small_matrix.csv", "play_duration", ("weight", "unread")),
        Either("small_matrix.csv", "watch_ratio", ("weight", "unread")),
    ),
)

CLICKS = with_items(
    "shown-and-clicked",
    "Impressions of ads with a label: 1 clicked, 0 shown only; dates as hours, YYMMDDHH.",
    "impressions.csv",
    lambda: table(
        ("id", "click", "hour", "banner_pos", "user_id", "item_id"),
        [(n, 1, at(a.time, "%y%m%d%H"), n % 2, a.user, a.item) for n, a in enumerate(_LIKES)]
        + [(n + 10_000, 0, at(t, "%y%m%d%H"), n % 2, u, i) for n, (u, i, t) in enumerate(_UNSEEN)],
    ),
    events(
        "impressions.csv",
        user="user_id",
        item="item_id",
        time="hour",
        weight="click",
        acts=_LIKES,
        when=lambda t: t - t % 3_600,
        weigh=lambda _: 1.0,
        counts=(_BOTH, len(_LIKES)),
        negative=PLAIN.unseen(),
    ),
    unread={"impressions.csv": ("banner_pos",)},
    either=(
        Either("impressions.csv", "id", ("id", "unread")),
        Either("impressions.csv", "hour", ("time", "unread")),
    ),
)

LABEL = with_items(
    "label-zero-one",
    "A training file with `label`: 1 for a click, 0 for a negative sample; beside it a rank and a score of a model.",
    "train.csv",
    lambda: table(
        ("label", "user_id", "item_id", "model_score", "position"),
        [(1, a.user, a.item, round(a.minutes / 70, 3), a.quantity) for a in _LIKES]
        + [(0, u, i, 0.101, 7) for u, i, _ in _UNSEEN],
    ),
    events(
        "train.csv",
        user="user_id",
        item="item_id",
        weight="label",
        acts=_LIKES,
        weigh=lambda _: 1.0,
        counts=(_BOTH, len(_LIKES)),
        negative=PLAIN.unseen(),
    ),
    unread={"train.csv": ("model_score", "position")},
)

_STEAM = Ids(lambda u: str(76_000_000 + u), lambda i: WORLD.item(i).label)

STEAM = Shape(
    "purchase-and-play",
    "No header: user, name of the game, purchase or play, hours (1.0 for a purchase), and a column of zeros.",
    writes(
        lambda: {
            "steam-200k.csv": table(
                None,
                (
                    (_STEAM.user(a.user), _STEAM.item(a.item), kind, value, 0)
                    for a in _LIKES
                    for kind, value in (("purchase", 1.0), ("play", a.minutes / 10))
                ),
            )
        }
    ),
    ("steam-200k.csv",),
    Expected(
        events=(
            Events(
                files=("steam-200k.csv",),
                user="#1",
                item="#2",
                kind="#3",
                weight="#4",
                counts=(2 * len(_LIKES), len(_LIKES)),
                positive=_STEAM.pairs(_LIKES),
                sample=EventSample(
                    user=_STEAM.user(_LIKES[0].user), item=_STEAM.item(_LIKES[0].item), weight=_LIKES[0].minutes / 10
                ),
            ),
        ),
        unread={"steam-200k.csv": ("#5",)},
        taste=_STEAM.taste(),
    ),
    headerless=("steam-200k.csv",),
)

SHELVES = Shape(
    "shelves",
    "A reader's list: rating 0 where none was given, shelf read or to-read; to-read alone is no like.",
    writes(
        lambda: {
            "goodreads_interactions.csv": table(
                ("user_id", "book_id", "is_read", "rating", "is_reviewed"),
                [(a.user, a.item, 1, a.rating, a.minutes % 2) for a in WORLD.acts]
                + [(u, i, 0, 0, 0) for u, i, _ in _UNSEEN],
            ),
            "books.csv": table(
                ("book_id", "title", "authors", "original_publication_year", "average_rating", "ratings_count", "isbn"),
                (
                    (i.number, i.label, i.maker, float(i.year), 3.9, i.number * 17, f"{i.number * 9_973:010d}")
                    for i in WORLD.items
                ),
            ),
        }
    ),
    ("goodreads_interactions.csv", "books.csv"),
    Expected(
        events=(
            events(
                "goodreads_interactions.csv",
                user="user_id",
                item="book_id",
                weight="rating",
                counts=(len(WORLD.acts) + len(_UNSEEN), len(WORLD.acts)),
                negative=PLAIN.unseen(),
            ),
        ),
        nodes=(
            items(
                "books.csv",
                key="book_id",
                label="title",
                fields={"original_publication_year": year},
                facts={"authors": maker},
            ),
        ),
        either=(
            Either("goodreads_interactions.csv", "is_read", ("unread", "where", "kind")),
            Either("goodreads_interactions.csv", "is_reviewed", ("unread",)),
            Either("books.csv", "isbn", ("unread", "field")),
            Either("books.csv", "average_rating", ("field", "unread")),
        ),
        taste=PLAIN.taste(),
    ),
    planted=True,
)

SHAPES = (
    PLAYS,
    PLAYS_BY_EVENT,
    MINUTES,
    RATIO,
    CLICKS,
    LABEL,
    STEAM,
    SHELVES,
)
