"""The prepared domains load whole: no row in the quarantine, and the graph is what was prepared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kg.datasets.movielens import DemoSources, Links, prepare
from kg.datasets.movielens.releases import FILMS_1M
from kg.datasets.movielens.sources import Ratings
from kg.datasets.movielens.tables import film_rows, write_domain
from kg.datasets.synthetic import SyntheticSettings, generate, write
from kg.ingest import load_domain
from kg.opening import open_store


def test_the_demo_domain_loads_whole(demo_sources: DemoSources, tmp_path: Path) -> None:
    prepared = prepare(tmp_path / "demo")
    store = open_store(str(tmp_path / "store"), create=True)
    report = load_domain(prepared.domain, store)
    assert report.n_bad == 0
    assert report.repeated == 0
    assert report.warnings == ()
    graph = store.snapshot()
    store.close()
    assert set(graph.item_ids) == {film.id for film in demo_sources.films}
    assert {kind: len(graph.nodes(kind).keys) for kind in prepared.entities} == dict(prepared.entities)
    assert {table.name: len(table.forward.indices) for table in graph.relations} == dict(prepared.triples)
    assert len(graph.interactions(positive_only=False)) == 100_000
    assert len(graph.interactions()) == sum(stars >= 4 for stars in demo_sources.ratings.stars)
    # The text is the title, with no genres and no people.
    assert list(graph.item_texts) == list(graph.item_labels)


def test_the_larger_release_loads_whole(films_1m_sources: DemoSources, films_1m_links: Links, tmp_path: Path) -> None:
    # Every film and user, but only a part of the million ratings: all of them take a minute.
    every, n = films_1m_sources.ratings, 20_000
    ratings = Ratings(every.users[:n], every.items[:n], every.stars[:n], every.times[:n])
    films = film_rows(films_1m_sources.films, films_1m_links, [])
    domain = write_domain(tmp_path / "domain", FILMS_1M, films, films_1m_sources.users, ratings)
    store = open_store(str(tmp_path / "store"), create=True)
    report = load_domain(domain, store)
    assert (report.n_bad, report.repeated, report.warnings) == (0, 0, ())
    graph = store.snapshot()
    store.close()
    assert set(graph.item_ids) == {film.id for film in films_1m_sources.films}
    assert len(graph.nodes("user").keys) == 6_040
    assert len(graph.interactions(positive_only=False)) == n


@pytest.mark.parametrize("format", ["parquet", "tsv"])
def test_a_synthetic_domain_loads_whole_and_keeps_its_indices(tmp_path: Path, format: str) -> None:
    settings = SyntheticSettings(users=200, items=150, entities=60, events_per_user=10, seed=11)
    written = write(tmp_path / "domain", settings, format="parquet" if format == "parquet" else "tsv")
    store = open_store(str(tmp_path / "store"), create=True)
    report = load_domain(written.domain, store)
    assert (report.n_bad, report.edges.new, report.events.new) == (0, written.triples, written.events)
    graph = store.snapshot()
    store.close()
    domain = generate(settings)
    assert list(graph.item_ids) == domain.item_ids
    found = graph.interactions()
    expected = domain.interactions()
    assert list(found.user_ids) == domain.user_ids
    assert np.array_equal(found.matrix().toarray(), expected.matrix().toarray())
