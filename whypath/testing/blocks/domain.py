"""A small film domain for encoder tests: catalogues in any order, with any items, over one set of facts and texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from encoders.block import Block, Catalogue, TrainingData
from kg.graph import KnowledgeGraph
from kg.histories import Histories
from kg.rows import EdgeRow, NodeRow
from kg.schema import DomainSchema

N_ITEMS = 24
N_USERS = 40
N_PEOPLE = 6
DIMENSIONS = 12

SCHEMA = DomainSchema.from_mapping(
    {
        "nodes": {
            "film": {"role": "item", "source": "films.csv", "key": "id"},
            "person": {"role": "entity", "source": "people.csv", "key": "id"},
            "user": {"role": "user"},
        },
        "relations": {"director": {"head": "film", "tail": "person", "source": "directors.csv"}},
        "interactions": {"rated": {"source": "ratings.csv", "columns": {"user": "user", "item": "film"}}},
    }
)


def histories(seed: int = 0, n_users: int = N_USERS, n_items: int = N_ITEMS) -> Histories:
    """Histories in which items of one director (i mod N_PEOPLE) go together; some items have no user at all."""
    rng = np.random.default_rng(seed)
    taste = rng.integers(0, N_PEOPLE, n_users)
    liked = rng.random((n_users, n_items)) < np.where(taste[:, None] == np.arange(n_items) % N_PEOPLE, 0.7, 0.12)
    liked[:, -2:] = False
    return histories_of(liked)


def histories_of(table: NDArray[np.floating | np.bool_]) -> Histories:
    """An event for each number other than zero of a table [n_users, n_items]."""
    return Histories.of_matrix(sp.csr_array(table.astype(np.float32)))


def without_items(given: Histories, items: Sequence[int] | NDArray[np.integer]) -> Histories:
    """The histories as if no user had these items."""
    return given.keep(~np.isin(given.items, items))


def training() -> TrainingData:
    """`histories` over the catalogue of all items in their own order."""
    return TrainingData(histories(), catalogue(range(N_ITEMS)))


def catalogue(names: Sequence[int], fitted: Sequence[int] = range(N_ITEMS)) -> Catalogue:
    """A catalogue whose item at index p is the domain's item `names[p]`, bound to a block fitted on `fitted`.

    Facts and text vectors follow the item, whatever its index; item numbers from N_ITEMS on are new films.
    """
    keys = [f"{place:03d}" for place in range(len(names))]
    nodes = [NodeRow("film", key, f"Film {name}", f"Film {name}") for key, name in zip(keys, names, strict=True)]
    nodes += [NodeRow("person", f"p{person}", f"Person {person}") for person in range(N_PEOPLE)]
    edges = [EdgeRow("director", key, f"p{name % N_PEOPLE}") for key, name in zip(keys, names, strict=True)]
    places = {name: place for place, name in enumerate(fitted)}
    trained = np.array([places.get(name, -1) for name in names], dtype=np.int32)
    return Catalogue(KnowledgeGraph.from_rows(SCHEMA, nodes, edges), trained, {"text": text_vectors(names)})


def text_vectors(names: Sequence[int]) -> NDArray[np.float32]:
    """Unit vectors [len(names), DIMENSIONS]: the director's direction and noise of the item's own."""
    centres = np.random.default_rng(5).normal(size=(N_PEOPLE, DIMENSIONS))
    rows = [
        centres[name % N_PEOPLE] + 0.3 * np.random.default_rng(100 + name).normal(size=DIMENSIONS) for name in names
    ]
    vectors = np.array(rows, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def moved(given: Histories, names: Sequence[int]) -> Histories:
    """Histories of the fitted catalogue in the indices of `catalogue(names)`; new items have no events."""
    dense = given.matrix().toarray()
    known = [dense[:, name] if name < dense.shape[1] else np.zeros(len(dense), np.float32) for name in names]
    return histories_of(np.stack(known, axis=1))


def bound(block: Block, over: Catalogue) -> Block:
    """The same learned parameters over another catalogue."""
    return type(block).from_state(block.state(), over)
