"""How text tables are written: separators, encodings, line ends, headers that are none, rows that do not belong."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from tests.corpus.planted import WORLD
from tests.corpus.render import (
    BASIC,
    PLAIN,
    Contents,
    Ids,
    at,
    basic_items,
    basic_rows,
    events,
    items,
    plain,
    table,
    tags,
    users,
    writes,
)
from tests.corpus.shape import Either, Events, Expected, Nodes, Refusal, Shape

_ACTS = WORLD.acts
_HEADER = ("user_id", "item_id", "rating", "timestamp")


def _rows() -> list[tuple[object, ...]]:
    return [(a.user, a.item, a.rating, a.time) for a in _ACTS]


def _source(file: str) -> Events:
    return events(file, user="user_id", item="item_id", weight="rating", time="timestamp")


def _written(
    name: str,
    about: str,
    contents: Callable[[], Contents],
    files: tuple[str, str],
    *,
    encoding: str = "utf-8",
    refuse: str | None = None,
    nodes: tuple[Nodes, ...] | None = None,
    source: Events | None = None,
    unread: dict[str, tuple[str, ...]] | None = None,
    either: tuple[Either, ...] = (),
) -> Shape:
    """Items and ratings in two files, written in some way."""
    return Shape(
        f"text-{name}",
        about,
        writes(contents),
        files,
        Expected(
            events=(source or _source(files[1]),),
            nodes=nodes if nodes is not None else (basic_items(files[0]),),
            unread=unread or {},
            either=either,
            refuse=Refusal(refuse) if refuse else None,
            taste=PLAIN.taste(),
        ),
        planted=True,
        encoding=encoding,
    )


def _separated(name: str, about: str, separator: str, suffix: str, end: str = "\n", refuse: str | None = None) -> Shape:
    return _written(
        name,
        about,
        lambda: {
            f"items{suffix}": table(BASIC, basic_rows(), separator, end=end),
            f"ratings{suffix}": table(_HEADER, _rows(), separator, end=end),
        },
        (f"items{suffix}", f"ratings{suffix}"),
        refuse=refuse,
    )


def _encoded(name: str, about: str, encoding: str, *, accents: str = "é", refuse: str | None = None) -> Shape:
    def basic() -> str:
        rows = [(key, f"{label} {accents}", *rest) for key, label, *rest in basic_rows()]
        return table(BASIC, rows)

    return _written(
        name,
        about,
        lambda: {"items.csv": basic().encode(encoding), "ratings.csv": table(_HEADER, _rows()).encode(encoding)},
        ("items.csv", "ratings.csv"),
        encoding=encoding,
        refuse=refuse,
        nodes=(items("items.csv", key="item_id", label="title", name=lambda i: f"{i.label} {accents}"),),
    )


def _with(change: Callable[[str], str]) -> Callable[[], Contents]:
    """Both tables, the ratings' text changed."""
    return lambda: {"items.csv": table(BASIC, basic_rows()), "ratings.csv": change(table(_HEADER, _rows()))}


_TWO = ("items.csv", "ratings.csv")


def _indexed() -> Contents:
    return {
        "items.csv": table(("", *BASIC), ((n, *row) for n, row in enumerate(basic_rows()))),
        "ratings.csv": table(("Unnamed: 0", *_HEADER), ((n, *row) for n, row in enumerate(_rows()))),
    }


def _trailing(text: str) -> str:
    return "".join(line + ",\n" for line in text.splitlines())


def _repeated_header(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(line + (lines[0] if n % 100 == 99 else "") for n, line in enumerate(lines))


MOVIELENS_1M = Shape(
    "text-double-colons-no-header",
    "MovieLens-1M: `::` between cells, no header, Latin-1, genres behind pipes, coded age and occupation.",
    writes(
        lambda: {
            "movies.dat": plain(
                ((i.number, f"{i.label}, à la carte ({i.year})", "|".join(i.tags)) for i in WORLD.items), "::"
            ).encode("latin-1"),
            "ratings.dat": plain(_rows(), "::"),
            "users.dat": plain(
                (
                    (u.number, "FM"[u.number % 2], u.age // 10 * 10 + 5, u.number % 20, f"{u.number * 977:05d}")
                    for u in WORLD.users
                ),
                "::",
            ),
        }
    ),
    ("movies.dat", "ratings.dat", "users.dat"),
    Expected(
        events=(events("ratings.dat", user="#1", item="#2", weight="#3", time="#4"),),
        nodes=(
            items(
                "movies.dat",
                key="#1",
                label="#2",
                name=lambda i: f"{i.label}, à la carte ({i.year})",
                facts={"#3": tags},
            ),
            users("users.dat", key="#1"),
        ),
        taste=PLAIN.taste(),
    ),
    planted=True,
    encoding="latin-1",
    headerless=("movies.dat", "ratings.dat", "users.dat"),
)

NO_HEADER = Shape(
    "text-no-header",
    "User, item, stars, unix time without a header; the table of items has one.",
    writes(lambda: {"items.csv": table(BASIC, basic_rows()), "u1.csv": table(None, _rows())}),
    ("items.csv", "u1.csv"),
    Expected(
        events=(events("u1.csv", user="#1", item="#2", weight="#3", time="#4"),),
        nodes=(basic_items(),),
        taste=PLAIN.taste(),
    ),
    planted=True,
    headerless=("u1.csv",),
)

_PREFIXED = Ids(lambda u: f"A{u:04d}")

ITEM_FIRST = Shape(
    "text-no-header-item-first",
    "Without a header, the item before the user, as Amazon's ratings-only files are: ids tell which is which.",
    writes(
        lambda: {
            "items.csv": table(BASIC, basic_rows()),
            "ratings_Home.csv": table(None, ((a.item, f"A{a.user:04d}", float(a.rating), a.time) for a in _ACTS)),
        }
    ),
    ("items.csv", "ratings_Home.csv"),
    Expected(
        events=(
            events(
                "ratings_Home.csv",
                user="#2",
                item="#1",
                weight="#3",
                time="#4",
                ids=_PREFIXED,
            ),
        ),
        nodes=(basic_items(),),
        taste=_PREFIXED.taste(),
    ),
    planted=True,
    headerless=("ratings_Home.csv",),
)

SHAPES = (
    _separated("semicolons", "Semicolons in a .csv.", ";", ".csv"),
    _separated("tabs-in-csv", "Tabs in a .csv.", "\t", ".csv"),
    _separated("pipes", "Pipes in a .txt.", "|", ".txt"),
    _separated("tabs", "A .tsv.", "\t", ".tsv"),
    _separated(
        "carriage-returns",
        "CR alone ends lines, as old Macs wrote.",
        ",",
        ".csv",
        "\r",
        refuse=r"\\r|carriage|lines? end",
    ),
    _separated("crlf", "CR LF ends lines.", ",", ".csv", "\r\n"),
    _encoded("bom", "A byte order mark before the header.", "utf-8-sig"),
    _encoded("latin-1", "Latin-1.", "latin-1"),
    _encoded("windows-1252", "Windows-1252 with curly quotation marks and a euro sign.", "cp1252", accents="“5 €”"),
    _encoded("utf-16", "UTF-16 with its mark, as Excel's 'Unicode text'.", "utf-16", refuse="UTF-16|encoding"),
    _encoded("gb18030", "GB18030.", "gb18030", accents="雨夜", refuse="encoding|UTF-8"),
    _encoded("shift-jis", "Shift JIS.", "shift_jis", accents="東京", refuse="encoding|UTF-8"),
    _encoded("windows-1251", "Windows-1251.", "cp1251", accents="Москва", refuse="encoding|UTF-8"),
    _written(
        "pandas-index",
        "A data frame's index: a nameless column, and one called Unnamed: 0.",
        _indexed,
        _TWO,
        unread={"ratings.csv": ("Unnamed: 0",)},
    ),
    _written("trailing-comma", "A comma at the end of every line, the header's too.", _with(_trailing), _TWO),
    _written(
        "title-above-header",
        "A title and an empty line above the header.",
        _with(lambda t: "Report of ratings,,,\n,,,\n" + t),
        _TWO,
        refuse="title|header|line",
    ),
    _written(
        "total-row",
        "A line with the total at the end, which is no rating.",
        _with(lambda t: t + f"Total,,{sum(a.rating for a in _ACTS)},\n"),
        _TWO,
    ),
    _written(
        "sep-line",
        "`sep=;` in the first line, as Excel reads it.",
        lambda: {
            "items.csv": "sep=;\n" + table(BASIC, basic_rows(), ";"),
            "ratings.csv": "sep=;\n" + table(_HEADER, _rows(), ";"),
        },
        _TWO,
        refuse="sep=",
    ),
    _written(
        "comment-lines",
        "Lines with # above the header.",
        _with(lambda t: "# exported 2021-07-01\n# four columns\n" + t),
        _TWO,
        refuse="comment|#|header|line",
    ),
    _written("header-repeated", "The header stands again after every hundred lines.", _with(_repeated_header), _TWO),
    _written(
        "blank-lines",
        "Blank lines between and at the end.",
        _with(lambda t: t.replace("\n", "\n\n", 5) + "\n\n"),
        _TWO,
    ),
    _written(
        "spaces-around",
        "Blanks around names and cells.",
        lambda: {
            "items.csv": table(BASIC, basic_rows()),
            "ratings.csv": " user_id , item_id , rating , timestamp \n"
            + "".join(f" {a.user} , {a.item} , {a.rating} , {a.time} \n" for a in _ACTS),
        },
        _TWO,
    ),
    _written(
        "all-quoted",
        "Every cell in quotation marks, numbers too.",
        lambda: {
            "items.csv": table(BASIC, basic_rows(), quote_all=True),
            "ratings.csv": table(_HEADER, _rows(), quote_all=True),
        },
        _TWO,
    ),
    _written(
        "gzip",
        "Both files behind gzip.",
        lambda: {
            "items.csv.gz": gzip.compress(table(BASIC, basic_rows()).encode(), mtime=0),
            "ratings.csv.gz": gzip.compress(table(_HEADER, _rows()).encode(), mtime=0),
        },
        ("items.csv.gz", "ratings.csv.gz"),
    ),
    _written(
        "thousands",
        "Prices with a dollar sign, years and counts with separators of thousands.",
        lambda: {
            "items.csv": table(
                ("item_id", "title", "price", "reviews"),
                ((i.number, i.label, f"${i.price:.2f}", f"{i.year * 11:,}") for i in WORLD.items),
            ),
            "ratings.csv": table(_HEADER, _rows()),
        },
        _TWO,
        nodes=(items("items.csv", key="item_id", label="title"),),
        either=(
            Either("items.csv", "price", ("field", "unread")),
            Either("items.csv", "reviews", ("field", "unread")),
        ),
    ),
    _written(
        "blanks-in-log",
        "A log with blanks between cells and quotation marks where a cell has one.",
        lambda: {
            "items.csv": table(BASIC, basic_rows()),
            "ratings.txt": table(
                ("user_id", "item_id", "rating", "at"),
                ((a.user, a.item, a.rating, at(a.time, "%Y-%m-%d %H:%M:%S")) for a in _ACTS),
                " ",
            ),
        },
        ("items.csv", "ratings.txt"),
        source=events("ratings.txt", user="user_id", item="item_id", weight="rating", time="at"),
    ),
    MOVIELENS_1M,
    NO_HEADER,
    ITEM_FIRST,
)
