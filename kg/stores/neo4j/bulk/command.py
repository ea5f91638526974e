"""Write the arguments of `neo4j-admin database import full` for a folder of import files into a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kg.stores.neo4j.bulk.csv_files import CsvFile

ARGUMENTS = "import.args"
"""The file of arguments; its paths are relative to its folder, so that it can be moved to the server's machine."""

_BUFFER = 4 << 20
"""Bytes that the importer reads at a time by default; a row must fit."""


def write_arguments(folder: Path, files: Sequence[CsvFile]) -> None:
    """Write the file of arguments for the files that have rows, and remove the headers of the others."""
    for file in files:
        if not file.rows:
            (folder / file.header).unlink()
    files = [file for file in files if file.rows]
    lines = ["--id-type=integer", *(file.argument for file in files)]
    multiline = [file.data for file in files if file.multiline]
    if multiline:
        lines += ["--multiline-fields-format=v2", f"--multiline-fields={','.join(multiline)}"]
    longest = max(file.longest for file in files)
    if 2 * longest > _BUFFER:
        lines.append(f"--read-buffer-size={2 * longest}")
    (folder / ARGUMENTS).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
