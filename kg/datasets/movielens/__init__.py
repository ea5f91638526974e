"""The demo domain: MovieLens-100k's ratings joined with Wikidata's film facts.

`prepare(dir)` writes tables and a `domain.yaml` to a folder. docs/data/sources.md has the sources, their terms, and the
method and quality of the links.
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
