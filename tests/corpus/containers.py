"""Files that are no text tables: workbooks, archives, JSON arrays, Parquet."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq

from tests.corpus.planted import WORLD
from tests.corpus.render import (
    BASIC,
    PLAIN,
    Ids,
    basic_items,
    basic_rows,
    category,
    events,
    items,
    maker,
    no_weight,
    table,
    tags,
    writes,
    year,
)
from tests.corpus.shape import Expected, Refusal, Shape

_ACTS = WORLD.acts


_LIKES = WORLD.likes


_HEADER = ("user_id", "item_id", "rating", "timestamp")


def _rows() -> list[tuple[object, ...]]:
    return [(a.user, a.item, a.rating, a.time) for a in _ACTS]


def _archive(files: Sequence[tuple[str, str]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, (2021, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def _letters(column: int) -> str:
    return chr(ord("A") + column)


def _cell(value: object, place: str) -> str:
    if isinstance(value, date):
        # Style 1 is a date; without it a reader sees a bare number.
        return f'<c r="{place}" s="1"><v>{value.toordinal() - 693_594}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


def _sheet(rows: Iterable[Sequence[object]]) -> str:
    found = "".join(
        f'<row r="{n}">' + "".join(_cell(v, f"{_letters(c)}{n}") for c, v in enumerate(row)) + "</row>"
        for n, row in enumerate(rows, 1)
    )
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{space}"><sheetData>{found}</sheetData></worksheet>'
    )


def _workbook(sheets: Sequence[tuple[str, Sequence[Sequence[object]]]]) -> bytes:
    """An .xlsx file of the least parts that spreadsheets and openpyxl read."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    numbers = range(1, len(sheets) + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>' for n in numbers
    )
    overrides += f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>'
    listed = "".join(f'<sheet name="{escape(sheets[n - 1][0])}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
    linked = "".join(
        f'<Relationship Id="rId{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    linked += f'<Relationship Id="rId{len(sheets) + 1}" Type="{office}/styles" Target="styles.xml"/>'
    parts = [
        (
            "[Content_Types].xml",
            f'{head}<Types xmlns="{package}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>{overrides}</Types>',
        ),
        (
            "_rels/.rels",
            f'{head}<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
            f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        ),
        ("xl/workbook.xml", f'{head}<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{listed}</sheets></workbook>'),
        (
            "xl/_rels/workbook.xml.rels",
            f'{head}<Relationships xmlns="{package}/relationships">{linked}</Relationships>',
        ),
        (
            "xl/styles.xml",
            f'{head}<styleSheet xmlns="{main}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
            '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
            '<cellXfs count="2"><xf/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
        ),
        *((f"xl/worksheets/sheet{n}.xml", _sheet(sheets[n - 1][1])) for n in numbers),
    ]
    return _archive(parts)


def _parquet(columns: dict[str, pa.Array]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def _moments(unit: str, zone: str | None) -> pa.Array:
    found = [datetime.fromtimestamp(a.time, UTC) for a in _ACTS]
    return pa.array(found if zone else [m.replace(tzinfo=None) for m in found], pa.timestamp(unit, zone))


EXCEL = Shape(
    "workbook-of-two-sheets",
    "An .xlsx with the sheets Items and Ratings; dates are serial days in the style of dates.",
    writes(
        lambda: {
            "shop.xlsx": _workbook(
                [
                    ("Items", [BASIC, *[(f"A{row[0]}", *row[1:]) for row in basic_rows()]]),
                    (
                        "Ratings",
                        [
                            ("Customer", "Item", "Stars", "Date"),
                            *[
                                (f"K{a.user}", f"A{a.item}", a.rating, datetime.fromtimestamp(a.time, UTC).date())
                                for a in _ACTS
                            ],
                        ],
                    ),
                ]
            )
        }
    ),
    ("shop.xlsx",),
    Expected(
        events=(
            events(
                "shop.xlsx",
                user="Customer",
                item="Item",
                weight="Stars",
                time="Date",
                ids=Ids(lambda u: f"K{u}", lambda i: f"A{i}"),
                when=lambda t: t - t % 86_400,
            ),
        ),
        nodes=(basic_items("shop.xlsx", Ids(item=lambda i: f"A{i}")),),
        refuse=Refusal(r"xlsx|Excel|workbook|spreadsheet"),
        taste=Ids(lambda u: f"K{u}", lambda i: f"A{i}").taste(),
    ),
    planted=True,
)


ZIP = Shape(
    "zip-of-tables",
    "A .zip of two tables in a folder, with a text for the reader.",
    writes(
        lambda: {
            "ml.zip": _archive(
                [
                    ("ml/README.txt", "Made up for this corpus.\n"),
                    ("ml/items.csv", table(BASIC, basic_rows())),
                    ("ml/ratings.csv", table(_HEADER, _rows())),
                ]
            )
        }
    ),
    ("ml.zip",),
    Expected(
        events=(events("ml.zip", user="user_id", item="item_id", weight="rating", time="timestamp"),),
        nodes=(basic_items("ml.zip"),),
        refuse=Refusal("zip|unpack|archive"),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


JSON_ARRAY = Shape(
    "json-arrays",
    "Two .json files with one array of objects each.",
    writes(
        lambda: {
            "items.json": json.dumps([dict(zip(BASIC, row, strict=True)) for row in basic_rows()], indent=1),
            "ratings.json": json.dumps([dict(zip(_HEADER, row, strict=True)) for row in _rows()]),
        }
    ),
    ("items.json", "ratings.json"),
    Expected(
        events=(events("ratings.json", user="user_id", item="item_id", weight="rating", time="timestamp"),),
        nodes=(basic_items("items.json"),),
        refuse=Refusal(r"\.json|JSON"),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


JSON_LINES_NAMED_JSON = Shape(
    "json-lines-called-json",
    "JSON Lines in files that end in .json.",
    writes(
        lambda: {
            "items.json": "".join(json.dumps(dict(zip(BASIC, row, strict=True))) + "\n" for row in basic_rows()),
            "ratings.json": "".join(json.dumps(dict(zip(_HEADER, row, strict=True))) + "\n" for row in _rows()),
        }
    ),
    ("items.json", "ratings.json"),
    Expected(
        events=(events("ratings.json", user="user_id", item="item_id", weight="rating", time="timestamp"),),
        nodes=(basic_items("items.json"),),
        taste=PLAIN.taste(),
    ),
    planted=True,
)


PARQUET = Shape(
    "typed-parquet",
    "Parquet with typed times in UTC, lists of texts, whole numbers and a dictionary column.",
    writes(
        lambda: {
            "events.parquet": _parquet(
                {
                    "user_id": pa.array([a.user for a in _ACTS], pa.int64()),
                    "item_id": pa.array([a.item for a in _ACTS], pa.int32()),
                    "score": pa.array([a.rating for a in _ACTS], pa.float32()),
                    "at": _moments("us", "UTC"),
                }
            ),
            "items.parquet": _parquet(
                {
                    "item_id": pa.array([i.number for i in WORLD.items], pa.int64()),
                    "title": pa.array([i.label for i in WORLD.items]),
                    "category": pa.array([i.category for i in WORLD.items]).dictionary_encode(),
                    "tags": pa.array([list(i.tags) for i in WORLD.items], pa.list_(pa.string())),
                    "year": pa.array([i.year for i in WORLD.items], pa.int16()),
                    "embedding": pa.array([[0.25, i.price] for i in WORLD.items], pa.list_(pa.float32())),
                }
            ),
        }
    ),
    ("events.parquet", "items.parquet"),
    Expected(
        events=(events("events.parquet", user="user_id", item="item_id", weight="score", time="at"),),
        nodes=(
            items(
                "items.parquet",
                key="item_id",
                label="title",
                fields={"year": year},
                facts={"category": category, "tags": tags},
            ),
        ),
        unread={"items.parquet": ("embedding",)},
        taste=PLAIN.taste(),
    ),
    planted=True,
)


PARQUET_FLOATS = Shape(
    "parquet-with-float-ids",
    "A data frame with gaps made floats of ids; truth values are typed, and the index is a column.",
    writes(
        lambda: {
            "likes.parquet": _parquet(
                {
                    "uid": pa.array([float(a.user) for a in _ACTS] + [None]),
                    "iid": pa.array([float(a.item) for a in _ACTS] + [3.0]),
                    "liked": pa.array([a.liked for a in _ACTS] + [True]),
                    "__index_level_0__": pa.array(range(len(_ACTS) + 1)),
                }
            ),
            "things.csv": table(("iid", "thing", "maker"), ((i.number, i.label, i.maker) for i in WORLD.items)),
        }
    ),
    ("likes.parquet", "things.csv"),
    Expected(
        events=(
            events("likes.parquet", user="uid", item="iid", kind="liked", weigh=no_weight, counts=(390, len(_LIKES))),
        ),
        nodes=(items("things.csv", key="iid", label="thing", facts={"maker": maker}),),
        unread={"likes.parquet": ("__index_level_0__",)},
        taste=PLAIN.taste(),
    ),
    planted=True,
)


SHAPES = (
    EXCEL,
    ZIP,
    JSON_ARRAY,
    JSON_LINES_NAMED_JSON,
    PARQUET,
    PARQUET_FLOATS,
)
