"""Text tables with faults that people do not see: ragged rows, stray quotes, doubled names, broken bytes."""

from __future__ import annotations

from collections.abc import Callable

from tests.corpus.planted import WORLD
from tests.corpus.render import BASIC, PLAIN, Contents, basic_items, basic_rows, events, items, plain, table, writes
from tests.corpus.shape import Either, Expected, Nodes, Refusal, Shape

_ACTS = WORLD.acts
_HEADER = ("user_id", "item_id", "rating", "timestamp")
_EVENTS = events("ratings.csv", user="user_id", item="item_id", weight="rating", time="timestamp")


def _rows() -> list[tuple[object, ...]]:
    return [(a.user, a.item, a.rating, a.time) for a in _ACTS]


def _faulty(
    name: str,
    about: str,
    contents: Callable[[], Contents],
    *,
    nodes: Nodes | None = None,
    encoding: str = "utf-8",
    refuse: str | None = None,
    either: tuple[Either, ...] = (),
    not_values: tuple[str, ...] = (),
) -> Shape:
    return Shape(
        f"faulty-{name}",
        about,
        writes(contents),
        ("items.csv", "ratings.csv"),
        Expected(
            events=(_EVENTS,),
            nodes=(nodes or basic_items(),),
            refuse=Refusal(refuse) if refuse else None,
            either=either,
            not_values=not_values,
            taste=PLAIN.taste(),
        ),
        planted=True,
        encoding=encoding,
    )


def _ragged() -> Contents:
    lines = table(_HEADER, _rows()).splitlines(keepends=True)
    return {
        "items.csv": table(BASIC, basic_rows()),
        "ratings.csv": "".join([*lines[:40], "7,8\n", "1,2,3,4,5,6\n", *lines[40:]]),
    }


def _unquoted_commas() -> Contents:
    rows = [*basic_rows(), (90, "Salt, Sea and Sky", "Reef", "Nell Abbot", 1999, 4.5)]
    return {"items.csv": plain(rows, ",", header=BASIC), "ratings.csv": table(_HEADER, _rows())}


def _stray_quotes() -> Contents:
    rows = [(key, f'{label} 12"' if key in (5, 17) else label, *rest) for key, label, *rest in basic_rows()]
    return {"items.csv": plain(rows, ",", header=BASIC), "ratings.csv": table(_HEADER, _rows())}


def _double_names() -> Contents:
    header = ("item_id", "title", "category", "title", "year")
    rows = [(i.number, i.label, i.category, i.label, i.year) for i in WORLD.items]
    return {"items.csv": table(header, rows), "ratings.csv": table(_HEADER, _rows())}


def _broken_bytes() -> Contents:
    head = b"item_id,title,category,maker,year,price\n"
    broken = b"91,Broken \xc3 Byte,Reef,Nell Abbot,1999,4.50\n"
    rest = table(None, basic_rows()).encode()
    return {"items.csv": head + rest + broken, "ratings.csv": table(_HEADER, _rows())}


def _line_breaks() -> Contents:
    rows = [(*row, f"First line of {row[1]},\nsecond line.") for row in basic_rows()]
    return {"items.csv": table((*BASIC, "description"), rows), "ratings.csv": table(_HEADER, _rows())}


_NOTHING = ("N/A", "null", "-", "unknown", "None", "nan")


def _placeholders() -> Contents:
    words = _NOTHING
    rows = [
        (*row[:3], row[3] if n % 6 else words[n // 6 % 6], row[4] if n % 5 else words[n // 5 % 6], row[5])
        for n, row in enumerate(basic_rows(), 1)
    ]
    return {"items.csv": table(BASIC, rows), "ratings.csv": table(_HEADER, _rows())}


def _html() -> Contents:
    rows = [(*row, f"<p>A &amp; B: <b>{row[1]}</b></p>") for row in basic_rows()]
    return {"items.csv": table((*BASIC, "body_html"), rows), "ratings.csv": table(_HEADER, _rows())}


_TITLED = items("items.csv", key="item_id", label="title")

SHAPES = (
    _faulty("ragged-rows", "Two rows have too few and too many cells; the others are good.", _ragged),
    _faulty(
        "commas-without-quotes",
        "One title has a comma and no quotation marks, so its row has a cell too many.",
        _unquoted_commas,
        nodes=items("items.csv", key="item_id", label="title", counts=(36, 37)),
    ),
    _faulty("inch-marks", 'Two titles end in 12", which opens no quotation.', _stray_quotes, nodes=_TITLED),
    _faulty(
        "column-twice",
        "Two columns are called title.",
        _double_names,
        nodes=_TITLED,
        refuse="title.*(twice|two|repeated|duplicate|double)",
    ),
    _faulty(
        "broken-byte",
        "One row has half a character of UTF-8; the file is UTF-8 all the same.",
        _broken_bytes,
        nodes=items("items.csv", key="item_id", label="title", counts=(36, 37)),
        encoding="latin-1",
    ),
    _faulty(
        "line-breaks-in-cells",
        "Descriptions go over two lines, with a comma at the end of the first.",
        _line_breaks,
        nodes=items("items.csv", key="item_id", label="title", text=("description",)),
    ),
    _faulty(
        "words-for-nothing",
        "N/A, null, -, unknown, None and nan where a maker or a year is missing: none of them is a maker.",
        _placeholders,
        nodes=items("items.csv", key="item_id", label="title"),
        either=(Either("items.csv", "year", ("field", "unread")),),
        not_values=_NOTHING,
    ),
    _faulty(
        "html-in-cells",
        "Texts with tags and entities of HTML.",
        _html,
        nodes=items("items.csv", key="item_id", label="title"),
        either=(Either("items.csv", "body_html", ("text", "unread")),),
    ),
)
