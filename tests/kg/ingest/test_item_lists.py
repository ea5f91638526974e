"""Events of rows with several items in a cell: histories, baskets, a user and all items in a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kg.ingest import load_domain
from kg.schema import DomainSchema, SchemaError
from kg.sources.guess import guess_domain
from kg.stores import GraphStore


def described(source: object, several: dict[str, str], **columns: str) -> DomainSchema:
    return DomainSchema.from_mapping(
        {
            "name": "shop",
            "nodes": {"item": {"role": "item", "source": "items.csv", "key": "id"}, "user": {"role": "user"}},
            "interactions": {
                "buy": {"source": source, "columns": {"user": "user", "item": "items", **columns}, "several": several}
            },
        },
        "the shop",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "items.csv").write_text("id\na\nb\nc\n")
    return tmp_path


def pairs(store: GraphStore) -> list[tuple[str, str, float]]:
    (table,) = store.snapshot().events
    users, items = store.snapshot().nodes("user").keys, store.snapshot().nodes("item").keys
    rows = zip(table.users.tolist(), table.items.tolist(), table.times.tolist(), strict=True)
    return sorted((users[u], items[i], time) for u, i, time in rows)


@pytest.mark.parametrize(
    ("cells", "several"),
    [
        (("a b", "c", "zz a"), {"separator": " "}),
        (("['a', 'b']", "['c']", "['zz', 'a']"), {"syntax": "python"}),
        (("a|b|a", "c", "zz|a"), {"separator": "|"}),
    ],
)
def test_each_item_in_a_cell_is_an_event(
    folder: Path, store: GraphStore, cells: tuple[str, ...], several: dict[str, str]
) -> None:
    rows = "".join(f'u{at},"{cell}",{at + 10}\n' for at, cell in enumerate(cells))
    (folder / "e.csv").write_text(f"user,items,at\n{rows}u9,,5\n")
    report = load_domain(described("e.csv", several, time="at"), store, folder=folder)
    assert pairs(store) == [("u0", "a", 10.0), ("u0", "b", 10.0), ("u1", "c", 11.0), ("u2", "a", 12.0)]
    # An item that is not there costs its own event, an empty cell the row.
    (source,) = [each for each in report.sources if each.source == "e.csv"]
    assert (source.used, source.bad, source.values_left) == (3, 1, 1)


def test_typed_lists(folder: Path, store: GraphStore) -> None:
    (folder / "e.jsonl").write_text(
        "".join(json.dumps({"user": u, "items": list(v)}) + "\n" for u, v in (("u", "ab"),))
    )
    load_domain(described("e.jsonl", {}), store, folder=folder)
    assert [pair[:2] for pair in pairs(store)] == [("u", "a"), ("u", "b")]


def test_a_line_of_a_user_and_all_items_is_guessed(tmp_path: Path, store: GraphStore) -> None:
    lines = [f"{user} {' '.join(str(100 + (user + at) % 9) for at in range(3 + user % 4))}" for user in range(12)]
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n")
    guess = guess_domain([tmp_path / "train.txt"], tmp_path)
    report = load_domain(guess.schema, store, folder=tmp_path)
    assert (report.n_bad, report.events.new) == (0, sum(len(line.split()) - 1 for line in lines))


def test_what_does_not_fit_is_refused(folder: Path) -> None:
    with pytest.raises(SchemaError, match="whose rows have no `id`"):
        described("e.csv", {}, id="nr")
    with pytest.raises(SchemaError, match="`rest` is for a table without a header"):
        described({"file": "e.csv", "rest": True}, {})
