"""Compare loads with another version of WhyPath: a first load, the same again, and again with a hundredth of the rows
changed. Processor time of the embedded store, versions in turn, ratios of medians.

The other version is a checkout; its code runs with this environment's packages.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

_WORK = """
import json, sys, time
from pathlib import Path
from kg.ingest import load_domain
from kg.opening import open_store
folder = Path(sys.argv[1])
seconds = {}
for name in ("first", "again", "changed"):
    if name == "changed":
        for file in folder.glob("*.later"):
            file.replace(file.with_suffix(""))
    store = open_store(folder / "store", create=True)
    started = time.process_time()
    report = load_domain(folder / "domain.yaml", store)
    seconds[name] = time.process_time() - started
    store.close()
    assert report.n_bad == 0
print(json.dumps(seconds))
"""

_DOMAIN = """
name: shop
nodes:
  item:
    role: item
    source: items.csv
    key: id
    label: title
    fields: {price: number}
    links: {brand: brand}
    lists: {tags: {target: tag, relation: has_tag, separator: "|"}}
  brand: {}
  tag: {}
  user: {role: user}
interactions:
  rating:
    source: ratings.csv
    columns: {user: user, item: item, weight: stars, time: at}
    positive: {min_weight: 4}
"""


def write(folder: Path, items: int, ratings: int, seed: int) -> None:
    """Write a shop's files, and beside them later versions with a hundredth of the rows changed."""
    draw = random.Random(seed)
    (folder / "domain.yaml").write_text(_DOMAIN)
    rows = [
        [n, f"Item {n}", draw.randrange(1, 900) / 10, f"brand {draw.randrange(items // 50)}", _tags(draw)]
        for n in range(items)
    ]
    _table(folder / "items.csv", "id,title,price,brand,tags", rows)
    later = [[*row[:4], _tags(draw)] if draw.random() < 0.01 else row for row in rows]
    _table(folder / "items.csv.later", "id,title,price,brand,tags", later)
    pairs = {(draw.randrange(ratings // 50), int(items * draw.random() ** 2)) for _ in range(ratings)}
    events = [[u, i, draw.randint(1, 5), 1_500_000_000 + draw.randrange(10**8)] for u, i in sorted(pairs)]
    _table(folder / "ratings.csv", "user,item,stars,at", events)
    later = [[*e[:2], draw.randint(1, 5), e[3]] if draw.random() < 0.01 else e for e in events]
    _table(folder / "ratings.csv.later", "user,item,stars,at", later)


def _tags(draw: random.Random) -> str:
    return "|".join(f"tag {draw.randrange(400)}" for _ in range(4))


def _table(path: Path, header: str, rows: Sequence[Sequence[object]]) -> None:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")


def measure(code: Path, items: int, ratings: int) -> dict[str, float]:
    """Seconds of processor time of the three loads with the code of a checkout."""
    with tempfile.TemporaryDirectory() as place:
        write(Path(place), items, ratings, seed=1)
        environment = {**os.environ, "PYTHONPATH": str(code), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", _WORK, place]
        done = subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True, text=True)
        return json.loads(done.stdout)


def main() -> int:
    """Measure both versions in turns and print the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("other", type=Path, help="a checkout of the version to compare with")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--ratings", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here")
    arguments = parser.parse_args()
    own = Path(__file__).resolve().parent.parent
    found: dict[str, list[dict[str, float]]] = {"this": [], "other": []}
    for _ in range(arguments.rounds):
        for name, code in (("other", arguments.other.resolve()), ("this", own)):
            found[name].append(measure(code, arguments.items, arguments.ratings))
    table = Table("load", "this, s", "other, s", "ratio", title="Processor time of loads into the embedded store")
    record: dict[str, object] = {"items": arguments.items, "ratings": arguments.ratings, "rounds": arguments.rounds}
    for load in ("first", "again", "changed"):
        this, other = (statistics.median(each[load] for each in found[name]) for name in ("this", "other"))
        table.add_row(load, f"{this:.2f}", f"{other:.2f}", f"{this / other:.2f}")
        record[load] = {"this": round(this, 3), "other": round(other, 3), "ratio": round(this / other, 3)}
    Console(width=100).print(table)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
