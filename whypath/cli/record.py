"""Write events to the store: one, or those of a file (columns user, item, and optionally weight, time, event_id).

An event is acknowledged when it is durable, and repeating it under its id changes nothing. While the store's server is
unavailable, nothing is written; with --queue, the events wait on this machine instead. The next `whypath record` here
that reaches the server delivers them, in order and before newer events (--deliver does nothing else)."""

from __future__ import annotations

import argparse
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from whypath.cli.arguments import add_json, add_store
from whypath.cli.console import print_json, remark

if TYPE_CHECKING:
    from kg.rows import Event
    from kg.stores import AppendReport
    from kg.stores.event_queue import Delivery
    from whypath.engine import Engine

SUMMARY = "write events to the store"
EXAMPLES = """\
  whypath record --store store --user 42 --item 50 --weight 5
  whypath record --store bolt://localhost:7687 --events today.tsv --queue
  whypath record --store bolt://localhost:7687 --deliver
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_store(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--user", metavar="ID", help="the user of one event; needs --item")
    what.add_argument("--events", metavar="F", help="a file of events")
    what.add_argument("--deliver", action="store_true", help="only deliver events that wait on this machine")
    parser.add_argument("--item", metavar="ID", help="the item of the event")
    parser.add_argument("--kind", metavar="KIND", help="the kind of interaction, if the domain has several")
    parser.add_argument("--weight", type=float, metavar="W", help="the event's weight")
    parser.add_argument(
        "--time",
        type=_time,
        metavar="T",
        help="seconds since 1970, UTC, or ISO 8601, such as 2026-03-01T12:00:00Z (default: now)",
    )
    parser.add_argument("--id", metavar="ID", help="the event's id (default: a digest of its content)")
    parser.add_argument("--queue", action="store_true", help="let events wait here while the server is unavailable")
    add_json(parser)


def _time(text: str) -> float:
    """Seconds since 1970 of a number or of an ISO 8601 time; one without a zone is in UTC."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither seconds since 1970 nor an ISO 8601 time") from None
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()


def run(arguments: argparse.Namespace) -> int:
    """Record the events and report the outcome; exit with 1 if some were refused."""
    from kg.errors import WhyPathError
    from kg.stores.event_queue import Delivery
    from whypath.engine import Engine

    if (arguments.user is None) != (arguments.item is None):
        raise WhyPathError("--user and --item go together")
    if arguments.user is None and not all(value is None for value in (arguments.weight, arguments.time, arguments.id)):
        raise WhyPathError("--weight, --time and --id are for the event of --user and --item")
    with Engine.open(arguments.store, queue=arguments.queue) as engine:
        if arguments.deliver:
            delivery, report, unknown = engine.deliver(), None, []
        else:
            events, unknown = _events(engine, arguments)
            # If the server is unavailable, `record` reports it, or queues the new events behind the waiting ones.
            delivery = engine.deliver() if engine.stale is None else Delivery()
            report = engine.record(*events)
            unknown += [(events[each.row].id, each.reason) for each in report.refused]
        waiting = engine.queue.count()
    _tell(report, unknown, delivery, waiting, as_json=arguments.json)
    return 1 if unknown or delivery.refused else 0


def _events(engine: Engine, arguments: argparse.Namespace) -> tuple[list[Event], list[tuple[str, str]]]:
    """Return the events of the command line, and rows of a file that cannot be events: (place, reason)."""
    from kg.graph import UnknownItem
    from whypath.io.files import read_events
    from whypath.live.recording import event_of

    if arguments.events is None:
        options = {"kind": arguments.kind, "weight": arguments.weight, "time": arguments.time, "id": arguments.id}
        return [engine.event(arguments.user, arguments.item, **options)], []
    rows, ids = read_events(arguments.events)
    graph = engine.graph
    events: list[Event] = []
    unknown: list[tuple[str, str]] = []
    for row, (user, item) in enumerate(zip(rows.users, rows.items, strict=True)):
        # The shortest decimal number, as it was in the file. A row without a time has none, so that it is the same
        # event when the file is recorded again.
        weight = None if rows.weights is None or math.isnan(rows.weights[row]) else float(str(rows.weights[row]))
        time = None if rows.times is None or math.isnan(rows.times[row]) else float(rows.times[row])
        event_id = None if ids is None else ids[row]
        try:
            event = event_of(graph, user, item, kind=arguments.kind, weight=weight, time=time, id=event_id)
        except UnknownItem as error:
            unknown.append((f"row {row + 1}", str(error)))
            continue
        events.append(event)
    return events, unknown


def _tell(
    report: AppendReport | None,
    refused: list[tuple[str, str]],
    delivery: Delivery,
    waiting: int,
    *,
    as_json: bool,
) -> None:
    counts = {
        "written": report.written if report else 0,
        "already_there": report.already_there if report else 0,
        "queued": report.queued if report else 0,
        "refused": len(refused),
        "delivered": delivery.delivered,
        "refused_on_delivery": len(delivery.refused),
        "waiting": waiting,
    }
    reasons = [*refused, *((each.event.id, each.reason) for each in delivery.refused)]
    if as_json:
        print_json({**counts, "reasons": [{"event": event, "reason": reason} for event, reason in reasons]})
        return
    said = {name: count for name, count in counts.items() if count or (name == "written" and report)}
    print(", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in said.items()) or "nothing waits")
    for event, reason in reasons:
        remark(f"refused: {event}: {reason}")
