"""Link the films of MovieLens to those of Wikidata, by title, year and genres, strictest rule first.

The two tables share no id. Each rule names candidates within a span of years, and the first rule that has any decides:
the nearest year wins, then the greater overlap of genres; a remaining tie is refused. A rule does not give a Wikidata
film to a title if a stricter rule gave it to another ("Fear" and "The Fear" are two films). docs/data/sources.md has
the figures of these rules, docs/data/movielens-links.tsv and docs/data/movielens-1m-links.tsv the manual check of their
links.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kg.datasets.movielens.sources import MovieLensFilm, WikidataFilm
from kg.datasets.movielens.titles import Names, names, one_slip_apart


class Rule(StrEnum):
    """How a link was found, strictest first."""

    EXACT = "exact"
    """Equal normalised title and equal year."""
    YEAR = "year"
    """Equal normalised title, one or two years apart."""
    ALTERNATIVE = "alternative"
    """A title in brackets is the other's title."""
    LOOSE = "loose"
    """Equal but for articles, numerals, abbreviations and filler words."""
    SUBTITLE = "subtitle"
    """Only one has the series or the long name: "Star Wars", "Star Wars: Episode IV – A New Hope"."""
    OWNER = "owner"
    """Equal without the owner in front: "William Shakespeare's Romeo and Juliet"."""
    SPELLING = "spelling"
    """One letter apart: "U.S. Marshalls"."""
    BEGINNING = "beginning"
    """One is the beginning of the other, of two words or more: "Waking Ned", "Waking Ned Devine"."""


@dataclass(frozen=True, slots=True)
class Link:
    """A film of MovieLens and the same film in Wikidata."""

    film: MovieLensFilm
    wikidata: WikidataFilm
    rule: Rule


@dataclass(frozen=True, slots=True)
class Refusal:
    """A film of MovieLens that several Wikidata films fit equally well."""

    film: MovieLensFilm
    candidates: tuple[WikidataFilm, ...]


@dataclass(frozen=True, slots=True)
class Links:
    """The links in the order of the MovieLens films, and the films that are refused as ambiguous."""

    links: tuple[Link, ...]
    refused: tuple[Refusal, ...]

    def by_film(self) -> dict[str, Link]:
        """The links by the id of MovieLens."""
        return {link.film.id: link for link in self.links}


def link_films(films: Sequence[MovieLensFilm], wikidata: Sequence[WikidataFilm]) -> Links:
    """Link every film that a rule links. Deterministic; a film without a year is never linked."""
    catalogue = _Catalogue(wikidata)
    named = {film.id: names(film.title) for film in films}
    open_films = [film for film in films if film.year is not None]
    links: dict[str, Link] = {}
    refused: dict[str, Refusal] = {}
    linked: dict[str, list[MovieLensFilm]] = defaultdict(list)
    for rule, years, candidates_of in _RULES:
        # A rule decides all its links before any of them counts, so that the order of the films does not matter.
        decided: list[Link] = []
        for film in open_films:
            if film.id in links or film.id in refused:
                continue
            candidates = [catalogue.films[index] for index in sorted(set(candidates_of(catalogue, named[film.id])))]
            fitting = [
                other
                for other in candidates
                if abs(other.year - (film.year or 0)) <= years
                and all(_is_same(film, earlier, named) for earlier in linked[other.id])
                and _compatible(film, other)
            ]
            best = _best(film, fitting)
            if len(best) == 1:
                decided.append(Link(film, best[0], rule))
            elif best:
                refused[film.id] = Refusal(film, tuple(best))
        for link in decided:
            links[link.film.id] = link
            linked[link.wikidata.id].append(link.film)
    ordered = tuple(links[film.id] for film in films if film.id in links)
    return Links(ordered, tuple(refused[film.id] for film in films if film.id in refused))


def _is_same(a: MovieLensFilm, b: MovieLensFilm, named: Mapping[str, Names]) -> bool:
    """Whether two entries of MovieLens are one film: of one year, with a common exact name."""
    return a.year == b.year and bool(named[a.id].exact & named[b.id].exact)


class _Catalogue:
    """The Wikidata films, with one index per kind of name."""

    def __init__(self, films: Sequence[WikidataFilm]) -> None:
        self.films = films
        self.names = [names(film.title) for film in films]
        self.by_main = _index((n.main,) for n in self.names)
        self.by_alternative = _index(n.alternatives for n in self.names)
        self.by_loose = _index(n.loose for n in self.names)
        self.by_beginning = _index(n.beginnings for n in self.names)
        self.by_unowned = _index((n.unowned,) for n in self.names)
        self.by_lead = _index((n.lead,) for n in self.names)
        self.by_subtitle = _index((n.subtitle,) for n in self.names)
        self.by_ends = _index((n.loose[0][:_END], n.loose[0][-_END:]) for n in self.names)


# Near spellings are looked up by this many letters at either end: one typo leaves one of the two ends intact.
_END = 3


def _index(keys_of_films: Iterable[Iterable[str]]) -> dict[str, list[int]]:
    index: dict[str, list[int]] = defaultdict(list)
    for at, keys in enumerate(keys_of_films):
        for key in set(keys):
            if key:
                index[key].append(at)
    return index


def _same_title(catalogue: _Catalogue, mine: Names) -> list[int]:
    return catalogue.by_main.get(mine.main, [])


def _same_alternative(catalogue: _Catalogue, mine: Names) -> list[int]:
    candidates = list(catalogue.by_alternative.get(mine.main, []))
    for name in mine.alternatives:
        candidates += catalogue.by_main.get(name, [])
    return candidates


def _same_loosely(catalogue: _Catalogue, mine: Names) -> list[int]:
    return [index for name in mine.loose for index in catalogue.by_loose.get(name, [])]


def _same_but_for_subtitle(catalogue: _Catalogue, mine: Names) -> list[int]:
    whole = mine.loose[0]
    # "Star Wars" against "Star Wars: Episode IV – A New Hope"; "The Professional" against "Léon: The Professional".
    candidates = catalogue.by_lead.get(whole, []) + catalogue.by_subtitle.get(whole, [])
    for part in (mine.lead, mine.subtitle):
        # "Microcosmos: Le peuple de l'herbe" against "Microcosmos"; "Kids in the Hall: Brain Candy" against "Brain
        # Candy".
        candidates = candidates + (catalogue.by_loose.get(part, []) if part else [])
    if mine.subtitle:
        # "Star Trek: The Wrath of Khan" against "Star Trek II: The Wrath of Khan": the subtitle alone ("The Movie")
        # is not enough, one series' name must begin with the other's.
        for index in catalogue.by_subtitle.get(mine.subtitle, []):
            theirs = catalogue.names[index].lead
            if theirs.startswith(mine.lead) or mine.lead.startswith(theirs):
                candidates = [*candidates, index]
    return candidates


def _same_but_for_owner(catalogue: _Catalogue, mine: Names) -> list[int]:
    candidates = list(catalogue.by_unowned.get(mine.loose[0], []))
    if mine.unowned:
        candidates += catalogue.by_loose.get(mine.unowned, [])
    return candidates


def _nearly_same(catalogue: _Catalogue, mine: Names) -> list[int]:
    whole = mine.loose[0]
    near = catalogue.by_ends.get(whole[:_END], []) + catalogue.by_ends.get(whole[-_END:], [])
    return [index for index in near if one_slip_apart(whole, catalogue.names[index].loose[0])]


def _same_beginning(catalogue: _Catalogue, mine: Names) -> list[int]:
    shorter = [index for name in mine.beginnings for index in catalogue.by_loose.get(name, [])]
    return shorter + catalogue.by_beginning.get(mine.loose[0], [])


# Each rule with the greatest difference in years. Premieres and releases abroad are up to two years apart; the looser
# the comparison of names, the closer the years must be.
_RULES: tuple[tuple[Rule, int, Callable[[_Catalogue, Names], list[int]]], ...] = (
    (Rule.EXACT, 0, _same_title),
    (Rule.YEAR, 2, _same_title),
    (Rule.ALTERNATIVE, 2, _same_alternative),
    (Rule.LOOSE, 0, _same_loosely),
    (Rule.OWNER, 1, _same_but_for_owner),
    (Rule.SPELLING, 0, _nearly_same),
    (Rule.SUBTITLE, 1, _same_but_for_subtitle),
    (Rule.BEGINNING, 0, _same_beginning),
)


def _compatible(film: MovieLensFilm, other: WikidataFilm) -> bool:
    """False for namesakes of which only one is purely a documentary.

    A documentary of MovieLens may have another genre in Wikidata ("Music") if the years are equal. Other genres are no
    evidence: the two sources often disagree on comedy, drama and crime for the same film.
    """
    mine, theirs = set(film.genres), set(other.genres)
    if not mine or not theirs or mine & theirs:
        return True
    return theirs != _DOCUMENTARY and (mine != _DOCUMENTARY or film.year == other.year)


_DOCUMENTARY = {"Documentary"}


def _best(film: MovieLensFilm, candidates: Sequence[WikidataFilm]) -> list[WikidataFilm]:
    """The candidates of the nearest year, of these those that share the most genres: one, several or none."""
    if not candidates:
        return []
    ranks = [(abs(other.year - (film.year or 0)), -len(_genres(film) & set(other.genres))) for other in candidates]
    return [other for other, rank in zip(candidates, ranks, strict=True) if rank == min(ranks)]


def _genres(film: MovieLensFilm) -> set[str]:
    """The film's genres in Wikidata's words."""
    return {"Family" if genre == "Children's" else genre for genre in film.genres}
