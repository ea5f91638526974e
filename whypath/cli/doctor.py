"""Report on this installation: versions, extras, threads and accelerator, SQLite's journal mode, caches, text model.

Exits with 1 if a part that all commands need is missing."""

from __future__ import annotations

import argparse
from typing import Any

from whypath.cli.arguments import add_json
from whypath.cli.console import print_json, print_rich

SUMMARY = "report what this installation has and lacks"
EXAMPLES = """\
  whypath doctor
  whypath doctor --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings."""
    from whypath.doctor import examine

    findings = examine()
    if arguments.json:
        print_json(findings.to_json())
    else:
        print_rich(*_tables(findings))
    return 0 if findings.sound else 1


def _tables(findings: Any) -> list[Any]:
    from rich.table import Table

    from whypath.answering.rendering import cell

    tables = []
    for section, lines in findings.sections().items():
        table = Table(title=section, title_justify="left", box=None, pad_edge=False, show_header=False)
        table.add_column(min_width=16)
        table.add_column()
        for name, value in lines.items():
            table.add_row(cell(name), cell(str(value)))
        tables.append(table)
    return tables
