"""People among themselves: friends, follows and trust beside what they like; check-ins; playlists."""

from __future__ import annotations

import json

from tests.corpus.planted import WORLD
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
    json_lines,
    maker,
    plain,
    table,
    users,
    writes,
)
from tests.corpus.shape import Edges, Either, Expected, Refusal, Shape

_ACTS = WORLD.acts
_LIKES = WORLD.likes
_FRIENDS = tuple((u.number, friend) for u in WORLD.users for friend in u.friends)

FRIENDS = Shape(
    "friends",
    "user_friends.dat of two columns of user ids beside plays: it is no event, whatever its first column is called.",
    writes(
        lambda: {
            "artists.csv": table(("artistID", "name", "label"), ((i.number, i.label, i.maker) for i in WORLD.items)),
            "user_artists.csv": table(("userID", "artistID", "plays"), ((a.user, a.item, a.minutes) for a in _LIKES)),
            "user_friends.csv": table(("userID", "friendID"), _FRIENDS),
        }
    ),
    ("artists.csv", "user_artists.csv", "user_friends.csv"),
    Expected(
        events=(
            events(
                "user_artists.csv",
                user="userID",
                item="artistID",
                weight="plays",
                acts=_LIKES,
                weigh=lambda a: a.minutes,
            ),
        ),
        nodes=(items("artists.csv", key="artistID", label="name", facts={"label": maker}),),
        edges=(
            Edges(
                files=("user_friends.csv",),
                head="userID",
                tail="friendID",
                counts=(60,),
                samples=((str(_FRIENDS[0][0]), "", str(_FRIENDS[0][1])),),
            ),
        ),
        taste=PLAIN.taste(),
    ),
    planted=True,
)

TRUST = Shape(
    "trust",
    "Ratings behind blanks, and trust (1) and distrust (-1) between users, neither with a header.",
    writes(
        lambda: {
            "rating.txt": plain(((a.user, 5_000 + a.item, a.rating) for a in _ACTS), " "),
            "trust.txt": plain(((u, v, 1 if (u + v) % 5 else -1) for u, v in _FRIENDS), " "),
        }
    ),
    ("rating.txt", "trust.txt"),
    Expected(
        events=(events("rating.txt", user="#1", item="#2", weight="#3", ids=Ids(item=lambda i: str(5_000 + i))),),
        edges=(
            Edges(
                files=("trust.txt",),
                optional=True,
                head="#1",
                tail="#2",
                counts=(60, sum((u + v) % 5 > 0 for u, v in _FRIENDS)),
            ),
        ),
        taste=Ids(item=lambda i: str(5_000 + i)).taste(),
    ),
    planted=True,
    headerless=("rating.txt", "trust.txt"),
)

FOLLOWS = Shape(
    "follows-and-posts",
    "Users follow users (follower, followee) and like posts; posts have an author, who is a user.",
    writes(
        lambda: {
            "follows.csv": table(
                ("follower_id", "followee_id", "since"), ((f"u{u}", f"u{v}", "2020-01-01") for u, v in _FRIENDS)
            ),
            "likes.csv": table(
                ("user_id", "post_id", "liked_at"),
                ((f"u{a.user}", f"p{a.item}", at(a.time, "%Y-%m-%dT%H:%M:%SZ")) for a in _LIKES),
            ),
            "posts.csv": table(
                ("post_id", "author_id", "body", "language", "topic"),
                ((f"p{i.number}", f"u{i.number % 30 + 1}", i.text, "en", i.category) for i in WORLD.items),
            ),
            "users.csv": table(("user_id", "handle"), ((f"u{u.number}", f"@h{u.number}") for u in WORLD.users)),
        }
    ),
    ("follows.csv", "likes.csv", "posts.csv", "users.csv"),
    Expected(
        events=(
            events(
                "likes.csv",
                user="user_id",
                item="post_id",
                time="liked_at",
                acts=_LIKES,
                ids=Ids(lambda u: f"u{u}", lambda i: f"p{i}"),
            ),
        ),
        nodes=(
            items(
                "posts.csv",
                key="post_id",
                text=("body",),
                facts={"topic": category},
                ids=Ids(item=lambda i: f"p{i}"),
            ),
            users("users.csv", key="user_id", ids=Ids(lambda u: f"u{u}")),
        ),
        edges=(Edges(files=("follows.csv",), head="follower_id", tail="followee_id", counts=(60,)),),
        unread={"posts.csv": ("language",), "follows.csv": ("since",)},
        either=(Either("posts.csv", "author_id", ("link", "unread")),),
        taste=Ids(lambda u: f"u{u}", lambda i: f"p{i}").taste(),
    ),
    planted=True,
)

CHECK_INS = Shape(
    "check-ins",
    "No header: user, time with Z, latitude, longitude, place; the coordinates are the place's.",
    writes(
        lambda: {
            "checkins.txt": plain(
                (
                    (
                        a.user,
                        at(a.time, "%Y-%m-%dT%H:%M:%SZ"),
                        f"{30 + a.item / 7:.6f}",
                        f"{-97 - a.item / 9:.6f}",
                        22_000 + a.item,
                    )
                    for a in _LIKES
                ),
                "\t",
            ),
            "edges.txt": plain(_FRIENDS, "\t"),
        }
    ),
    ("checkins.txt", "edges.txt"),
    Expected(
        events=(
            events(
                "checkins.txt",
                user="#1",
                item="#5",
                time="#2",
                acts=_LIKES,
                ids=Ids(item=lambda i: str(22_000 + i)),
            ),
        ),
        edges=(Edges(files=("edges.txt",), head="#1", tail="#2", counts=(60,)),),
        either=(
            Either("checkins.txt", "#3", ("field", "unread")),
            Either("checkins.txt", "#4", ("field", "unread")),
        ),
        taste=Ids(item=lambda i: str(22_000 + i)).taste(),
    ),
    planted=True,
    headerless=("checkins.txt", "edges.txt"),
)

PLACES = Shape(
    "places-and-reviews",
    "JSON Lines of businesses (categories behind commas, nested attributes and hours, stars) and reviews.",
    writes(
        lambda: {
            "business.json": json_lines(
                {
                    "business_id": f"b{i.number:03d}",
                    "name": i.label,
                    "city": i.tags[0].title(),
                    "stars": 3.5,
                    "review_count": i.number,
                    "is_open": int(i.number % 7 != 0),
                    "latitude": 30 + i.number / 7,
                    "attributes": {"WiFi": "u'free'", "Alcohol": None},
                    "categories": ", ".join((i.category, *i.tags)),
                    "hours": {"Monday": "8:0-22:0"},
                }
                for i in WORLD.items
            ),
            "review.json": json_lines(
                {
                    "review_id": f"r{n:05d}",
                    "user_id": f"u{a.user:03d}",
                    "business_id": f"b{a.item:03d}",
                    "stars": float(a.rating),
                    "useful": n % 3,
                    "text": f"Visit number {n}.",
                    "date": at(a.time, "%Y-%m-%d %H:%M:%S"),
                }
                for n, a in enumerate(_ACTS)
            ),
        }
    ),
    ("business.json", "review.json"),
    Expected(
        events=(
            events(
                "review.json",
                user="user_id",
                item="business_id",
                weight="stars",
                time="date",
                ids=Ids(lambda u: f"u{u:03d}", lambda i: f"b{i:03d}"),
            ),
        ),
        nodes=(
            items(
                "business.json",
                key="business_id",
                label="name",
                facts={"categories": lambda i: (i.category, *i.tags)},
                ids=Ids(item=lambda i: f"b{i:03d}"),
            ),
        ),
        unread={"review.json": ("useful", "text")},
        either=(
            Either("review.json", "review_id", ("id", "unread")),
            Either("business.json", "city", ("link", "field")),
            Either("business.json", "latitude", ("field", "unread")),
            Either("business.json", "is_open", ("field",)),
        ),
        taste=Ids(lambda u: f"u{u:03d}", lambda i: f"b{i:03d}").taste(),
    ),
    planted=True,
)

PLAYLISTS = Shape(
    "playlists",
    "Rows of playlists: playlist, position, track with artist and album; a playlist stands for the user.",
    writes(
        lambda: {
            "playlist_tracks.csv": table(
                ("playlist_id", "playlist_name", "pos", "track_uri", "track_name", "artist_name", "duration_ms"),
                (
                    (
                        f"pl{a.user}",
                        f"{WORLD.user(a.user).city} mix",
                        n % 50,
                        f"spotify:track:{a.item:06d}",
                        WORLD.item(a.item).label,
                        WORLD.item(a.item).maker,
                        WORLD.item(a.item).year * 100,
                    )
                    for n, a in enumerate(_LIKES)
                ),
            )
        }
    ),
    ("playlist_tracks.csv",),
    Expected(
        events=(
            events(
                "playlist_tracks.csv",
                user="playlist_id",
                item="track_uri",
                acts=_LIKES,
                ids=Ids(lambda u: f"pl{u}", lambda i: f"spotify:track:{i:06d}"),
            ),
        ),
        nodes=(
            items(
                "playlist_tracks.csv",
                key="track_uri",
                label="track_name",
                facts={"artist_name": maker},
                fields={"duration_ms": lambda i: i.year * 100},
                ids=Ids(item=lambda i: f"spotify:track:{i:06d}"),
            ),
        ),
        unread={"playlist_tracks.csv": ("pos",)},
        either=(Either("playlist_tracks.csv", "playlist_name", ("label", "unread")),),
        taste=Ids(lambda u: f"pl{u}", lambda i: f"spotify:track:{i:06d}").taste(),
    ),
    planted=True,
)

NESTED_PLAYLISTS = Shape(
    "playlists-nested",
    "One JSON object: info, and playlists, each with a list of tracks, as the Million Playlist Dataset's slices.",
    writes(
        lambda: {
            "mpd.slice.0-29.json": json.dumps(
                {
                    "info": {"slice": "0-29", "version": "v1"},
                    "playlists": [
                        {
                            "pid": u.number,
                            "name": u.city,
                            "tracks": [
                                {
                                    "pos": n,
                                    "track_uri": f"t:{a.item}",
                                    "track_name": WORLD.item(a.item).label,
                                    "artist_name": WORLD.item(a.item).maker,
                                }
                                for n, a in enumerate(a for a in _LIKES if a.user == u.number)
                            ],
                        }
                        for u in WORLD.users
                    ],
                },
                indent=1,
            )
        }
    ),
    ("mpd.slice.0-29.json",),
    Expected(
        events=(
            events(
                "mpd.slice.0-29.json",
                user="playlists.pid",
                item="playlists.tracks.track_uri",
                acts=_LIKES,
                ids=Ids(item=lambda i: f"t:{i}"),
            ),
        ),
        refuse=Refusal("json|JSON"),
        taste=Ids(item=lambda i: f"t:{i}").taste(),
    ),
)

GROUPS = Shape(
    "memberships",
    "Which member joined which club, with a role and the day; clubs with a topic and a city.",
    writes(
        lambda: {
            "clubs.csv": table(BASIC, basic_rows(Ids(item=lambda i: f"g{i}"))),
            "memberships.csv": table(
                ("member_no", "item_id", "role", "joined"),
                (
                    (10_000 + a.user, f"g{a.item}", "admin" if a.minutes % 7 == 0 else "member", at(a.time, "%Y-%m-%d"))
                    for a in _LIKES
                ),
            ),
        }
    ),
    ("clubs.csv", "memberships.csv"),
    Expected(
        events=(
            events(
                "memberships.csv",
                user="member_no",
                item="item_id",
                time="joined",
                acts=_LIKES,
                ids=Ids(lambda u: str(10_000 + u), lambda i: f"g{i}"),
                when=lambda t: t - t % 86_400,
            ),
        ),
        nodes=(basic_items("clubs.csv", Ids(item=lambda i: f"g{i}")),),
        either=(Either("memberships.csv", "role", ("unread", "kind")),),
        taste=Ids(lambda u: str(10_000 + u), lambda i: f"g{i}").taste(),
    ),
    planted=True,
)

SHAPES = (FRIENDS, TRUST, FOLLOWS, CHECK_INS, PLACES, PLAYLISTS, NESTED_PLAYLISTS, GROUPS)
