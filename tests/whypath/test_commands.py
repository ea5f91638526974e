"""train, recommend, evaluate, similar and explain on files, as the documentation has them."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from pathlib import Path

import pytest

from fusion.settings import CrossFitSettings, FusionSettings
from kg.ingest import load_domain
from kg.opening import open_store
from tests.workshop import Workshop
from whypath import Engine
from whypath.cli import main


def run(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def lists(path: Path) -> dict[str, list[str]]:
    """Each user's items, in file order."""
    found: dict[str, list[str]] = {}
    for row in rows(path):
        found.setdefault(row["user"], []).append(row["item"])
    return found


def recommend(
    shop: Workshop, out: Path, *more: str | Path, bundle: Path | None = None, store: Path | None = None
) -> int:
    return run(
        "recommend", "--store", store or shop.store, "--bundle", bundle or shop.bundle, "--history", shop.train, *more,
        "--out", out,
    )  # fmt: skip


@pytest.fixture(scope="module")
def popularity(workshop: Workshop) -> Path:
    """A bundle that is quick to train."""
    bundle = workshop.folder / "popularity"
    assert run("train", "--store", workshop.store, "--train", workshop.train, "--only", "popularity",
               "--bundle", bundle) == 0  # fmt: skip
    return bundle


def test_lists_of_files(workshop: Workshop, tmp_path: Path) -> None:
    out = tmp_path / "recs.tsv"
    assert recommend(workshop, out, "-k", "7", "--exclude", workshop.valid) == 0
    recs, train, valid = lists(out), lists(workshop.train), lists(workshop.valid)
    assert list(rows(out)[0]) == ["user", "item", "rank", "score"]
    assert set(recs) == set(train)
    for user, items in recs.items():
        assert len(set(items)) == 7
        assert not set(items) & {*train[user], *valid.get(user, [])}
        own = [row for row in rows(out) if row["user"] == user]
        assert [row["rank"] for row in own] == [str(rank) for rank in range(1, 8)]
        scores = [float(row["score"]) for row in own]
        assert scores == sorted(scores, reverse=True)


def test_users_and_candidates_of_files(workshop: Workshop, tmp_path: Path) -> None:
    users, candidates, out = tmp_path / "users.csv", tmp_path / "candidates.tsv", tmp_path / "recs.tsv"
    known = next(iter(lists(workshop.train)))
    users.write_text(f"user\n{known}\nnever seen\n{known}\n")
    chosen = sorted({row["item"] for row in rows(workshop.train)})[:30]
    candidates.write_text("item_id\tfold\n" + "".join(f"{item}\t1\n" for item in [*chosen, "no such item"]))
    some = ("--users", users, "--candidates", candidates, "-k", "5")
    assert recommend(workshop, out, *some) == 0
    recs = lists(out)
    assert list(recs) == [known, "never seen"]
    assert {item for items in recs.values() for item in items} <= set(chosen)
    (tmp_path / "items.tsv").write_text(f"item\n{recs[known][0]}\n")
    assert recommend(workshop, out, *some, "--exclude", tmp_path / "items.tsv") == 0
    assert all(recs[known][0] not in items for items in lists(out).values())


def test_with_files_none_of_the_stores_interactions_is_read(workshop: Workshop, tmp_path: Path) -> None:
    """Training and lists from files are byte-identical over a store whose interactions are gone."""
    domain = tmp_path / "domain"
    shutil.copytree(workshop.domain.parent, domain)
    events = domain / "events.tsv"
    events.write_text(events.read_text().splitlines()[0] + "\n")
    store = open_store(tmp_path / "store", create=True)
    load_domain(domain / "domain.yaml", store)
    assert len(store.snapshot().interactions(positive_only=False)) == 0
    store.close()
    train = ("--train", workshop.train, "--valid", workshop.valid, "--seed", "1", "--no-text")
    assert run("train", "--store", tmp_path / "store", *train, "--bundle", tmp_path / "bundle") == 0
    users = tmp_path / "users.tsv"
    users.write_text("user\n" + "\n".join([*lists(workshop.train), "unknown"]) + "\n")
    assert recommend(workshop, tmp_path / "with.tsv", "--users", users, "-k", "20") == 0
    emptied = {"bundle": tmp_path / "bundle", "store": tmp_path / "store"}
    assert recommend(workshop, tmp_path / "without.tsv", "--users", users, "-k", "20", **emptied) == 0
    assert (tmp_path / "with.tsv").read_bytes() == (tmp_path / "without.tsv").read_bytes()


def test_same_seed_same_bundle_and_another_seed_another(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digests = []
    for name, seed in (("a", "1"), ("b", "2")):
        assert run("train", "--store", workshop.store, "--train", workshop.train, "--valid", workshop.valid, "--seed",
                   seed, "--no-text", "--bundle", tmp_path / name, "--json") == 0  # fmt: skip
        digests.append(json.loads(capsys.readouterr().out)["digest"])
    ours, other = digests
    assert ours != other
    files = {
        path.relative_to(tmp_path / "a"): path.read_bytes() for path in (tmp_path / "a").rglob("*") if path.is_file()
    }
    for path, content in files.items():
        assert (workshop.bundle / path).read_bytes() == content, path
    assert not [path for path in files if path.suffix not in (".json", ".safetensors", ".parquet")]


def test_an_existing_bundle_needs_force(
    workshop: Workshop, popularity: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(popularity, bundle)
    train = (
        "train",
        "--store",
        workshop.store,
        "--train",
        workshop.train,
        "--only",
        "ease",
        "--no-text",
        "--bundle",
        bundle,
    )
    assert run(*train) == 2
    assert "give --force" in capsys.readouterr().err
    assert (bundle / "bundle.json").read_bytes() == (popularity / "bundle.json").read_bytes()
    assert run(*train, "--force") == 0
    assert (bundle / "bundle.json").read_bytes() != (popularity / "bundle.json").read_bytes()


def test_a_damaged_bundle_is_refused(
    workshop: Workshop, popularity: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(popularity, bundle)
    victim = next(bundle.rglob("*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-1])
    assert recommend(workshop, tmp_path / "r.tsv", bundle=bundle) == 2
    assert "missing or damaged" in capsys.readouterr().err
    for content in ("{", '{"format": 99}', '{"format": 1}'):
        (bundle / "bundle.json").write_text(content)
        assert recommend(workshop, tmp_path / "r.tsv", bundle=bundle) == 2
        assert "again" in capsys.readouterr().err
    assert not (tmp_path / "r.tsv").exists()


@pytest.mark.parametrize(
    "flags",
    [
        ("--no-graph",),
        ("--shuffle-graph", "--only", "graph"),
        ("--only", "behavior"),
        ("--only", "graph"),
        ("--only", "ials"),
        ("--valid", "VALID", "--refit", "--only", "ease"),
    ],
    ids=" ".join,
)
def test_flags_of_train_combine(workshop: Workshop, tmp_path: Path, flags: tuple[str, ...]) -> None:
    given = [str(workshop.valid) if flag == "VALID" else flag for flag in flags]
    assert run("train", "--store", workshop.store, "--train", workshop.train, "--no-text", *given,
               "--bundle", tmp_path / "bundle") == 0  # fmt: skip
    assert recommend(workshop, tmp_path / "recs.tsv", "-k", "3", bundle=tmp_path / "bundle") == 0
    assert lists(tmp_path / "recs.tsv")


def test_a_search_keeps_its_trials_beside_the_bundle(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("optuna")
    given = ("train", "--store", workshop.store, "--train", workshop.train, "--valid", workshop.valid, "--no-text",
             "--only", "ease", "--bundle", tmp_path / "new" / "bundle")  # fmt: skip
    assert run(*given, "--tune", "2") == 0
    assert "ease: trial 2 of 2, ndcg@10 " in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "new").iterdir() if path.is_file()] == ["bundle.trials.json"]
    assert run(*given, "--tune", "3", "--force") == 0
    said = capsys.readouterr().err
    assert "ease: 2 of 3 trials are known" in said
    assert "trial 2 of 3" not in said


def test_an_unknown_block_is_named(workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", "--store", workshop.store, "--train", workshop.train, "--no-text", "--only", "eaze",
               "--bundle", tmp_path / "bundle") == 2  # fmt: skip
    assert "eaze" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


def test_a_time_is_seconds_or_iso(workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "store"
    shutil.copytree(workshop.store, store)
    items = open_store(store).snapshot().item_ids
    times = ("1709251200", "2024-03-01T00:00:00Z", "2024-03-01", "2024-03-01T01:00:00+01:00")
    for number, time in enumerate(times):
        one = ("record", "--store", store, "--user", "of a time", "--item", items[number], "--time", time)
        assert run(*one) == 0
    graph = open_store(store).snapshot()
    events = graph.interactions(positive_only=False).of_users(["of a time"])
    assert events.times is not None
    assert events.times.tolist() == [1_709_251_200.0] * len(times)
    capsys.readouterr()
    with pytest.raises(SystemExit):
        run("record", "--store", store, "--user", "of a time", "--item", items[0], "--time", "yesterday")
    assert "neither seconds since 1970 nor an ISO 8601 time" in capsys.readouterr().err


def test_every_user_of_the_store(workshop: Workshop, popularity: Path, tmp_path: Path) -> None:
    out = tmp_path / "recs.csv.gz"
    assert run("recommend", "--store", workshop.store, "--bundle", popularity, "--all", "-k", "2", "--out", out) == 0
    store = open_store(workshop.store)
    users = store.snapshot().interactions(positive_only=False).user_ids
    store.close()
    listed = [line.split(",")[0] for line in gzip.decompress(out.read_bytes()).decode().splitlines()[1:]]
    assert list(dict.fromkeys(listed)) == list(users)


def test_one_user_as_table_and_json(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    user = next(iter(lists(workshop.train)))
    one = ("recommend", "--store", workshop.store, "--bundle", workshop.bundle, "--user", user, "-k", "3")
    assert run(*one) == 0
    assert f"Recommendations for user {user}" in capsys.readouterr().out
    assert run(*one, "--json", "--where", "year >= 2000") == 0
    assert len(json.loads(capsys.readouterr().out)["items"]) == 3
    assert run(*one, "--where", "year >= 9999") == 0
    assert "year >= 9999: 0" in capsys.readouterr().out
    assert run(*one, "--history", workshop.train, "--json") == 0
    assert json.loads(capsys.readouterr().out)["basis"] == "history"
    assert run(*one, "--kind", "film") == 2


def test_lists_go_to_stdout_without_out(
    workshop: Workshop, popularity: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = ("recommend", "--store", workshop.store, "--bundle", popularity, "--history", workshop.train, "-k", "2")
    assert run(*many) == 0
    assert capsys.readouterr().out.startswith("user\titem\trank\tscore\n")
    assert run(*many, "--json") == 0
    assert [item["rank"] for item in json.loads(capsys.readouterr().out)[0]["items"]] == [1, 2]


def test_evaluation_agrees_with_the_lists(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Recall by its definition, from the lists on disk, is what `evaluate` prints."""
    given = ("--store", workshop.store, "--bundle", workshop.bundle, "--history", workshop.train)
    assert run("evaluate", *given, "--exclude", workshop.valid, "--test", workshop.test, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (
        recommend(workshop, tmp_path / "r.tsv", "--users", workshop.test, "--exclude", workshop.valid, "-k", "10") == 0
    )
    recs, relevant = lists(tmp_path / "r.tsv"), lists(workshop.test)
    recalls = [len(set(recs[user]) & set(items)) / len(items) for user, items in relevant.items()]
    assert found["users"] == len(relevant)
    assert found["metrics"]["recall@10"] == pytest.approx(sum(recalls) / len(recalls))
    low, high = found["intervals"]["recall@10"]
    assert low <= found["metrics"]["recall@10"] <= high


def test_evaluation_prints_a_table(workshop: Workshop, popularity: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("evaluate", "--store", workshop.store, "--bundle", popularity, "--history", workshop.train, "--test",
               workshop.test) == 0  # fmt: skip
    assert "ndcg@10" in capsys.readouterr().out


def test_ablation_wants_the_files_of_the_bundle_and_names_every_part(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = FusionSettings(blocks=("ease", "shared"), crossfit=CrossFitSettings(folds=2))
    with Engine.open(workshop.store) as engine:
        engine.train(workshop.train, workshop.valid, text=False, settings=settings)
        engine.save(tmp_path / "bundle")
    base = ("evaluate", "--store", workshop.store, "--bundle", tmp_path / "bundle", "--history", workshop.train,
            "--test", workshop.test, "--ablate")  # fmt: skip
    assert run(*base, "--train", workshop.test, "--valid", workshop.valid) == 2
    assert "was not trained on" in capsys.readouterr().err
    assert run(*base, "--train", workshop.train) == 2
    assert "was trained with --valid valid.tsv" in capsys.readouterr().err
    assert run(*base, "--train", workshop.train, "--valid", workshop.valid, "--json") == 0
    results = json.loads(capsys.readouterr().out)
    names = [result["name"] for result in results]
    assert names == ["bundle", "without ease", "without shared", "twin: no graph", "twin: shuffled graph"]
    assert results[0]["against_bundle"] is None
    assert all("p_value" in result["against_bundle"] for result in results[1:])


def test_similar_and_explain(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    user, item = rows(workshop.train)[0]["user"], rows(workshop.train)[0]["item"]
    model = ("--store", workshop.store, "--bundle", workshop.bundle)
    assert run("similar", *model, "--item", item, "-k", "3", "--json") == 0
    near = json.loads(capsys.readouterr().out)["items"]
    assert len(near) == 3
    assert run("explain", *model, "--user", user, "--item", near[0]["item"]) == 0
    text = capsys.readouterr().out
    assert "Part of the model" in text
    assert "you liked" in text
    assert run("explain", *model, "--user", user, "--item", near[0]["item"], "--history", workshop.train, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert sum(block["share"] for block in found["blocks"]) == pytest.approx(found["score"], abs=1e-4)
    assert run("similar", *model, "--item", "no such item") == 2
    assert "there is no item 'no such item'" in capsys.readouterr().err


def test_a_list_is_no_longer_than_the_catalogue(
    workshop: Workshop, popularity: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ["--store", str(workshop.folder / "store"), "--bundle", str(popularity)]
    assert main(["recommend", *store, "--all", "-k", "9" * 30]) == 0
    assert capsys.readouterr().out.startswith("user\titem\trank\tscore\n")
