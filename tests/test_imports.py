"""Imports run one way, kg <- encoders <- fusion <- whypath, and in no circle; imports within functions count, too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("kg", "encoders", "fusion", "whypath")


def modules() -> dict[str, Path]:
    """All modules by their dotted names; a package is its `__init__`."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(tree: ast.Module, known: dict[str, Path], *, only_run: bool) -> Iterator[str]:
    """Modules of the project that a module imports, anywhere; with `only_run` none that only types need."""
    skipped = set()
    if only_run:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                skipped |= set(ast.walk(node))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module


def graph(*, only_run: bool) -> dict[str, set[str]]:
    known = modules()
    return {
        name: set(imported(ast.parse(path.read_text(encoding="utf-8")), known, only_run=only_run)) - {name}
        for name, path in known.items()
    }


def test_no_package_imports_one_above_it() -> None:
    rank = {package: number for number, package in enumerate(PACKAGES)}
    wrong = [
        f"{name} imports {other}"
        for name, others in graph(only_run=False).items()
        for other in others
        if rank[other.split(".")[0]] > rank[name.split(".")[0]]
    ]
    assert wrong == []


def test_there_is_no_circle() -> None:
    found = graph(only_run=True)
    # What a package gives out is no import of its own: a module names the package for what it exports.
    inner = {name: {other for other in others if not name.startswith(f"{other}.")} for name, others in found.items()}
    try:
        TopologicalSorter(inner).prepare()
    except CycleError as error:
        raise AssertionError(f"a circle of imports: {' -> '.join(error.args[1])}") from None


def test_in_kg_only_the_exchange_imports_what_it_exchanges_with() -> None:
    libraries = {"torch", "torch_geometric", "networkx"}
    wrong = []
    for name, path in modules().items():
        if not name.startswith("kg.") or name.startswith("kg.exchange"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong += [f"{name} imports {library}" for library in named if library.split(".")[0] in libraries]
    assert wrong == []
