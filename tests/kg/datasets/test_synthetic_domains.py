"""Synthetic domains: power laws, planted preferences that can be recovered, and files that equal the arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.datasets.synthetic import SyntheticDomain, SyntheticSettings, generate, generation, write
from kg.datasets.synthetic.writing import FolderInUse
from kg.schema import DomainSchema

SMALL = SyntheticSettings(users=300, items=120, entities=40, relations=2, facts_per_item=4, events_per_user=8, seed=7)


@pytest.fixture(scope="module")
def domain() -> SyntheticDomain:
    return generate(SyntheticSettings(users=4_000, items=2_000, entities=600, events_per_user=25, seed=3))


def facts_of_users(domain: SyntheticDomain) -> sp.csr_array:
    """How many of a user's items have an entity, [n_users, n_entities]."""
    events = domain.events
    history = sp.csr_array(
        (np.ones(len(events.users)), (events.users, events.items)), shape=(domain.settings.users, domain.settings.items)
    )
    return history @ domain.fact_matrix()


def share_of_preferred(domain: SyntheticDomain, preferences: np.ndarray) -> float:
    """Mean share of a user's items that have an entity of the given preferences [n_users, likes]."""
    events = domain.events
    n_entities = domain.settings.entities
    wanted = np.zeros((domain.settings.users, n_entities), dtype=bool)
    np.put_along_axis(wanted, preferences, True, axis=1)
    facts = domain.fact_matrix()
    met = np.asarray((facts[events.items].multiply(wanted[events.users])).sum(axis=1)).ravel() > 0
    return float(met.mean())


def test_users_items_share_what_they_prefer(domain: SyntheticDomain) -> None:
    own = share_of_preferred(domain, domain.preferences)
    others = share_of_preferred(domain, np.random.default_rng(0).permutation(domain.preferences, axis=0))
    assert own > 0.5
    assert own > 3 * others


def test_preferences_can_be_recovered_from_the_graph(domain: SyntheticDomain) -> None:
    counts = facts_of_users(domain).toarray()
    busy = np.bincount(domain.events.users, minlength=domain.settings.users) >= 15
    # What a user has of an entity beyond what its size explains, in standard deviations of a Poisson count.
    expected = counts.sum(axis=1, keepdims=True) * (counts.sum(axis=0) / counts.sum())
    lift = (counts - expected) / np.sqrt(expected + 1)
    guessed = np.argsort(-lift, axis=1)[:, : domain.settings.likes]
    hits = np.array([np.isin(guess, liked).mean() for guess, liked in zip(guessed, domain.preferences, strict=True)])
    by_chance = domain.settings.likes / domain.settings.entities
    assert hits[busy].mean() > 0.5 > 50 * by_chance


def test_without_strength_nothing_is_planted() -> None:
    plain = generate(SyntheticSettings(users=2_000, items=1_000, entities=300, strength=0.0, seed=3))
    assert not plain.events.planted.any()
    own = share_of_preferred(plain, plain.preferences)
    others = share_of_preferred(plain, np.random.default_rng(0).permutation(plain.preferences, axis=0))
    assert own == pytest.approx(others, rel=0.15)


def test_activity_follows_its_power_law() -> None:
    domain = generate(SyntheticSettings(users=20_000, items=20_000, entities=5_000, events_per_user=15, seed=5))
    degrees = np.bincount(domain.events.users)
    assert degrees.mean() == pytest.approx(15, rel=0.2)
    tail = degrees[degrees >= 20]
    # Hill's estimator of the exponent (Hill 1975), half a unit below the first count because counts are whole.
    exponent = 1 + len(tail) / np.log(tail / 19.5).sum()
    assert exponent == pytest.approx(domain.settings.activity_exponent, abs=0.25)


@pytest.mark.parametrize("of", ["items", "entities"])
def test_items_and_entities_have_heavy_tails(domain: SyntheticDomain, of: str) -> None:
    counts = domain.events.items if of == "items" else domain.fact_matrix().indices
    degrees = np.sort(np.bincount(counts))[::-1].astype(float)
    top = degrees[: len(degrees) // 100].sum() / degrees.sum()
    assert top > 0.1
    # A straight line in the doubly logarithmic plot of degree against rank, falling as Zipf's law does.
    ranks = np.arange(1, len(degrees) // 4)
    slope, start = np.polyfit(np.log(ranks), np.log(degrees[: len(ranks)]), 1)
    fitted = start + slope * np.log(ranks)
    assert -1.3 < slope < -0.4
    assert 1 - np.var(np.log(degrees[: len(ranks)]) - fitted) / np.var(np.log(degrees[: len(ranks)])) > 0.95


def test_an_index_says_nothing_of_popularity(domain: SyntheticDomain) -> None:
    degrees = np.bincount(domain.events.items, minlength=domain.settings.items)
    assert abs(np.corrcoef(np.arange(len(degrees)), np.log1p(degrees))[0, 1]) < 0.1


def test_the_same_settings_are_the_same_domain() -> None:
    one, two, other = generate(SMALL), generate(SMALL), generate(SyntheticSettings(users=300, items=120, seed=8))
    assert np.array_equal(one.events.items, two.events.items)
    assert np.array_equal(one.events.times, two.events.times)
    assert np.array_equal(one.preferences, two.preferences)
    assert len(one.events.items) != len(other.events.items) or not np.array_equal(one.events.items, other.events.items)


@settings(max_examples=30, deadline=None)
@given(
    users=st.integers(1, 60),
    items=st.integers(1, 60),
    relations=st.integers(1, 8),
    likes=st.integers(1, 5),
    strength=st.floats(0, 1),
    seed=st.integers(0, 2**31),
    data=st.data(),
)
def test_any_settings_give_a_sound_domain(
    users: int, items: int, relations: int, likes: int, strength: float, seed: int, data: st.DataObject
) -> None:
    wanted = SyntheticSettings(
        users=users,
        items=items,
        entities=data.draw(st.integers(relations, 3 * relations + 20)),
        relations=relations,
        facts_per_item=relations * data.draw(st.floats(1, 3)),
        events_per_user=data.draw(st.floats(1, 30)),
        likes=likes,
        strength=strength,
        seed=seed,
    )
    domain = generate(wanted)
    events = domain.events
    assert set(events.users.tolist()) == set(range(users))
    assert events.items.min() >= 0
    assert events.items.max() < items
    assert len({*zip(events.users.tolist(), events.items.tolist(), strict=True)}) == len(events.users)
    assert set(events.ratings[events.planted].tolist()) <= {4, 5}
    for at, facts in enumerate(domain.facts):
        assert set(facts.items.tolist()) == set(range(items))
        assert facts.entities.max() < len(domain.entity_ids(at))
    assert domain.preferences.shape == (users, likes)
    # What was drawn through a preference has a preferred entity.
    has = domain.fact_matrix().toarray() > 0
    for user, item in zip(events.users[events.planted], events.items[events.planted], strict=True):
        assert has[item, domain.preferences[user]].any()


@pytest.mark.parametrize("format", ["parquet", "tsv"])
def test_the_files_hold_the_domain_in_memory(tmp_path: Path, format: str) -> None:
    report = write(tmp_path, SMALL, format="parquet" if format == "parquet" else "tsv")
    domain = generate(SMALL)

    def read(name: str) -> dict[str, list]:
        path = tmp_path / f"{name}.{format}"
        if format == "parquet":
            return pyarrow.parquet.read_table(path).to_pydict()
        return pyarrow.csv.read_csv(path, parse_options=pyarrow.csv.ParseOptions(delimiter="\t")).to_pydict()

    events = read("events")
    assert events["user"] == [domain.user_ids[at] for at in domain.events.users]
    assert events["item"] == [domain.item_ids[at] for at in domain.events.items]
    assert events["rating"] == domain.events.ratings.tolist()
    assert events["time"] == domain.events.times.tolist()
    assert read("items")["key"] == domain.item_ids == sorted(domain.item_ids)
    assert read("users")["key"] == domain.user_ids == sorted(domain.user_ids)
    for at, (kind, name) in enumerate(zip(SMALL.entity_kinds, SMALL.relation_names, strict=True)):
        facts = read(name)
        assert facts["item"] == [domain.item_ids[i] for i in domain.facts[at].items]
        assert facts[kind] == [domain.entity_ids(at)[e] for e in domain.facts[at].entities]
        assert read(kind)["key"] == domain.entity_ids(at)
    assert report.events == len(events["user"])
    assert report.triples == sum(len(facts.items) for facts in domain.facts)


def test_the_description_names_every_file(tmp_path: Path) -> None:
    report = write(tmp_path, SMALL)
    schema = DomainSchema.read(report.domain)
    assert schema.item_kinds == ("item",)
    assert set(schema.relation_kinds) == {"has_maker", "has_topic"}
    named = {source.file for part in (schema.nodes, schema.relations, schema.interactions) for kind in part.values()
             for source in kind.source}  # fmt: skip
    assert named == {path.name for path in tmp_path.iterdir()} - {"domain.yaml"}


def test_large_domains_come_in_chunks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(generation, "CHUNK_EVENTS", 500)
    monkeypatch.setattr(generation, "CHUNK_ITEMS", 50)
    recipe = generation.Recipe(SMALL)
    chunks = [events for _, events in recipe.behaviour()]
    assert len(chunks) > 3
    assert max(len(chunk.users) for chunk in chunks) < 1_500
    assert max(int(facts.items.max() - facts.items.min()) for facts in recipe.facts()) < 50
    users = np.concatenate([chunk.users for chunk in chunks])
    assert np.array_equal(users, np.sort(users))
    assert write(tmp_path, SMALL).events == len(users)


def test_interactions_are_the_positive_events() -> None:
    domain = generate(SMALL)
    interactions = domain.interactions()
    assert len(interactions) == (domain.events.ratings >= 4).sum()
    assert interactions.n_users == SMALL.users
    assert interactions.weights is not None
    assert interactions.weights.min() >= 4


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "domain.yaml").write_text("name: mine\n")
    with pytest.raises(FolderInUse, match="nothing was written"):
        write(tmp_path, SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["domain.yaml"]


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'parquet' or 'tsv'"):
        write(tmp_path, SMALL, format="csv")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"users": 0}, "users is 0"),
        ({"entities": 2}, "too few for 3 relations"),
        ({"facts_per_item": 2}, "every relation gives at least one"),
        ({"events_per_user": 0.5}, "events_per_user is"),
        ({"strength": 1.5}, "between 0 and 1"),
        ({"activity_exponent": 2.0}, "mean is infinite"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SyntheticSettings(**wrong)
