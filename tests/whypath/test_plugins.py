"""The package of the page on plug-ins brings a block, a reader, a store and a stage; a bundle needs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.plugin_package import page_code, shop_entry_points, shop_modules, shop_project, write_package

ROOT = Path(__file__).parents[2]


def run(folder: Path, code: str, *, installed: bool = True) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, with the package or without."""
    path = os.pathsep.join([str(ROOT), *([str(folder / "site")] if installed else [])])
    environment = {**os.environ, "PYTHONPATH": path, "WHYPATH_DATA": str(folder / "data")}
    names = "from kg.errors import WhyPathError\nfrom whypath.cli import main\nfrom whypath.engine import Engine"
    start = f"import json, sys\n{names}\n{code}"
    return subprocess.run(
        [sys.executable, "-c", start], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_a_package_brings_a_block_a_reader_a_store_and_a_stage(tmp_path: Path) -> None:
    broken = "\nbroken = shop_block:NoSuchBlock"
    points = shop_entry_points()
    write_package(
        tmp_path / "site",
        "whypath-shop",
        shop_modules(),
        {**points, "whypath.encoders": points["whypath.encoders"] + broken},
    )
    project = shop_project()
    assert project["project"]["name"] == "whypath-shop"
    assert project["tool"]["setuptools"]["py-modules"] == list(shop_modules())
    films = [{"id": f"i{n}", "title": f"Film {n}"} for n in range(11)]
    (tmp_path / "films.jsonarray").write_text(json.dumps(films))
    rows = "".join(f"u{n % 13},i{(n * n + n % 3) % 11}\n" for n in range(160))
    (tmp_path / "likes.csv").write_text(f"user,film\n{rows}")
    (tmp_path / "domain.yaml").write_text(page_code("A reader", "yaml"))
    (tmp_path / "settings.toml").write_text(page_code("A block", "toml"))
    trained = run(
        tmp_path,
        """
assert main(["load", "domain.yaml", "--store", "shop:films"]) == 0
assert main(["train", "--store", "shop:films", "--settings", "settings.toml", "--bundle", "bundle"]) == 0
main(["train", "--print-settings"])
""",
    )
    assert trained.returncode == 0, trained.stderr
    assert "[block.jaccard]\n" in trained.stdout
    assert trained.stderr.count("whypath-shop 1.0: 'broken' (whypath.encoders) cannot be used and is left out") == 1
    answered = run(
        tmp_path,
        """
with Engine.open("shop:films", "bundle") as engine:
    assert "shop_block" in sys.modules
    model = engine.bundle.model
    first = engine.recommend("u1", k=1).items[0]
    explanation = engine.explain("u1", first.item)
    blocks = [share.block for share in explanation.blocks if share.block != "bias"]
    listed = [item.item for item in engine.recommend("u1", k=3)]
with Engine.open("shop:films", "bundle", stages=["upside"]) as engine:
    turned = [item.item for item in engine.recommend("u1", k=3)]
assert turned == listed[::-1] and len(turned) == 3
try:
    Engine.open("shop:films", "bundle", stages=["no such stage"])
except WhyPathError as error:
    assert "no installed package has a stage 'no such stage'" in str(error) and "upside" in str(error)
else:
    raise AssertionError
print(json.dumps([model.asked.block.jaccard.shrink, blocks, engine.bundle.record.versions]))
""",
    )
    assert answered.returncode == 0, answered.stderr
    # What is broken is not asked for, so nothing is said of it.
    assert answered.stderr == ""
    shrink, blocks, versions = json.loads(answered.stdout)
    assert (shrink, sorted(blocks)) == (2.5, ["jaccard", "popularity"])
    assert versions["whypath-shop"] == "1.0"
    missed = run(
        tmp_path, 'main(["recommend", "--store", "films", "--bundle", "bundle", "--user", "u1"])', installed=False
    )
    assert "'jaccard' of the package whypath-shop (its entry point 'jaccard' of whypath.encoders)" in missed.stderr
    assert "Traceback" not in missed.stderr
