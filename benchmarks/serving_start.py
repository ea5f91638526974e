"""What it takes to start serving: commands from the shell, opening an engine in Python, memory of a serving process.

Over a store and a bundle that are there (`whypath demo` makes both). Every row is of processes of their own, one after
the other: the least and the median of their times, the least CPU time of a whole process, and the most memory that any
of them held, in 10^6 bytes. The bars are for an idle machine; `load` says how busy this one was."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

from benchmarks.commands import WHYPATH
from benchmarks.records import Record, run_script
from benchmarks.running import run
from whypath import Engine

EXAMPLES = """\
examples:
  python -m benchmarks.serving_start --store whypath-demo/store --bundle whypath-demo/bundle
  python -m benchmarks.serving_start --store whypath-demo/store --bundle whypath-demo/bundle --rounds 15 \\
      --json benchmarks/results/serving_start.json
"""

BARS: dict[str, tuple[float | None, float | None]] = {
    "whypath --help": (0.5, None),
    "whypath recommend": (1.2, None),
    "whypath explain": (1.2, None),
    "import whypath, Engine.open": (0.6, None),
    "serving process": (None, 250.0),
}
"""Seconds and 10^6 bytes that each row should stay under."""

OPEN = """
import json, sys, time
start = time.perf_counter()
from whypath import Engine
engine = Engine.open(sys.argv[1], sys.argv[2])
seconds = time.perf_counter() - start
for user in sys.argv[4:]:
    best = engine.recommend(user, 10)
    engine.explain(user, best[0].item)
    engine.similar(best[0].item)
status = dict(line.split(":", 1) for line in open("/proc/self/status")) if sys.platform == "linux" else {}
memory = int(status["VmRSS"].split()[0]) * 1024 / 1e6 if status else None
print(json.dumps({"seconds": seconds, "memory_mb": memory}))
"""
"""Opens an engine, answers some users, and says how long opening took and what it holds in the end."""


def main() -> int:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", required=True, help="a folder or a URL")
    parser.add_argument("--bundle", required=True, help="a trained bundle")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="processes for each row (default 7)")
    parser.add_argument("--users", type=int, default=50, metavar="N", help="answered by the serving process")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the record here")
    arguments = parser.parse_args()
    with Engine.open(arguments.store, arguments.bundle) as engine:
        users = engine.graph.interactions().user_ids[: arguments.users]
        item = engine.recommend(users[0], 1)[0].item
    model = ["--store", arguments.store, "--bundle", arguments.bundle]
    python = [sys.executable, "-c", OPEN, arguments.store, arguments.bundle, "--"]
    commands = {
        "whypath --help": [*WHYPATH, "--help"],
        "whypath recommend": [*WHYPATH, "recommend", *model, "--user", users[0]],
        "whypath explain": [*WHYPATH, "explain", *model, "--user", users[0], "--item", item],
        "import whypath, Engine.open": python,
        "serving process": [*python, *users],
    }
    record = Record.begun("serving_start", {"rounds": arguments.rounds, "users": len(users)}, arguments.json)
    record.summary["load"] = [round(load, 1) for load in os.getloadavg()]
    for name, command in commands.items():
        taken, held, worked = [], [], []
        for _ in range(arguments.rounds):
            done = run(command, tell=lambda line: None)
            said = json.loads(done.output) if command[: len(python)] == python else {}
            taken.append(said.get("seconds") or done.seconds)
            worked.append(done.cpu_seconds)
            held.append(said.get("memory_mb") or done.peak_mb)
        seconds, memory = BARS[name]
        record.add(
            {
                "what": name,
                "least_seconds": min(taken),
                "median_seconds": statistics.median(taken),
                "least_cpu_seconds": min(worked),
                "memory_mb": max(held),
                "bar_seconds": seconds,
                "bar_mb": memory,
            }
        )
    columns = ("what", "least s", "median s", "CPU s", "memory MB", "bar")
    rows = [
        [
            row["what"],
            f"{row['least_seconds']:.2f}",
            f"{row['median_seconds']:.2f}",
            f"{row['least_cpu_seconds']:.2f}",
            f"{row['memory_mb']:.0f}",
            f"{row['bar_seconds']} s" if row["bar_seconds"] else f"{row['bar_mb']:.0f} MB",
        ]
        for row in record.rows
    ]
    record.show(f"Starting to serve, {arguments.rounds} processes each", columns, rows)
    return 0


if __name__ == "__main__":
    run_script(main)
