"""Recommend items: to one user as a table, or to many as a file of ranked lists (user item rank score).

With --history, the users' histories come from files and the store's events are not read; items of the history
are never listed. Without it, the store's events are used. A user without a history gets a popularity blend."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from whypath.cli.arguments import add_bundle, add_filters, add_history, add_json, add_store, filters_of, positive
from whypath.cli.console import print_cells, print_json, progress, remark, show

if TYPE_CHECKING:
    from whypath.answering.results import Recommendations

SUMMARY = "recommend items to one user, some users or all"
EXAMPLES = """\
  whypath recommend --store store --bundle bundle --user 42 -k 10 --where 'year >= 1990'
  whypath recommend --store store --bundle bundle --all -k 20 --out recs.tsv
  whypath recommend --store store --bundle bundle --history train.tsv --users test.tsv --exclude valid.tsv -k 20 \\
      --out recs.tsv
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_store(parser)
    add_bundle(parser)
    whom = parser.add_mutually_exclusive_group()
    whom.add_argument("--user", metavar="ID", help="one user")
    whom.add_argument("--users", metavar="F", help="the users of this file")
    whom.add_argument("--all", action="store_true", help="every user of the store, or of the history")
    add_history(parser)
    add_filters(parser)
    parser.add_argument("-k", type=positive, default=10, metavar="N", help="length of a list (default 10)")
    parser.add_argument(
        "--repeats", action="store_true", help="with the store's events: also list items that the user has had"
    )
    parser.add_argument(
        "--leave-out",
        action="append",
        metavar="KIND",
        help="with the store's events: leave out the items of events of this kind, and of no other kind that is not"
        " named; can be given several times (default: `excludes` in domain.yaml)",
    )
    parser.add_argument("--out", metavar="FILE", help="write .tsv, .csv (or .gz) or .parquet instead of printing")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print one user's list, or write the lists of many."""
    from kg.errors import WhyPathError
    from whypath.answering.recs import check_name, write_lists
    from whypath.engine import Engine
    from whypath.io.files import read_users

    if arguments.user is None and arguments.users is None and not arguments.all and not arguments.history:
        raise WhyPathError("say for whom: --user ID, --users FILE, --all, or --history FILE…")
    if (arguments.repeats or arguments.leave_out) and arguments.history:
        option = "--repeats" if arguments.repeats else "--leave-out"
        raise WhyPathError(f"{option} is for the store's own events; items of --history are never listed")
    if arguments.repeats and arguments.leave_out:
        raise WhyPathError("give either --repeats, which leaves nothing out, or --leave-out")
    if arguments.out is not None:
        check_name(arguments.out)
    users = None
    if arguments.user is not None:
        users = [arguments.user]
    elif arguments.users is not None:
        users = read_users(arguments.users)
    filters = filters_of(arguments)
    with (
        Engine.open(arguments.store, arguments.bundle, download=arguments.download, wait_for_texts=True) as engine,
        progress() as tell,
    ):
        lists = engine.recommend_many(
            users,
            arguments.k,
            history=arguments.history,
            exclude_files=arguments.exclude,
            repeats=arguments.repeats,
            leave_out=arguments.leave_out,
            progress=tell,
            **filters,
        )
        if arguments.user is not None and arguments.out is None:
            show(next(lists), as_json=arguments.json)
            return 0
        if arguments.out is None:
            print_lists(lists, as_json=arguments.json)
            return 0
        written, stale = write_lists(arguments.out, lists), engine.stale
    if arguments.json:
        print_json({"out": arguments.out, "users": written.users, "rows": written.rows, "stale_since": stale})
    else:
        remark(f"{arguments.out}: {written.rows:,} rows for {written.users:,} users")
    return 0


def print_lists(lists: Iterable[Recommendations], *, as_json: bool) -> None:
    """Print the lists to stdout, in the format of the file or as one JSON array."""
    if as_json:
        print_json(
            [
                {
                    "user": each.user,
                    "items": [{"rank": item.rank, "item": item.item, "score": item.score} for item in each],
                }
                for each in lists
            ]
        )
        return
    print_cells(("user", "item", "rank", "score"))
    for each in lists:
        for item in each:
            print_cells((each.user or "", item.item, str(item.rank), f"{item.score:.7g}"))
