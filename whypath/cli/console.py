"""What commands print: results on stdout as tables or JSON, progress and remarks on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def show(result: Any, *, as_json: bool) -> None:
    """Print a result: its `to_json()` data with `as_json`, else its rich rendering (plain unless on a terminal)."""
    if as_json:
        print_json(result.to_json())
    else:
        print_rich(result)


def print_json(data: Any) -> None:
    """Print plain data as one JSON document."""
    print(json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False))


def print_rich(*renderables: Any) -> None:
    """Print rich renderables to stdout, at the terminal's width or 110 columns."""
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 110, soft_wrap=False)
    for renderable in renderables:
        console.print(renderable, markup=False)


def remark(message: str) -> None:
    """Say something beside the result, on stderr."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def progress(quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A function that shows what is going on: a spinner with the latest line on a terminal, else a line each."""
    if quiet:
        yield lambda _: None
        return
    if not sys.stderr.isatty():
        yield remark
        return
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    with console.status("…") as status:
        yield lambda line: status.update(line)
