"""A package of a stranger: a folder with modules and the metadata of a distribution, as pip leaves them.

The package `whypath-shop` is that of the documentation's page on plug-ins.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAGE = (Path(__file__).parents[1] / "docs" / "plugins.md").read_text(encoding="utf-8")


def page_code(title: str, language: str = "python") -> str:
    """The code under a heading of the page."""
    block = re.search(rf"^#+ {title}\n.*?^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert block is not None, title
    return block.group(1)


def shop_project() -> dict[str, Any]:
    """The `pyproject.toml` of the page."""
    return tomllib.loads(page_code("Plug-ins", "toml"))


def shop_modules() -> dict[str, str]:
    """The source of the page's modules by name."""
    return {f"shop_{part}": page_code(f"A {part}") for part in ("block", "reader", "store", "stage")}


def shop_entry_points() -> dict[str, str]:
    """Lines of `entry_points.txt` by group."""
    groups = shop_project()["project"]["entry-points"]
    return {group: "\n".join(f"{name} = {value}" for name, value in points.items()) for group, points in groups.items()}


def write_package(folder: Path, name: str, modules: Mapping[str, str], entry_points: Mapping[str, str]) -> Path:
    """Put a distribution into a folder, which is one more entry of `sys.path`.

    modules: source by name. entry_points: lines of `entry_points.txt` by group.
    """
    metadata = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    listed = "\n".join(f"[{group}]\n{lines}" for group, lines in entry_points.items())
    (metadata / "entry_points.txt").write_text(listed + "\n")
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)
    return folder
