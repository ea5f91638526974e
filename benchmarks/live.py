"""What a running engine's lists cost while everything around them changes: eight threads ask for lists, first with
nothing else going on, then while another process loads 100,000 rows with 2,000 new texts, events are recorded, the new
texts are encoded and the model is swapped for another.

Latencies are those of closed loops, in milliseconds; the ratio of the two p99 is what counts. Every answer is checked:
no error, k items, and scores that come from one of the models."""

from __future__ import annotations

import csv
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.commands import WHYPATH
from benchmarks.records import Record, options_of, parser_of, run_script
from whypath import Engine
from whypath.cli.console import remark

EXAMPLES = """\
examples:
  python -m benchmarks.live --json benchmarks/results/live.json
  python -m benchmarks.live --seconds 5 --rows 20000 --texts 200 --events 200
"""

_DOMAIN = """\
name: shop
nodes:
  item: {role: item, source: items.csv, key: id, label: title, links: {tag: tag}}
  tag: {}
  user: {role: user}
interactions:
  bought: {source: events.csv, columns: {user: user, item: item, time: time}}
"""
_WORDS = ("red", "blue", "quiet", "wooden", "night", "river", "garden", "stone", "paper", "light", "winter", "road")
_TAGS = 200
_K = 10


@dataclass
class Asking:
    """What the threads saw: seconds of each list, and errors."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def milliseconds(self, percentile: float) -> float:
        return 1000 * float(np.percentile(self.seconds, percentile))


def write_domain(folder: Path, n_items: int, n_users: int, n_events: int, seed: int) -> None:
    """A shop whose users have a taste for some tags. With the same seed a larger shop has the smaller one's items."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "domain.yaml").write_text(_DOMAIN)
    draw = random.Random(seed)
    tags = [draw.randrange(_TAGS) for _ in range(n_items)]
    titles = [" ".join(draw.choices(_WORDS, k=8)) for _ in range(n_items)]
    with (folder / "items.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "title", "tag"])
        rows.writerows([f"i{item}", f"{titles[item]} {item}", f"t{tags[item]}"] for item in range(n_items))
    of_tag: dict[int, list[int]] = {}
    everything = list(range(n_items))
    for item, tag in enumerate(tags):
        of_tag.setdefault(tag, []).append(item)
    with (folder / "events.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["user", "item", "time"])
        for event in range(n_events):
            user = event % n_users
            tag = (7 * user + draw.randrange(3)) % _TAGS
            liked = of_tag.get(tag, everything) if draw.random() < 0.8 else everything
            rows.writerow([f"u{user}", f"i{draw.choice(liked)}", 1_600_000_000 + event])


@contextmanager
def asking(engine: Engine, threads: int, users: int) -> Iterator[Asking]:
    """Threads that ask for lists, one after the other each, until the block ends."""
    seen = Asking()
    over = threading.Event()

    def ask(number: int) -> None:
        draw = random.Random(number)
        while not over.is_set():
            user = f"u{draw.randrange(users)}"
            started = time.perf_counter()
            try:
                listed = engine.recommend(user, k=_K)
            except Exception as error:
                seen.errors.append(f"{type(error).__name__}: {error}")
                continue
            seen.seconds.append(time.perf_counter() - started)
            if len(listed) != _K or len({item.item for item in listed}) != _K:
                seen.errors.append(f"{len(listed)} items: {listed.note}")

    workers = [threading.Thread(target=ask, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield seen
    finally:
        over.set()
        for worker in workers:
            worker.join()


def wait_for(what: str, condition: Callable[[], bool], patience: float = 600.0) -> None:
    until = time.monotonic() + patience
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError(f"{what}: not within {patience:.0f} seconds")
        time.sleep(0.05)
    remark(f"   {what}")


def main() -> int:
    """Measure, keep, print."""
    parser = parser_of(__doc__)
    parser.epilog = EXAMPLES
    parser.add_argument("--threads", type=int, default=8, metavar="N", help="that ask for lists (default 8)")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S", help="with nothing else on (default 20)")
    parser.add_argument("--rows", type=int, default=100_000, metavar="N", help="of the load (default 100,000)")
    parser.add_argument("--texts", type=int, default=2_000, metavar="N", help="new ones in the load (default 2,000)")
    parser.add_argument("--events", type=int, default=1_000, metavar="N", help="recorded meanwhile (default 1,000)")
    arguments = parser.parse_args()
    record = Record.begun("live", options_of(arguments), arguments.json)
    folder = arguments.work / "live"
    shutil.rmtree(folder, ignore_errors=True)
    n_items, n_users = 2 * arguments.texts, max(arguments.rows // 50, 10)
    n_events = arguments.rows - n_items - arguments.texts
    write_domain(folder / "domain", n_items, n_users, n_events // 2, seed=1)
    store = ["--store", str(folder / "store")]
    for command in (
        ["load", str(folder / "domain" / "domain.yaml"), *store],
        ["train", *store, "--bundle", str(folder / "full"), "--seed", "1"],
        ["train", *store, "--bundle", str(folder / "other"), "--seed", "1", "--only", "ease"],
    ):
        remark(f"== whypath {command[0]}")
        subprocess.run([*WHYPATH, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    write_domain(folder / "domain", n_items + arguments.texts, n_users, n_events, seed=1)

    with Engine.open(folder / "store", folder / "full") as engine:
        engine.recommend("u0")
        remark("== lists, with nothing else going on")
        with asking(engine, arguments.threads, n_users) as alone:
            time.sleep(arguments.seconds)
        remark("== lists during a load, new texts, events and a swap")
        started = time.monotonic()
        with asking(engine, arguments.threads, n_users) as busy:
            load = subprocess.Popen(
                [*WHYPATH, "load", str(folder / "domain" / "domain.yaml"), *store],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            recorder = threading.Thread(target=_record, args=(engine, arguments.events, n_items, busy))
            recorder.start()
            wait_for("loaded by the other process", lambda: load.poll() == 0)
            wait_for("the new items are served", lambda: engine.graph.n_items == n_items + arguments.texts)
            wait_for("their texts are encoded", lambda: "without text" not in engine.recommend("u0").note)
            engine.swap(folder / "other")
            remark("   swapped")
            recorder.join()
        took = time.monotonic() - started
        events = sum(engine.recommend(f"new{number}").history for number in range(_NEWCOMERS))

    errors = [*alone.errors, *busy.errors]
    ratio = busy.milliseconds(99) / alone.milliseconds(99)
    for name, seen, seconds in (("alone", alone, arguments.seconds), ("busy", busy, took)):
        record.add(
            {
                "what": name,
                "lists": len(seen.seconds),
                "lists_per_second": round(len(seen.seconds) / seconds, 1),
                "p50_ms": round(seen.milliseconds(50), 2),
                "p99_ms": round(seen.milliseconds(99), 2),
                "max_ms": round(seen.milliseconds(100), 1),
                "errors": len(seen.errors),
            }
        )
    record.add({"what": "ratio of p99", "ratio": round(ratio, 2), "events_served": events})
    heads = ["lists", "number", "a second", "p50, ms", "p99, ms", "longest, ms", "errors"]
    record.show("Lists of eight threads", heads, [[str(value) for value in row.values()] for row in record.rows[:2]])
    remark(f"ratio of p99: {ratio:.2f}; {events:,} recorded events served", *errors[:5])
    return 1 if errors else 0


_NEWCOMERS = 50


def _record(engine: Engine, events: int, n_items: int, seen: Asking) -> None:
    """Record events of some new users, one at a time, and look for each in the very next answer."""
    counts = [0] * _NEWCOMERS
    for number in range(events):
        user = number % _NEWCOMERS
        engine.record(engine.event(f"new{user}", f"i{(number * 37) % n_items}"))
        counts[user] += 1
        if engine.recommend(f"new{user}").history != counts[user]:
            seen.errors.append(f"event {number} is not in the next answer")
        time.sleep(0.01)


if __name__ == "__main__":
    run_script(main)
