"""The sources of the film domains: fetched once into the cache; without network and cache such tests are skipped."""

from __future__ import annotations

import pytest

from kg.datasets.fetch import WheelUnavailable
from kg.datasets.movielens import DemoSources, DomainName, Links, link_films, read_sources


def fetched(domain: DomainName) -> DemoSources:
    try:
        return read_sources(domain)
    except WheelUnavailable as error:
        pytest.skip(f"the sources of {domain} are not cached and cannot be fetched: {error}")


@pytest.fixture(scope="session")
def demo_sources() -> DemoSources:
    return fetched("films-100k")


@pytest.fixture(scope="session")
def demo_links(demo_sources: DemoSources) -> Links:
    return link_films(demo_sources.films, demo_sources.wikidata)


@pytest.fixture(scope="session")
def films_1m_sources() -> DemoSources:
    return fetched("films-1m")


@pytest.fixture(scope="session")
def films_1m_links(films_1m_sources: DemoSources) -> Links:
    return link_films(films_1m_sources.films, films_1m_sources.wikidata)
