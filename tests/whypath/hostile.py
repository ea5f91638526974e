"""A small domain whose ids, labels and files' names do what they can to a terminal and to files of lists."""

from __future__ import annotations

import csv
import random
from pathlib import Path

NASTY = [
    "\x1b]0;owned\x07\x1b[2Jansi", "../../../etc/passwd", "\u202egnp.exe", "a\nb", "tab\there", "=1+1", "\u200bzero",
    "\r\x1b[1Aover", "\x9b31mC1", "[red]markup[/red]", "[/red]", ":smile:", "\\u0060`", '"quoted', 'x "y"', '\\"json"',
    "a\u2028b", "del\x7f", "tag\U000e0041", "\ufeffmark", "\ufffe", "_x001B_", "😀e\u0301", "-k", "007", "&<>", " lead",
]  # fmt: skip
USERS = ["\x1b[31mred\x1b[0m", "user\nline", "\u202eresu", "us\ter", "u\rs", '"']
FILE = "i\x1b[1mt\u202eems.csv"

_DOMAIN = """
name: "na\\x1b[31msty"
nodes:
  item:
    role: item
    source: "i\\x1b[1mt\\u202eems.csv"
    key: id
    label: title
    text: [title, descr]
    fields: {price: number, note: text}
    lists:
      tags: {relation: has_tag, target: tag, separator: ","}
    links:
      maker: {relation: made_by, target: maker}
  tag: {}
  maker: {}
  user: {role: user, source: users.csv, key: id, label: id}
interactions:
  buy:
    source: events.csv
    columns: {user: user, item: item, weight: weight, time: time}
    positive: {min_weight: 3}
    label: "bou\\x1bght"
"""


def write_hostile_domain(folder: Path) -> Path:
    """Write it; returns the description's path. Some rows are bad."""
    folder.mkdir()
    draw = random.Random(3)
    items = [*NASTY, *(f"i{number}" for number in range(20))]
    users = [*USERS, *(f"u{number}" for number in range(30))]
    rows = [
        [item, item, f"text {item}", number, item, f"t{number % 5},\x1btag", f"m{number % 4}\x9b"]
        for number, item in enumerate(items)
    ]
    rows.append(["bad\x1b[0m", "bad", "", "no\x1bnumber", "", "", ""])
    _write(folder / FILE, ["id", "title", "descr", "price", "note", "tags", "maker"], rows)
    _write(folder / "users.csv", ["id"], [[user] for user in users])
    events = [
        [user, item, draw.randint(1, 5), 10**9 + draw.randint(0, 10**8)]
        for user in users
        for item in draw.sample(items, 12)
    ]
    _write(folder / "events.csv", ["user", "item", "weight", "time"], [*events, ["u1", "no\x1bsuch", 5, 1]])
    description = folder / "domain.yaml"
    description.write_text(_DOMAIN, encoding="utf-8")
    return description


def _write(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
