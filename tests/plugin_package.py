"""A package of a stranger: a folder with modules and the metadata of a distribution, as pip leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


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
