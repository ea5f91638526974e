"""A home folder that is somebody else's, or none: what is kept there is done without, each with a line of warning."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from kg.graph import KnowledgeGraph
from kg.opening import open_store
from kg.stores.event_queue import EventQueue
from tests.powerless import only_where_permissions_are, run_powerless
from tests.workshop import Workshop
from whypath.engine import Engine
from whypath.models.trained_bundles import TrainedBundle, TrainedBundles

COMMANDS = """\
import json, sys
from whypath.cli import main
for arguments in json.loads(sys.argv[1]):
    print("code", main(arguments), flush=True)
    print("end of", arguments[0], file=sys.stderr, flush=True)
"""

OWN_FOLDERS = ("WHYPATH_CACHE", "WHYPATH_DATA", "XDG_CACHE_HOME", "XDG_DATA_HOME")


@pytest.fixture
def store(workshop: Workshop, tmp_path: Path) -> Path:
    shutil.copytree(workshop.store, tmp_path / "store")
    return tmp_path / "store"


def said_by(commands: list[list[str]], environment: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Exit codes, and what each command said on stderr."""
    done = run_powerless(COMMANDS, json.dumps(commands), environment={**dict.fromkeys(OWN_FOLDERS, ""), **environment})
    assert "Traceback" not in done.stderr
    codes = [line.removeprefix("code ") for line in done.stdout.splitlines() if line.startswith("code ")]
    said: dict[str, str] = {}
    rest = done.stderr
    for command in commands:
        said[command[0]], _, rest = rest.partition(f"end of {command[0]}\n")
    return codes, said


def graph_of(store: Path) -> KnowledgeGraph:
    opened = open_store(store)
    try:
        return opened.snapshot()
    finally:
        opened.close()


@only_where_permissions_are
@pytest.mark.parametrize("kind", ["closed", "read only", "a file"])
def test_an_embedded_store_is_served_recorded_into_and_forgets(
    workshop: Workshop, store: Path, tmp_path: Path, kind: str
) -> None:
    graph = graph_of(store)
    user, other = graph.nodes(graph.schema.user_kinds[0]).keys[:2]
    home = tmp_path / "home"
    if kind == "a file":
        home.write_text("mine")
    else:
        (home / ".local" / "share").mkdir(parents=True)
        home.chmod(0 if kind == "closed" else 0o500)
    of_store = ["--store", str(store)]
    commands = [
        ["recommend", *of_store, "--bundle", str(workshop.bundle), "--user", user],
        ["record", *of_store, "--user", other, "--item", graph.item_ids[0]],
        ["doctor"],
        ["forget", user, *of_store],
    ]
    codes, said = said_by(commands, {"HOME": str(home)})
    home.chmod(0o700)
    assert codes == ["0"] * 4, said
    is_hidden = kind == "closed"
    # Nobody knows what waits there, so a deletion names the place.
    assert ("events.sqlite" in said["forget"]) == is_hidden
    assert ("which could not be reached" in said["forget"]) == is_hidden
    assert len(said["recommend"].splitlines()) == is_hidden
    graph = graph_of(store)
    assert graph.nodes(graph.schema.user_kinds[0]).keys.find(user) < 0


@only_where_permissions_are
def test_a_queue_and_notes_of_somebody_else_are_done_without(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHYPATH_DATA", str(tmp_path / "data"))
    with Engine.open(store, queue=True) as engine:
        graph = engine.graph
        user, item = graph.nodes(graph.schema.user_kinds[0]).keys[0], graph.item_ids[0]
        engine.queue.put([engine.event("newcomer", item, time=1.0)], graph.schema, 0)
        TrainedBundles().add(TrainedBundle(str(tmp_path), "", engine.store.url, ()), [user])
    (queue,) = (tmp_path / "data" / "queues").iterdir()
    for path in (queue / "events.sqlite", tmp_path / "data" / "bundles"):
        path.chmod(0)
    environment = {"WHYPATH_DATA": str(tmp_path / "data")}
    commands = [["forget", user, "--store", str(store)], ["graph", "stats", "--store", str(store)]]
    codes, said = said_by(commands, environment)
    assert codes == ["0", "0"], said
    assert f"note: rows of the user may be in {queue / 'events.sqlite'} (it has another owner)" in said["forget"]
    assert "the notes of bundles and their users cannot be read" in said["forget"]
    for path in (queue / "events.sqlite", tmp_path / "data" / "bundles"):
        path.chmod(0o700)
    # As it was.
    assert EventQueue(store.resolve().as_uri()).count() == 1
