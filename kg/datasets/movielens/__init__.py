"""The demo domain: MovieLens-100k's behaviour joined with Wikidata's film facts.

`prepare(dir)` leaves ordinary tables and a `domain.yaml` in a folder. Where the data comes from, under which terms, how
films are linked and how well, is in docs/data/sources.md.
"""

from kg.datasets.movielens.demo import CatalogueName, DemoReport, DemoSources, prepare, read_sources
from kg.datasets.movielens.linking import Link, Links, Refusal, Rule, link_films
from kg.datasets.movielens.tables import DemoFilesExist

__all__ = [
    "CatalogueName",
    "DemoFilesExist",
    "DemoReport",
    "DemoSources",
    "Link",
    "Links",
    "Refusal",
    "Rule",
    "link_films",
    "prepare",
    "read_sources",
]
