"""What the text of a cell means."""

from __future__ import annotations

import json
import math
import tracemalloc

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lethe.data.fields import header, json_object, split, value, values


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("", None),
        ("  ", None),
        ("7", 7),
        ("-7", -7),
        ("+7", 7),
        ("007", 7),
        (" 7 ", 7),
        ("7.", 7.0),
        (".5", 0.5),
        ("-1e3", -1000.0),
        ("1E-3", 0.001),
        ("1e999", math.inf),
        ("inf", math.inf),
        ("-Infinity", -math.inf),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", 2.0**63),
        ("9" * 5000, math.inf),
        ("1_000", "1_000"),
        ("٣", "٣"),
        ("0x10", "0x10"),
        ("1,5", "1,5"),
        ("--1", "--1"),
        ("1-1", "1-1"),
        (".", "."),
        ("e5", "e5"),
        ("2024-01-01", "2024-01-01"),
        (" a b ", "a b"),
        ("NA", "NA"),
        ("true", "true"),
        ("nan", "nan"),
    ],
)
def test_value_of_a_cell(cell: str, expected: object) -> None:
    for found in (value(cell), *values([cell]), *values([cell, "text"])[:1]):
        assert found == expected
        assert type(found) is type(expected)


@pytest.mark.parametrize("start", ["", "1.", ".", "1e", "-", "0x", "1.1.", "9" * 30 + "e"])
@pytest.mark.parametrize("end", ["x", "", ".", "e"])
def test_a_cell_takes_time_in_proportion_to_its_length(start: str, end: str) -> None:
    """A pattern that tries each way to split the digits would take an hour."""
    number = value(start + "1" * 1_000_000 + end)
    assert isinstance(number, str | float)


def test_whole_numbers_have_64_bits_and_others_are_floats() -> None:
    assert json_object('{"a": ' + "9" * 100_000 + "}") == {"a": math.inf}
    assert values(["9" * 100_000, "1"]) == [math.inf, 1]


def test_text_that_stands_for_a_missing_value() -> None:
    assert values(["1", "NA", "x", ""], {"NA", "1"}) == [1, None, "x", None]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        '{"a":' * 200_000,
        '{"a":[' + "[]," * 300_000 + "1]}",
        "{" + ",".join(f'"{n}":1' for n in range(10_001)) + "}",
        "{" + ",".join(f'"{n}":1' for n in range(90_000)) + "}",
        '{"a":1,' * 100_000,
    ],
    ids=lambda text: text[:9],
)
def test_memory_for_a_line_of_json_follows_its_length(text: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="at most 10,000 columns"):
            json_object(text)
        assert tracemalloc.get_traced_memory()[1] < 20 * len(text)
    finally:
        tracemalloc.stop()


def test_marks_within_strings_do_not_count() -> None:
    text = "[{:," * 200_000 + '\\"'
    assert json_object(json.dumps({"a": text})) == {"a": text}


def test_headers_are_bounded_and_checked_in_linear_time() -> None:
    names = [f"c{n}" for n in range(10_000)]
    assert header(names) == tuple(names)
    with pytest.raises(ValueError, match="at most 10,000 columns, got 10,001"):
        header([*names, "more"])
    with pytest.raises(ValueError, match="each column once, got 'c9998' twice"):
        header([*names[:-1], "c9998"])


def test_a_long_quoted_cell_is_refused_by_its_length() -> None:
    with pytest.raises(ValueError, match="a cell must be at most 131,072 characters where its row"):
        split('"' + "x" * 200_000 + '",1', ",")
    assert split("x" * 200_000 + ",1", ",") == ["x" * 200_000, "1"]


CELLS = st.one_of(
    st.integers().map(str),
    st.floats().map(repr),
    st.floats(-10, 10).map(lambda x: f"{x:.3f}"),
    st.text("0123456789.-+_eEnaif \t\x1c\xa0٣", max_size=6),
)


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_many_cells_at_once_are_what_each_is_alone(cells: list[str]) -> None:
    assert repr(list(values(cells))) == repr([value(cell) for cell in cells])


@given(CELLS)
def test_a_number_is_what_python_reads(cell: str) -> None:
    found = value(cell)
    if isinstance(found, float):
        assert repr(found) == repr(float(cell.strip()))
    elif isinstance(found, int):
        assert found == int(cell.strip())
    elif found is not None and found.isascii() and "_" not in found:
        assume(found.lstrip("+-").lower() != "nan")  # a word for a missing value
        with pytest.raises(ValueError, match="could not convert"):
            float(found)
