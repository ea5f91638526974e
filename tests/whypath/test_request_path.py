"""The request path: stages and their shares, retrievers, many users at once, evaluation by the same path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kg.errors import WhyPathError
from kg.ids import BadId
from tests.workshop import Workshop
from whypath import Engine, Query
from whypath.answering.behaviour import Behaviour
from whypath.answering.conditions import FilterError
from whypath.answering.filters import Allowed, Step
from whypath.answering.request_path import RetrieverError
from whypath.answering.scoring import Scorer
from whypath.answering.stages import Candidates, StageError, UnknownStage
from whypath.models.evaluating import EvaluationFiles


@dataclass(frozen=True)
class Diverse:
    """Maximal marginal relevance (Carbonell & Goldstein, 1998): an item loses by its likeness to what is above it."""

    weight: float = 0.5
    name: str = "diverse"

    def depth(self, k: int) -> int:
        return 4 * k

    def rerank(self, query: Query, candidates: Candidates) -> Candidates:
        facts = candidates.graph.item_facts().matrix(candidates.graph.n_nodes)[candidates.items].toarray()
        facts /= np.maximum(np.linalg.norm(facts, axis=1, keepdims=True), 1e-9)
        alike = facts @ facts.T
        left, worth = list(range(len(candidates.items))), candidates.scores.copy()
        order: list[int] = []
        while left:
            best = max(left, key=lambda at: float(worth[at]))
            left.remove(best)
            order.append(best)
            worth[left] = np.minimum(worth[left], candidates.scores[left] - self.weight * alike[best, left])
        return replace(candidates, items=candidates.items[order], scores=worth[order])


@dataclass(frozen=True)
class Promoted:
    """Adds to the score of the one item that the context of the request names."""

    name: str = "promoted"

    def depth(self, k: int) -> int:
        return 10 * k

    def rerank(self, query: Query, candidates: Candidates) -> Candidates:
        promoted = candidates.graph.item_indices([str(query.context.get("promote", ""))])[0]
        scores = candidates.scores + np.where(candidates.items == promoted, np.float32(100), np.float32(0))
        order = np.argsort(-scores, kind="stable")
        return replace(candidates, items=candidates.items[order], scores=scores[order])


@dataclass(frozen=True)
class Without:
    """A rule: these items are not listed."""

    items: frozenset[int]
    name: str = "without"

    def depth(self, k: int) -> int:
        return k

    def rerank(self, query: Query, candidates: Candidates) -> Candidates:
        kept = ~np.isin(candidates.items, list(self.items))
        return replace(candidates, items=candidates.items[kept], scores=candidates.scores[kept])


@dataclass(frozen=True)
class Broken:
    """Gives back items and scores that it makes up."""

    items: tuple[int, ...]
    scores: tuple[float, ...]
    name: str = "broken"

    def depth(self, k: int) -> int:
        return k

    def rerank(self, query: Query, candidates: Candidates) -> Candidates:
        items = np.array([candidates.items[place] if place >= 0 else place for place in self.items], np.int32)
        return replace(candidates, items=items, scores=np.array(self.scores, np.float32))


class MostPopular:
    """The twenty most popular items of those that the filters allow."""

    def retrieve(self, query: Query, behaviour: Behaviour, scorer: Scorer) -> Allowed:
        allowed = query.filters.apply(scorer.graph)
        mask = np.zeros(scorer.graph.n_items, dtype=bool)
        mask[np.argsort(-scorer.popularity, kind="stable")[:20]] = True
        if allowed.mask is not None:
            mask &= allowed.mask
        return Allowed(mask, (*allowed.steps, Step("popular", int(mask.sum()))))


def engine_with(workshop: Workshop, *stages, **options) -> Engine:
    return Engine.open(workshop.store, workshop.bundle, stages=stages, **options)


@pytest.fixture(scope="module")
def plain(workshop: Workshop) -> Iterator[Engine]:
    with engine_with(workshop) as engine:
        yield engine


def some_users(engine: Engine) -> list[str]:
    return [*engine.graph.interactions().user_ids[:8], "never seen"]


def test_a_stage_reorders_what_it_wants_to_see(workshop: Workshop, plain: Engine) -> None:
    with engine_with(workshop, Diverse()) as engine:
        for user in some_users(plain):
            seen = {item.item: item.score for item in plain.recommend(user, 20)}
            found = engine.recommend(user, 5)
            assert len(found) == 5
            assert {item.item for item in found} <= set(seen)
            assert all(item.score <= seen[item.item] for item in found)
            assert found[0].item == next(iter(seen))
        assert any(
            [item.item for item in engine.recommend(user, 5)] != [item.item for item in plain.recommend(user, 5)]
            for user in some_users(plain)
        )


def test_shares_of_blocks_and_stages_add_up_to_the_score_in_the_list(workshop: Workshop, plain: Engine) -> None:
    with engine_with(workshop, Promoted(), Diverse()) as engine:
        for user in some_users(plain):
            for item in engine.recommend(user, 6):
                why = engine.explain(user, item.item, k=6)
                assert [share.stage for share in why.stages] == ["promoted", "diverse"]
                total = sum(share.share for share in why.blocks) + sum(share.share for share in why.stages)
                assert total == pytest.approx(why.score, abs=1e-5)
                assert why.score == pytest.approx(item.score, rel=1e-5, abs=1e-5)


def test_shares_of_stages_are_printed_and_in_the_frame(workshop: Workshop, plain: Engine) -> None:
    user = some_users(plain)[0]
    last = plain.recommend(user, plain.graph.n_items)[-1].item
    with engine_with(workshop, Promoted(), Diverse()) as engine:
        why = engine.explain(user, last)
    frame = why.to_pandas()
    assert frame[frame.part == "stage"].id.tolist() == ["promoted", "diverse"]
    assert "Stage after the model" in str(why)
    assert why.stages[0].share == 0


def test_an_item_of_the_history_is_explained_among_the_others(workshop: Workshop, plain: Engine) -> None:
    graph = plain.graph
    liked = graph.item_ids[graph.history_of(some_users(plain)[0], ())[0].items[0]]
    with engine_with(workshop, Diverse()) as engine:
        why = engine.explain(some_users(plain)[0], liked)
        total = sum(share.share for share in why.blocks) + why.stages[0].share
        assert total == pytest.approx(why.score, abs=1e-5)
        assert "counts for its own score" in why.note


def test_a_stage_reads_the_context_of_the_request(workshop: Workshop, plain: Engine) -> None:
    user = some_users(plain)[0]
    third = plain.recommend(user, 3)[2].item
    with engine_with(workshop, Promoted()) as engine:
        assert engine.recommend(user, 3, context={"promote": third})[0].item == third
        assert engine.recommend_for([], 3, context={"promote": "no such item"}) == plain.recommend_for([], 3)


def test_a_rule_shortens_the_list_and_both_notes_say_so(workshop: Workshop, plain: Engine) -> None:
    user = some_users(plain)[0]
    first, second = (plain.graph.item_index(item.item) for item in plain.recommend(user, 2))
    chosen = [plain.graph.item_ids[item] for item in (first, second)]
    with engine_with(workshop, Without(frozenset({first})), Diverse()) as engine:
        found = engine.recommend(user, 2, include=chosen)
        assert [item.item for item in found] == chosen[1:]
        assert found.note == "Only 1 item is left (all items: 80 → include: 2 ids: 2; stages leave out 1)."
        why = engine.explain(user, chosen[0])
        assert why.stages == ()
        assert why.note == "The stage 'without' leaves the item out."


@pytest.mark.parametrize(
    ("items", "scores", "problem"),
    [
        ((-1,), (1.0,), "no candidates"),
        ((0, 0), (1.0, 1.0), "one of them twice"),
        ((0, 1), (1.0, 2.0), "scores that rise"),
        ((0, 1), (1.0, float("nan")), "not finite"),
        ((0, 1), (1.0,), "scores"),
    ],
)
def test_a_stage_that_breaks_its_promise_is_named(
    workshop: Workshop, items: tuple[int, ...], scores: tuple[float, ...], problem: str
) -> None:
    with (
        engine_with(workshop, Broken(items, scores)) as engine,
        pytest.raises(StageError, match=f"'broken' gave back .*{problem}"),
    ):
        engine.recommend("1")


def test_evaluation_and_files_take_the_same_path(workshop: Workshop, plain: Engine) -> None:
    files = EvaluationFiles(workshop.test, (workshop.train,), (workshop.valid,))
    with engine_with(workshop, Diverse()) as engine:
        result = engine.evaluate(files)
        lists = engine.recommend_many(result.users, 20, history=workshop.train, exclude_files=[workshop.valid])
        ids = engine.graph.item_ids
        for row, found in enumerate(lists):
            ranked = result.ranked.items[row]
            assert [item.item for item in found] == [ids[item] for item in ranked[ranked >= 0].tolist()]
            np.testing.assert_array_equal([item.score for item in found], result.ranked.scores[row][ranked >= 0])
    assert (plain.evaluate(files).ranked.items != result.ranked.items).any()


def test_a_retriever_chooses_the_items_that_compete(workshop: Workshop, plain: Engine) -> None:
    popular = {item.item for item in plain.recommend_for([], 20)}
    with engine_with(workshop, retriever=MostPopular()) as engine:
        for user in some_users(plain):
            assert {item.item for item in engine.recommend(user, 8)} <= popular
        found = engine.recommend_for([], 5, include=sorted(popular)[:2])
        assert len(found) == 2
        assert "popular: 2" in found.note


@pytest.mark.parametrize("stages", [(), (Diverse(),)])
def test_many_users_get_what_each_of_them_gets(workshop: Workshop, stages: tuple[Diverse, ...]) -> None:
    with engine_with(workshop, *stages) as engine:
        users = some_users(engine)
        every: list[dict[str, Any]] = [{}, {"repeats": True}, {"include": list(engine.graph.item_ids[:9])}]
        for options in every:
            found = list(engine.recommend_many(users, 7, **options))
            assert [each.user for each in found] == users
            for each in found:
                alone = engine.recommend(each.user or "", 7, **options)
                assert [item.item for item in each] == [item.item for item in alone]
                assert (each.basis, each.history, each.note) == (alone.basis, alone.history, alone.note)
        everybody = [each.user for each in engine.recommend_many(k=1)]
        assert everybody == list(engine.graph.interactions(positive_only=False).user_ids)


def test_histories_given_for_many_users(plain: Engine) -> None:
    ids = list(plain.graph.item_ids[:6])
    given = {"a": ids[:3], 7: ["no such item", *ids[2:5]], "nobody": []}
    found = list(plain.recommend_many(given, 5))
    assert [each.user for each in found] == ["a", "7", "nobody"]
    for each, history in zip(found, given.values(), strict=True):
        alone = plain.recommend_for(history, 5)
        assert [item.item for item in each] == [item.item for item in alone]
        assert each.note == alone.note
    assert "1 of the 4 items given are unknown: no such item." in found[1].note


def test_files_of_histories_and_exclusions(workshop: Workshop, plain: Engine, tmp_path: Path) -> None:
    ids = list(plain.graph.item_ids[:4])
    (tmp_path / "h.tsv").write_text("user\titem\n" + "".join(f"u\t{item}\n" for item in ids[:2]) + f"v\t{ids[2]}\n")
    first = [item.item for item in plain.recommend_for(ids[:2], 3)]
    (tmp_path / "pairs.tsv").write_text(f"user\titem\nu\t{first[0]}\n")
    (tmp_path / "items.tsv").write_text(f"item\n{first[1]}\n")
    told: list[str] = []
    files = [tmp_path / "pairs.tsv", tmp_path / "items.tsv"]
    one, other = plain.recommend_many(
        k=plain.graph.n_items, history=tmp_path / "h.tsv", exclude_files=files, progress=told.append
    )
    assert [one.user, other.user] == ["u", "v"]
    assert not {item.item for item in one} & {*ids[:2], first[0], first[1]}
    assert first[0] in {item.item for item in other}
    assert first[1] not in {item.item for item in other}
    assert told == []
    why = plain.explain("u", first[2], history=tmp_path / "h.tsv")
    assert {share.item for share in why.history} == set(ids[:2])


@pytest.mark.parametrize(
    ("error", "options"),
    [
        (WhyPathError, {"k": 0}),
        (WhyPathError, {"leave_out": ["seen"]}),
        (BadId, {"users": "12"}),
        (FilterError, {"where": ["yaer > 1"]}),
    ],
)
def test_what_is_wrong_is_said_before_the_first_list_is_taken(
    plain: Engine, error: type[WhyPathError], options: dict[str, Any]
) -> None:
    with pytest.raises(error):
        plain.recommend_many(**options)


def test_every_answer_says_since_when_the_store_is_away(plain: Engine) -> None:
    path = replace(plain.requests(), stale_since="2026-01-01T00:00:00+00:00")
    user, item = some_users(plain)[0], plain.graph.item_ids[0]
    query = Query(user)
    assert path.recommend(query).stale_since == path.stale_since
    liked, _ = plain.graph.history_of(user, ())
    behaviour = Behaviour([user], liked, liked.matrix())
    assert path.explain(query, behaviour, item, 1).stale_since == path.stale_since


def test_stages_know_the_moment_of_the_request(workshop: Workshop) -> None:
    moments: list[float | None] = []

    @dataclass(frozen=True)
    class Watching(Without):
        def rerank(self, query: Query, candidates: Candidates) -> Candidates:
            now = candidates.history.now
            moments.append(None if now is None else float(now[0]))
            assert query.now == moments[-1]
            return candidates

    with engine_with(workshop, Watching(frozenset())) as engine:
        engine.recommend("1", now=1e9)
        engine.recommend_for([], now=2e9)
        list(engine.recommend_many(["1", "2"], now=3e9))
        engine.recommend("1")
    assert moments == [1e9, 2e9, 3e9, 3e9, None]


def test_the_stage_of_the_guide_works(workshop: Workshop, plain: Engine) -> None:
    page = (Path(__file__).parents[2] / "docs" / "requests.md").read_text(encoding="utf-8")
    code = next(code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "class InSeason" in code)
    names: dict[str, Any] = {}
    exec(code[: code.index("engine = ")], names)
    user = some_users(plain)[0]
    third = plain.recommend(user, 3)[2].item
    context = {"season": f"no such item,{third}"}
    with engine_with(workshop, names["InSeason"]()) as engine:
        found = {item.item: item.score for item in engine.recommend(user, 5, context=context)}
        why = engine.explain(user, third, k=5, context=context)
    assert [(share.stage, share.share) for share in why.stages] == [("in season", pytest.approx(0.5, abs=1e-5))]
    assert why.score == pytest.approx(found[third], abs=1e-5)


class ByPlace:
    """Adds more, the further down a candidate is."""

    name = "by place"

    def depth(self, k: int) -> int:
        return 5 * k

    def rerank(self, query: Query, candidates: Candidates) -> Candidates:
        scores = candidates.scores + np.linspace(0, 1, len(candidates.items), dtype=np.float32)
        order = np.argsort(-scores, kind="stable")
        return replace(candidates, items=candidates.items[order], scores=scores[order])


class Overwriting(ByPlace):
    def rerank(self, query: Query, candidates: Candidates) -> Candidates:
        candidates.items[:] = np.arange(len(candidates.items))
        return candidates


def test_a_stage_cannot_overwrite_its_candidates(workshop: Workshop, plain: Engine) -> None:
    with engine_with(workshop, Overwriting()) as engine, pytest.raises(ValueError, match="read-only"):
        engine.recommend(some_users(plain)[0], 3, include=plain.graph.item_ids[50:60])


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("rerank", None, "gave back a NoneType"),
        ("rerank", [1], "gave back a list"),
        ("depth", "x", "which is no whole number"),
    ],
)
def test_a_stage_that_is_wrong_is_named(
    part: str, value: object, message: str, workshop: Workshop, plain: Engine
) -> None:
    stage = type("Wrong", (ByPlace,), {part: lambda *_: value})()
    with engine_with(workshop, stage) as engine, pytest.raises(StageError, match=f"'by place'.*{message}"):
        engine.recommend(some_users(plain)[0], 3)


def test_what_is_no_stage_is_refused_at_once(workshop: Workshop) -> None:
    with pytest.raises(StageError, match="3 is no stage: it has no name, depth, rerank"):
        engine_with(workshop, 3)
    with pytest.raises(UnknownStage, match=r"write \['mmr'\] for one"):
        Engine.open(workshop.store, workshop.bundle, stages="mmr")


class Disregarding:
    """Disregards the filters."""

    def retrieve(self, query: Query, behaviour: Behaviour, scorer: Scorer) -> Allowed:
        return Allowed(None, ())


def test_a_retriever_that_disregards_the_filters_is_an_error(workshop: Workshop, plain: Engine) -> None:
    user = some_users(plain)[0]
    with engine_with(workshop, retriever=Disregarding()) as engine:
        assert engine.recommend(user, 3).items == plain.recommend(user, 3).items
        with pytest.raises(RetrieverError, match="that the filters do not allow"):
            engine.recommend(user, 3, include=plain.graph.item_ids[50:60])


@pytest.mark.parametrize("options", [{"repeats": True}, {"leave_out": []}])
def test_a_list_with_repeats_or_less_left_out_is_explained(
    options: dict[str, Any], workshop: Workshop, plain: Engine
) -> None:
    user = some_users(plain)[0]
    with engine_with(workshop, ByPlace()) as engine:
        for item in engine.recommend(user, 20, **options):
            assert engine.explain(user, item.item, k=20, **options).score == pytest.approx(item.score, abs=1e-5)


def test_an_item_of_the_history_is_explained_with_its_score_in_a_list_with_repeats(plain: Engine) -> None:
    graph, user = plain.graph, some_users(plain)[0]
    history = {graph.item_ids[item] for item in graph.history_of(user, ())[0].items}
    scores = {item.item: item.score for item in plain.recommend(user, graph.n_items, repeats=True)}
    for item in history:
        why = plain.explain(user, item)
        assert "counts for its own score" in why.note
        assert why.score == pytest.approx(scores[item], rel=1e-5, abs=1e-5)
        assert {share.item for share in why.history} == history
        assert sum(share.share for share in why.blocks) == pytest.approx(why.score, abs=1e-5)
        assert all(path.nodes[0][1] != item for path in why.paths)
        alone = plain.explain_for([item], item)
        assert [share.item for share in alone.history] == [item]
        assert not alone.paths


@pytest.mark.parametrize(
    "options",
    [
        {"k": True},
        {"k": 2.5},
        {"k": "3"},
        {"now": "noon"},
        {"now": float("nan")},
        {"context": "x"},
        {"repeats": True, "leave_out": ["liked"]},
        {"kinds": "item"},
        {"where": "year >= 1990"},
    ],
)
def test_arguments_of_the_wrong_type_are_named(options: dict[str, Any], plain: Engine) -> None:
    with pytest.raises(WhyPathError):
        plain.recommend(some_users(plain)[0], **options)
