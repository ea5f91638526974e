"""Compare WhyPath on a Neo4j database with Cypher queries that one would write instead: same server, data and run.

The demo's films that are in the fixed split are loaded into the database with the split's train events as positive
ratings and its valid events as negative ones, which only exclude items from lists. For the queries the same events are
stored as relationships LIKED and VALID, with degrees as properties, which makes them as fast as possible. Each method
then answers for every test user, in turn:

  whypath     `Engine.recommend(user, 20)` on the open engine, which follows the server
  asking      the same with `freshness=0`: every call asks the server for changes
  user-knn    200 nearest users by cosine, tuned on valid (exponents of similarity and popularity)
  hybrid      the same plus a sum over shared entities, weight tuned on valid (`--tune`)
  path-count  the query of the tutorials: number of users' paths to the item

Each answers for twenty users in a row, as a service does; times are measured in the client, per user. A second pass
changes the method after every user ("alone"): each then finds caches that another has filled, which slows short answers
most. Lists are scored by score.py with its paired test. All methods order equal scores by the same hash of the item's
id."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from neo4j import Session

from benchmarks.commands import WHYPATH
from benchmarks.ml100k import figures_of
from benchmarks.records import Record, add_bench, difference_cell, options_of, parser_of, run_script
from benchmarks.running import Measured, run
from benchmarks.store_server import LAUNCHER, LocalServer, add_server, launcher_of, server
from benchmarks.yardsticks import METRIC, Yardsticks, read_rows, write_rows
from fusion.ranking import tie_break_keys
from whypath.cli.console import remark
from whypath.engine import Engine

EXAMPLES = f"""\
examples:
  {LAUNCHER}=LAUNCHER python -m benchmarks.cypher --json benchmarks/results/cypher.json
  python -m benchmarks.cypher --server LAUNCHER --users 100
  python -m benchmarks.cypher --tune --json benchmarks/results/cypher-tune.json
"""

WEIGHTS = (0.0, 0.003, 0.01, 0.03, 0.1)
WEIGHT = 0.01
"""Weight of the shared entities in the hybrid query, chosen by `--tune`."""

K = 20
TOGETHER = 20
"""Users that each method answers for in a row."""
WHYPATH_ROW, ASKING = "whypath", "asking"

_NEIGHBOURS = """
    MATCH (u)-[:LIKED]->(i)<-[:LIKED]-(v) WHERE v <> u
    WITH u, v, count(*) / sqrt(u.deg * v.deg) AS sim ORDER BY sim DESC LIMIT 200
    MATCH (v)-[:LIKED]->(c)"""
_BEST = """
    WHERE NOT EXISTS { (u)-[:LIKED|VALID]->(c) }
    RETURN c.key, s ORDER BY s DESC, c.tie LIMIT $k"""

QUERIES = {
    "user-knn": f"""
    MATCH (u:User {{key: $user}}) WITH u {_NEIGHBOURS}
    WITH u, c, sum(sim * sim) / c.deg ^ 0.4 AS s {_BEST}""",
    "hybrid": f"""
    MATCH (u:User {{key: $user}})
    CALL (u) {{ {_NEIGHBOURS} RETURN c, sum(sim * sim) / c.deg ^ 0.4 AS part
        UNION ALL
        MATCH (u)-[:LIKED]->(i)-->(e) WITH DISTINCT e MATCH (e)<--(c:Film) WHERE c.deg > 0
        RETURN c, $weight * sum(1 / sqrt(e.deg)) AS part }}
    WITH u, c, sum(part) AS s {_BEST}""",
    "path-count": f"""
    MATCH (u:User {{key: $user}})-[:LIKED]->()<-[:LIKED]-()-[:LIKED]->(c)
    WITH u, c, count(*) AS s {_BEST}""",
}

_PREPARE = (
    "MATCH (u:User)-[r:RATING]->(f:Film) WHERE r.weight >= 4 MERGE (u)-[:LIKED]->(f)",
    "MATCH (u:User)-[r:RATING]->(f:Film) WHERE r.weight < 4 MERGE (u)-[:VALID]->(f)",
    "MATCH (u:User) SET u.deg = COUNT { (u)-[:LIKED]->() }",
    "MATCH (f:Film) SET f.deg = COUNT { (f)<-[:LIKED]-() }",
    "MATCH (e:WhyPath) WHERE NOT e:User AND NOT e:Film SET e.deg = COUNT { (e)<--() }",
)


def write_domain(folder: Path, yard: Yardsticks) -> Path:
    """Narrow a prepared demo domain to the films of the split, and put the split's events in place of the ratings."""
    films = read_rows(folder / "films.tsv").set_index("id", drop=False)
    write_rows(folder / "films.tsv", films.loc[read_rows(yard.items)["item"]])
    ratings = [
        read_rows(path)
        .rename(columns={"user_id": "user", "item_id": "item", "timestamp": "time"})[["user", "item", "time"]]
        .assign(rating=stars)
        for path, stars in ((yard.train, "5"), (yard.valid, "1"))
    ]
    write_rows(folder / "ratings.tsv", pd.concat(ratings))
    return folder / "domain.yaml"


def prepare_queries(session: Session) -> None:
    """Write the relationships and properties that make the queries fast."""
    for text in _PREPARE:
        session.run(text).consume()  # pyright: ignore[reportArgumentType]
    keys = [record[0] for record in session.run("MATCH (f:Film) RETURN f.key")]
    # Neo4j's integers are signed, and only the order counts.
    ties = (tie_break_keys(keys) >> np.uint64(1)).astype(np.int64)
    session.run(
        "UNWIND $rows AS row MATCH (f:Film {key: row[0]}) SET f.tie = row[1]",
        rows=[list(row) for row in zip(keys, ties.tolist(), strict=True)],
    ).consume()


Answer = Callable[[str], list[str]]


def asked(
    answers: dict[str, Answer], users: list[str], together: int
) -> tuple[dict[str, pd.DataFrame], dict[str, list[float]]]:
    """The lists of all users from each method, and the milliseconds of each answer.

    The methods take turns, for `together` users each, in a new random order each time, so that other load on the
    machine affects all equally.
    """
    for answer in answers.values():
        for user in users[:20]:
            answer(user)  # fill caches of plans and data, compile code on its first use
    rows: dict[str, list[tuple[str, str, int]]] = {name: [] for name in answers}
    took: dict[str, list[float]] = {name: [] for name in answers}
    draw = random.Random(1)
    for start in range(0, len(users), together):
        for name in draw.sample(list(answers), len(answers)):
            for user in users[start : start + together]:
                started = time.perf_counter()
                found = answers[name](user)
                took[name].append((time.perf_counter() - started) * 1e3)
                rows[name] += [(user, item, rank) for rank, item in enumerate(found, start=1)]
    lists = {name: pd.DataFrame(each, columns=["user", "item", "rank"]) for name, each in rows.items()}
    return lists, took


def tune(record: Record, yard: Yardsticks, folder: Path, session: Session) -> None:
    """Rank valid by the hybrid query with each of the weights; test is not used."""
    text = QUERIES["hybrid"].replace("LIKED|VALID", "LIKED")
    cells = []
    for weight in WEIGHTS:
        rows = [
            (user, found[0], rank)
            for user in dict.fromkeys(read_rows(yard.valid)["user_id"])
            for rank, found in enumerate(session.run(text, user=user, k=K, weight=weight), start=1)  # pyright: ignore[reportArgumentType]
        ]
        path = write_rows(folder / f"hybrid-{weight}.tsv", pd.DataFrame(rows, columns=["user", "item", "rank"]))
        found = yard.score(path, yard.valid, candidates=yard.items, exclude=(yard.train,))
        record.add({"row": f"hybrid, weight {weight}", **figures_of(found)})
        cells.append([f"{weight:g}", f"{found.mean(METRIC):.4f}"])
    record.show("The hybrid query on valid", ("weight", METRIC), cells)


def train(running: LocalServer, bundle: Path, yard: Yardsticks, seed: int) -> Measured:
    """Train by `whypath train`."""
    given = ["train", "--store", running.uri, "--train", str(yard.train), "--valid", str(yard.valid)]
    return run([*WHYPATH, *given, "--seed", str(seed), "--bundle", str(bundle), "--force"], tell=remark)


def main() -> int:
    """Measure, write the record, print."""
    parser = parser_of(__doc__)
    parser.epilog = EXAMPLES
    add_bench(parser)
    add_server(parser)
    parser.add_argument("--users", type=int, metavar="N", help="test users to answer for; lists are then not scored")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="use the model of an earlier run")
    parser.add_argument("--tune", action="store_true", help="only rank valid by the hybrid query with other weights")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the training (default 1)")
    arguments = parser.parse_args()
    launcher = launcher_of(arguments)
    yard = Yardsticks.at(arguments.bench)
    record = Record.begun("cypher", options_of(arguments), arguments.json)
    # The record of the run that trained the model says which one it is.
    record.options["bundle"] = arguments.bundle is not None
    folder = arguments.work / "cypher"
    folder.mkdir(parents=True, exist_ok=True)
    more = [] if arguments.wheels is None else ["--wheels", str(arguments.wheels)]
    run([*WHYPATH, "demo", "--prepare", str(folder / "domain"), *more], tell=remark)
    domain = write_domain(folder / "domain", yard)
    users = list(dict.fromkeys(read_rows(yard.test)["user_id"]))[: arguments.users]
    with server(launcher, folder / f"server-{os.getpid()}") as running:
        os.environ.update(running.environment(folder / f"cache-{os.getpid()}"))
        setup = {"load": run([*WHYPATH, "load", str(domain), "--store", running.uri], tell=remark)}
        if arguments.tune:
            with running.driver() as driver, driver.session() as session:
                prepare_queries(session)
                tune(record, yard, folder / "lists", session)
            return 0
        bundle = arguments.bundle or folder / "bundle"
        if arguments.bundle is None:
            setup["train"] = train(running, bundle, yard, arguments.seed)
        record.summary["setup"] = {name: took.to_json() for name, took in setup.items()}
        with (
            closing(Engine.open(running.uri, bundle)) as engine,
            closing(Engine.open(running.uri, bundle, freshness=0)) as asking,
            running.driver() as driver,
            driver.session() as session,
        ):
            prepare_queries(session)

            def by_query(text: str) -> Answer:
                return lambda user: [each[0] for each in session.run(text, user=user, k=K, weight=WEIGHT)]  # pyright: ignore[reportArgumentType]

            def by_engine(engine: Engine) -> Answer:
                return lambda user: [found.item for found in engine.recommend(user, K)]

            queries = {name: by_query(text) for name, text in QUERIES.items()}
            answers = {WHYPATH_ROW: by_engine(engine), ASKING: by_engine(asking), **queries}
            lists, took = asked(answers, users, TOGETHER)
            # Without the other engine, which would fill caches that this one uses.
            _, alone = asked({WHYPATH_ROW: by_engine(engine), **queries}, users, 1)
    if not lists[WHYPATH_ROW].equals(lists[ASKING]):
        raise RuntimeError("the engine that follows the server and the one that asks gave different lists")
    keep(record, yard, folder / "lists", lists, took, alone, scored=arguments.users is None)
    return 0


def milliseconds(took: dict[str, list[float]], name: str) -> dict[str, float]:
    """Times of one method; `times_whypath` is the ratio of medians."""
    times = np.array(took[name])
    ratio = float(np.median(times) / np.median(took[WHYPATH_ROW]))
    parts = {f"p{part}": float(np.percentile(times, part)) for part in (50, 99)}
    return {"mean": float(times.mean()), **parts, "times_whypath": ratio}


def times_as_long(figures: dict[str, float]) -> str:
    """Ratio of the median time to that of whypath."""
    return f"× {figures['times_whypath']:.1f}"


def keep(
    record: Record,
    yard: Yardsticks,
    folder: Path,
    lists: dict[str, pd.DataFrame],
    took: dict[str, list[float]],
    alone: dict[str, list[float]],
    *,
    scored: bool,
) -> None:
    """Score the lists, record a row per method, and print them."""
    exclude = (yard.train, yard.valid)
    files = {name: write_rows(folder / f"{name}.tsv", each) for name, each in lists.items()}
    cells = []
    for name, path in files.items():
        row: dict[str, Any] = {"row": name, "milliseconds": milliseconds(took, name)}
        cell = [
            name,
            *(f"{row['milliseconds'][key]:.2f}" for key in ("p50", "p99")),
            times_as_long(row["milliseconds"]),
        ]
        if name in alone:
            row["milliseconds_alone"] = milliseconds(alone, name)
            cell += [f"{row['milliseconds_alone']['p50']:.2f}", times_as_long(row["milliseconds_alone"])]
        else:
            cell += ["", ""]
        if scored:
            found = yard.score(path, yard.test, candidates=yard.items, exclude=exclude)
            row |= figures_of(found)
            cell.append(f"{found.mean(METRIC):.4f}")
            if name not in (WHYPATH_ROW, ASKING):
                paired = yard.against(files[WHYPATH_ROW], path, yard.test, candidates=yard.items, exclude=exclude)[
                    METRIC
                ]
                row["whypath_less_this"] = {"mean": paired.mean, "standard_error": paired.standard_error, "p": paired.p}
                cell.append(difference_cell(paired.mean, paired.p))
        record.add(row)
        cells.append([*cell, *[""] * (8 - len(cell))])
    columns = ("who answers", "p50 ms", "p99 ms", "whypath's", "p50 alone", "whypath's", METRIC, "whypath has more")
    record.show(f"One user's {K} items over the same Neo4j database", columns, cells)


if __name__ == "__main__":
    run_script(main)
