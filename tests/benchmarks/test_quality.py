"""The quality harness from data to report, in its own processes, on a tiny set in the form of `music`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality import Harness, asked_jobs, parser
from benchmarks.quality_data import SETS, load, prepare, read_given
from benchmarks.quality_models import MODELS
from benchmarks.quality_records import CORE, Records, core_jobs, store_settings
from benchmarks.quality_results import results_of
from benchmarks.quality_worker import METRICS, Job, measure, values_of
from benchmarks.records import ROOT
from tests.benchmarks.quality_tiny import N_ITEMS, write_tiny

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quality")
    write_tiny(folder / "shared" / "data" / "music")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    def run(command: str, *more: str) -> subprocess.CompletedProcess[str]:
        places = ["--records", str(folder / "records")]
        if "--settings" not in more:
            places += ["--settings", str(folder / "settings.json")]
        if command != "report":
            places += ["--work", str(folder / "work"), "--shared", str(folder / "shared")]
        done = [sys.executable, "-m", "benchmarks.quality", command, *more, *places]
        return subprocess.run(done, capture_output=True, text=True, check=False, cwd=ROOT)

    return run


def test_a_set_becomes_a_domain_whose_triples_know_the_items(folder: Path) -> None:
    music = SETS["music"]
    prepare(music, folder / "other", folder / "shared", lambda _: None)
    loaded = load(music, folder / "other", folder / "shared")
    assert loaded.graph.n_items == N_ITEMS
    assert loaded.graph.n_nodes == N_ITEMS + 3 + 40
    facts = loaded.graph.item_facts()
    # A relation is one for each pair of kinds at its ends.
    assert {name.split(".")[0].lstrip("~") for name in facts.relation_names} == {"relation_7", "relation_8"}
    assert len(facts.relations) == N_ITEMS + 2
    assert loaded.given is not None
    assert len(loaded.events) == sum(len(p) for p in (loaded.given.train, loaded.given.valid, loaded.given.test))
    assert loaded.given.fold_of is not None
    assert np.bincount(loaded.given.fold_of).tolist() == [0, 6, 6, 6, 6, 6]
    assert load(music, folder / "other", folder / "shared").digest == loaded.digest


def test_a_set_without_valid_gets_it_from_train(folder: Path, tmp_path: Path) -> None:
    source = write_tiny(tmp_path / "given", with_valid=False)
    prepare(SETS["music"], folder / "other", folder / "shared", lambda _: None)
    given = read_given(source, load(SETS["music"], folder / "other", folder / "shared").graph)
    assert given.refit
    assert np.bincount(given.valid.users).tolist() == [1] * 40


def test_from_data_to_report(folder: Path, run: Run) -> None:
    asked = ("--sets", "music", "--protocols", "given", "--models")
    models = ("popularity", "ease", "itemknn")
    first = run("run", *asked, *models)
    assert first.returncode == 0, first.stderr
    records = Records(folder / "records")
    job = Job("music", "given", 0, "ease", 1)
    row = json.loads(records.path(job).read_text(encoding="utf-8"))
    assert row["settings"] == {"regularization": 250.0}
    assert row["tuned"] is None
    assert row["process"]["peak_mb"] > 0
    assert row["tasks"][""]["users"] == 40
    users, values = values_of(records.values(job))
    assert len(users) == 40
    assert values.mean() == pytest.approx(row["tasks"][""]["metrics"]["ndcg@10"], abs=1e-5)
    # It learns the groups, popularity cannot.
    popular = json.loads(records.path(Job("music", "given", 0, "popularity", 1)).read_text(encoding="utf-8"))
    assert row["tasks"][""]["metrics"]["ndcg@10"] > popular["tasks"][""]["metrics"]["ndcg@10"]
    # What has a record is not run again.
    before = records.path(job).stat().st_mtime_ns
    assert "== " not in run("run", *asked, *models).stderr
    assert records.path(job).stat().st_mtime_ns == before
    # Other settings make another run.
    stored = {"ndcg@10": 0.5, "defaults": 0.4, "trials": 3, "seconds": 1.0}
    store_settings(job, {**stored, "settings": {"regularization": 5.0}}, folder / "settings.json")
    assert run("run", *asked, "ease").returncode == 0
    assert json.loads(records.path(job).read_text(encoding="utf-8"))["settings"] == {"regularization": 5.0}
    # A run that fails is recorded and listed.
    store_settings(
        Job("music", "given", 0, "itemknn", 1), {**stored, "settings": {"neighbours": -1}}, folder / "settings.json"
    )
    assert run("run", *asked, "itemknn").returncode == 0
    report = run("report", "--docs", str(folder / "docs"), "--json", str(folder / "joined.json"))
    assert report.returncode == 0, report.stderr
    page = (folder / "docs" / "quality.md").read_text(encoding="utf-8")
    assert "### music, given" in page
    assert "itemknn on music, given, seed 1: " in page
    assert (folder / "docs" / "img" / "quality-music.svg").read_text(encoding="utf-8").startswith("<?xml")
    joined = json.loads((folder / "joined.json").read_text(encoding="utf-8"))
    assert len(joined["rows"]) == 3
    assert [row["model"] for row in joined["rows"] if "failed" in row] == ["itemknn"]
    results = results_of(records)
    given = next(models for task, models in results.tasks.items() if task.protocol == "given")
    assert f"| {given['ease'].mean('ndcg@10'):.4f} |" in page


def test_peers_are_tuned_and_go_on(folder: Path, run: Run, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    asked = ("--sets", "music", "--protocols", "given", "--models", "ease", "--settings", str(tmp_path / "s.json"))
    for trials in ("2", "4"):
        done = run("tune", *asked, "--trials", trials)
        assert done.returncode == 0, done.stderr
    # The second one made two trials.
    assert "trial 3 of 4" in done.stderr
    assert "trial 2 of 4" not in done.stderr
    stored = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["music"]["given"]["ease"]
    assert stored["trials"] == 4
    assert stored["ndcg@10"] >= stored["defaults"]


def test_whypath_is_measured_like_its_peers(folder: Path) -> None:
    prepare(SETS["music"], folder / "other", folder / "shared", lambda _: None)
    loaded = load(SETS["music"], folder / "other", folder / "shared")
    small = {"blocks": ["ease", "itemknn"], "crossfit": {"folds": 2}, "gates": {"steps": 5}}
    row = measure(loaded, Job("music", "newcomers", 1, "whypath", 1), small, folder / "values.npz")
    assert set(row["tasks"]) == {"1", "2", "5", "10"}
    assert row["fitted"]["predicts"] == "random"
    assert set(row["tasks"]["1"]["metrics"]) == set(METRICS)


def test_core_runs_the_defaults_of_three_sets() -> None:
    jobs = list(core_jobs())
    assert len(set(jobs)) == len(jobs)
    assert {job.set for job in jobs} == set(CORE)
    assert {job.protocol for job in jobs if job.set == "ml100k"} == {
        "given", "random", "last-out", "time", "cold", "newcomers",
    }  # fmt: skip
    assert {job.seed for job in jobs} == {1}


def test_the_rest_takes_as_long_as_its_like_took(tmp_path: Path) -> None:
    arguments = ["run", "--core", "--records", str(tmp_path), "--settings", str(tmp_path / "settings.json")]
    harness = Harness(parser().parse_args(arguments))
    todo = [Job("music", "given", 0, model, 1) for model in ("whypath", "whypath-shuffled", "ease", "rp3beta")]
    assert harness.left(todo[2:]) == ", 2 runs of unknown length left"
    # What training may take; tuning has measured a fit and an evaluation.
    store_settings(todo[2], {"settings": {}, "trials": 4, "seconds": 480.0}, tmp_path / "settings.json")
    assert harness.left(todo) == ", about 4 min left and 1 run of unknown length"
    # A twin takes as long as the model.
    harness.records.write(Job("music", "random", 0, "whypath", 1), {"settings": {}, "process": {"seconds": 200.0}})
    assert harness.left(todo) == ", about 9 min left and 1 run of unknown length"
    assert harness.left([Job("music", "given", 0, "popularity", 1)]) == ", about 0 min left"


def test_models_run_where_they_say_something() -> None:
    jobs = asked_jobs(parser().parse_args(["run", "--all"]))
    models = {(job.set, job.protocol, job.model) for job in jobs}
    assert ("ml100k", "last-out", "sasrec") in models
    assert ("ml100k", "given", "sasrec") not in models
    assert {protocol for _, protocol, model in models if model == "shared-entities"} == {"cold"}
    assert {model for _, protocol, model in models if protocol == "cold" and MODELS[model].is_peer} == {
        "popularity", "lightfm", "shared-entities",
    }  # fmt: skip
    assert ("amazon-book", "given", "whypath-no-graph") not in models
    assert ("music", "newcomers", "recency-ease") not in models
    assert {job.seed for job in jobs if job.model == "ease" and job.protocol == "given"} == {1}
    assert {job.seed for job in jobs if job.model == "ease" and job.protocol == "random"} == {1, 2, 3, 4, 5}
    assert {job.model for job in jobs} == set(MODELS)
