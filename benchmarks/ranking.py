"""The k best of many scores: how `fusion.ranking.top_k` finds what each user's k best reach, against `torch.topk`.

Scores are dense at random, equal but for one in fifty, all equal, or of five different values. Both run in turn in each
round, and their least times are compared; beside them the time of the whole of `top_k`, with the order of ties."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.records import Record, run_script
from fusion.ranking import lower_bounds, top_k

EXAMPLES = """\
examples:
  OMP_NUM_THREADS=1 python -m benchmarks.ranking --json benchmarks/results/ranking.json
"""

K = 10
SHAPES = ((1, 2_000), (1_000, 2_000), (1, 100_000), (1_000, 100_000))
"""Users and candidates."""


def scores_of(kind: str, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Scores of one kind, float32 of this shape."""
    rng = np.random.default_rng(1)
    if kind == "dense":
        return rng.standard_normal(shape, dtype=np.float32)
    if kind == "mostly equal":
        return rng.random(shape, dtype=np.float32) * (rng.random(shape, dtype=np.float32) < 0.02)
    if kind == "five values":
        return rng.integers(0, 5, shape).astype(np.float32)
    return np.ones(shape, np.float32)


def least(functions: list[Callable[[], object]], rounds: int) -> list[float]:
    """Least milliseconds of each, run in turn."""
    taken = [[] for _ in functions]
    for _ in range(rounds):
        for function, times in zip(functions, taken, strict=True):
            start = time.perf_counter()
            function()
            times.append(1000 * (time.perf_counter() - start))
    return [min(times) for times in taken]


def main() -> int:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="of which the least counts (default 7)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the record here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    record = Record.begun("ranking", {"k": K, "rounds": arguments.rounds}, arguments.json)
    for shape in SHAPES:
        keys = np.random.default_rng(2).integers(0, 2**63, shape[1], dtype=np.uint64)
        for kind in ("dense", "mostly equal", "five values", "all equal"):
            scores = scores_of(kind, shape)
            selected, by_torch, whole = least(
                [
                    lambda scores=scores: lower_bounds(scores, K),
                    lambda scores=scores: torch.topk(torch.from_numpy(scores), K, dim=1),
                    lambda scores=scores, keys=keys: top_k(scores, K, tie_break=keys),
                ],
                arguments.rounds,
            )
            record.add(
                {
                    "users": shape[0],
                    "candidates": shape[1],
                    "scores": kind,
                    "select_ms": selected,
                    "torch_ms": by_torch,
                    "ratio": selected / by_torch,
                    "lists_ms": whole,
                }
            )
    rows = [
        [
            row["scores"],
            f"{row['users']:,}",
            f"{row['candidates']:,}",
            f"{row['ratio']:.2f}",
            f"{row['select_ms']:.3f}",
            f"{row['torch_ms']:.3f}",
            f"{row['lists_ms']:.3f}",
        ]
        for row in record.rows
    ]
    columns = ("scores", "users", "candidates", "ratio", "ours ms", "torch.topk ms", "top_k ms")
    record.show(f"The {K} best of each user", columns, rows)
    return 0


if __name__ == "__main__":
    run_script(main)
