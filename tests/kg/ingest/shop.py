"""A shop's files on disk, to be spoilt by tests in one place each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kg.ingest import LoadReport, load_domain
from kg.stores import GraphStore

DOMAIN = """
name: shop
nodes:
  film:
    role: item
    source: films.csv
    key: id
    label: title
    text: [title, about]
    fields: {year: integer, price: number, seen: {type: date, format: "%d/%m/%Y"}, stock: boolean}
    links: {studio: {target: studio, relation: made_by, label: made by}}
    lists: {cast: {target: person, relation: stars, separator: "|"}}
  studio: {source: studios.tsv, key: id, label: name}
  person: {}
  user: {role: user, source: users.csv, key: id, fields: {age: {type: integer, sensitive: true}}}
relations:
  sequel: {source: sequels.tsv, head: film, tail: film, columns: {head: first, tail: second}, label: followed by}
interactions:
  rated:
    source: ratings.csv
    columns: {user: user, item: film, weight: stars, time: at, id: nr}
    positive: {min_weight: 4}
"""

FILES = {
    "films.csv": (
        "id,title,about,year,price,seen,stock,studio,cast\n"
        '1,Heat,"Cops, robbers",1995,9.5,15/12/1995,yes,s1,Al Pacino|Robert De Niro\n'
        "2,Ronin,NULL,1998,NULL,,no,s2,Robert De Niro\n"
        "3,Up,,2009,3,,1,,\n"
    ),
    "studios.tsv": "id\tname\ns1\tWarner\ns2\tUnited \"Artists\"\n",
    "users.csv": "id,age\nann,33\nbob,NA\n",
    "sequels.tsv": "first\tsecond\n1\t2\n",
    "ratings.csv": (
        "nr,user,film,stars,at\n"
        "r1,ann,1,5,100\nr2,ann,2,2,2020-01-02T03:04:05Z\nr3,bob,1,4,\nr4,bob,3,,300\n"
    ),
}  # fmt: skip


def write_shop(folder: Path, **changes: str | bytes) -> Path:
    """Write the shop's files; `changes` by table name (`films`) replace a file's content. Returns the domain's path."""
    (folder / "domain.yaml").write_text(DOMAIN)
    for name, content in FILES.items():
        changed = changes.get(name.split(".")[0], content)
        (folder / name).write_bytes(changed.encode() if isinstance(changed, str) else changed)
    return folder / "domain.yaml"


def with_row(table: str, *rows: str) -> str:
    """A table's content with rows at its end."""
    name = next(n for n in FILES if n.startswith(table))
    return FILES[name] + "".join(f"{row}\n" for row in rows)


def load_shop(folder: Path, store: GraphStore, changes: dict[str, Any] | None = None, **options: Any) -> LoadReport:
    """Write the shop and load it."""
    return load_domain(write_shop(folder, **(changes or {})), store, **options)
