"""Graphs in Neo4j of films, as Cypher: ratings on relationships, dislikes, friends."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.corpus.cypher import FILE, joined, moment, node
from tests.corpus.planted import WORLD, Act
from tests.corpus.render import PLAIN, events, items, no_weight, users, writes, year
from tests.corpus.shape import Edges, Either, Events, Expected, Shape

_ACTS = WORLD.acts


_LIKES = WORLD.likes


_INPUTS = ("--from", FILE)


def _films() -> str:
    people = sorted({i.maker for i in WORLD.items})
    genres = sorted({i.category for i in WORLD.items})
    return "".join(
        [
            *(node("Movie", movieId=i.number, title=i.label, released=i.year, plot=i.text) for i in WORLD.items),
            *(node("Person", name=name) for name in people),
            *(node("Genre", name=name) for name in genres),
            *(
                joined("Movie", "movieId", i.number, "DIRECTED_BY", "Person", "name", i.maker)
                + joined("Movie", "movieId", i.number, "IN_GENRE", "Genre", "name", i.category)
                for i in WORLD.items
            ),
        ]
    )


_FILM_NODES = items(FILE, key="movieId", label="title", text=("plot",), fields={"released": year})


_FILM_EDGES = (
    Edges(
        files=(FILE,),
        head="Movie",
        tail="Person",
        relation="DIRECTED_BY",
        counts=(36,),
        samples=(("1", "DIRECTED_BY", WORLD.item(1).maker),),
    ),
    Edges(files=(FILE,), head="Movie", tail="Genre", relation="IN_GENRE", counts=(36,)),
)


def _people() -> str:
    return "".join(node("User", userId=u.number, name=u.name) for u in WORLD.users)


def _film_graph(
    name: str,
    about: str,
    acts: Callable[[], Iterable[str]],
    *sources: Events,
    edges: tuple[Edges, ...] = (),
    either: tuple[Either, ...] = (),
) -> Shape:
    return Shape(
        f"graph-{name}",
        about,
        writes(lambda: {FILE: _films() + _people() + "".join(acts())}),
        _INPUTS,
        Expected(
            events=sources,
            nodes=(_FILM_NODES, users(FILE, key="userId", label="name")),
            edges=(*_FILM_EDGES, *edges),
            either=either,
            taste=PLAIN.taste(),
        ),
        planted=True,
    )


def _did(act: Act, type_: str, **values: object) -> str:
    return joined("User", "userId", act.user, type_, "Movie", "movieId", act.item, **values)


RATED = _film_graph(
    "rating-on-relationship",
    "(:User)-[:RATED {rating, timestamp}]->(:Movie), with directors and genres.",
    lambda: (_did(a, "RATED", rating=float(a.rating), timestamp=a.time) for a in _ACTS),
    events(FILE, user="User", item="Movie", kind="RATED", weight="rating", time="timestamp"),
)


RATED_BY = _film_graph(
    "from-item-to-user",
    "(:Movie)-[:RATED_BY {stars}]->(:User): the relationship points from the item.",
    lambda: (
        joined("Movie", "movieId", a.item, "RATED_BY", "User", "userId", a.user, stars=a.rating, at=moment(a.time))
        for a in _ACTS
    ),
    events(FILE, user="User", item="Movie", kind="RATED_BY", weight="stars", time="at"),
)


DISLIKES = _film_graph(
    "likes-and-dislikes",
    "LIKES and DISLIKES are relationship types of their own.",
    lambda: (_did(a, "LIKES" if a.liked else "DISLIKES", at=moment(a.time)) for a in WORLD.clear),
    events(FILE, user="User", item="Movie", kind="LIKES", time="at", acts=_LIKES),
    events(
        FILE,
        user="User",
        item="Movie",
        kind="DISLIKES",
        time="at",
        acts=WORLD.dislikes,
        counts=(len(WORLD.dislikes), 0),
    ),
)


FRIENDS = _film_graph(
    "friends-beside",
    "WATCHED with minutes, and FRIEND_OF between users, which is no behaviour.",
    lambda: [
        *(_did(a, "WATCHED", minutes=a.minutes) for a in _LIKES),
        *(
            joined("User", "userId", u.number, "FRIEND_OF", "User", "userId", friend)
            for u in WORLD.users
            for friend in u.friends
        ),
    ],
    events(FILE, user="User", item="Movie", kind="WATCHED", weight="minutes", acts=_LIKES, weigh=lambda a: a.minutes),
    edges=(Edges(files=(FILE,), head="User", tail="User", relation="FRIEND_OF", counts=(60,)),),
)


VERDICT = _film_graph(
    "verdict-as-word",
    "(:User)-[:VOTED {verdict: 'up' or 'down'}]->(:Movie).",
    lambda: (_did(a, "VOTED", verdict="up" if a.liked else "down", at=a.time * 1_000) for a in WORLD.clear),
    events(
        FILE,
        user="User",
        item="Movie",
        kind="VOTED",
        time="at",
        acts=WORLD.clear,
        weigh=no_weight,
        counts=(len(WORLD.clear), len(_LIKES)),
    ),
    either=(Either(FILE, "verdict", ("where", "kind", "weight")),),
)


def _review(number: int, act: Act) -> str:
    key = f"r{number}"
    return (
        node("Review", reviewId=key, stars=act.rating, date=moment(act.time), text=f"Review number {number}.")
        + joined("User", "userId", act.user, "WROTE", "Review", "reviewId", key)
        + joined("Review", "reviewId", key, "ABOUT", "Movie", "movieId", act.item)
    )


REVIEW_NODES = _film_graph(
    "reviews-between",
    "(:User)-[:WROTE]->(:Review {stars, date})-[:ABOUT]->(:Movie): the stars are on the node between.",
    lambda: (_review(n, a) for n, a in enumerate(_ACTS)),
    events(FILE, user="User", item="Movie", kind="WROTE", weight="node.stars", time="node.date"),
    either=(Either(FILE, "text", ("unread", "text")),),
)


BOTH_WAYS = _film_graph(
    "both-ways",
    "Users WATCHED films; films were SHOWN_TO users, which is what a service did and no like.",
    lambda: [
        *(_did(a, "WATCHED", at=moment(a.time)) for a in _LIKES),
        *(joined("Movie", "movieId", i, "SHOWN_TO", "User", "userId", u, at=moment(t)) for u, i, t in WORLD.unseen),
    ],
    events(FILE, user="User", item="Movie", kind="WATCHED", time="at", acts=_LIKES),
    Events(
        files=(FILE,),
        user="User",
        item="Movie",
        kind="SHOWN_TO",
        time="at",
        counts=(len(WORLD.unseen), 0),
        negative=PLAIN.unseen(),
    ),
)

SHAPES = (REVIEW_NODES, BOTH_WAYS, RATED, RATED_BY, DISLIKES, FRIENDS, VERDICT)
