"""The command line without a model: help, wrong command lines, init, load, graph, doctor; never a traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import networkx as nx
import pytest

from whypath.cli import COMMANDS, INTERRUPTED, main

ROOT = Path(__file__).parents[2]

FILMS = (
    "id,title,year,genres,director,rated\n"
    "1,Alien,1979,Horror;Sci-Fi,Ridley Scott,1979\n2,Blade Runner,1982,Sci-Fi,Ridley Scott,1982\n"
)
RATINGS = "user,item,stars,time\na,1,5,100\na,2,2,200\nb,2,4,300\nb,9,4,400\n"
DOMAIN = """
name: films
nodes:
  film:
    role: item
    source: films.csv
    key: id
    label: title
    fields: {year: integer, secret: {type: integer, column: rated, sensitive: true}}
    lists: {genres: {relation: genre, target: genre, separator: ";"}}
    links: {director: {target: person, label: directed by, inverse: directed}}
  genre: {}
  person: {}
  user: {role: user}
interactions:
  rating:
    source: ratings.csv
    columns: {user: user, item: item, weight: stars, time: time}
    positive: {min_weight: 4}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "films.csv").write_text(FILMS)
    (tmp_path / "ratings.csv").write_text(RATINGS)
    (tmp_path / "domain.yaml").write_text(DOMAIN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def store(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["load", "domain.yaml", "--store", "store"]) == 0
    capsys.readouterr()
    return "store"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom whypath.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'pandas', 'numpy', 'scipy', 'pyarrow', 'rich', 'pydantic', 'transformers', 'rdflib'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert all(command in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert f"  whypath {command}" in text.split("examples:")[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_reference_names_every_flag_and_no_other(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = page.split(f"## whypath {command}\n")[1].split("\n## ")[0]
    texts = []
    for action in ["stats", "show", "paths", "export"] if command == "graph" else [""]:
        with pytest.raises(SystemExit):
            main([command, *([action] if action else []), "--help"])
        texts.append(capsys.readouterr().out.split("examples:")[0])
    flags = set(re.findall(r"(?<![\w-])--[a-z-]+", " ".join(texts))) - {"--help"}
    explained = set(re.findall(r"--[a-z-]+", section))
    if command in ("recommend", "similar"):  # "[filters]" stands for these
        shared = page.split("Filters: ")[1].split("\n\n")[0]
        explained |= set(re.findall(r"--[a-z-]+", shared))
    assert flags == explained


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("whypath ")


WRONG = [
    [],
    ["nonsense"],
    ["load"],
    ["load", "domain.yaml"],
    ["load", "nowhere.yaml", "--store", "s"],
    ["load", "films.csv", "--store", "s"],
    ["load", "domain.yaml", "--store", "ftp://host/x"],
    ["load", "domain.yaml", "--store", "s", "--to-import-files", "f"],
    ["load", "domain.yaml", "--to-import-files", "f", "--replace"],
    ["load", "domain.yaml", "--to-import-files", "."],
    ["init"],
    ["init", "nowhere.csv", "--out", "new.yaml"],
    ["init", "films.csv", "ratings.csv"],
    ["init", "films.csv", "--out", "no/folder/domain.yaml"],
    ["graph"],
    ["graph", "stats"],
    ["graph", "stats", "--store", "nowhere"],
    ["graph", "show", "film:1", "--store", "nowhere"],
    ["graph", "paths", "film:1", "--store", "nowhere"],
    ["graph", "paths", "film:1", "film:2", "--max-edges", "0", "--store", "nowhere"],
    ["train", "--store", "nowhere", "--bundle", "b"],
    ["train", "--store", "s", "--bundle", "b", "--seed", "one"],
    ["train", "--store", "s", "--bundle", "b", "--no-graph", "--shuffle-graph"],
    ["train", "--store", "s", "--bundle", "b", "--valid", "v.tsv"],
    ["train", "--store", "s", "--bundle", "b", "--train", "t.tsv", "--refit"],
    ["train", "--store", "s", "--bundle", ".", "--force"],
    ["recommend", "--store", "s", "--bundle", "nowhere"],
    ["recommend", "--store", "s", "--bundle", "nowhere", "--user", "1", "--all"],
    ["recommend", "--store", "s", "--bundle", "nowhere", "--user", "1", "-k", "0"],
    ["recommend", "--store", "s", "--bundle", "nowhere", "--all", "--out", "recs.txt"],
    ["recommend", "--store", "s", "--bundle", "nowhere", "--users", "nowhere.tsv"],
    ["recommend", "--store", "s", "--bundle", "nowhere", "--history", "h.tsv", "--repeats"],
    ["evaluate", "--store", "s", "--bundle", "b"],
    ["evaluate", "--store", "s", "--bundle", "b", "--test", "t.tsv", "--ablate"],
    ["evaluate", "--store", "s", "--bundle", "b", "--test", "t.tsv", "--train", "t.tsv"],
    ["explain", "--store", "s", "--bundle", "b", "--user", "1"],
    ["similar", "--store", "nowhere", "--bundle", "b", "--item", "1"],
    ["demo", "--catalogue", "all"],
    ["demo", "--domain", "films-10m"],
    ["doctor", "now"],
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_a_wrong_command_line_is_said_without_a_traceback(
    folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in folder.iterdir())
    try:
        code = main(arguments)
    except SystemExit as stopped:
        code = stopped.code
    said = capsys.readouterr()
    assert code == 2
    assert "error:" in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    left = {path.name for path in folder.iterdir()} - set(before)
    assert left == set()


def test_init_writes_once_and_shows_what_it_guessed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "domain.yaml").unlink()
    assert main(["init", "films.csv", "ratings.csv"]) == 0
    said = capsys.readouterr()
    written = (folder / "domain.yaml").read_text()
    assert said.out.startswith(written)
    # What follows is a look at what a load would have.
    look = said.out.removeprefix(written)
    assert "counted as liked" in look
    assert all(line.startswith("#") for line in look.split("\n") if line)
    assert "# Guessed from the files" in written
    assert main(["init", "films.csv", "ratings.csv"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["init", "films.csv", "ratings.csv", "--out", "other.yaml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["out"] == "other.yaml"
    columns = {(row["file"], row["column"]): row["taken_for"] for row in told["columns"]}
    assert columns["films.csv", "id"] == ["key of film"]
    assert set(told["preview"]) == {"events", "items", "share_not_liked", "events_seen"}


def test_init_overwrites_and_completes_when_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "domain.yaml").write_text("nothing\n")
    assert main(["init", "films.csv", "ratings.csv", "--force"]) == 0
    corrected = (folder / "domain.yaml").read_text().replace("nodes:\n", "nodes: # mine\n")
    (folder / "domain.yaml").write_text(corrected)
    capsys.readouterr()
    assert main(["init", "films.csv", "ratings.csv", "--update", "domain.yaml"]) == 0
    assert (folder / "domain.yaml").read_text() == corrected
    assert "has everything already" in capsys.readouterr().err
    (folder / "plays.csv").write_text("user,film,minutes\n" + "".join(f"u{n % 4},{n % 3},{n}\n" for n in range(1, 20)))
    files = ["films.csv", "ratings.csv", "plays.csv"]
    assert main(["init", *files, "--update", "domain.yaml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["added"] == ["interactions: play"]
    text = (folder / "domain.yaml").read_text()
    assert text.startswith(corrected.rstrip("\n"))
    assert main(["init", *files, "--update", "domain.yaml", "--out", "x.yaml"]) == 2
    assert main(["init", *files, "--update", "nowhere.yaml"]) == 2


def test_check_needs_no_store(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(path.name for path in folder.iterdir())
    assert main(["check", "domain.yaml"]) == 1
    assert "1 bad rows were left out" in capsys.readouterr().out
    assert main(["check", "domain.yaml", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["events"] == 3
    assert sum(source["bad"] for source in told["sources"]) == 1
    assert sorted(path.name for path in folder.iterdir()) == before
    assert main(["check", "nowhere.yaml"]) == 2


def test_load_reports_and_quarantines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", "domain.yaml", "--store", "store", "--json"]) == 0
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert report["events"]["new"] == 3
    assert sum(report["bad"].values()) == 1
    assert json.loads((folder / "quarantine.jsonl").read_text().splitlines()[0])["line"] == 5
    assert "ratings.csv" in said.err
    assert report["rows_per_second"] == pytest.approx(report["rows"] / report["seconds"], rel=0.2)
    assert report["writing_seconds"] <= report["seconds"]
    assert main(["load", "domain.yaml", "--store", "store"]) == 0
    assert "0 new" in capsys.readouterr().out
    assert main(["load", "domain.yaml", "--store", "other", "--strict"]) == 2
    assert "nothing was loaded" in capsys.readouterr().err


def test_a_mark_too_many_is_warned_of_in_both_reports(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "ratings.csv").write_text(RATINGS + 'a,"2,5,600\nb,2,5,700\n')
    line = RATINGS.count("\n") + 1
    warning = f"ratings.csv: line {line} opens a quoted cell that does not end"
    assert main(["load", "domain.yaml", "--store", "store"]) == 0
    assert f"note: {warning}" in capsys.readouterr().out
    assert main(["load", "domain.yaml", "--store", "store", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["warnings"][0].startswith(warning)
    assert report["swallowed_lines"] == 0
    assert report["events"]["same"] == 4


def test_files_outside_the_folder_are_named_with_the_command_that_reads_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "own").mkdir()
    monkeypatch.chdir(folder / "own")
    assert main(["init", "../films.csv", "../ratings.csv"]) == 0
    said = capsys.readouterr()
    command = f"whypath load domain.yaml --store store --allow-outside {folder}"
    assert said.err.count(command) == 2
    assert f"--allow-outside {folder}\n" in (folder / "own" / "domain.yaml").read_text()
    assert main(["load", "domain.yaml", "--store", "store"]) == 2
    said = capsys.readouterr()
    assert "../films.csv" in said.err
    assert f"`--allow-outside {folder}`" in said.err
    assert main([*command.split()[1:], "--allow-outside", "elsewhere"]) == 0
    assert "loaded" in capsys.readouterr().out
    assert main(["init", "../films.csv", "../ratings.csv", "--out", "more.yaml", "--json"]) == 0
    said = capsys.readouterr()
    assert said.err.count(command.replace("domain.yaml", "more.yaml")) == 1
    assert json.loads(said.out)["out"] == "more.yaml"
    assert main(["init", "../films.csv", "../ratings.csv", "--out", "../inside.yaml"]) == 0
    assert "--allow-outside" not in capsys.readouterr().err


def test_graph_paths(folder: Path, store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "paths", "film:1", "2", "--store", store, "--max-edges", "2"]) == 0
    said = capsys.readouterr()
    assert "Alien ─directed by→ Ridley Scott ←directed by─ Blade Runner\n" in said.out
    assert "secret" not in said.out
    joined = len(said.out.splitlines())
    assert main(["graph", "paths", "1", "2", "--store", store, "--limit", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (len(found["paths"]), found["complete"]) == (1, False)
    assert [node["kind"] for node in found["paths"][0]["nodes"]] == ["film", "person", "film"]
    assert main(["graph", "paths", "1", "2", "--store", store, "--limit", str(joined), "--max-edges", "2"]) == 0
    assert "--limit shows more" in capsys.readouterr().err
    assert main(["graph", "paths", "user:a", "2", "--store", store]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "--interactions also follows" in said.err
    (folder / "ratings.csv").write_text(RATINGS + "b,1,5,500\n")
    assert main(["load", "domain.yaml", "--store", store]) == 0
    capsys.readouterr()
    assert main(["graph", "paths", "1", "2", "--store", store, "--interactions", "--json", "--limit", "99"]) == 0
    users = [
        node
        for path in json.loads(capsys.readouterr().out)["paths"]
        for node in path["nodes"]
        if node["kind"] == "user"
    ]
    # Other users are evidence and no names.
    assert users
    assert all(node == {"kind": "user", "label": "another user"} for node in users)
    assert main(["graph", "paths", "1", "nothing", "--store", store]) == 2
    assert main(["graph", "paths", "1", "2", "--max-edges", "9", "--store", store]) == 2


def test_load_into_import_files_checks_rows_in_the_same_way(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports, quarantines = [], []
    for target in (["--store", "store"], ["--to-import-files", "files"]):
        assert main(["load", "domain.yaml", *target, "--json"]) == 0
        reports.append(json.loads(capsys.readouterr().out))
        quarantines.append((folder / "quarantine.jsonl").read_text())
    assert quarantines[0] == quarantines[1] != ""
    stored, written = ({k: v for k, v in report.items() if "second" not in k} for report in reports)
    told = written.pop("import_files")
    assert written == stored
    assert told["folder"] == str(folder / "files")
    assert told["command"] == [
        "neo4j-admin",
        "database",
        "import",
        "full",
        "neo4j",
        "--overwrite-destination",
        "@import.args",
    ]
    assert (folder / "files" / "import.args").exists()
    assert main(["load", "domain.yaml", "--to-import-files", "strict", "--strict"]) == 2
    assert "nothing was loaded" in capsys.readouterr().err
    assert not (folder / "strict").exists()


def test_graph_stats_show_and_export(folder: Path, store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "stats", "--store", store]) == 0
    assert "Edges and events with an end missing: 0" in capsys.readouterr().out
    assert main(["graph", "stats", "--store", store, "--json"]) == 0
    stats = json.loads(capsys.readouterr().out)
    assert {kind["kind"]: kind["nodes"] for kind in stats["nodes"]} == {"film": 2, "genre": 2, "person": 1, "user": 2}
    assert stats["dangling"] == 0
    assert main(["graph", "show", "film:1", "--store", store]) == 0
    text = capsys.readouterr().out
    assert "Alien" in text
    assert "directed by" in text
    assert "secret" not in text
    assert main(["graph", "show", "person:Ridley Scott", "--store", store, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [found["label"] for found in shown["relations"][0]["neighbours"]] == ["Alien", "Blade Runner"]
    for name in ("g.graphml", "g.json", "g.tsv"):
        assert main(["graph", "export", "--store", store, "--around", "1", "--depth", "2", "--out", name]) == 0
    assert set(nx.read_graphml(folder / "g.graphml").nodes) >= {"film:1", "film:2", "person:Ridley Scott"}
    assert "secret" not in (folder / "g.json").read_text()
    assert "film:1\tdirector\tperson:Ridley Scott\n" in (folder / "g.tsv").read_text()
    assert main(["graph", "show", "film:3", "--store", store]) == 2
    assert main(["graph", "show", "Alein", "--store", store]) == 2
    assert main(["graph", "export", "--store", store, "--out", "g.pdf"]) == 2
    assert main(["graph", "export", "--store", store, "--out", "no/where.tsv"]) == 2


def test_doctor_says_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor"])
    text = capsys.readouterr().out
    assert "journal" in text
    assert main(["doctor", "--json"]) == code
    findings = json.loads(capsys.readouterr().out)
    assert findings["sound"] == (code == 0)
    assert findings["threads"] >= 1


def test_ctrl_c_ends_quietly(folder: Path) -> None:
    (folder / "ratings.csv").write_text("user,item,stars,time\n" + "a,1,5,100\n" * 1_000_000)
    command = [sys.executable, "-m", "whypath", "load", "domain.yaml", "--store", "store"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests run in the background, the shell has them ignore it, and they hand that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        # The command is under way when its store appears; then it has seconds of work ahead.
        while not (folder / "store").exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    # Where the interrupt comes while Python runs generated source (it makes dataclasses that way, in an import), Python
    # ends the process by that signal once the command has had its say. A shell reports 130 for either.
    assert process.returncode in (INTERRUPTED, -signal.SIGINT)
    assert "interrupted" in said
    assert "Traceback" not in said


def test_a_reader_that_leaves_early_is_no_error(folder: Path, store: str) -> None:
    command = f"{sys.executable} -m whypath graph stats --json --store {store} | head -c 1"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], cwd=folder, env=environment, capture_output=True, check=False
    )
    assert done.stderr == b""


@pytest.mark.parametrize("line", [["demo", "--domain=--"], ["recommend", "--store=--", "--bundle", "b"]])
def test_two_dashes_are_no_value(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line)
    assert ended.value.code == 2
    assert "-- is no value" in capsys.readouterr().err
