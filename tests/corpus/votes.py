"""Votes: likes and dislikes as signs, truth values, words, emoji and columns or files of their own."""

from __future__ import annotations

from tests.corpus.planted import WORLD, Act
from tests.corpus.render import BASIC, PLAIN, Ids, at, basic_items, basic_rows, events, no_weight, table, writes
from tests.corpus.shape import Either, Expected, Refusal, Shape
from tests.corpus.simple import with_items

_ACTS = WORLD.acts
_CLEAR = WORLD.clear


def _sign(act: Act) -> float:
    return 1.0 if act.liked else -1.0


def _flag(act: Act) -> float:
    return float(act.liked)


PLUS_MINUS = with_items(
    "plus-and-minus-one",
    "A vote is 1 or -1.",
    "votes.csv",
    lambda: table(
        ("user_id", "item_id", "vote", "voted_at"), ((a.user, a.item, int(_sign(a)), a.time) for a in _CLEAR)
    ),
    events("votes.csv", user="user_id", item="item_id", time="voted_at", weight="vote", acts=_CLEAR, weigh=_sign),
)

PLUS_ZERO_MINUS = with_items(
    "plus-zero-and-minus-one",
    "A vote is +1, 0 or -1, with the sign written out.",
    "votes.tsv",
    lambda: table(
        ("voter", "item_id", "value"),
        ((a.user, a.item, "+1" if a.liked else "-1" if a.disliked else "0") for a in _ACTS),
        "\t",
    ),
    events("votes.tsv", user="voter", item="item_id", weight="value", weigh=lambda a: _sign(a) * (a.rating != 3)),
)

ZERO_ONE = with_items(
    "liked-zero-one",
    "A column `liked` with 1 for likes and 0 for dislikes.",
    "feedback.csv",
    lambda: table(("uid", "item_id", "liked"), ((a.user, a.item, int(a.liked)) for a in _CLEAR)),
    events("feedback.csv", user="uid", item="item_id", weight="liked", acts=_CLEAR, weigh=_flag),
)

TRUE_FALSE = with_items(
    "is-like-true-false",
    "A column with True and False, as pandas writes truth values.",
    "reactions.csv",
    lambda: table(
        ("user_id", "item_id", "is_like", "created_at"),
        ((a.user, a.item, a.liked, at(a.time, "%Y-%m-%d %H:%M:%S")) for a in _CLEAR),
    ),
    events(
        "reactions.csv",
        user="user_id",
        item="item_id",
        time="created_at",
        kind="is_like",
        acts=_CLEAR,
        weigh=no_weight,
        counts=(len(_CLEAR), len(WORLD.likes)),
    ),
)

RECOMMENDED = with_items(
    "recommended-with-hours",
    "Reviews of games: recommended or not, hours played, helpful votes; hours say less than the verdict.",
    "recommendations.csv",
    lambda: table(
        ("app_id", "helpful", "funny", "date", "is_recommended", "hours", "user_id", "review_id"),
        (
            (a.item, a.minutes % 4, 0, at(a.time, "%Y-%m-%d"), str(a.liked).lower(), a.minutes / 10, a.user, n)
            for n, a in enumerate(_CLEAR)
        ),
    ),
    events(
        "recommendations.csv",
        user="user_id",
        item="app_id",
        time="date",
        kind="is_recommended",
        acts=_CLEAR,
        when=lambda t: t - t % 86_400,
        weigh=no_weight,
        counts=(len(_CLEAR), len(WORLD.likes)),
    ),
    unread={"recommendations.csv": ("helpful", "funny")},
    either=(
        Either("recommendations.csv", "hours", ("weight", "unread")),
        Either("recommendations.csv", "review_id", ("id", "unread")),
    ),
)


def _words(name: str, about: str, column: str, like: str, dislike: str, neutral: str | None = None) -> Shape:
    acts = _ACTS if neutral else _CLEAR
    word = {True: like, False: dislike}
    return with_items(
        name,
        about,
        "feedback.csv",
        lambda: table(
            ("user_id", "item_id", column, "timestamp"),
            ((a.user, a.item, neutral if a.rating == 3 else word[a.liked], a.time) for a in acts),
        ),
        events(
            "feedback.csv",
            user="user_id",
            item="item_id",
            time="timestamp",
            kind=column,
            acts=acts,
            weigh=no_weight,
            counts=tuple(sorted({len(acts), len(_CLEAR), len(WORLD.likes)})),
        ),
    )


THUMBS = _words("thumbs-words", "Thumbs as words.", "thumb", "thumbs_up", "thumbs_down")
LIKE_DISLIKE = _words(
    "like-and-dislike", "The words like and dislike in a column `action`.", "action", "like", "dislike"
)
UPPER_DISLIKES = _words(
    "liked-disliked-skipped", "LIKED, DISLIKED, SKIPPED.", "reaction", "LIKED", "DISLIKED", "SKIPPED"
)
EMOJI = _words("emoji-thumbs", "Thumbs as emoji.", "reaction", "👍", "👎")
FACES = _words("emoji-faces", "Faces as emoji, with a straight one.", "mood", "😍", "😡", "😐")
CHINESE = _words("chinese-words", "Likes and dislikes in Chinese words.", "态度", "喜欢", "不喜欢", "一般")
GERMAN = _words("german-words", "Likes and dislikes in German words.", "Urteil", "gefällt mir", "gefällt mir nicht")
RUSSIAN = _words("russian-words", "Likes and dislikes in Russian words.", "оценка", "нравится", "не нравится")
UP_DOWN = _words("up-and-down", "The words up and down.", "vote", "up", "down")
YES_NO = _words("yes-and-no", "Would you buy it again: yes or no.", "would_buy_again", "yes", "no")


def _scale(act: Act) -> str:
    return ("", "hated it", "did not like it", "it was ok", "liked it", "loved it")[act.rating]


WORD_SCALE = with_items(
    "five-words",
    "Five words from 'hated it' to 'loved it'; 'did not like it' holds the word like.",
    "shelf.csv",
    lambda: table(("reader", "item_id", "opinion"), ((a.user, a.item, _scale(a)) for a in _ACTS)),
    events(
        "shelf.csv",
        user="reader",
        item="item_id",
        kind="opinion",
        weigh=no_weight,
        counts=(len(_ACTS), len(_CLEAR), len(WORLD.likes)),
    ),
)

TWO_FILES = Shape(
    "likes-and-dislikes-in-two-files",
    "Likes in one file, dislikes in another, both with the columns user and item; nothing else tells them apart.",
    writes(
        lambda: {
            "likes.csv": table(("user_id", "item_id", "at"), ((a.user, a.item, a.time) for a in WORLD.likes)),
            "dislikes.csv": table(("user_id", "item_id", "at"), ((a.user, a.item, a.time) for a in WORLD.dislikes)),
            "items.csv": table(BASIC, basic_rows()),
        }
    ),
    ("items.csv", "likes.csv", "dislikes.csv"),
    Expected(
        events=(
            events("likes.csv", user="user_id", item="item_id", time="at", acts=WORLD.likes),
            events(
                "dislikes.csv",
                user="user_id",
                item="item_id",
                time="at",
                acts=WORLD.dislikes,
                counts=(len(WORLD.dislikes), 0),
            ),
        ),
        nodes=(basic_items(),),
        taste=PLAIN.taste(),
    ),
    planted=True,
)

TWO_COLUMNS = with_items(
    "upvote-and-downvote-columns",
    "Two columns of 0 and 1: upvote and downvote; a neutral row has neither.",
    "votes.csv",
    lambda: table(
        ("member_id", "item_id", "upvote", "downvote"),
        ((a.user, a.item, int(a.liked), int(a.disliked)) for a in _ACTS),
    ),
    events(
        "votes.csv",
        user="member_id",
        item="item_id",
        weight="upvote",
        weigh=_flag,
        counts=(len(_ACTS), len(_CLEAR), len(WORLD.likes)),
    ),
)

_SWIPES = Ids(lambda u: f"m{u}", lambda i: f"w{i}")

SWIPES = Shape(
    "swipes",
    "Who swiped whom, to the right or to the left, as on a dating site; both ends are people, ids do not overlap.",
    writes(
        lambda: {
            "swipes.csv": table(
                ("from_id", "to_id", "direction", "swiped_at"),
                (
                    (*_SWIPES.pair(a.user, a.item), "right" if a.liked else "left", at(a.time, "%Y-%m-%dT%H:%M:%SZ"))
                    for a in _CLEAR
                ),
            )
        }
    ),
    ("swipes.csv",),
    Expected(
        events=(
            events(
                "swipes.csv",
                user="from_id",
                item="to_id",
                time="swiped_at",
                kind="direction",
                acts=_CLEAR,
                ids=_SWIPES,
                weigh=no_weight,
                counts=(len(_CLEAR), len(WORLD.likes)),
            ),
        ),
        refuse=Refusal("direction|left|right"),
        taste=_SWIPES.taste(),
    ),
)

_TYPE = {True: 2, False: 3}

VOTE_TYPES = Shape(
    "vote-types-by-number",
    "Votes as a question site dumps them: a number for the type of vote, and a table that names the numbers.",
    writes(
        lambda: {
            "Votes.csv": table(
                ("Id", "PostId", "VoteTypeId", "UserId", "CreationDate"),
                (
                    (n + 1, a.item + 9_000, _TYPE[a.liked], a.user, at(a.time, "%Y-%m-%dT00:00:00.000"))
                    for n, a in enumerate(_CLEAR)
                ),
            ),
            "VoteTypes.csv": table(("Id", "Name"), ((2, "UpMod"), (3, "DownMod"), (5, "Favorite"))),
            "Posts.csv": table(
                ("Id", "Title", "Tags", "Body"),
                (
                    (i.number + 9_000, f"How to paint a {i.label}?", "".join(f"<{t}>" for t in i.tags), i.text)
                    for i in WORLD.items
                ),
            ),
        }
    ),
    ("Posts.csv", "Votes.csv", "VoteTypes.csv"),
    Expected(
        events=(
            events(
                "Votes.csv",
                user="UserId",
                item="PostId",
                time="CreationDate",
                kind="VoteTypeId",
                acts=_CLEAR,
                ids=Ids(item=lambda i: str(i + 9_000)),
                when=lambda t: t - t % 86_400,
                weigh=no_weight,
                counts=(len(_CLEAR), len(WORLD.likes)),
            ),
        ),
        either=(
            Either("Votes.csv", "Id", ("id", "unread")),
            Either("Posts.csv", "Tags", ("list", "text", "unread")),
        ),
        refuse=Refusal("VoteTypeId"),
        taste=Ids(item=lambda i: str(i + 9_000)).taste(),
    ),
)

SHAPES = (
    PLUS_MINUS,
    PLUS_ZERO_MINUS,
    ZERO_ONE,
    TRUE_FALSE,
    RECOMMENDED,
    THUMBS,
    LIKE_DISLIKE,
    UPPER_DISLIKES,
    EMOJI,
    FACES,
    CHINESE,
    GERMAN,
    RUSSIAN,
    UP_DOWN,
    YES_NO,
    WORD_SCALE,
    TWO_FILES,
    TWO_COLUMNS,
    SWIPES,
    VOTE_TYPES,
)
