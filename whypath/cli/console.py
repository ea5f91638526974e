"""Print results on stdout as tables, JSON or tab-separated lists, and progress and remarks on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from whypath.cli.streams import passed, visible_streams

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn


def show(result: Any, *, as_json: bool) -> None:
    """Print a result: its `to_json()` data with `as_json`, else its rich rendering (plain unless on a terminal)."""
    if as_json:
        print_json(result.to_json())
    else:
        print_rich(result)


def print_json(data: Any) -> None:
    """Print plain data as one JSON document."""
    from kg.json_text import json_text

    text = json_text(data, indent=2)
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    # In other encodings, characters would become escapes that JSON does not have.
    print(text if encoding.startswith("utf") else json.dumps(json.loads(text), indent=2))


def print_cells(cells: Iterable[str]) -> None:
    """Print one line of a tab-separated list; `kg.tsv_cells` writes the texts."""
    from kg.tsv_cells import tsv_cell

    print("\t".join(map(tsv_cell, cells)))


def print_rich(*renderables: Any) -> None:
    """Print rich renderables to stdout, at the terminal's width or 110 columns; strings are not markup."""
    from whypath.answering.rendering import AllVisible

    console = _console(sys.stdout, width=None if sys.stdout.isatty() else 110)
    for renderable in renderables:
        console.print(AllVisible(renderable))


def remark(message: str) -> None:
    """Print a message beside the result, on stderr."""
    print(message, file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """Make an untrusted text fit for one printed line: line breaks and tabs in it are escaped."""
    from kg.visible import visible_line

    return visible_line(text)


@contextmanager
def progress(quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Yield a function that shows progress: a spinner with the latest line on a terminal, else one line per call."""
    if quiet:
        yield lambda _: None
        return
    if not sys.stderr.isatty():
        yield remark
        return
    from rich.live import Live
    from rich.spinner import Spinner

    from whypath.answering.rendering import cell

    spinner = Spinner("dots", cell("…"))
    # If rich redirected stdout, it would go to stderr, even for a file or a pipe.
    live = Live(spinner, console=_console(sys.stderr), transient=True, redirect_stdout=False, redirect_stderr=False)

    def tell(line: str) -> None:
        spinner.update(text=cell(line))
        live.start()

    # The first message starts the spinner, any print stops it, and the next message starts it again.
    with visible_streams(before_write=live.stop):
        try:
            yield tell
        finally:
            live.stop()


@contextmanager
def progress_bars(*columns: ProgressColumn) -> Iterator[Progress]:
    """Yield rich's progress bars on stderr, a terminal; any print stops them, and `start` starts them again."""
    from rich.progress import Progress

    bars = Progress(*columns, console=_console(sys.stderr), redirect_stdout=False, redirect_stderr=False)
    with bars, visible_streams(before_write=bars.stop):
        yield bars


def _console(stream: Any, width: int | None = None) -> Console:
    from rich.console import Console

    return Console(file=passed(stream), width=width, highlight=False, markup=False, emoji=False)
