"""The contract of `Block`: what every block must do, as tests that a block's own test class inherits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import hypothesis
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from safetensors.numpy import load, save

from encoders.block import (
    Block,
    BlockState,
    Catalogue,
    Family,
    Input,
    TrainingData,
    TrainingSizes,
    WeighedHistories,
    refits,
)
from encoders.tensors import StateUnreadable
from fusion.registry import ENCODERS
from kg.histories import Histories
from whypath.testing.blocks.domain import (
    N_ITEMS,
    N_USERS,
    bound,
    catalogue,
    histories,
    histories_of,
    moved,
    without_items,
)
from whypath.testing.blocks.weighing import TOLERANCE, WeighingContract, assert_close

TABLES = hnp.arrays(np.bool_, st.tuples(st.integers(1, 4), st.just(N_ITEMS)))
"""Which of up to four users had which items."""


class BlockContract(WeighingContract):
    """Tests of every block. A subclass sets `block_type`, and `fit` where the defaults of its settings do not suit data
    of 40 users and 24 items.
    """

    block_type: ClassVar[type[Any]]
    """The class under test."""

    covered: ClassVar[set[type[Any]]] = set()
    """Classes that have a subclass of the contract, in this process."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "block_type" in vars(cls):
            BlockContract.covered.add(cls.block_type)

    @classmethod
    def fit(cls, data: TrainingData) -> Block:
        """A fitted block, bound to the data's catalogue; from the same data always the same."""
        return cls.block_type.fit(data)

    @pytest.fixture(scope="class")
    @classmethod
    def given(cls) -> Histories:
        return histories()

    @pytest.fixture(scope="class")
    @classmethod
    def over(cls) -> Catalogue:
        return catalogue(range(N_ITEMS))

    @pytest.fixture(scope="class")
    @classmethod
    def block(cls, given: Histories, over: Catalogue) -> Block:
        return cls.fit(TrainingData(given, over))

    def test_is_a_block(self, block: Block) -> None:
        assert isinstance(block, Block)
        assert isinstance(block, self.block_type)
        assert block.name
        assert block.family in Family

    def test_the_registry_takes_its_class(self, block: Block) -> None:
        if ENCODERS.get(block.name) is not self.block_type:
            assert ENCODERS.add(self.block_type) is self.block_type
            ENCODERS.remove(block.name)

    def test_scores_are_finite_float32_of_the_right_shape(self, block: Block, given: Histories) -> None:
        scores = block.scores(given)
        assert scores.shape == given.shape
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()
        assert np.abs(scores).max() > 0

    def test_fitting_again_gives_the_same_scores(self, block: Block, given: Histories, over: Catalogue) -> None:
        again = self.fit(TrainingData(given, over))
        np.testing.assert_array_equal(again.scores(given), block.scores(given))

    def test_a_user_scores_the_same_alone_as_in_a_batch(self, block: Block, given: Histories) -> None:
        together = block.scores(given)
        alone = np.concatenate([block.scores(given.take(slice(user, user + 1))) for user in range(len(given))])
        assert_close(alone, together)

    def test_candidates_are_columns_of_the_full_scores(self, block: Block, given: Histories) -> None:
        full = block.scores(given)
        for chosen in ([3], [5, 0, 17], [*range(N_ITEMS - 1, 3, -1)], []):
            columns = np.array(chosen, dtype=np.intp)
            assert_close(block.scores(given, columns), full[:, columns])

    def test_shares_add_up_to_the_score(self, block: Block, given: Histories) -> None:
        scores = block.scores(given)
        for user in range(0, len(given), 7):
            history = given.take(slice(user, user + 1))
            for item in range(N_ITEMS):
                shares = block.shares(history, item)
                assert shares.shape == (history.lengths[0],)
                assert shares.dtype == np.float32
                assert abs(float(shares.sum()) - float(scores[user, item])) <= TOLERANCE * np.abs(scores).max()

    def test_shares_add_up_to_the_score_for_any_weights(self, block: Block, given: Histories) -> None:
        if not isinstance(block, WeighedHistories):
            assert not hasattr(block, "scores_of")
            return
        weighed = with_weights(given.matrix())
        scores = block.scores_of(weighed)
        for user in range(0, weighed.shape[0], 7):
            entries = slice(weighed.indptr[user], weighed.indptr[user + 1])
            items, weights = weighed.indices[entries].astype(np.intp), weighed.data[entries]
            for item in range(N_ITEMS):
                shares = block.shares_of(items, weights, item)
                assert shares.shape == items.shape
                assert shares.dtype == np.float32
                assert abs(float(shares.sum()) - float(scores[user, item])) <= TOLERANCE * np.abs(scores).max()

    def test_shares_follow_their_history_items(self, block: Block, given: Histories) -> None:
        if not isinstance(block, WeighedHistories):
            assert not hasattr(block, "shares_of")
            return
        row = with_weights(given.matrix())[:1]
        items, weights = row.indices.astype(np.intp), row.data
        shares = block.shares_of(items, weights, 4)
        np.testing.assert_allclose(block.shares_of(items[::-1], weights[::-1], 4), shares[::-1], rtol=1e-4, atol=1e-6)

    def test_events_count_alike_whatever_their_order_number_time_weight_and_kind(
        self, block: Block, given: Histories
    ) -> None:
        scores = block.scores(given)
        for events in written_otherwise(given):
            np.testing.assert_array_equal(block.scores(events), scores)
            for user in range(0, len(given), 7):
                plain, history = (one.take(slice(user, user + 1)) for one in (given, events))
                for item in (0, 4, N_ITEMS - 1):
                    shares = block.shares(history, item)
                    np.testing.assert_array_equal(shares, block.shares(plain, item))
                    assert abs(float(shares.sum()) - float(scores[user, item])) <= TOLERANCE * np.abs(scores).max()

    def test_blocks_learn_the_same_whatever_order_number_time_weight_and_kind(
        self, block: Block, given: Histories, over: Catalogue
    ) -> None:
        *_, events = written_otherwise(given)
        again = self.fit(TrainingData(events, over))
        if Input.TIMES in self.block_type.needs | self.block_type.uses:
            assert not np.array_equal(again.scores(given), block.scores(given))
        else:
            np.testing.assert_array_equal(again.scores(given), block.scores(given))

    @hypothesis.settings(
        max_examples=25, deadline=None, suppress_health_check=[hypothesis.HealthCheck.differing_executors]
    )
    @hypothesis.given(table=TABLES, item=st.integers(0, N_ITEMS - 1))
    def test_any_histories_are_answered_and_split(self, block: Block, table: NDArray[np.bool_], item: int) -> None:
        drawn = histories_of(table)
        scores = block.scores(drawn)
        assert np.isfinite(scores).all()
        for user in range(len(drawn)):
            history = drawn.take(slice(user, user + 1))
            alone = block.scores(history)
            assert_close(alone, scores[user : user + 1])
            shares = block.shares(history, item)
            if history.n_events:
                assert abs(float(shares.sum()) - float(alone[0, item])) <= TOLERANCE * np.abs(alone).max()

    def test_empty_histories_are_answered(self, block: Block) -> None:
        empty = histories_of(np.zeros((2, N_ITEMS)))
        assert np.isfinite(block.scores(empty)).all()
        assert block.shares(empty.take(slice(0, 1)), 0).shape == (0,)

    def test_state_round_trip_is_exact(self, block: Block, given: Histories, over: Catalogue) -> None:
        state = block.state()
        assert all(isinstance(tensor, np.ndarray) for tensor in state.tensors.values())
        tensors = load(save({name: np.ascontiguousarray(tensor) for name, tensor in state.tensors.items()}))
        read = self.block_type.from_state(BlockState(tensors, json.loads(json.dumps(dict(state.settings)))), over)
        np.testing.assert_array_equal(read.scores(given), block.scores(given))
        assert read.state().settings == state.settings

    def test_a_state_is_of_its_training_catalogue(self, block: Block, over: Catalogue) -> None:
        state, sizes = block.state(), sizes_of(over)
        self.block_type.check_state(state, sizes)
        if any({N_ITEMS, N_ITEMS + 1} & set(tensor.shape) for tensor in state.tensors.values()):
            with pytest.raises(StateUnreadable, match=f"{N_ITEMS + 1}"):
                self.block_type.check_state(state, TrainingSizes(N_ITEMS + 1, sizes.contents))

    def test_a_damaged_state_is_refused(self, block: Block, over: Catalogue) -> None:
        """Every array and every setting, whether a file is loaded (without a catalogue) or a model bound."""
        state = block.state()
        damaged = [*damaged_tensors(state), *damaged_settings(state)]
        assert len(damaged) > 5 * len(state.tensors)
        for what, bad in damaged:
            for check in (
                lambda bad=bad: self.block_type.check_state(bad, sizes_of(over)),
                lambda bad=bad: self.block_type.from_state(bad, over),
            ):
                try:
                    check()
                except StateUnreadable:
                    continue
                raise AssertionError(f"{self.block_type.__name__} takes a state with {what}")

    def test_rebinding_to_another_order_moves_the_scores(self, block: Block, given: Histories) -> None:
        names = np.random.default_rng(1).permutation(N_ITEMS)
        scores = bound(block, catalogue(names.tolist())).scores(moved(given, names.tolist()))
        assert_close(scores, block.scores(given)[:, names])

    def test_rebinding_back_restores_the_scores(self, block: Block, given: Histories, over: Catalogue) -> None:
        moved_block = bound(block, catalogue([*reversed(range(N_ITEMS)), N_ITEMS]))
        np.testing.assert_array_equal(bound(moved_block, over).scores(given), block.scores(given))

    def test_state_survives_rebinding(self, block: Block, given: Histories, over: Catalogue) -> None:
        state = bound(block, catalogue([7, N_ITEMS, 3])).state()
        np.testing.assert_array_equal(self.block_type.from_state(state, over).scores(given), block.scores(given))

    def test_new_items_score_only_if_the_block_says_so(self, block: Block, given: Histories) -> None:
        names = [N_ITEMS, *range(N_ITEMS), N_ITEMS + 1]
        wider = bound(block, catalogue(names))
        scores = wider.scores(moved(given, names))
        new = scores[:, [0, -1]]
        assert np.isfinite(scores).all()
        assert np.any(new != 0) == block.serves_new_items
        only_new = Histories.of_items([0, N_ITEMS + 1], len(names))
        assert np.isfinite(wider.scores(only_new)).all()

    def test_items_may_leave(self, block: Block, given: Histories) -> None:
        names = [9, 2, 5, 14]
        narrow = bound(block, catalogue(names))
        only = moved(given, names)
        left = without_items(given, np.setdiff1d(np.arange(N_ITEMS), names))
        assert_close(narrow.scores(only), block.scores(left)[:, names])

    @hypothesis.settings(
        max_examples=10, deadline=None, suppress_health_check=[hypothesis.HealthCheck.differing_executors]
    )
    @hypothesis.given(gone=st.lists(st.integers(0, N_USERS - 1), max_size=4))
    def test_what_an_update_fits_again_has_no_trace_of_users_whose_events_are_gone(
        self, given: Histories, gone: list[int]
    ) -> None:
        """Over a catalogue in another order, with items that are new."""
        if not refits(self.block_type):
            return
        names = [N_ITEMS, *reversed(range(N_ITEMS))]
        over, table = catalogue(names, fitted=names), moved(given, names).matrix().toarray()
        left = np.setdiff1d(np.arange(N_USERS), gone)
        table[gone] = 0
        with_empty, without = (self.fit(TrainingData(histories_of(rows), over)) for rows in (table, table[left]))
        self.block_type.check_state(without.state(), sizes_of(over))
        assert_close(with_empty.scores(histories_of(table)), without.scores(histories_of(table)))

    def test_histories_of_another_width_are_refused(self, block: Block) -> None:
        with pytest.raises(ValueError, match="items"):
            block.scores(histories_of(np.zeros((1, N_ITEMS + 3))))


def sizes_of(over: Catalogue) -> TrainingSizes:
    """The sizes of a training on this catalogue."""
    return TrainingSizes(over.n_items, {name: vectors.shape[1] for name, vectors in over.contents.items()})


def damaged_tensors(state: BlockState) -> Iterator[tuple[str, BlockState]]:
    """States with one array that is missing, of another type or shape, not finite or out of range, each with a name."""
    for name, tensor in state.tensors.items():
        others = {key: other for key, other in state.tensors.items() if key != name}
        yield f"tensor {name} missing", BlockState(others, state.settings)
        changed = {
            "one number short": tensor.ravel()[:-1],
            "one row short": tensor[:-1],
            "of another dimension": tensor[None],
            "of another type": tensor.astype(np.float16),
            "empty": tensor.ravel()[:0],
        }
        values = (np.nan, np.inf, -np.inf, 1e30) if tensor.dtype.kind == "f" else (np.iinfo(tensor.dtype).max,)
        values += (np.iinfo(tensor.dtype).min, -1) if tensor.dtype.kind == "i" else ()
        for value in values:
            for place in (0, tensor.size // 2, tensor.size - 1):
                changed[f"with {value} at {place}"] = tensor.copy()
                changed[f"with {value} at {place}"].ravel()[place] = value
        for what, bad in changed.items():
            yield f"tensor {name} {what}", BlockState({**others, name: np.ascontiguousarray(bad)}, state.settings)


def damaged_settings(state: BlockState) -> Iterator[tuple[str, BlockState]]:
    """States with one setting that is of another type or unknown, each with a name."""
    for what, bad in _damaged_mappings(state.settings):
        yield what, BlockState(state.tensors, bad)


def _damaged_mappings(settings: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in settings.items():
        yield f"setting {name} of another type", {**settings, name: {"of": "another type"}}
        if isinstance(value, Mapping):
            for what, bad in _damaged_mappings(value):
                yield f"setting {name}, {what}", {**settings, name: bad}
    if not any(isinstance(value, Mapping) for value in settings.values()):
        yield "an unknown setting", {**settings, "unknown": 1}


def with_weights(matrix: sp.csr_array) -> sp.csr_array:
    """The same histories with weights from 0.2 to 2."""
    rng = np.random.default_rng(3)
    return sp.csr_array(
        (rng.uniform(0.2, 2, matrix.nnz).astype(np.float32), matrix.indices, matrix.indptr), matrix.shape
    )


def written_otherwise(given: Histories) -> Iterator[Histories]:
    """The same items of the same users: in another order, with repeats, and with times, weights, kinds and a moment."""
    rng = np.random.default_rng(11)
    shuffled = _in_order(given, np.lexsort((rng.random(given.n_events), given.users)))
    yield shuffled
    repeats = rng.integers(1, 4, given.n_events)
    chosen = np.repeat(np.arange(given.n_events), repeats)
    repeated = _in_order(given, chosen[np.lexsort((rng.random(len(chosen)), given.users[chosen]))])
    yield repeated
    n = repeated.n_events
    yield replace(
        repeated,
        times=np.where(rng.random(n) < 0.2, np.nan, rng.uniform(0, 2e9, n)),
        weights=np.where(rng.random(n) < 0.2, np.nan, rng.uniform(-2, 9, n)).astype(np.float32),
        kinds=rng.integers(-1, 2, n).astype(np.int16),
        kind_names=("watched", "bought"),
        now=rng.uniform(2e9, 3e9, len(given)),
    )


def _in_order(given: Histories, events: NDArray[np.intp]) -> Histories:
    """These events, which are in the order of their users."""
    counts = np.bincount(given.users[events], minlength=len(given))
    return Histories(np.concatenate([[0], np.cumsum(counts)]), given.items[events], given.n_items)
