"""Which rows a `where` picks."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg.ingest import load_domain
from kg.schema import DomainSchema
from kg.stores import GraphStore


@pytest.mark.parametrize(
    ("condition", "cells"),
    [
        ({"flag": True}, ["True", "true", "TRUE"]),
        ({"flag": 1}, ["1", "1.0"]),
        ({"flag": 1.0}, ["1", "1.0"]),
        ({"flag": "yes"}, ["yes"]),
    ],
)
def test_a_condition_fits_however_a_program_spells_the_value(
    condition: dict[str, object], cells: list[str], tmp_path: Path, store: GraphStore
) -> None:
    rows = [*cells, "False", "0", "no", ""]
    (tmp_path / "items.csv").write_text("id\na\n")
    (tmp_path / "events.csv").write_text("user,item,flag\n" + "".join(f"u{at},a,{c}\n" for at, c in enumerate(rows)))
    schema = DomainSchema.from_mapping(
        {
            "name": "shop",
            "nodes": {"item": {"role": "item", "source": "items.csv", "key": "id"}, "user": {"role": "user"}},
            "interactions": {
                "buy": {"source": "events.csv", "columns": {"user": "user", "item": "item"}, "where": condition}
            },
        },
        "the shop",
    )
    assert load_domain(schema, store, folder=tmp_path).events.new == len(cells)
