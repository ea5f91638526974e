"""From files to lists without an edit: in data with planted groups, what a user's own group likes comes first."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from kg.ingest import load_domain
from kg.opening import open_store
from kg.sources.guess import guess_domain
from tests.corpus import SHAPES
from tests.corpus.shape import Shape
from whypath import Engine

NAMES = (
    "rating-star-glyphs", "rating-spanish-words", "plus-and-minus-one", "emoji-thumbs", "shelves", "percent",
    "likes-and-dislikes-in-two-files", "behaviour-codes-no-header", "vote-types-by-number", "atomic-files",
    "time-unix-nanoseconds-float", "time-twitter", "ids-excel-formula-texts", "list-pipes", "list-numpy",
    "text-pandas-index", "parquet-with-structs", "language-german", "language-chinese-orders", "check-ins",
    "movielens-with-tags-and-links", "hotel-bookings", "rdf-turtle",
)  # fmt: skip

FIRST = 4
"""Items of its own group that every user has not had yet."""


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape.name in NAMES], ids=lambda shape: shape.name)
def test_the_users_own_group_comes_first(shape: Shape, tmp_path: Path) -> None:
    shape.write(tmp_path)
    guess = guess_domain([tmp_path / name for name in shape.inputs], tmp_path)
    with closing(open_store(tmp_path / "store", create=True)) as store:
        load_domain(guess.schema, store, folder=tmp_path)
    taste = shape.expected.taste
    assert taste is not None
    with Engine.open(tmp_path / "store") as engine:
        engine.train(text=False)
        for user, group in taste.users.items():
            listed = [item.item for item in engine.recommend(user, FIRST).items]
            assert [taste.items.get(item) for item in listed] == [group] * FIRST, (user, listed)


def test_the_shapes_are_there() -> None:
    assert {shape.name for shape in SHAPES if shape.expected.taste} >= set(NAMES)
