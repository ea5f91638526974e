"""Compare the settings that training chooses without being asked with those of `--tune`, block by block, on valid.

A block is measured on the valid part of a data set (`benchmarks.quality_data`), the given one or, for sets with times,
each user's last event but one, under three settings: its defaults, those that steps from the defaults choose, and those
of a search of `--trials` trials. A block without `--tune` shall lie within 3 % of the searched one on every set. Test
parts are not read. All values are nDCG@10; CPU seconds are of all fits and evaluations of a choice, on one thread."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from benchmarks.quality_data import SETS, SHARED, Loaded, load, prepare
from benchmarks.quality_protocols import ONLY, PROTOCOLS, part_of, protocols_of
from benchmarks.records import Record, options_of, parser_of, run_script
from encoders.block import Input
from fusion.evaluation import evaluate
from fusion.registry import ENCODERS
from fusion.selection import MEASURE
from fusion.settings import FusionSettings
from fusion.training import Fitting
from whypath.cli.console import remark

BLOCKS = ("ease", "ials", "rp3beta", "transitions", "factease")
"""Blocks whose fits are cheap."""


def measured(loaded: Loaded, protocol: str, block: str, trials: int, seed: int) -> dict[str, Any]:
    """A block's values on valid, its settings that are not the defaults, and seconds."""
    part = part_of(loaded, protocol, 0, seed)
    assert part.valid is not None
    assert part.choice is not None
    asked = FusionSettings(blocks=(block,), protocol="next" if part.is_next else "random")
    steps = Fitting(loaded.graph, part.learn, part.valid, asked=asked, seed=seed, progress=remark)
    search = replace(steps, asked=asked.model_copy(update={"tune": trials}))
    defaults = replace(steps, chosen=steps.asked.model_copy(update={"protocol": steps.protocol.value}))
    row: dict[str, Any] = {}
    for name, fitting in (("defaults", defaults), ("steps", steps), ("search", search)):
        began = time.process_time()
        settings = fitting.settings.block.of(block)
        row[f"{name}_seconds"] = time.process_time() - began
        row[f"{name}_settings"] = _changed(settings)
        ranker = fitting.model().bind(loaded.graph)
        row[name] = evaluate(ranker, part.choice.tasks[ONLY], name=name, ks=(10,)).mean(MEASURE)
    return row


def _changed(settings: BaseModel) -> dict[str, Any]:
    return {name: value for name, value in settings if value != type(settings).model_fields[name].default}


def _fits(block: str, loaded: Loaded, protocol: str) -> bool:
    encoder = ENCODERS[block]
    lacking = {Input.GRAPH} if not loaded.data.has_graph else set[Input]()
    if protocol == "given":
        lacking.add(Input.TIMES)
    return not encoder.needs & lacking and loaded.graph.n_items <= (encoder.max_items or loaded.graph.n_items)


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), metavar="SET", help="default: all")
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=["given", "last-out"], metavar="P")
    parser.add_argument("--blocks", nargs="+", choices=BLOCKS, default=list(BLOCKS), metavar="BLOCK")
    parser.add_argument("--trials", type=int, default=20, metavar="N", help="of the search (default 20)")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--shared", type=Path, default=SHARED, metavar="DIR", help="given sets (default ../shared)")
    parser.add_argument("--resume", action="store_true", help="keep the rows of --json")
    arguments = parser.parse_args()
    work = arguments.work / "quality"
    record = Record.begun("tuning", options_of(arguments), arguments.json, resume=arguments.resume)
    for name in arguments.sets:
        prepare(SETS[name], work, arguments.shared, remark, arguments.wheels)
        loaded = load(SETS[name], work, arguments.shared)
        for protocol in (protocol for protocol in arguments.protocols if protocol in protocols_of(loaded.data)):
            for block in (block for block in arguments.blocks if _fits(block, loaded, protocol)):
                if record.find(set=name, protocol=protocol, block=block) is None:
                    found = measured(loaded, protocol, block, arguments.trials, arguments.seed)
                    record.add({"set": name, "protocol": protocol, "block": block, **found})
    columns = (
        "set, block",
        "defaults",
        "steps",
        "search",
        "steps below search",
        "s",
        "search s",
        "settings of the search",
    )
    record.show(f"{MEASURE} on valid", columns, [_cells(row) for row in record.rows])
    return 0


def _cells(row: dict[str, Any]) -> list[str]:
    return [
        f"{row['set']}, {row['protocol']}, {row['block']}",
        *(f"{row[name]:.4f}" for name in ("defaults", "steps", "search")),
        f"{100 * (1 - row['steps'] / row['search']):.1f} %",
        *(f"{row[f'{name}_seconds']:.0f}" for name in ("steps", "search")),
        ", ".join(f"{name} {value:.4g}" for name, value in row["search_settings"].items()) or "defaults",
    ]


if __name__ == "__main__":
    run_script(main)
