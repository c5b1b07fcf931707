"""Reber strings: legal, balanced, with the right targets, and the same however they are cut."""

from __future__ import annotations

import json
import pickle
import time
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lethe.tasks import TARGETS, ReberStream, Steps, joined

LETTERS = np.array(list("BTPSXVE"))

# The Reber grammar once more, written independently: what may follow, as (symbol, next node).
REBER = {
    "a": {"B": "b"},
    "b": {"T": "c", "P": "d"},
    "c": {"S": "c", "X": "e"},
    "d": {"T": "d", "V": "f"},
    "e": {"X": "d", "S": "g"},
    "f": {"P": "e", "V": "g"},
    "g": {"E": "end"},
}


def follow(string: str) -> list[set[str]]:
    """Check a whole string of the embedded grammar; the symbols that may follow each of its own."""
    assert string[0] == "B"
    assert string[1] in "TP"
    allowed = [{"T", "P"}, {"B"}]
    node = "a"
    for letter in string[2:-2]:
        assert letter in REBER[node]
        node = REBER[node][letter]
        allowed.append({string[1]} if node == "end" else set(REBER[node]))
    assert node == "end"
    assert string[-2] == string[1]
    assert string[-1] == "E"
    return [*allowed, {"E"}, {"B"}]


def cut_into_strings(steps: Steps) -> list[str]:
    starts = np.flatnonzero(steps.starts)
    letters = "".join(LETTERS[steps.inputs])
    return [letters[a:b] for a, b in pairwise(starts)]


def mean_length() -> float:
    """The exact mean length of an embedded string: expected steps to the end, by elimination."""
    nodes = list(REBER)
    system = np.eye(len(nodes))
    for i, node in enumerate(nodes):
        for following in REBER[node].values():
            if following != "end":
                system[i, nodes.index(following)] -= 1 / len(REBER[node])
    return float(np.linalg.solve(system, np.ones(len(nodes)))[0]) + 4


@pytest.fixture(scope="module")
def long_stream() -> Steps:
    return ReberStream(seed=3).take(600_000)


def same(a: Steps, b: Steps) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_every_string_is_legal_and_its_targets_are_what_may_follow(long_stream: Steps) -> None:
    rows = [set(LETTERS[row.nonzero()[0]]) for row in TARGETS]
    start = 0
    for string in cut_into_strings(long_stream)[:20_000]:
        codes = long_stream.targets[start : start + len(string)]
        assert [rows[code] for code in codes] == follow(string)
        start += len(string)


def test_targets_are_zeros_and_ones_and_cannot_be_changed() -> None:
    assert TARGETS.shape[1] == 7
    assert set(np.unique(TARGETS)) == {0.0, 1.0}
    assert set(TARGETS.sum(axis=1)) == {1.0, 2.0}
    assert not TARGETS.flags.writeable
    assert ReberStream.target_table is TARGETS


def test_lengths_follow_the_grammar(long_stream: Steps) -> None:
    lengths = np.array([len(string) for string in cut_into_strings(long_stream)])
    exact = mean_length()
    assert exact == pytest.approx(12.0, abs=1e-12)
    assert lengths.mean() == pytest.approx(exact, abs=5 * lengths.std() / lengths.size**0.5)
    assert lengths.min() == 9
    assert lengths.max() > 35


def test_choices_are_fair(long_stream: Steps) -> None:
    letters = LETTERS[long_stream.inputs]
    second = letters[np.flatnonzero(long_stream.starts[:-1]) + 1]
    assert np.mean(second == "T") == pytest.approx(0.5, abs=5 * 0.5 / second.size**0.5)
    # Wherever two symbols may come next, each of them comes half of the time.
    for code in np.unique(long_stream.targets):
        options = TARGETS[code].nonzero()[0]
        following = long_stream.inputs[1:][long_stream.targets[:-1] == code]
        assert set(following) == set(options)
        share = np.mean(following == options[0])
        assert share == pytest.approx(1 / options.size, abs=5 * 0.5 / following.size**0.5)


def test_choices_are_independent(long_stream: Steps) -> None:
    """Neither the second symbols of successive strings nor their lengths know of each other."""
    strings = cut_into_strings(long_stream)
    second = np.array([string[1] == "T" for string in strings], float)
    lengths = np.array([len(string) for string in strings], float)
    for a, b in ((second[1:], second[:-1]), (lengths[1:], lengths[:-1]), (second, lengths)):
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / a.size**0.5


def test_every_string_of_eleven_symbols_has_its_probability(long_stream: Steps) -> None:
    """Against all strings that the grammar has up to that length, with their probabilities."""
    expected: dict[str, Fraction] = {}

    def walk(node: str, string: str, probability: Fraction) -> None:
        if len(string) > 7:
            return
        for letter, following in REBER[node].items():
            share = probability / len(REBER[node])
            if following == "end":
                for outer in "TP":
                    expected["B" + outer + string + letter + outer + "E"] = share / 2
            else:
                walk(following, string + letter, share)

    walk("a", "", Fraction(1))
    strings = cut_into_strings(long_stream)
    found = {string: 0 for string in expected}
    for string in strings:
        if string in found:
            found[string] += 1
    for string, probability in expected.items():
        p = float(probability)
        off = 5 * (p * (1 - p) * len(strings)) ** 0.5
        assert found[string] == pytest.approx(p * len(strings), abs=off), string


def test_lag_is_at_least_five_and_unbounded(long_stream: Steps) -> None:
    """The second symbol of the shortest string (of nine) is needed at its seventh."""
    lags = [len(string) - 4 for string in cut_into_strings(long_stream)]
    assert min(lags) == 5
    assert max(lags) > 30


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=8), st.integers(0, 2**32))
def test_cutting_changes_nothing(sizes: list[int], seed: int) -> None:
    whole = ReberStream(seed).take(sum(sizes))
    stream = ReberStream(seed)
    pieces = [stream.take(size) for size in sizes]
    assert [piece.inputs.size for piece in pieces] == sizes
    assert same(joined(pieces), whole)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 100_000), max_size=6), st.booleans())
def test_position_goes_on_where_it_was(sizes: list[int], skip: bool) -> None:
    stream = ReberStream(seed=5)
    for size in sizes:
        stream.take(size)
    if skip:
        stream.next_string()
    saved = stream.position()
    expected = stream.take(70_000)
    for held in (json.loads(json.dumps(saved)), pickle.loads(pickle.dumps(saved))):
        assert same(ReberStream.at(held).take(70_000), expected)


@pytest.mark.parametrize(
    "position",
    [
        {},
        {"generator": 3, "offset": 0},
        {"generator": {"bit_generator": "seed"}, "offset": 0},
        None,
    ],
)
def test_a_wrong_position_is_refused(position: object) -> None:
    with pytest.raises(ValueError, match="position must be"):
        ReberStream.at(position)  # type: ignore[arg-type]


def test_an_offset_out_of_range_is_refused() -> None:
    position = ReberStream(seed=1).position() | {"offset": 10**9}
    with pytest.raises(ValueError, match="position must be"):
        ReberStream.at(position)


def test_seeds_make_streams() -> None:
    first = ReberStream(seed=1).take(1000)
    assert same(first, ReberStream(np.random.default_rng(1)).take(1000))
    assert same(first, ReberStream(np.random.SeedSequence(1)).take(1000))
    assert not same(first, ReberStream(seed=2).take(1000))


def test_look_shows_and_advance_goes_on() -> None:
    stream, other = ReberStream(seed=4), ReberStream(seed=4)
    taken = other.take(200_000)
    at = 0
    while at < 200_000:
        steps = stream.look(30_000)
        again = stream.look(30_000)
        assert same(steps, again)
        used = min(steps.inputs.size, 20_001, 200_000 - at)
        stream.advance(used)
        expected = taken.piece(at, at + used)
        assert same(steps.piece(0, used), expected)
        at += used
    with pytest.raises(ValueError, match="n must be"):
        stream.advance(10**9)
    with pytest.raises(ValueError, match="n must be"):
        stream.look(0)


def test_next_string_skips_to_a_start_and_not_further() -> None:
    stream = ReberStream(seed=6)
    stream.next_string()
    assert stream.position()["offset"] == 0
    for used in (1, 30, 7, 65_000, 12, 3) * 5:
        stream.take(used)
        before = stream.position()
        stream.next_string()
        skipped = ReberStream.at(before).take(100)
        distance = int(np.flatnonzero(skipped.starts)[0])
        assert stream.take(1).starts.tolist() == [True]
        following = ReberStream.at(before).take(distance + 101)
        rest = following.piece(distance + 1, distance + 101)
        assert same(stream.take(100), rest)


def test_strings_are_whole() -> None:
    stream = ReberStream(seed=7)
    strings = stream.strings(8000)
    for string in strings:
        follow("".join(LETTERS[string.inputs]))
        assert string.starts.tolist() == [True] + [False] * (string.inputs.size - 1)
    assert same(
        joined(strings),
        ReberStream(seed=7).take(sum(string.inputs.size for string in strings)),
    )


def test_a_stream_cannot_be_spoiled_by_its_reader() -> None:
    steps = ReberStream(seed=1).take(10)
    with pytest.raises(ValueError, match="read-only"):
        steps.inputs[0] = 5


def test_generation_is_fast() -> None:
    """Under 50 ns a symbol; the best of some rounds, since the machine is shared."""
    stream = ReberStream(seed=1)
    best = np.inf
    for _ in range(5):
        began, made = time.perf_counter(), 0
        while made < 200_000:
            size = stream.look(8192).inputs.size
            stream.advance(size)
            made += size
        best = min(best, (time.perf_counter() - began) / made)
    assert best < 50e-9
