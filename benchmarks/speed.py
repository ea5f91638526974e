"""Measure time and memory of loading, training by stage, and recommending, beside two peers in the same run.

By default on the demo domain with its own random split; `--synthetic USERS ITEMS` makes a domain of that size instead.
Each step is a separate process, peers and WhyPath in turn, --repeats times; figures are medians. Times depend on the
machine, ratios to the peers less so. The peers do less: implicit's ALS and EASE in plain numpy are one block each,
without graph, text, gates or a store."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.commands import WHYPATH, Workspace
from benchmarks.records import Record, options_of, parser_of, run_script
from benchmarks.running import Measured, Stage, run
from fusion.splits import split_random
from kg.opening import open_store
from whypath.cli.console import remark
from whypath.io.split_files import write_split

EXAMPLES = """\
examples:
  python -m benchmarks.speed --json benchmarks/results/speed.json
  python -m benchmarks.speed --synthetic 20000 5000 --repeats 1 --work benchmarks/out/synthetic
"""

PEERS = ("ials", "ease")
PEER_NAMES = {"ials": "implicit's ALS", "ease": "EASE in numpy"}


@dataclass
class Runs:
    """Measurements of one step over the repeats, by the name of the figure."""

    figures: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **figures: float) -> None:
        for name, value in figures.items():
            self.figures.setdefault(name, []).append(value)

    def add_process(self, took: Measured) -> None:
        self.add(process_seconds=took.seconds, process_cpu_seconds=took.cpu_seconds, peak_mb=took.peak_mb)

    def median(self, name: str) -> float:
        return median(self.figures[name])

    def to_json(self) -> dict[str, Any]:
        """Medians, and their single values."""
        return {name: {"median": median(values), "runs": values} for name, values in self.figures.items()}


class Measurement:
    """Runs all steps once per repeat, in the same order, and collects the figures."""

    def __init__(self, space: Workspace, train: Path, seed: int) -> None:
        self._space = space
        self._train = train
        self._seed = seed
        self.things: dict[str, Runs] = {}
        self.stages: dict[str, Runs] = {}

    def once(self) -> None:
        """One repeat."""
        space, bundle = self._space, self._space.folder / "bundles" / "speed"
        bundle.parent.mkdir(parents=True, exist_ok=True)
        store = ["--store", str(space.store)]
        with tempfile.TemporaryDirectory(dir=space.folder) as scratch:
            self._load(Path(scratch) / "store")
            peers = {name: self._work(name) for name in PEERS}
            remark("== whypath train")
            command = [*WHYPATH, "train", *store, "--train", str(self._train), "--seed", str(self._seed)]
            took = run([*command, "--bundle", str(bundle), "--force"], tell=remark)
            self._of("whypath train").add_process(took)
            self._stages(self._work("train", *store, "--text-cache", str(Path(scratch) / "texts")))
            own = self._work("recommend", *store, "--bundle", str(bundle))
        for name, took in {**peers, "recommend": own}.items():
            told = json.loads(took.output)
            found = self._of(name)
            found.add_process(took)
            found.add(users_a_second=told["users"] / told["all_users"])
            found.add(**{key: told[key] for key in ("fit", "open", "single_p50", "single_p99") if key in told})

    def _load(self, store: Path) -> None:
        remark("== whypath load")
        load = [*WHYPATH, "load", str(self._space.domain), "--store", str(store), "--json"]
        for name in ("whypath load", "whypath load, again"):
            took = run(load, tell=lambda _: None)
            report = json.loads(took.output)
            rows = sum(sum(report[part].values()) for part in ("nodes", "edges", "events"))
            found = self._of(name)
            found.add_process(took)
            found.add(rows=rows, rows_a_second=rows / report["seconds"])

    def _work(self, name: str, *more: str) -> Measured:
        remark(f"== {name}")
        # implicit runs its own threads and asks for a single-threaded BLAS.
        env = {"OPENBLAS_NUM_THREADS": "1"} if name == "ials" else None
        command = [sys.executable, "-m", "benchmarks.speed_workers", name, "--train", str(self._train)]
        return run([*command, "--seed", str(self._seed), *more], tell=lambda _: None, env=env)

    def _stages(self, took: Measured) -> None:
        """Sum over a stage's parts: a block is fitted once per fold, and once on all data if it has weight."""
        parts: dict[str, list[Stage]] = {}
        for stage in took.stages:
            parts.setdefault(stage.name, []).append(stage)
        for name, found in parts.items():
            runs = self.stages.setdefault(name, Runs())
            runs.add(seconds=sum(stage.seconds for stage in found), parts=len(found))
            peaks = [stage.peak_mb for stage in found if stage.peak_mb is not None]
            if peaks:
                runs.add(peak_mb=max(peaks))

    def _of(self, name: str) -> Runs:
        return self.things.setdefault(name, Runs())

    def ratios(self) -> dict[str, float]:
        """WhyPath against the peers; over 1 is slower or larger."""
        own, train = self.things["recommend"], self.things["whypath train"]
        found = {}
        for name in PEERS:
            peer, label = self.things[name], PEER_NAMES[name]
            if name in self.stages:
                stage = self.stages[name]
                one_fit = stage.median("seconds") / stage.median("parts")
                found[f"fitting the block {name} once / {label}"] = one_fit / peer.median("fit")
            found[f"whypath train / the whole process of {label}"] = train.median("process_seconds") / peer.median(
                "process_seconds"
            )
            found[f"memory of whypath train / {label}"] = train.median("peak_mb") / peer.median("peak_mb")
            found[f"time to recommend to all users / {label}"] = peer.median("users_a_second") / own.median(
                "users_a_second"
            )
        return found


def prepare(space: Workspace, synthetic: list[int] | None, wheels: Path | None, seed: int) -> Path:
    """The domain in the store, and its train part as a file."""
    if synthetic is None:
        space.prepare(wheels)
    else:
        from kg.datasets.synthetic import SyntheticSettings, write

        users, items = synthetic
        if not space.domain.exists():
            settings = SyntheticSettings(users=users, items=items, entities=max(50, items // 3))
            write(space.domain.parent, settings, progress=remark)
        run([*WHYPATH, "load", str(space.domain), "--store", str(space.store), "--replace"], tell=remark)
    graph = open_store(str(space.store)).snapshot()
    write_split(split_random(graph.interactions(), seed=seed), graph, space.folder / "split")
    return space.folder / "split" / "train.tsv"


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--synthetic", nargs=2, type=int, metavar=("USERS", "ITEMS"), help="not the demo domain; needs another --work"
    )
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="default 3")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of split and training (default 1)")
    arguments = parser.parse_args()
    space = Workspace(arguments.work, remark)
    train = prepare(space, arguments.synthetic, arguments.wheels, arguments.seed)
    record = Record.begun("speed", options_of(arguments), arguments.json)
    measured = Measurement(space, train, arguments.seed)
    for repeat in range(arguments.repeats):
        remark(f"== repeat {repeat + 1} of {arguments.repeats}")
        measured.once()
    for name, found in measured.things.items():
        record.add({"what": name, **found.to_json()})
    for name, found in measured.stages.items():
        record.add({"stage": name, **found.to_json()})
    record.summary = {"ratios": measured.ratios()}
    record.write()
    show(record, measured)
    return 0


def show(record: Record, measured: Measurement) -> None:
    """Print the tables."""
    rows = []
    for name, found in measured.things.items():
        figures = found.figures
        rate = next((key for key in ("rows_a_second", "users_a_second") if key in figures), None)
        cells = [
            f"{found.median('process_seconds'):.1f}",
            f"{found.median('process_cpu_seconds'):.1f}",
            f"{found.median('peak_mb'):.0f}",
            "" if "fit" not in figures else f"{found.median('fit'):.2f}",
            "" if rate is None else f"{found.median(rate):,.0f} {rate.partition('_')[0]}/s",
            "" if "single_p50" not in figures else f"{1000 * found.median('single_p50'):.1f} ms",
        ]
        rows.append([PEER_NAMES.get(name, name), *cells])
    columns = ("process", "wall s", "CPU s", "peak MB", "fit s", "rate", "one user (median)")
    record.show("Whole processes, medians", columns, rows)
    stages = [
        [
            name,
            f"{found.median('parts'):.0f}",
            f"{found.median('seconds'):.2f}",
            f"{found.median('peak_mb'):.0f}" if "peak_mb" in found.figures else "",
        ]
        for name, found in measured.stages.items()
    ]
    record.show("Stages of training", ("stage", "times", "wall s, all together", "process MB at most"), stages)
    ratios = [[name, f"{ratio:.2f}"] for name, ratio in measured.ratios().items()]
    record.show("WhyPath against peers in the same run", ("what", "ratio"), ratios)


if __name__ == "__main__":
    run_script(main)
