"""Guess a first domain description from files, or from a graph in Neo4j, show the guess and its reasons, and write it.

There are no questions. Check the file before loading, because a guess can be wrong."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from whypath.cli.arguments import add_json, path
from whypath.cli.console import print_json, remark

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kg.ingest.preview import Preview
    from kg.schema import DomainSchema
    from kg.sources.guess import Guess

SUMMARY = "guess a domain description from files, or from a graph"
EXAMPLES = """\
  whypath init films.csv users.csv ratings.csv
  whypath init data/*.parquet --out data/domain.yaml
  whypath init films.csv users.csv ratings.csv --update domain.yaml   # add what is new since then
  whypath init --from bolt://localhost:7687       # an existing graph; it is only read
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("files", nargs="*", type=path, metavar="FILE", help="tables, triples or RDF")
    parser.add_argument(
        "--from",
        dest="graph",
        metavar="URL",
        help="instead of files: a graph in Neo4j, such as bolt://host:7687 (credentials from the environment)",
    )
    parser.add_argument("--out", metavar="FILE", help="file to write (default ./domain.yaml)")
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--force", action="store_true", help="overwrite an existing description")
    existing.add_argument(
        "--update",
        metavar="DOMAIN.yaml",
        help="add to this description files and columns that it does not name; its content is not changed",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Guess a description, write it and print it."""
    from kg.sources.guess import guess_domain, write_domain

    out = _out(arguments)
    if arguments.update is not None:
        return _update(arguments.files, out, as_json=arguments.json)
    if arguments.graph is not None:
        guess = _guess_graph(arguments.graph, out.parent)
    else:
        guess = guess_domain(arguments.files, folder=out.parent)
    write_domain(guess, out, force=arguments.force)
    look = _look(guess, out.parent, arguments.graph)
    command = _load_command(guess, out, of_graph=arguments.graph is not None)
    if arguments.json:
        data = {"out": str(out), "notes": list(guess.notes), "unsure": list(guess.doubts), "domain": guess.to_yaml()}
        print_json(data | {"columns": [asdict(row) for row in guess.columns], "preview": look and asdict(look)})
    else:
        _show(guess, look)
        remark(f"\nwritten to {out}; check it, {_then(arguments.graph)}{command}")
    if guess.outside:
        remark(f"it names files outside its own folder, which a load reads only if allowed: {command}")
    return 0


def _out(arguments: argparse.Namespace) -> Path:
    """The description to write. Raises GuessError if it cannot be written, or arguments exclude one another."""
    from pathlib import Path

    from kg.sources.guess import GuessError

    if arguments.update is not None and (arguments.graph is not None or arguments.out is not None):
        raise GuessError("--update changes the description in place, from files: do not give --from or --out")
    out = Path(arguments.update or arguments.out or "domain.yaml")
    if not out.parent.is_dir():
        raise GuessError(f"{out}: there is no folder {out.parent}; create it first")
    if out.exists() and not (arguments.force or arguments.update):
        raise GuessError(
            f"{out} exists already; overwrite it with --force, complete it with --update, or name another --out"
        )
    if arguments.graph is not None and arguments.files:
        raise GuessError("give either files or --from URL: a domain is read from files or from a graph")
    return out


def _show(guess: Guess, look: Preview | None) -> None:
    print(guess.to_yaml(), end="")
    if look is not None:
        print("\n# What a load would read, by the first rows:")
        for line in look.lines():
            print(f"#   {line}")
    for doubt in guess.doubts:
        remark(doubt)


def _look(guess: Guess, folder: Path, url: str | None) -> Preview | None:
    """A preview of the first rows; None, with the reason reported, if they cannot be read."""
    from kg.errors import WhyPathError
    from kg.ingest.preview import preview

    try:
        if url is not None:
            from kg.graph_view.guess.preview import preview_graph

            return preview_graph(url, guess.schema)
        return preview(guess.schema, folder, guess.outside)
    except WhyPathError as error:
        remark(f"no preview of its first rows: {error}")
        return None


def _update(files: Sequence[str], out: Path, *, as_json: bool) -> int:
    """Complete a description in place."""
    from kg.durable import file_written_whole
    from kg.schema import DomainSchema
    from kg.schema.description_text import read_description
    from kg.sources.guess.completing import completed

    text = read_description(out)
    schema = DomainSchema.from_yaml(text, where=str(out))
    guess = _guess_with_own(files, schema, out.parent)
    is_crlf = "\r\n" in text
    found = completed(text.replace("\r\n", "\n"), schema, guess)
    if found.added:
        with file_written_whole(out) as whole:
            whole.write((found.text.replace("\n", "\r\n") if is_crlf else found.text).encode())
    if as_json:
        changes = {"added": list(found.added), "gone": list(found.gone), "left": list(found.left)}
        print_json({"out": str(out), **changes, "domain": found.text})
        return 0
    for line in found.added:
        print(f"added {line}")
    for line in (*found.gone, *found.left):
        remark(line)
    if found.added:
        remark(f"{out} is completed; check it")
    elif found.gone or found.left:
        remark(f"{out} is unchanged, and does not fit the files as listed above")
    else:
        remark(f"{out} has everything already")
    if found.added and guess.outside:
        command = _load_command(guess, out, of_graph=False)
        remark(f"it names files outside its own folder, which a load reads only if allowed: {command}")
    return 0


def _guess_with_own(files: Sequence[str], schema: DomainSchema, folder: Path) -> Guess:
    """Guess from the files together with those of the description, without which a new table says little."""
    from pathlib import Path

    from kg.errors import WhyPathError
    from kg.schema.files import file_names
    from kg.sources.guess import guess_domain
    from kg.sources.opening import located

    given = {_place(Path(file)) for file in files}
    own: list[Path] = []
    for name in dict.fromkeys(file_names(schema)):
        path = folder / name
        try:
            located(name, name, folder)  # a file elsewhere is read only if it is given
            is_new = _place(path) not in given
        except WhyPathError:
            continue
        if is_new and path.is_file():
            own.append(path)
    try:
        return guess_domain([*own, *files] if files else [], folder=folder)
    except WhyPathError:
        if not own or not files:
            raise
        return guess_domain(files, folder=folder)


def _place(path: Path) -> Path:
    """Return the folder of a file without links, and the file's name."""
    try:
        return path.parent.resolve() / path.name
    except (OSError, RuntimeError, ValueError):  # a loop of links, an invalid name: reading the file reports it
        return path


def _load_command(guess: Guess, out: Path, *, of_graph: bool) -> str:
    import shlex

    command = ["whypath", "load", str(out), *([] if of_graph else ["--store", "store"])]
    for folder in guess.outside:
        command += ["--allow-outside", str(folder)]
    return shlex.join(command)


def _then(url: str | None) -> str:
    """Say what to do before the load, for the graph at a URL or for files."""
    if url is None:
        return "then: "
    from kg.stores.neo4j.access import is_trusted

    if is_trusted(url):
        return "then: "
    return (
        f"set NEO4J_URI={url.partition('?')[0]} (in the environment, or in .env beside the password), because a"
        " description alone does not decide where credentials are sent, then: "
    )


def _guess_graph(url: str, folder: Path) -> Guess:
    from kg.opening import NEO4J_SCHEMES, UnknownScheme, need_driver, scheme_of

    if scheme_of(url) not in ("neo4j", *NEO4J_SCHEMES):
        raise UnknownScheme("--from takes the address of a Neo4j, such as bolt://localhost:7687")
    need_driver(scheme_of(url))
    from kg.graph_view.guess import guess_graph

    return guess_graph(url, folder)
