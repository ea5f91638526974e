"""Write a split as files `train.tsv`, `valid.tsv`, `test.tsv`, in the caller's ids, for use by the commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fusion.splits import Split
from kg.durable import file_written_whole
from kg.graph import KnowledgeGraph
from kg.interactions import Interactions
from kg.tsv_cells import tsv_cell


def write_split(split: Split, graph: KnowledgeGraph, folder: Path) -> None:
    """Write the three files into a folder, which is made if needed; each appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in (("train", split.train), ("valid", split.valid), ("test", split.test)):
        with file_written_whole(folder / f"{name}.tsv") as file:
            file.write(_text(part, graph).encode())


def _text(part: Interactions, graph: KnowledgeGraph) -> str:
    """Yield lines `user item time` under a header, by user, time and item."""
    cells = [tsv_cell(user) for user in part.user_ids]
    items = graph.item_ids.take(part.items).to_list()
    times = np.full(len(part), np.nan) if part.times is None else part.times
    lines = ["user\titem\ttime\n"]
    for row in np.lexsort((part.items, times, part.users)).tolist():
        time = "" if np.isnan(times[row]) else f"{times[row]:.15g}"
        lines.append(f"{cells[int(part.users[row])]}\t{tsv_cell(items[row])}\t{time}\n")
    return "".join(lines)
