"""Train the full model with one block left out, its gates fitted again on the blocks that remain; write a bundle.

`whypath evaluate --ablate` does the same for all blocks at once; here it is one process per block, so that its time and
memory can be measured and its lists scored like any bundle's.

example:
  python -m benchmarks.train_without gnn --store store --train train.tsv --valid valid.tsv --seed 1 --bundle bundle
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from fusion.settings import FusionSettings
from whypath.cli.console import remark
from whypath.engine import Engine


def main() -> int:
    """Train, save, print the bundle's digest as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    settings = FusionSettings()
    parser.add_argument("block", choices=settings.blocks)
    parser.add_argument("--store", required=True)
    parser.add_argument("--train", required=True, type=Path)
    parser.add_argument("--valid", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundle", required=True, type=Path, help="is overwritten if it exists")
    arguments = parser.parse_args()
    left = tuple(name for name in settings.blocks if name != arguments.block)
    less = settings.model_copy(update={"blocks": left})
    with Engine.open(arguments.store) as engine:
        engine.train(arguments.train, arguments.valid, seed=arguments.seed, settings=less, progress=remark)
        record = engine.save(arguments.bundle, force=True)
    print(json.dumps({"bundle": str(arguments.bundle), "digest": record.digest}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
