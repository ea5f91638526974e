"""Guess a first domain description from files, show what was guessed and why, and write it.

Nothing is asked. Check the file before loading: a guess is a start, not a truth."""

from __future__ import annotations

import argparse

from whypath.cli.arguments import add_json
from whypath.cli.console import print_json, remark

SUMMARY = "guess a domain description from files"
EXAMPLES = """\
  whypath init films.csv users.csv ratings.csv
  whypath init data/*.parquet --out data/domain.yaml
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="tables, triples or RDF")
    parser.add_argument("--out", default="domain.yaml", metavar="FILE", help="what to write (default ./domain.yaml)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Guess, write, print what was written."""
    from pathlib import Path

    from kg.sources.guess import GuessError, guess_domain, write_domain

    out = Path(arguments.out)
    if not out.parent.is_dir():
        raise GuessError(f"{out}: there is no folder {out.parent}; make it first")
    if out.exists():
        raise GuessError(f"{out} is there already; remove it, or name another file with --out")
    guess = guess_domain(arguments.files, folder=out.parent)
    write_domain(guess, out)
    if arguments.json:
        print_json({"out": str(out), "notes": list(guess.notes), "domain": guess.to_yaml()})
    else:
        print(guess.to_yaml(), end="")
        remark(f"\nwritten to {out}; check it, then: whypath load {out} --store store")
    return 0
