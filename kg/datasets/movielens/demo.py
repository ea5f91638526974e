"""Prepare a film domain: fetch both sources, link the films, write the tables, and report figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from kg.datasets import fetch
from kg.datasets.fetch import Progress
from kg.datasets.movielens import sources, tables
from kg.datasets.movielens.linking import Links, Rule, link_films
from kg.datasets.movielens.releases import RELEASES, DomainName

CatalogueName: TypeAlias = Literal["movielens", "full"]
"""`movielens`: the films of MovieLens. `full`: also Wikidata's other films, which have no ratings."""


@dataclass(frozen=True, slots=True)
class DemoSources:
    """Both sources, read into memory."""

    films: tuple[sources.MovieLensFilm, ...]
    users: tuple[sources.MovieLensUser, ...]
    ratings: sources.Ratings
    wikidata: tuple[sources.WikidataFilm, ...]


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What was written, and how well the films were linked."""

    domain: Path
    """The `domain.yaml`."""
    films: int
    """Films of MovieLens."""
    other_films: int
    """Films of Wikidata beside them (`full` only)."""
    linked: int
    """Films of MovieLens that are linked to Wikidata."""
    users: int
    ratings: int
    linked_ratings: int
    """Ratings on linked films."""
    links_by_rule: Mapping[str, int]
    """Links by the rule that found them, strictest first."""
    entities: Mapping[str, int]
    """Number of distinct entities by kind."""
    triples: Mapping[str, int]
    """Number of triples by relation."""

    @property
    def linked_share(self) -> float:
        """Share of the ratings that are on linked films."""
        return self.linked_ratings / self.ratings

    def __str__(self) -> str:
        lines = [
            f"{self.films:,} films of MovieLens, {self.linked:,} of them linked to Wikidata "
            f"({self.linked_share:.2%} of the ratings are on linked films)",
            f"{self.users:,} users, {self.ratings:,} ratings",
            "entities: " + ", ".join(f"{count:,} {kind}" for kind, count in self.entities.items()),
            "triples: " + ", ".join(f"{count:,} {relation}" for relation, count in self.triples.items()),
        ]
        if self.other_films:
            lines.insert(1, f"{self.other_films:,} other films of Wikidata")
        return "\n".join(lines)


def prepare(
    dir: Path | str,
    *,
    domain: DomainName = "films-100k",
    catalogue: CatalogueName = "movielens",
    wheels: Path | str | None = None,
    progress: Progress | None = None,
) -> DemoReport:
    """Write a film domain to a folder: films.tsv, users.tsv, ratings.tsv, SOURCES.txt, domain.yaml.

    `domain` names the release of MovieLens; `wheels` is a folder with the two wheels, where there is no network;
    `progress` is called with a line at every step.

    Raises:
        FetchError: a source is not available or is not the pinned one.
        DemoFilesExist: the folder has another `domain.yaml`.
    """
    if catalogue not in ("movielens", "full"):
        raise ValueError(f"no catalogue {catalogue!r}: it is 'movielens' or 'full'")
    read = read_sources(domain, wheels=wheels, progress=progress)
    if progress is not None:
        progress("Linking the films of MovieLens to Wikidata")
    links = link_films(read.films, read.wikidata)
    linked = {link.wikidata.id for link in links.links}
    others = [film for film in read.wikidata if film.id not in linked] if catalogue == "full" else []
    rows = tables.film_rows(read.films, links, others)
    if progress is not None:
        progress(f"Writing the tables to {dir}")
    description = tables.write_domain(Path(dir), RELEASES[domain], rows, read.users, read.ratings)
    return _report(description, read, links, rows)


def read_sources(
    domain: DomainName = "films-100k", *, wheels: Path | str | None = None, progress: Progress | None = None
) -> DemoSources:
    """Fetch both wheels where they are not in the cache, and read the parts that the domain needs.

    Raises:
        FetchError: a source is not available or is not the pinned one.
    """
    if domain not in RELEASES:
        raise ValueError(f"no domain {domain!r}: it is {' or '.join(map(repr, RELEASES))}")
    release = RELEASES[domain]
    folder = None if wheels is None else Path(wheels)
    movielens = fetch.unpacked(release.wheel, wheels=folder, progress=progress)
    films = fetch.unpacked(fetch.FILMS, wheels=folder, progress=progress)
    if progress is not None:
        progress(f"Reading {release.title}")
    inter, item, user = (movielens / member for member in release.wheel.members)
    return DemoSources(
        films=tuple(sources.read_films(item, release)),
        users=tuple(sources.read_users(user, release)),
        ratings=sources.read_ratings(inter, release),
        wikidata=tuple(sources.read_wikidata(films / fetch.FILMS.members[0])),
    )


def _report(domain: Path, read: DemoSources, links: Links, rows: list[tables.FilmRow]) -> DemoReport:
    linked = {link.film.id for link in links.links}
    entities: dict[str, set[str]] = {}
    triples: dict[str, int] = {}
    for column, relation, kind in tables.RELATIONS:
        cells = [tables.values(row, column) for row in rows]
        triples[relation] = sum(len(cell) for cell in cells)
        entities.setdefault(kind, set()).update(value for cell in cells for value in cell)
    return DemoReport(
        domain=domain,
        films=len(read.films),
        other_films=len(rows) - len(read.films),
        linked=len(linked),
        users=len(read.users),
        ratings=len(read.ratings),
        linked_ratings=sum(item in linked for item in read.ratings.items),
        links_by_rule=dict(
            Counter(str(link.rule) for link in sorted(links.links, key=lambda link: _STRICTNESS[link.rule]))
        ),
        entities={kind: len(names) for kind, names in entities.items()},
        triples=triples,
    )


_STRICTNESS = {rule: at for at, rule in enumerate(Rule)}
