"""What the text of a cell means."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lethe.data.fields import value, values


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
    ],
)
def test_value_of_a_cell(cell: str, expected: object) -> None:
    for found in (value(cell), *values([cell]), *values([cell, "text"])[:1]):
        assert found == expected
        assert type(found) is type(expected)
    assert math.isnan(value("nan"))  # type: ignore[arg-type]


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
        with pytest.raises(ValueError, match="could not convert"):
            float(found)
