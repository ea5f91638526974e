"""Check a domain description against its files: what a load would read, use, ignore and leave out, without a store.

Exits with 1 if anything would be left out as bad, with 2 if the description or a file cannot be read."""

from __future__ import annotations

import argparse

from whypath.cli.arguments import add_json, path
from whypath.cli.console import print_json

SUMMARY = "check a domain description against its files, without a store"
EXAMPLES = """\
  whypath check domain.yaml
  whypath check domain.yaml --quarantine bad.jsonl --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("domain", type=path, metavar="DOMAIN.yaml", help="the domain description")
    parser.add_argument("--quarantine", metavar="FILE", help="write the bad rows there (default: nowhere)")
    parser.add_argument(
        "--allow-outside",
        action="append",
        default=[],
        metavar="FOLDER",
        help="another folder, besides that of DOMAIN.yaml, whose files the description may name; can be repeated",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check all rows, print the report."""
    from pathlib import Path

    from kg.ingest import check_domain
    from whypath.cli.load import check_data, load_progress

    with load_progress() as progress:
        report = check_domain(
            Path(arguments.domain),
            quarantine=arguments.quarantine,
            progress=progress,
            allow_outside=arguments.allow_outside,
        )
    if arguments.json:
        print_json(check_data(report))
    else:
        print(report)
    return 1 if report.n_bad else 0
