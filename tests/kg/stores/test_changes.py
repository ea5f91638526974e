"""Notes of changed rows: what several generations have changed together, and when that is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from kg.stores.changes import ChangedRows, joined

ONE = ChangedRows.of_nodes([("film", "a")])
TWO = ChangedRows(edges=frozenset({("has_genre", "a", "crime")}))


def test_the_changes_of_several_generations_are_one_set() -> None:
    notes = [(2, 5, ONE.to_json()), (3, 7, TWO.to_json()), (3, 8, ONE.to_json())]
    assert joined(notes, 1, 3) == (ONE | TWO, 5)
    assert joined(notes, 2, 3) == (ONE | TWO, 7)


@pytest.mark.parametrize(
    "note",
    [
        (3, 7, None),
        (3, 7, "{"),
        (3, 7, "[[1], [], []]"),
        (3, 7, 5),
        (3, None, TWO.to_json()),
        (4, 7, TWO.to_json()),
    ],
)
def test_changes_are_unknown_without_a_sound_note_of_each_generation(note: Any) -> None:
    assert joined([(2, 5, ONE.to_json()), note], 1, 3) is None
