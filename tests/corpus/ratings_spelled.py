"""Ratings that are spelled: glyphs, fractions, letters, grades where 1 is best; ones that never vary."""

from __future__ import annotations

from collections.abc import Callable

from tests.corpus.planted import WORLD, Act
from tests.corpus.render import events, no_weight, table
from tests.corpus.shape import Either, Refusal, Shape
from tests.corpus.simple import with_items

_ACTS = WORLD.acts
_CLEAR = WORLD.clear
_LIKES = WORLD.likes


def _spelled(name: str, about: str, column: str, spell: Callable[[Act], str], refuse: str | None = None) -> Shape:
    """Ratings as words or glyphs: what weight they get, if any, is free; which are positive is not."""
    return with_items(
        f"rating-{name}",
        about,
        "reviews.csv",
        lambda: table(("reviewer", "item_id", column, "posted"), ((a.user, a.item, spell(a), a.time) for a in _ACTS)),
        events(
            "reviews.csv",
            user="reviewer",
            item="item_id",
            time="posted",
            kind=column,
            weigh=no_weight,
            counts=(len(_ACTS), len(_CLEAR), len(_LIKES)),
        ),
        refuse=Refusal(refuse) if refuse else None,
    )


UNIT = with_items(
    "rating-zero-to-one",
    "Scores from 0.0 to 1.0, among them 0.6 and 0.8: numbers, no truth values.",
    "scores.csv",
    lambda: table(("user_id", "item_id", "score"), ((a.user, a.item, round((a.rating - 1) / 4, 2)) for a in _ACTS)),
    events("scores.csv", user="user_id", item="item_id", weight="score", weigh=lambda a: (a.rating - 1) / 4),
)

HUNDRED = with_items(
    "rating-hundred",
    "Scores from 0 to 100: likes 80 and more, dislikes 40 and less.",
    "scores.csv",
    lambda: table(
        ("user_id", "item_id", "score", "timestamp"),
        ((a.user, a.item, a.rating * 20 - a.minutes % 7 * (a.rating != 4), a.time) for a in _ACTS),
    ),
    events(
        "scores.csv",
        user="user_id",
        item="item_id",
        weight="score",
        time="timestamp",
        weigh=lambda a: a.rating * 20 - a.minutes % 7 * (a.rating != 4),
    ),
)


def _grade(act: Act) -> int:
    return (6, 6, 5, 3, 2, 1)[act.rating]


GRADES = with_items(
    "rating-one-is-best",
    "German school grades, told by the header: 1 is very good, 6 is insufficient; likes 1 and 2, dislikes 5 and 6.",
    "umfrage.csv",
    lambda: table(
        ("Teilnehmer", "item_id", "Schulnote (1 = sehr gut, 6 = ungenügend)"),
        ((a.user, a.item, _grade(a)) for a in _ACTS),
    ),
    events(
        "umfrage.csv",
        user="Teilnehmer",
        item="item_id",
        weight="Schulnote (1 = sehr gut, 6 = ungenügend)",
        weigh=_grade,
    ),
    refuse=Refusal("Schulnote"),
)


CONSTANT = with_items(
    "rating-always-one",
    "Only likes are there, with a rating that is 1 in every row: every row is a like.",
    "likes.csv",
    lambda: table(("user_id", "item_id", "rating", "timestamp"), ((a.user, a.item, 1, a.time) for a in _LIKES)),
    events(
        "likes.csv", user="user_id", item="item_id", time="timestamp", weight="rating", acts=_LIKES, weigh=no_weight
    ),
    either=(Either("likes.csv", "rating", ("weight", "unread")),),
)

SOME_EMPTY = with_items(
    "rating-partly-empty",
    "Stars are empty where somebody only looked: no rating, so no like.",
    "log.csv",
    lambda: table(
        ("user_id", "item_id", "stars", "timestamp"),
        [(a.user, a.item, a.rating, a.time) for a in _ACTS] + [(u, i, None, t) for u, i, t in WORLD.unseen],
    ),
    events(
        "log.csv",
        user="user_id",
        item="item_id",
        time="timestamp",
        weight="stars",
        counts=(len(_ACTS) + len(WORLD.unseen), len(_ACTS)),
        negative=frozenset((str(u), str(i)) for u, i, _ in WORLD.unseen),
    ),
)

TWO_SCORES = with_items(
    "rating-overall-among-aspects",
    "Aspects (service, price, taste) beside the overall score; the overall one counts.",
    "reviews.csv",
    lambda: table(
        ("user_id", "item_id", "service", "value_for_money", "overall_rating", "reviewed_on"),
        ((a.user, a.item, a.minutes % 5 + 1, a.quantity + 1, a.rating, a.time) for a in _ACTS),
    ),
    events("reviews.csv", user="user_id", item="item_id", time="reviewed_on", weight="overall_rating"),
    unread={"reviews.csv": ("service", "value_for_money")},
)

SHAPES = (
    _spelled("star-glyphs", "★★★★☆.", "Sterne", lambda a: "★" * a.rating + "☆" * (5 - a.rating), "Sterne|★"),
    _spelled("fraction", "4/5.", "score", lambda a: f"{a.rating}/5", "score"),
    _spelled("out-of", "4.0 out of 5 stars.", "rating", lambda a: f"{a.rating}.0 out of 5 stars", "rating"),
    _spelled("letters", "Letters from A (best) to F.", "grade", lambda a: "FFDCBA"[a.rating], "grade"),
    _spelled("letters-with-signs", "B+, C-, D.", "grade", lambda a: ("", "F", "D", "C-", "B+", "A")[a.rating], "grade"),
    _spelled(
        "sentiment",
        "positive, neutral, negative.",
        "sentiment",
        lambda a: "positive" if a.liked else "negative" if a.disliked else "neutral",
    ),
    _spelled(
        "agreement",
        "From 'strongly agree' to 'strongly disagree' with liking it; disagree holds the word agree.",
        "i_enjoyed_it",
        lambda a: ("", "strongly disagree", "disagree", "undecided", "agree", "strongly agree")[a.rating],
    ),
    _spelled(
        "words-for-numbers",
        "terrible, poor, average, very good, excellent.",
        "bubble",
        lambda a: ("", "Terrible", "Poor", "Average", "Very good", "Excellent")[a.rating],
    ),
    _spelled(
        "spanish-words",
        "me gusta, no me gusta, sin opinión.",
        "opinión",
        lambda a: "me gusta" if a.liked else "no me gusta" if a.disliked else "sin opinión",
    ),
    _spelled(
        "chinese-stars",
        "力荐, 推荐, 还行, 较差, 很差, as Douban words its five stars.",
        "评价",
        lambda a: ("", "很差", "较差", "还行", "推荐", "力荐")[a.rating],
        "评价",
    ),
    UNIT,
    HUNDRED,
    GRADES,
    CONSTANT,
    SOME_EMPTY,
    TWO_SCORES,
)
