"""Temporal order by its definition, and streams of sequences: the same however they are cut."""

from __future__ import annotations

import pickle
import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lethe.tasks import (
    Adding,
    Continual,
    LongLag,
    SequenceStream,
    Steps,
    TemporalOrder,
    VeryLongLag,
    joined,
)
from lethe.tasks.temporal_order import LETTERS

# Where the marks lie (1997, experiments 6a and 6b), counted from E at 0.
WINDOWS: dict[int, list[tuple[int, int]]] = {
    2: [(10, 20), (50, 60)],
    3: [(10, 20), (33, 43), (66, 76)],
}
# The classes by the order of the marks: 6a's Q, R, S, U; 6b's and NTO's Q, R, S, U, V, A, B, C.
CLASSES: dict[int, list[str]] = {
    2: ["XX", "XY", "YX", "YY"],
    3: ["XXX", "XXY", "XYX", "XYY", "YXX", "YXY", "YYX", "YYY"],
}
seeds = st.integers(0, 2**32)


def bounds(steps: Steps) -> list[int]:
    return [*np.flatnonzero(steps.starts).tolist(), len(steps.starts)]


def strings(steps: Steps) -> list[str]:
    letters = "".join(LETTERS[symbol] for symbol in steps.inputs)
    return [letters[a:b] for a, b in pairwise(bounds(steps))]


def same(a: Steps, b: Steps) -> bool:
    pairs: Any = zip(a, b, strict=True)  # Where there is no has_target it is None in both.
    return all(np.array_equal(x, y) for x, y in pairs)


def check_equal_shares(values: Any, expected: set[Any]) -> None:
    """All of these occur, equally often within five standard deviations, and nothing else does."""
    found, counts = np.unique(np.asarray(values), return_counts=True)
    assert set(found.tolist()) == expected
    share = 1 / len(expected)
    n = counts.sum()
    margin = 5 * (n * share * (1 - share)) ** 0.5
    assert counts.tolist() == pytest.approx([n * share] * len(expected), abs=margin)


@settings(max_examples=30)
@given(st.sampled_from([2, 3]), st.integers(1, 20), seeds)
def test_every_sequence_is_one_of_its_class(marks: Any, n: int, seed: int) -> None:
    steps = TemporalOrder(marks).sequences(np.random.default_rng(seed), n)
    found = strings(steps)
    assert len(found) == n
    ends = [end - 1 for end in bounds(steps)[1:]]
    assert steps.has_target is not None
    assert np.flatnonzero(steps.has_target).tolist() == ends
    for string, end in zip(found, ends, strict=True):
        assert 100 <= len(string) <= 110
        assert re.fullmatch("E[abcdXY]*B", string)
        places = [match.start() for match in re.finditer("[XY]", string)]
        assert len(places) == marks
        for place, (low, high) in zip(places, WINDOWS[marks], strict=True):
            assert low <= place <= high
        order = "".join(string[place] for place in places)
        assert CLASSES[marks][int(steps.targets[end])] == order


@pytest.mark.parametrize("marks", [2, 3])
def test_lengths_positions_classes_and_letters_are_equally_likely(marks: Any) -> None:
    task = TemporalOrder(marks)
    steps = task.sequences(np.random.default_rng(11), 8000)
    found = strings(steps)
    lengths = np.array([len(string) for string in found])
    check_equal_shares(lengths, set(range(100, 111)))
    classes = steps.targets[steps.has_target]
    check_equal_shares(classes, set(range(len(CLASSES[marks]))))
    check_equal_shares(classes[lengths > 105], set(range(len(CLASSES[marks]))))
    places = np.array([[m.start() for m in re.finditer("[XY]", string)] for string in found])
    for column, (low, high) in zip(places.T, WINDOWS[marks], strict=True):
        check_equal_shares(column, set(range(low, high + 1)))
    assert abs(np.corrcoef(places.T) - np.eye(marks)).max() < 5 / len(found) ** 0.5
    check_equal_shares(list("".join(re.sub("[XYEB]", "", string) for string in found)), set("abcd"))


@pytest.mark.parametrize("marks", [2, 3])
def test_sizes_of_the_network_that_it_needs(marks: Any) -> None:
    task = TemporalOrder(marks)
    assert (task.inputs, task.outputs) == (8, len(CLASSES[marks]))
    assert task.target_table is None
    steps = task.sequences(np.random.default_rng(0), 3)
    assert steps.inputs.max() == 7
    assert steps.inputs.dtype == steps.targets.dtype == np.int64


def test_the_generator_alone_decides() -> None:
    task = TemporalOrder(3)
    one, again = (task.sequences(np.random.default_rng(1), 50) for _ in range(2))
    assert same(one, again)
    assert not np.array_equal(one.inputs, task.sequences(np.random.default_rng(2), 50).inputs)
    assert eval(repr(task)) == task


@pytest.mark.parametrize("marks", [1, 4, "3", None])
def test_other_numbers_of_marks_are_refused(marks: Any) -> None:
    with pytest.raises(ValueError, match="marks must be a whole number from 2 to 3, got"):
        TemporalOrder(marks)


# Streams of sequences.


def prefix(task: Any, seed: int, n: int) -> Steps:
    """The first `n` sequences of a stream, read as far as can be seen each time."""
    stream, pieces = SequenceStream(task, seed), []
    while n:
        piece = stream.look(n)
        stream.advance(len(piece.starts))
        pieces.append(piece)
        n -= int(piece.starts.sum())
    return joined(pieces)


TASKS: list[Any] = [TemporalOrder(3), VeryLongLag(q=5, p=4), LongLag(p=4), Adding(T=20)]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(TASKS), st.lists(st.integers(1, 500), min_size=1, max_size=10), seeds)
def test_cutting_changes_nothing(task: Any, sizes: list[int], seed: int) -> None:
    stream, pieces = SequenceStream(task, seed), []
    for size in sizes:
        piece = stream.look(size)
        assert piece.starts[0]
        assert 1 <= piece.starts.sum() <= size
        assert same(piece, stream.look(size))  # Looking goes nowhere.
        stream.advance(len(piece.starts))
        pieces.append(piece)
    found = joined(pieces)
    assert same(found, prefix(task, seed, int(found.starts.sum())))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 2000), min_size=1, max_size=8), st.booleans(), seeds)
def test_advance_goes_to_the_end_of_a_sequence(uses: list[int], skip: bool, seed: int) -> None:
    """A reader that stopped in the middle of a sequence goes on with the next one."""
    task = VeryLongLag(q=3, p=2)
    whole = prefix(task, seed, 2000)
    at = np.array(bounds(whole))
    stream, sequence = SequenceStream(task, seed), 0
    for used in uses:
        piece = stream.look(500)
        n = min(used, len(piece.starts))
        stream.advance(n)
        if skip:
            stream.next_string()
        sequence = int(np.searchsorted(at, at[sequence] + n))
        expected = whole.piece(at[sequence], at[sequence + 1])
        assert same(stream.look(1), expected)


def test_looks_cross_no_buffer_and_show_whole_sequences() -> None:
    stream = SequenceStream(TemporalOrder(2), seed=3)
    seen = 0
    for _ in range(4):
        piece = stream.look(10**6)
        assert piece.has_target is not None
        assert piece.has_target[-1]
        assert piece.predictions == piece.starts.sum()
        stream.advance(len(piece.starts))
        seen += piece.predictions
    assert len(set(strings(prefix(TemporalOrder(2), 3, seen)))) == seen  # No buffer comes twice.


@pytest.mark.parametrize("n", [0, -1])
def test_a_look_at_nothing_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match=f"n must be a whole number of at least 1, got {n}"):
        SequenceStream(TemporalOrder(3)).look(n)


def test_a_reader_cannot_go_further_than_it_sees() -> None:
    stream = SequenceStream(TemporalOrder(3), seed=1)
    steps = len(stream.look(10**6).starts)
    for n in (steps + 1, -1):
        with pytest.raises(ValueError, match=f"from 0 to the {steps} steps in sight, got {n}"):
            stream.advance(n)
    before = stream.look(2)
    stream.advance(0)
    assert same(stream.look(2), before)


def test_a_stream_cannot_be_spoiled_by_its_reader() -> None:
    piece = SequenceStream(TemporalOrder(3), seed=1).look(3)
    for array in piece:
        assert array is not None
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_continual_makes_streams_from_seeds(task: Any) -> None:
    source = Continual(task)
    assert eval(repr(source)) == source == pickle.loads(pickle.dumps(source))
    first = source(5).look(100)
    assert same(first, source(np.random.SeedSequence(5)).look(100))
    assert same(first, SequenceStream(task, 5).look(100))
    assert not np.array_equal(first.inputs, source(6).look(100).inputs)
    assert source(5).target_table is task.target_table


# Steps.


@given(st.data(), st.booleans())
def test_pieces_of_steps_join_to_the_whole(data: Any, everywhere: bool) -> None:
    task = LongLag(p=3) if everywhere else VeryLongLag(q=2, p=3)
    steps = task.sequences(np.random.default_rng(2), 5)
    total = len(steps.starts)
    cuts = sorted({0, total, *data.draw(st.lists(st.integers(0, total), max_size=5))})
    pieces = [steps.piece(a, b) for a, b in pairwise(cuts)]
    assert [len(piece.inputs) for piece in pieces] == np.diff(cuts).tolist()
    whole = joined(pieces)
    assert (whole.has_target is None) == everywhere
    assert same(whole, steps)
    assert sum(piece.predictions for piece in pieces) == (total if everywhere else 5)
    assert np.shares_memory(steps.piece(1, 3).inputs, steps.inputs)
