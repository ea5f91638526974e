"""The command line with arguments that nobody should give: a documented status, one message, and no traceback."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workshop import Workshop
from whypath.cli import main

NUMBERS = st.sampled_from(
    ["0", "-1", "1", "3", "9" * 30, "9" * 5000, "1e5", "nan", "inf", "-inf", "½", "0x10", "", " 2"]
)
URLS = st.sampled_from(
    ["bolt://[::1", "neo4j://host:99999", "sqlite:", "", " ", "file:///", "bolt://u:secret@:7687", "bolt://", "://",
     "neo4j://\0", "domain.yaml", "/dev/null", "bolt://127.0.0.1:1"]
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(
        ["u1", "i1", "\0", "a\0b", "\udcff", "\udc80x", "\x1b[2J", "", " ", "-", "--", "'", "*", "..", "a" * 300]
    ),
    st.text(max_size=12),
)
CONDITIONS = st.one_of(
    TEXTS, st.sampled_from(["year >= 1990", "year >=", "== ==", "genre == \udcff", "x in [", "label != \0"])
)


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command with its required arguments right or wrong, `STORE`, `BUNDLE`, `OUT` standing for real places."""
    store = ["--store", draw(st.one_of(st.just("STORE"), URLS))]
    model = [*store, "--bundle", draw(st.one_of(st.just("BUNDLE"), TEXTS))]
    user, item = draw(TEXTS), draw(TEXTS)
    commands = [
        ["recommend", *model, "--user", user, "-k", draw(NUMBERS)],
        ["recommend", *model, "--user", user, "--where", draw(CONDITIONS), "--include-id", item],
        ["recommend", *model, "--history-of", user],
        ["similar", *model, "--item", item, "-k", draw(NUMBERS)],
        ["explain", *model, "--user", user, "--item", item, "--paths", draw(NUMBERS)],
        ["record", *store, "--user", user, "--item", item, "--weight", draw(NUMBERS), "--time", draw(NUMBERS)],
        ["forget", user, *store],
        ["graph", "stats", *store],
        ["graph", "show", f"film:{item}", *store, "--limit", draw(NUMBERS)],
        ["graph", "paths", f"user:{user}", f"item:{item}", *store, "--max-edges", draw(NUMBERS)],
        ["graph", "export", *store, "--around", f"item:{item}", "--depth", draw(NUMBERS), "--out", "OUT"],
        ["train", *store, "--bundle", "OUT", "--only", "popularity", "--seed", draw(NUMBERS)],
        ["train", *store, "--bundle", "OUT", "--only", "popularity", "--tune", draw(NUMBERS)],
        ["train", *store, "--bundle", draw(TEXTS), "--update"],
        ["load", draw(TEXTS), *store],
        ["demo", "OUT", f"--domain={draw(TEXTS)}"],
        ["init", draw(TEXTS), "--out", "OUT"],
        ["init", draw(TEXTS), "--out", "OUT", "--force"],
        ["init", draw(TEXTS), "--update", draw(TEXTS)],
        ["check", draw(TEXTS), "--quarantine", draw(TEXTS)],
        ["recommend", *store, "--bundle", "BUNDLE", "--user", draw(TEXTS), "--leave-out", draw(TEXTS)],
        ["export", *model, "--out", "OUT", "--recommendations", draw(NUMBERS)],
        [draw(TEXTS), draw(TEXTS)],
    ]
    found = draw(st.sampled_from(commands))
    return [*found, "--json"] if draw(st.booleans()) else found


@pytest.fixture(scope="module")
def places(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("fuzzed")
    shutil.copytree(workshop.folder / "store", folder / "store")
    return {"STORE": str(folder / "store"), "BUNDLE": str(workshop.bundle), "OUT": str(folder / "out.graphml")}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(line=command_lines())
def test_any_command_line_ends_as_documented(
    line: list[str], places: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEO4J_URI", raising=False)
    monkeypatch.chdir(Path(places["OUT"]).parent)
    arguments = [places.get(argument, argument) for argument in line]
    try:
        status = main(arguments)
    except SystemExit as stopped:
        status = stopped.code
    said = capsys.readouterr()
    shutil.rmtree(places["OUT"], ignore_errors=True)
    Path(places["OUT"]).unlink(missing_ok=True)
    assert status in (0, 1, 2), (arguments, said.err)
    assert "Traceback" not in said.err
    assert "secret" not in said.err + said.out
    if status == 2:
        assert "error: " in said.err, arguments
    assert len(said.err) < 20_000
