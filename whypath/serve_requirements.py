"""Write `requirements-serve.txt`, the requirements of an installation that only serves, from `pyproject.toml`."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from encoders.installed import TRAINING

HEADER = """\
# What `whypath` needs to serve bundles: its dependencies but for those of training. Written by
#   python -m whypath.serve_requirements pyproject.toml requirements-serve.txt
"""


def serve_requirements(pyproject: str) -> str:
    """Return the content of the file, from that of `pyproject.toml`."""
    dependencies = tomllib.loads(pyproject)["project"]["dependencies"]
    needed = [line for line in dependencies if canonicalize_name(Requirement(line).name) not in TRAINING]
    return HEADER + "".join(f"{line}\n" for line in needed)


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_text(serve_requirements(source.read_text(encoding="utf-8")), encoding="utf-8")
