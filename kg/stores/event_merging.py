"""`merge_events`: merge a load's batch of events with the stored ones, by one rule for all databases.

Only a store knows what earlier loads wrote, and what was recorded at run time, which belongs to no load.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from kg.rows import Event
from kg.stores.protocol import Refusal, WriteReport

K = TypeVar("K")
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class MergedEvents(Generic[K, C]):
    """What to write of a batch, by id: contents of `new` and `changed` events, and `touched` ones, which an earlier
    load wrote with the same content.
    """

    new: dict[K, C]
    changed: dict[K, C]
    touched: dict[K, None]
    report: WriteReport


def merge_events(
    events: Sequence[Event],
    ids: Sequence[K],
    contents: Sequence[C | None],
    stored: Mapping[K, tuple[C, int]],
    recorded: Container[int],
    refused: Sequence[Refusal],
    *,
    load: int,
    replace: bool,
) -> MergedEvents[K, C]:
    """Merge the events of a batch [n], whose ids and contents [n] are given as the store has them.

    A content is None where the event is among the `refused`. `stored` has content and load by id; the load is 0 for an
    event that was recorded. `recorded` are the rows whose content was recorded under another id.
    """
    new: dict[K, C] = {}
    changed: dict[K, C] = {}
    touched: dict[K, None] = {}
    refusals = list(refused)
    same = corrected = 0
    present = dict(stored)
    for row, (event_id, content) in enumerate(zip(ids, contents, strict=True)):
        if content is None:
            continue
        before = present.get(event_id)
        by_this_load = before is not None and before[1] == load
        if row in recorded and not by_this_load and (before is None or replace):
            same += 1  # recorded before; a replacing load drops what earlier loads made of it
        elif before is None:
            new[event_id] = content
            present[event_id] = content, load
        elif before[0] == content:
            same += 1
            if before[1] and not by_this_load:  # a recorded one belongs to no load
                touched[event_id] = None
                present[event_id] = content, load
        elif not before[1]:
            reason = f"event {events[row].id!r} was appended with other content; the first one is kept"
            refusals.append(Refusal(row, reason))
        else:
            corrected += by_this_load
            (new if event_id in new else changed)[event_id] = content
            touched.pop(event_id, None)
            present[event_id] = content, load
    refusals.sort(key=lambda refusal: refusal.row)
    n_changed = sum(stored[event_id][1] != load for event_id in changed)
    report = WriteReport(len(new), n_changed, same, tuple(refusals), corrected=corrected)
    return MergedEvents(new, changed, touched, report)
