"""Columns of text and of numbers, and words for a missing value."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lethe.data import RecordStream, open_records
from lethe.data.kinds import MISSING, SAMPLE, Kinds


def column(cells: list[str], **options: Any) -> list[object]:
    """What a column of these cells holds, beside one of numbers."""
    data = "a,y\n" + "".join(f"{cell},1\n" for cell in cells)
    return [record.event["a"] for record in RecordStream(io.BytesIO(data.encode()), **options)]


@pytest.mark.parametrize(
    "cells",
    [
        ["beta", "1.5", "2"],
        ["10", "11", "a3"],
        ["1.10", "1.1", "2.0.1"],
        ["af", "1e5", "100000"],
        ["007", "7", "x"],
        ["inf", "1", "in"],
        ["NA", "DE", "1"],
        ["2024-01-31", "20240131", "1"],
    ],
)
def test_a_column_with_a_text_is_text_as_it_is_written(cells: list[str]) -> None:
    assert column(cells) == cells
    assert column(cells[::-1]) == cells[::-1]


@pytest.mark.parametrize(
    "word", [*MISSING, "na", "Na", "NULL", "none", "NaN", "NAN", "n/a", " NA "]
)
def test_words_for_a_missing_value_in_a_column_of_numbers(word: str) -> None:
    assert column(["1", word, "2.5", word]) == [1, None, 2.5, None]
    assert column([word, word]) == [None, None]
    assert column([word, "1"]) == [None, 1]


@pytest.mark.parametrize("word", MISSING[1:])
def test_in_a_column_of_text_only_an_empty_cell_is_missing(word: str) -> None:
    assert column(["open", word, "", " "]) == ["open", word, None, None]


def test_more_words_for_a_missing_value_count_everywhere() -> None:
    words = {"missing": ["-999", "offline"]}
    assert column(["1", "-999", "-999.0", "offline", "-99", "NA"], **words) == [
        1,
        *[None] * 3,
        -99,
        None,
    ]
    assert column(["open", "offline", "-999", "-999.0", "7"], **words) == [
        "open",
        None,
        None,
        "-999.0",
        "7",
    ]


def test_a_column_can_be_said_to_be_text_or_numbers() -> None:
    assert column(["007", "7", "NA", ""], text=["a"]) == ["007", "7", "NA", None]
    assert column(["7", "broken", "NA"], numbers=["a"]) == [7, "broken", None]
    assert column(["7"], text=["b"], numbers=["c"]) == [7]  # what is not there does not matter
    with pytest.raises(ValueError, match="either text or numbers, got 'a' as both"):
        column(["7"], text=["a"], numbers=["a"])
    for name in ("text", "numbers", "missing"):
        with pytest.raises(ValueError, match=f"{name} must be a sequence of strings, got 'a'"):
            column(["7"], **{name: "a"})


def test_the_first_records_decide() -> None:
    late = [*map(str, range(SAMPLE)), "late", "-", "7.50"]
    assert column(late)[-3:] == ["late", None, 7.5]
    assert column(["late", *late])[1] == "0"


def test_lines_that_cannot_be_read_decide_nothing() -> None:
    data = b"a,y\n1\nx,2,3\n\xff,1\n7,8\n"
    stream = RecordStream(io.BytesIO(data), bad="skip")
    assert [record.event for record in stream] == [{"a": 7, "y": 8}]
    assert stream.understood() == {"a": "numbers", "y": "numbers"}


def test_what_was_understood_says_why() -> None:
    stream = RecordStream(io.BytesIO(b"v,n,e,t,g\n1,2,,x,5\nbeta,3,NA,y,5\n2,4,,z,5\n"), text=["g"])
    assert stream.understood() == {}
    next(stream)
    assert stream.understood() == {
        "v": "text, since it holds 'beta' beside 2 numbers",
        "n": "numbers",
        "e": "numbers (none yet)",
        "t": "text",
        "g": "text",
    }


def test_a_stream_goes_on_as_it_began(tmp_path: Path) -> None:
    path = tmp_path / "hosts.csv"
    path.write_text("host,y\n10,1\na3,2\n11,3\n12,4\n")
    stream = RecordStream(path)
    next(stream)
    next(stream)
    position = json.loads(json.dumps(stream.position))
    stream.close()
    assert position["text"] == ["host"]
    again = RecordStream(path, position=position)
    assert [record.event["host"] for record in again] == ["11", "12"]
    path.write_text("host,y\n10,1\n11,2\n")
    other = RecordStream(path, position=position, skip=0)
    assert [record.event["host"] for record in other] == ["10", "11"]
    with pytest.raises(ValueError, match="column 'y' must be numbers as before, got text"):
        RecordStream(path, position=position, skip=0, text=["y"])
    with pytest.raises(ValueError, match="column 'host' must be text as before, got numbers"):
        RecordStream(path, position=position, skip=0, numbers=["host"])
    with pytest.raises(ValueError, match="where 'text' is 'host'"):
        RecordStream(path, position={**position, "text": "host"}, skip=0)
    with pytest.raises(ValueError, match="must be of the source, got 'z'"):
        RecordStream(path, position={**position, "text": ["z"]}, skip=0)
    del position["text"]
    with pytest.raises(ValueError, match="where 'text' is None"):
        RecordStream(path, position=position, skip=0)


def test_values_of_json_have_types_already() -> None:
    data = b'{"a":10,"b":"NA","c":true,"d":-999}\n{"a":"x","b":"?","c":false,"d":0.5}\n'
    first, second = RecordStream(io.BytesIO(data))
    assert first.event == {"a": 10, "b": "NA", "c": True, "d": -999}
    assert second.event["b"] == "?"
    options = {"text": ["a", "c"], "missing": ["NA", "-999"]}
    first, second = RecordStream(io.BytesIO(data), **options)
    assert first.event == {"a": "10", "b": None, "c": "true", "d": None}
    assert second.event == {"a": "x", "b": "?", "c": "false", "d": 0.5}


def test_what_each_source_understood(tmp_path: Path) -> None:
    stream = RecordStream(io.BytesIO(b'{"a":1,"b":"x","c":null,"d":true}\n'))
    next(stream)
    assert list(stream.understood().values()) == ["numbers", "text", "nothing yet", "booleans"]
    assert open_records("steps").understood() == {"time": "text", "value": "numbers"}


CELLS = st.one_of(
    st.integers().map(str),
    st.floats().map(repr),
    st.sampled_from([*MISSING, "nan", "1e5", "inf", " 7", "007"]),
    st.text("0123456789.-+eNA?* é", max_size=5),
)


@given(st.lists(CELLS, min_size=1, max_size=9), st.lists(CELLS, max_size=2), st.booleans())
def test_many_rows_at_once_are_what_each_is_alone(
    cells: list[str], missing: list[str], is_text: bool
) -> None:
    kinds = Kinds(["a"] if is_text else [], [], missing)
    rows = [[cell] for cell in cells]
    kinds.decide(("a",), rows)
    at_once = [list(row) for row in kinds.rows(rows)]
    assert repr(at_once) == repr([kinds.row(row) for row in rows])
    found = [one for [one] in at_once if one is not None]
    expected = str if kinds.text else (int, float)
    assert all(isinstance(one, expected) for one in found)
