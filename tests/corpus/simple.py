"""Shapes of one event file beside the plain table of items: what is looked at is the event file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.corpus.render import BASIC, PLAIN, Ids, basic_items, basic_rows, table, writes
from tests.corpus.shape import Either, Events, Expected, Nodes, Refusal, Shape


def with_items(
    name: str,
    about: str,
    file: str,
    content: Callable[[], str | bytes],
    *sources: Events,
    ids: Ids = PLAIN,
    nodes: tuple[Nodes, ...] = (),
    either: tuple[Either, ...] = (),
    unread: Mapping[str, tuple[str, ...]] | None = None,
    refuse: Refusal | None = None,
    encoding: str = "utf-8",
    headerless: bool = False,
) -> Shape:
    """A planted shape: `file` with the events, and `items.csv` with the columns of `BASIC`."""
    return Shape(
        name,
        about,
        writes(lambda: {"items.csv": table(BASIC, basic_rows(ids)).encode(encoding), file: content()}),
        ("items.csv", file),
        Expected(
            events=sources,
            nodes=(basic_items(ids=ids), *nodes),
            either=either,
            unread=unread or {},
            refuse=refuse,
            taste=ids.taste(),
        ),
        planted=True,
        encoding=encoding,
        headerless=(file,) if headerless else (),
    )
