"""Nothing that the project's metadata and its front page promise is absent."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from whypath.serve_requirements import serve_requirements

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
MODULES = {"PyYAML": "yaml", "torch-geometric": "torch_geometric"}
"""Names under which packages are imported, where they have another."""


def imported(*folders: str) -> set[str]:
    """Top-level names of everything that the code of some folders imports, also inside functions."""
    found: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(name.name.split(".")[0] for name in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
            elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                # importlib.import_module("neo4j")
                found.add(str(node.args[0].value).split(".")[0])
    return found


def module_of(requirement: str) -> str:
    name = Requirement(requirement).name
    return MODULES.get(name, name.replace("-", "_"))


@pytest.mark.parametrize("extra", sorted(set(EXTRAS) - {"dev", "all"}))
def test_the_code_uses_what_an_extra_installs(extra: str) -> None:
    code = imported("kg", "encoders", "fusion", "whypath", "benchmarks", "tests")
    unused = [each for each in EXTRAS[extra] if module_of(each) not in code]
    # What a package that is used brings along by itself may be named for its version.
    assert [each for each in unused if Requirement(each).name != "tokenizers"] == []


def test_the_code_uses_what_everybody_installs() -> None:
    code = imported("kg", "encoders", "fusion", "whypath")
    assert [each for each in PROJECT["dependencies"] if module_of(each) not in code] == []


def test_what_serving_installs_is_up_to_date() -> None:
    written = (ROOT / "requirements-serve.txt").read_text(encoding="utf-8")
    assert written == serve_requirements((ROOT / "pyproject.toml").read_text(encoding="utf-8")), (
        "write it again: python -m whypath.serve_requirements pyproject.toml requirements-serve.txt"
    )
    listed = {Requirement(line).name for line in written.splitlines() if not line.startswith("#")}
    assert {Requirement(line).name for line in PROJECT["dependencies"]} - listed == {"torch", "torch-geometric"}


def test_the_front_page_names_the_extras_that_there_are() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.search(r"Extras: (.*?)\. ", readme, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"`(\w+)`", listed.group(1))) == set(EXTRAS)
    for page in (ROOT / "docs").glob("*.md"):
        for extra in re.findall(r"whypath\[([\w,]+)\]", page.read_text(encoding="utf-8")):
            assert set(extra.split(",")) <= set(EXTRAS), page.name


def test_all_and_dev_have_every_extra() -> None:
    for extra in ("all", "dev"):
        (own,) = [each for each in EXTRAS[extra] if Requirement(each).name == "whypath"]
        assert Requirement(own).extras == set(EXTRAS) - {"all", "dev"}
