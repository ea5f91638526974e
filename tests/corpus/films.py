"""Films, books and code as well-known sets have them whole: TMDB, all of MovieLens, Douban; titles as keys."""

from __future__ import annotations

from tests.corpus.planted import WORLD, Item
from tests.corpus.render import (
    PLAIN,
    Ids,
    at,
    category,
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
from tests.corpus.shape import Edges, Either, Expected, Shape

_ACTS = WORLD.acts
_LIKES = WORLD.likes


def _genres(item: Item) -> str:
    return str([{"id": sum(map(ord, t)), "name": t.title()} for t in item.tags])


def _collection(item: Item) -> str:
    return str({"id": 900 + item.number % 4, "name": f"Saga {item.number % 4}"}) if item.number % 3 == 0 else ""


TMDB = Shape(
    "tmdb-metadata",
    "movies_metadata.csv with dictionaries in cells, money, flags, texts with commas; ratings_small.csv by id.",
    writes(
        lambda: {
            "movies_metadata.csv": table(
                (
                    "adult",
                    "belongs_to_collection",
                    "budget",
                    "genres",
                    "homepage",
                    "id",
                    "imdb_id",
                    "original_language",
                    "overview",
                    "poster_path",
                    "release_date",
                    "runtime",
                    "title",
                    "video",
                    "vote_average",
                    "vote_count",
                ),
                (
                    (
                        False,
                        _collection(i),
                        int(i.price * 10_000),
                        _genres(i),
                        f"http://www.example.org/films/{i.number}" if i.number % 4 == 0 else "",
                        860 + i.number,
                        f"tt{110_000 + i.number:07d}",
                        "en",
                        i.text,
                        f"/{i.number * 0x9E3779B9 % 2**32:08x}.jpg",
                        f"{i.year}-10-{i.number % 28 + 1:02d}",
                        float(80 + i.number),
                        i.label,
                        False,
                        6.5,
                        float(i.year),
                    )
                    for i in WORLD.items
                ),
            ),
            "ratings_small.csv": table(
                ("userId", "movieId", "rating", "timestamp"),
                ((a.user, 860 + a.item, float(a.rating), a.time) for a in _ACTS),
            ),
        }
    ),
    ("movies_metadata.csv", "ratings_small.csv"),
    Expected(
        events=(
            events(
                "ratings_small.csv",
                user="userId",
                item="movieId",
                weight="rating",
                time="timestamp",
                ids=Ids(item=lambda i: str(860 + i)),
            ),
        ),
        nodes=(
            items(
                "movies_metadata.csv",
                key="id",
                label="title",
                text=("overview",),
                fields={"runtime": lambda i: float(80 + i.number)},
                facts={"genres": lambda i: [t.title() for t in i.tags]},
                ids=Ids(item=lambda i: str(860 + i)),
            ),
        ),
        unread={"movies_metadata.csv": ("homepage", "poster_path", "adult", "video")},
        either=(
            Either("movies_metadata.csv", "belongs_to_collection", ("link", "list", "unread")),
            Either("movies_metadata.csv", "imdb_id", ("field", "unread")),
            Either("movies_metadata.csv", "original_language", ("link", "field", "unread")),
            Either("movies_metadata.csv", "release_date", ("field",)),
            Either("movies_metadata.csv", "vote_count", ("field", "unread")),
        ),
        taste=Ids(item=lambda i: str(860 + i)).taste(),
    ),
    planted=True,
)

MOVIELENS_ALL = Shape(
    "movielens-with-tags-and-links",
    "ratings, movies, tags (which users gave: facts about films, at most weak behaviour) and links to other sites.",
    writes(
        lambda: {
            "links.csv": table(
                ("movieId", "imdbId", "tmdbId"),
                ((i.number, f"{114_000 + i.number:07d}", 862 + i.number * 3) for i in WORLD.items),
            ),
            "movies.csv": table(
                ("movieId", "title", "genres"), ((i.number, f"{i.label} ({i.year})", i.category) for i in WORLD.items)
            ),
            "ratings.csv": table(
                ("userId", "movieId", "rating", "timestamp"), ((a.user, a.item, float(a.rating), a.time) for a in _ACTS)
            ),
            "tags.csv": table(
                ("userId", "movieId", "tag", "timestamp"),
                ((a.user, a.item, WORLD.item(a.item).tags[0], a.time + 60) for a in _LIKES[::4]),
            ),
        }
    ),
    ("links.csv", "movies.csv", "ratings.csv", "tags.csv"),
    Expected(
        events=(events("ratings.csv", user="userId", item="movieId", weight="rating", time="timestamp"),),
        nodes=(
            items(
                "movies.csv",
                key="movieId",
                label="title",
                name=lambda i: f"{i.label} ({i.year})",
                facts={"genres": category},
            ),
        ),
        edges=(
            Edges(
                files=("tags.csv",),
                head="movieId",
                tail="tag",
                optional=True,
                counts=(len({(a.item, WORLD.item(a.item).tags[0]) for a in _LIKES[::4]}),),
            ),
        ),
        unread={"links.csv": ("imdbId", "tmdbId")},
        taste=PLAIN.taste(),
    ),
    planted=True,
)

DOUBAN = Shape(
    "douban-films",
    "A Chinese site's export: slashes between values, names in two scripts, ratings as numbers, ids as numbers.",
    writes(
        lambda: {
            "movies.csv": table(
                ("MOVIE_ID", "NAME", "ACTORS", "DIRECTORS", "GENRES", "REGIONS", "YEAR", "STORYLINE", "COVER"),
                (
                    (
                        1_292_000 + i.number,
                        f"电影{i.number} {i.label}",
                        f"{i.maker}/{i.tags[0].title()} Li",
                        i.maker,
                        "/".join(i.tags),
                        "中国大陆/香港" if i.number % 2 else "日本",
                        f"{i.year}.0",
                        f"这是关于{i.tags[0]}的故事。{i.text}",
                        f"https://img.example.org/{i.number}.webp",
                    )
                    for i in WORLD.items
                ),
            ),
            "ratings.csv": table(
                ("RATING_ID", "USER_MD5", "MOVIE_ID", "RATING", "RATING_TIME"),
                (
                    (
                        n,
                        f"{a.user * 0x9E3779B97F4A7C15 % 2**64:016x}",
                        1_292_000 + a.item,
                        a.rating,
                        at(a.time, "%Y-%m-%d %H:%M:%S"),
                    )
                    for n, a in enumerate(_ACTS, 1)
                ),
            ),
        }
    ),
    ("movies.csv", "ratings.csv"),
    Expected(
        events=(
            events(
                "ratings.csv",
                user="USER_MD5",
                item="MOVIE_ID",
                weight="RATING",
                time="RATING_TIME",
                ids=Ids(lambda u: f"{u * 0x9E3779B97F4A7C15 % 2**64:016x}", lambda i: str(1_292_000 + i)),
            ),
        ),
        nodes=(
            items(
                "movies.csv",
                key="MOVIE_ID",
                label="NAME",
                text=("STORYLINE",),
                name=lambda i: f"电影{i.number} {i.label}",
                fields={"YEAR": year},
                facts={
                    "GENRES": tags,
                    "DIRECTORS": maker,
                    "ACTORS": lambda i: (i.maker, f"{i.tags[0].title()} Li"),
                    "REGIONS": lambda i: ("中国大陆", "香港") if i.number % 2 else ("日本",),
                },
                ids=Ids(item=lambda i: str(1_292_000 + i)),
            ),
        ),
        unread={"movies.csv": ("COVER",)},
        either=(Either("ratings.csv", "RATING_ID", ("id", "unread")),),
        taste=Ids(lambda u: f"{u * 0x9E3779B97F4A7C15 % 2**64:016x}", lambda i: str(1_292_000 + i)).taste(),
    ),
    planted=True,
)

_TITLES = Ids(lambda u: WORLD.user(u).name, lambda i: WORLD.item(i).label)

TITLES = Shape(
    "titles-as-keys",
    "No ids anywhere: items by title, people by name, in a table of items without another unique column.",
    writes(
        lambda: {
            "books.csv": table(
                ("Title", "Author", "Genre", "Year"), ((i.label, i.maker, i.category, i.year) for i in WORLD.items)
            ),
            "read.csv": table(("Reader", "Book", "Stars"), ((*_TITLES.pair(a.user, a.item), a.rating) for a in _ACTS)),
        }
    ),
    ("books.csv", "read.csv"),
    Expected(
        events=(events("read.csv", user="Reader", item="Book", weight="Stars", ids=_TITLES),),
        nodes=(
            items(
                "books.csv", key="Title", fields={"Year": year}, facts={"Author": maker, "Genre": category}, ids=_TITLES
            ),
        ),
        taste=_TITLES.taste(),
    ),
    planted=True,
)

ITEM_FIRST = Shape(
    "item-before-user",
    "The item stands before the user, there are more rows for items than for users, and the names say little.",
    writes(
        lambda: {
            "log.csv": table(
                ("movie", "viewer", "when"), ((f"f{a.item}", f"v{a.user}", at(a.time, "%Y-%m-%d")) for a in _LIKES)
            ),
            "movies.csv": table(("movie", "studio"), ((f"f{i.number}", i.maker) for i in WORLD.items)),
        }
    ),
    ("log.csv", "movies.csv"),
    Expected(
        events=(
            events(
                "log.csv",
                user="viewer",
                item="movie",
                time="when",
                acts=_LIKES,
                ids=Ids(lambda u: f"v{u}", lambda i: f"f{i}"),
                when=lambda t: t - t % 86_400,
            ),
        ),
        nodes=(items("movies.csv", key="movie", facts={"studio": maker}, ids=Ids(item=lambda i: f"f{i}")),),
        taste=Ids(lambda u: f"v{u}", lambda i: f"f{i}").taste(),
    ),
    planted=True,
)

_REPOSITORIES = Ids(lambda u: f"dev{u}", lambda i: f"org{i % 5}/{WORLD.item(i).label.lower().replace(' ', '-')}-{i}")

REPOSITORIES = Shape(
    "stars-of-repositories",
    "Who starred which repository and when; repositories with language, topics, a licence object and counts.",
    writes(
        lambda: {
            "repos.jsonl": json_lines(
                {
                    "id": 44_000 + i.number,
                    "full_name": _REPOSITORIES.item(i.number),
                    "description": i.text,
                    "language": i.category,
                    "topics": list(i.tags),
                    "license": {"key": "mit"} if i.number % 3 else None,
                    "fork": False,
                    "stargazers_count": i.year,
                    "archived": i.number % 9 == 0,
                }
                for i in WORLD.items
            ),
            "stars.csv": table(
                ("login", "repo", "starred_at"),
                ((*_REPOSITORIES.pair(a.user, a.item), at(a.time, "%Y-%m-%dT%H:%M:%SZ")) for a in _LIKES),
            ),
        }
    ),
    ("repos.jsonl", "stars.csv"),
    Expected(
        events=(
            events(
                "stars.csv",
                user="login",
                item="repo",
                time="starred_at",
                acts=_LIKES,
                ids=_REPOSITORIES,
                weigh=no_weight,
            ),
        ),
        nodes=(
            items(
                "repos.jsonl",
                key="full_name",
                text=("description",),
                facts={"language": category, "topics": tags},
                fields={"archived": lambda i: i.number % 9 == 0},
                ids=_REPOSITORIES,
            ),
        ),
        either=(
            Either("repos.jsonl", "id", ("field", "unread")),
            Either("repos.jsonl", "stargazers_count", ("field", "unread")),
            Either("repos.jsonl", "fork", ("field", "unread")),
            Either("repos.jsonl", "license.key", ("link", "field", "unread")),
        ),
        taste=_REPOSITORIES.taste(),
    ),
    planted=True,
)

SHAPES = (TMDB, MOVIELENS_ALL, DOUBAN, TITLES, ITEM_FIRST, REPOSITORIES)
