"""Prepare the film domains: the ratings of a MovieLens release, joined with Wikidata's film facts.

`prepare(dir)` writes the tables and the `domain.yaml` of the demo (MovieLens-100k) to a folder,
`prepare(dir, domain="films-1m")` those of MovieLens-1M. docs/data/sources.md has the sources, their terms, and the
method and quality of the links.
"""

from kg.datasets.movielens.demo import CatalogueName, DemoReport, DemoSources, prepare, read_sources
from kg.datasets.movielens.linking import Link, Links, Refusal, Rule, link_films
from kg.datasets.movielens.releases import DomainName
from kg.datasets.movielens.tables import DemoFilesExist

__all__ = [
    "CatalogueName",
    "DemoFilesExist",
    "DemoReport",
    "DemoSources",
    "DomainName",
    "Link",
    "Links",
    "Refusal",
    "Rule",
    "link_films",
    "prepare",
    "read_sources",
]
