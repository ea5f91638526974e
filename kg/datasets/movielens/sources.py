"""Read the sources of a film domain: a release of MovieLens as RecBole packages it, and the films of Wikidata.

Films and users become frozen rows, ratings become columns. Values stay as they are, except that the release's codes
become words and that format errors of a source are repaired (a year in the title, a comma inside a person's name).
Nothing is linked or chosen here.
"""

from __future__ import annotations

import csv
import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kg.datasets.movielens.releases import Release
from kg.errors import WhyPathError


class SourceChanged(WhyPathError):
    """A source file does not have the columns or the values that this reader was written for."""


@dataclass(frozen=True, slots=True)
class MovieLensFilm:
    """A film of MovieLens; `year` is None where the source has none."""

    id: str
    title: str
    year: int | None
    genres: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MovieLensUser:
    """A user of MovieLens, as the release describes them."""

    id: str
    age: str
    """Years, or a range of years."""
    gender: str
    occupation: str
    zip_code: str


@dataclass(frozen=True, slots=True)
class Ratings:
    """Ratings as columns of one length, in the source's order: a million of them take 70 MB.

    Equal ids are one string in memory.
    """

    users: tuple[str, ...]
    items: tuple[str, ...]
    stars: tuple[int, ...]
    """1 to 5."""
    times: tuple[int, ...]
    """Seconds since the epoch."""

    def __len__(self) -> int:
        return len(self.users)


@dataclass(frozen=True, slots=True)
class WikidataFilm:
    """A film of the Wikidata snapshot. `id` is its number in Wikidata ("Q610502"); lists are empty where unknown."""

    id: str
    imdb: str
    title: str
    year: int
    runtime: int | None
    genres: tuple[str, ...]
    directors: tuple[str, ...]
    writers: tuple[str, ...]
    cast: tuple[str, ...]
    languages: tuple[str, ...]
    countries: tuple[str, ...]
    oscars: int
    nominations: int


def read_films(item_file: Path, release: Release) -> list[MovieLensFilm]:
    """The films of the release's `.item` file, in the file's order."""
    films = []
    for id_, title, year, genres in _atomic(item_file, ("item_id", "movie_title", "release_year", release.genres)):
        title, year_of_film = _title_and_year(title, year)
        # "unknown" is how the source marks a film without genres.
        known = tuple(dict.fromkeys(genre for genre in genres.split() if genre != "unknown"))
        films.append(MovieLensFilm(id_, title, year_of_film, known))
    return films


def read_users(user_file: Path, release: Release) -> list[MovieLensUser]:
    """The users of the release's `.user` file, in the file's order.

    Raises:
        SourceChanged: the columns are others, or the release's README does not have a code.
    """
    columns = ("user_id", "age", "gender", "occupation", "zip_code")
    return [
        MovieLensUser(
            id_.removeprefix(release.user_prefix),
            _words(user_file, "age", age, release.ages),
            gender,
            _words(user_file, "occupation", occupation, release.occupations),
            zip_code,
        )
        for id_, age, gender, occupation, zip_code in _atomic(user_file, columns)
    ]


def read_ratings(inter_file: Path, release: Release) -> Ratings:
    """The ratings of the release's `.inter` file, in the file's order."""
    users: list[str] = []
    items: list[str] = []
    stars: list[int] = []
    times: list[int] = []
    for user, item, rating, time in _atomic(inter_file, ("user_id", "item_id", "rating", "timestamp")):
        users.append(sys.intern(user.removeprefix(release.user_prefix)))
        items.append(sys.intern(item))
        stars.append(int(float(rating)))
        times.append(int(float(time)))
    return Ratings(tuple(users), tuple(items), tuple(stars), tuple(times))


def read_wikidata(database: Path) -> list[WikidataFilm]:
    """The films of `movies.db`, ordered by their number in Wikidata."""
    columns = 'ID, imdbID, Title, Year, Runtime, Genre, Director, Writer, "Cast", Language, Country, Oscars, Awards'
    # immutable: the file may be where SQLite cannot write its locks.
    connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        rows = connection.execute(f"SELECT {columns} FROM omdb ORDER BY ID").fetchall()
    except sqlite3.DatabaseError as error:
        raise SourceChanged(
            f"{database}: not the film database that was expected ({error}). Fetch it again."
        ) from error
    finally:
        connection.close()
    return [_wikidata_film(row) for row in rows]


def people(names: str | None) -> tuple[str, ...]:
    """The distinct names of a comma-separated list; commas inside names ("Sammy Davis, Jr.") are recognised."""
    joined: list[str] = []
    for part in (names or "").split(", "):
        if joined and _BELONGS_TO_NAME.match(part):
            joined[-1] += f", {part}"
        elif part:
            joined.append(part)
    return tuple(dict.fromkeys(joined))


# Parts of a person's name that follow a comma in the snapshot: generations and titles of nobility.
_BELONGS_TO_NAME = re.compile(
    r"(?:Jr|Sr)\.?$|III?$|\d+(?:st|nd|rd|th) (?:Earl|Duke|Prince|Baron|Baronet|Marquess|Viscount)\b"
    r"|(?:Prince|Princess|Duke|Duchess|Count|Countess|Baron|Baroness|Lord|Lady|Earl) (?:of|von|de)\b"
)
_YEAR_IN_TITLE = re.compile(r"^(?P<title>.+?)\s*\((?P<year>\d{4})\)$")
_NOMINATIONS = re.compile(r"Nominated for (\d+) Oscar")


def _title_and_year(title: str, year: str) -> tuple[str, int | None]:
    """The repaired title and year: one film has the year "V" (video), and its year at the end of its title."""
    title = " ".join(title.split())
    if year.isdigit():
        return title, int(year)
    match = _YEAR_IN_TITLE.match(title)
    if match is not None:
        return match["title"], int(match["year"])
    # Film 267 of MovieLens-100k has neither title nor year; the package misspells the source's word "unknown".
    return ("unknown" if title == "unkonwn" else title), None


def _words(path: Path, column: str, code: str, words: Mapping[str, str]) -> str:
    """The words of a code; the value itself where the release has no codes."""
    if not words:
        return code
    if code not in words:
        raise SourceChanged(f"{path}: {column} {code!r} is none of the release's codes ({', '.join(words)}).")
    return words[code]


def _wikidata_film(row: tuple) -> WikidataFilm:
    number, imdb, title, year, runtime, genres, directors, writers, cast, languages, countries, oscars, awards = row
    nominated = _NOMINATIONS.search(awards or "")
    return WikidataFilm(
        id=f"Q{number}",
        imdb=imdb,
        title=" ".join(title.split()),
        year=int(year),
        runtime=None if runtime is None else round(runtime),
        genres=people(genres),
        directors=people(directors),
        writers=people(writers),
        cast=people(cast),
        languages=people(languages),
        countries=people(countries),
        oscars=int(oscars or 0),
        nominations=int(nominated[1]) if nominated else 0,
    )


def _atomic(path: Path, columns: tuple[str, ...]) -> Iterator[list[str]]:
    """The rows of a RecBole atomic file, whose header names each column with its type ("item_id:token")."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        header = tuple(name.split(":")[0] for name in next(rows, []))
        if header != columns:
            raise SourceChanged(
                f"{path}: expected the columns {', '.join(columns)}, found {', '.join(header) or 'none'}."
            )
        for row in rows:
            if len(row) != len(columns):
                raise SourceChanged(f"{path}, line {rows.line_num}: expected {len(columns)} columns, found {len(row)}.")
            yield row
