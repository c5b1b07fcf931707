"""Events of CSV and JSON lines: what they hold, and what is refused."""

from __future__ import annotations

import csv
import io
import tracemalloc
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lethe.data.fields import json_object
from lethe.data.record import Record
from lethe.data.records import RecordStream


def read(data: bytes, **options: Any) -> list[dict[str, object]]:
    return [record.event for record in RecordStream(io.BytesIO(data), **options)]


def error_of(data: bytes, **options: Any) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        read(data, **options)
    return str(caught.value)


# --- CSV


def test_csv_has_a_header_and_numbers() -> None:
    stream = RecordStream(io.BytesIO(b"time,level,valve\n08:00,0.5,open\n08:05,,shut\n08:10,7,\n"))
    assert stream.columns == ()
    assert list(stream) == [
        Record(2, {"time": "08:00", "level": 0.5, "valve": "open"}, 32),
        Record(3, {"time": "08:05", "level": None, "valve": "shut"}, 44),
        Record(4, {"time": "08:10", "level": 7, "valve": None}, 53),
    ]
    assert stream.columns == ("time", "level", "valve")
    assert stream.skipped == 0


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separator_comes_from_the_header(separator: str) -> None:
    text = f'a{separator}"b,;\t"{separator}c\n1{separator}"2{separator}3"{separator}4\n'
    assert read(text.encode()) == [{"a": 1, "b,;": f"2{separator}3", "c": 4}]


def test_blanks_and_quotes_around_cells_do_not_count() -> None:
    assert read(b'a, "b", c \n 1 , " two, ""2"" ","3"\n"",5" pipe, x\n') == [
        {"a": 1, "b": 'two, "2"', "c": "3"},
        {"a": None, "b": '5" pipe', "c": "x"},
    ]


def test_line_ends_empty_lines_and_byte_order_mark() -> None:
    expected = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    assert read(b"\xef\xbb\xbfa,b\r\n1,x\r\n\r\n2,y\r\n") == expected
    assert read(b"\n\r\na,b\n\n1,x\n\n\n2,y") == expected
    assert read(b"a,b\r\n1,x\r\n2,y\r") == expected
    assert read(b'\xef\xbb\xbf{"a":1,"b":"x"}\r\n\n  \n{"a":2,"b":"y"}') == expected


def test_one_column() -> None:
    assert read(b"level\n1\n\n 2\n") == [{"level": 1}, {"level": 2}]
    assert read(b'level\n1\n""\n2\n') == [{"level": 1}, {"level": None}, {"level": 2}]


TEXTS = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=("Cs",)), max_size=8)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=6), st.sampled_from(",;\t"))
def test_csv_reads_what_pythons_writer_writes(
    rows: list[tuple[str, str, str]], separator: str
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(("a", "b", "c"))
    writer.writerows(rows)
    expected = [[cell.strip() or None for cell in row] for row in rows]
    found = read(out.getvalue().encode(), text=["a", "b", "c"])
    assert [list(event.values()) for event in found] == expected


# --- JSON lines


def test_json_lines() -> None:
    data = b'{"a": 1, "b": null, "c": "2", "d": true}\n{"d": NaN, "a": 1.5}\n{}\n'
    first, second, third = read(data)
    assert first == {"a": 1, "b": None, "c": "2", "d": True}
    assert list(second) == ["a", "b", "c", "d"]
    assert repr(second["d"]) == "nan"
    assert third == dict.fromkeys("abcd")


def test_json_numbers_are_as_in_csv() -> None:
    big = 2**63
    assert repr(json_object(f'{{"a": {big - 1}, "b": {big}, "c": 1e999, "d": {"9" * 5000}}}')) == (
        f"{{'a': {big - 1}, 'b': {float(big)}, 'c': inf, 'd': inf}}"
    )


def test_form_by_suffix_and_by_first_character(tmp_path: Path) -> None:
    for name in ("a.csv", "a.CSV", "a.log", "a"):
        (tmp_path / name).write_text("{a\n1\n")
    events = [[r.event for r in RecordStream(tmp_path / name)] for name in ("a.csv", "a.CSV")]
    assert events == [[{"{a": 1}]] * 2
    for name in ("a.log", "a"):
        with pytest.raises(ValueError, match=r"line 1: a line must be one JSON object, got '\{a'"):
            list(RecordStream(str(tmp_path / name)))
    assert read(b"{a\n1\n", form="csv") == [{"{a": 1}]
    with pytest.raises(ValueError, match="form must be 'csv' or 'jsonl', got 'xml'"):
        RecordStream(io.BytesIO(), form="xml")  # type: ignore[arg-type]


# --- What is refused

BAD_ROWS = {
    b"1": "a row must have 2 cells (a, b), got 1",
    b"1,2,3": "a row must have 2 cells (a, b), got 3",
    b"1,\xff": "a line must be UTF-8, got byte 0xff at place 3",
    b"1,\0": "a line must be text, got a NUL byte",
    b'1,"2': "a quoted cell must end on its line, got no closing quote in '1,\"2'",
    b'1,"2" 3': "a row must be readable as CSV, got '1,\"2\" 3': ',' expected after '\"'",
    b"1,2\r3": "lines must end with a line feed, got a carriage return within one",
    b"1," + b"2" * 90: "a line must be at most 90 bytes, got more",
}
BAD_OBJECTS = {
    b'{"a": 1,}': "a line must be one JSON object, got '{\"a\": 1,}': Expecting property name "
    "enclosed in double quotes at character 9",
    b"[1]": "a line must be one JSON object, got '[1]'",
    b"5": "a line must be one JSON object, got '5'",
    b'{"a": 1} {"a": 2}': 'a line must be one JSON object, got \'{"a": 1} {"a": 2}\'',
    b'{"a": [1]}': "column 'a' must be a number, text, true, false or null, got an array",
    b'{"a": {}}': "column 'a' must be a number, text, true, false or null, got an object",
    b'{"a": 1, "a": 2}': "an object must name each column once, got one twice: a",
    b'{"a": 1, "c": 2}': "an object must have the columns of the first (a, b), got 'c' too",
    b'{"a": "\\ud800"}': "column 'a' must be text, got half a character",
    b'{"a": "\xff"}': "a line must be UTF-8, got byte 0xff at place 8",
    b"[" * 90: "a line must be one JSON object, got '"
    + "[" * 59
    + ": Expecting value at character 91",
    b"[" * 91: "a line must be at most 90 bytes, got more",
}
CSV, OBJECTS = (b"a,b\n1,2\n", b"3,4\n"), (b'{"a":1,"b":2}\n', b'{"a":3,"b":4}\n')


@pytest.mark.parametrize(
    ("around", "line", "reason"),
    [(CSV, *item) for item in BAD_ROWS.items()]
    + [(OBJECTS, *item) for item in BAD_OBJECTS.items()],
)
def test_a_bad_line_is_named_or_counted(
    around: tuple[bytes, bytes], line: bytes, reason: str, tmp_path: Path
) -> None:
    before, after = around
    path = tmp_path / "pump.log"
    path.write_bytes(before + line + b"\n" + after)
    number = before.count(b"\n") + 1
    stream = RecordStream(path, longest=90)
    assert next(stream).event == {"a": 1, "b": 2}
    with pytest.raises(ValueError, match=r"pump\.log line") as caught:
        next(stream)
    assert str(caught.value) == f"{path} line {number}: {reason}"
    assert stream.position["offset"] == len(before)

    stream = RecordStream(path, longest=90, bad="skip")
    assert [record.event for record in stream] == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert (stream.skipped, stream.reasons) == (1, [f"{path} line {number}: {reason}"])
    assert stream.position["line"] == number + 1


def test_deep_nesting_is_no_crash() -> None:
    assert "line 1: a line must be one JSON object, got one nested too deeply" in error_of(
        b'{"a":' + b"[" * 30_000, form="jsonl"
    )


def test_a_lost_quote_costs_one_record() -> None:
    data = b'a,b\n1,"x\n2,y\n3,"z"\n'
    assert read(data, bad="skip") == [{"a": 2, "b": "y"}, {"a": 3, "b": "z"}]


def test_only_the_first_reasons_are_kept() -> None:
    stream = RecordStream(io.BytesIO(b"a,b\n1,2\n" + b"1\n" * 1000), bad="skip")
    assert [record.event for record in stream] == [{"a": 1, "b": 2}]
    assert (stream.skipped, len(stream.reasons)) == (1000, 5)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_source_without_a_line_that_can_be_read_is_refused(form: Literal["csv", "jsonl"]) -> None:
    data = {"csv": b'a,b,c\n1,"x\nx",2\n', "jsonl": b'{"a":[]}\n{}{}\n'}[form]
    stream = RecordStream(io.BytesIO(data), bad="skip", form=form)
    with pytest.raises(ValueError, match="must hold at least one line that can be read") as caught:
        list(stream)
    assert "got 2 that cannot: BytesIO line" in str(caught.value)
    assert stream.reasons[0] in str(caught.value)
    assert form != "csv" or "a quoted cell must end on its line" in str(caught.value)


@pytest.mark.parametrize("bad", ["raise", "skip"])
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a,b,a\n1,2,3\n", "line 1: the header must name each column once, got 'a' twice"),
        (
            b"a,,c\n",
            "line 1: the header must name every column, got no name for number 2 of a, , c",
        ),
        (b"\n1.5,2\n", "line 2: the first line must name the columns, got numbers: 1.5, 2"),
        (b"a,\xe9\n1,2\n", "line 1: a line must be UTF-8, got byte 0xe9 at place 3"),
        (b"\x1f\x8b\0\n", "line 1: a line must be text, got a NUL byte"),
        (b'a,"b\n', "line 1: a quoted cell must end on its line"),
        (b"a,b\r1,2\r", "line 1: lines must end with a line feed, got a carriage return within"),
        (b"a" * 200, "line 1: a line must be at most 100 bytes, got more"),
        (b"", "BytesIO must hold at least one record, got nothing"),
        (b"\n\r\n", "BytesIO must hold at least one record, got nothing"),
    ],
)
def test_a_bad_header_is_always_an_error(data: bytes, reason: str, bad: str) -> None:
    assert reason in error_of(data, bad=bad, longest=100)


def test_a_header_alone_is_no_error() -> None:
    assert read(b"a,b\n") == []


def test_wrong_arguments(tmp_path: Path) -> None:
    good = io.BytesIO(b"a\n1\n")
    for options, reason in (
        ({"bad": "ignore"}, "bad must be 'raise' or 'skip', got 'ignore'"),
        ({"skip": -1}, "skip must be a whole number from 0 to"),
        ({"skip": True}, "skip must be a whole number from 0 to"),
        ({"longest": 1.5}, "longest must be a whole number of at least 0, got 1.5"),
    ):
        assert reason in error_of(good.getvalue(), **options)
    with pytest.raises(ValueError, match="source must be a path or a binary file, got StringIO"):
        RecordStream(io.StringIO("a\n1\n"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"source must be readable, got .*nowhere: No such file"):
        RecordStream(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"source must be readable, got .*: Is a directory"):
        list(RecordStream(tmp_path))
    with pytest.raises(ValueError, match="source must be readable, got a\0b: embedded null byte"):
        RecordStream("a\0b")


def test_a_line_without_end_takes_no_memory() -> None:
    class Endless(io.RawIOBase):
        def __init__(self) -> None:
            self.left = 64
            self.pieces = iter([b"a,b\n1,2\n", *[b"x" * (1 << 20)] * self.left, b"\n3,4\n"])

        def read(self, size: int = -1) -> bytes:
            self.left -= 1
            return next(self.pieces, b"")

    stream = RecordStream(Endless(), bad="skip")
    tracemalloc.start()
    try:
        assert [record.number for record in stream] == [2, 4]
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert stream.skipped == 1
    source = Endless()
    with pytest.raises(ValueError, match="line 3: a line must be at most 1,048,576 bytes"):
        list(RecordStream(source))
    assert source.left > 60  # it did not wait for the end of the line
