"""Records are the same however a source is cut, and wherever reading it stops and goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.arrivals import Pipe, cut

from lethe.data import Record, RecordStream

LINES = st.sampled_from(
    [
        b"1,2",
        b"3.5,x",
        b'"4",""',
        b"\xc3\xa9,5",
        b"",
        b"1",
        b'"',
        b"\xff,1",
        b"9," + b"9" * 30,
        b"\0",
    ]
)
OBJECT_LINES = st.sampled_from(
    [
        b'{"a":1,"b":2}',
        b'{"b":"\xc3\xa9","a":2}',
        b"{}",
        b"",
        b" ",
        b"{",
        b"[1]",
        b" " * 50,
        b"\xff",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r\n"])
CUTS = st.lists(st.integers(0, 400), max_size=12)


@st.composite
def sources(draw: st.DrawFn) -> bytes:
    is_csv = draw(st.booleans())
    rows = draw(st.lists(st.tuples(LINES if is_csv else OBJECT_LINES, ENDS), max_size=12))
    first = b"a,b\r\n" if is_csv else b'{"a":0,"b":""}\n'
    mark = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    data = mark + first + b"".join(line + end for line, end in rows)
    return data if draw(st.booleans()) else data.rstrip(b"\r\n")


def opened(file: Pipe, **options: Any) -> RecordStream:
    """What has arrived when the first record is read decides what a column holds: say it here."""
    return RecordStream(file, longest=32, numbers=("a", "b"), **options)


def place(stream: RecordStream) -> dict[str, object]:
    return {key: value for key, value in stream.position.items() if key != "text"}


def steps_of(
    stream: RecordStream, at: Callable[[RecordStream], dict[str, object]] = place
) -> list[tuple[Record, dict[str, object]]]:
    """Each record and the place after it; it may be that none can be read, which is an error."""
    steps: list[tuple[Record, dict[str, object]]] = []
    try:
        steps.extend((record, at(stream)) for record in stream)
    except ValueError as error:
        if steps or "at least one line that can be read" not in str(error):
            raise
    return steps


def whole_life(stream: RecordStream) -> list[object]:
    return [*steps_of(stream), place(stream), stream.columns, stream.reasons]


@given(sources(), CUTS)
def test_cutting_changes_nothing(data: bytes, places: list[int]) -> None:
    expected = whole_life(opened(cut(data, []), bad="skip"))
    assert whole_life(opened(cut(data, places), bad="skip")) == expected


@given(sources(), CUTS)
def test_cutting_changes_no_error(data: bytes, places: list[int]) -> None:
    def life(file: Pipe) -> list[object]:
        stream = opened(file)
        seen: list[object] = []
        try:
            seen.extend((record, place(stream)) for record in stream)
        except ValueError as error:
            return [*seen, place(stream), str(error)]
        return [*seen, place(stream)]

    assert life(cut(data, places)) == life(cut(data, []))


@settings(max_examples=30)
@given(sources())
def test_every_position_goes_on_with_the_same_records(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("records") / "source"
    path.write_bytes(data)

    def opened(**options: Any) -> RecordStream:
        return RecordStream(path, bad="skip", longest=32, **options)

    stream = opened()
    lived = steps_of(stream, lambda one: dict(json.loads(json.dumps(one.position))))
    expected = [record for record, _ in lived]
    for n, (record, position) in enumerate(lived):
        assert position["offset"] == record.offset
        assert position["sha256"] == hashlib.sha256(data[: record.offset]).hexdigest()
        resumed = opened(position=position)
        assert resumed.position == position
        assert list(resumed) == expected[n + 1 :]
        assert resumed.skipped == stream.skipped
        assert resumed.position == stream.position
        resumed.close()
        again = opened(skip=n + 1, position=position)
        assert list(again) == expected[n + 1 :]
        again.close()
    stream.close()


def resumed_error(path: Path, position: dict[str, object], **options: Any) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        list(RecordStream(path, position=position, **options))
    return str(caught.value)


@pytest.fixture
def half_read(tmp_path: Path) -> Iterator[tuple[Path, dict[str, object]]]:
    path = tmp_path / "pump.csv"
    path.write_bytes(b"a,b\n1,2\n3,4\n5,6\n")
    stream = RecordStream(path)
    next(stream), next(stream)
    yield path, stream.position
    stream.close()


def test_a_changed_file_is_refused(half_read: tuple[Path, dict[str, object]]) -> None:
    path, position = half_read
    path.write_bytes(b"a,b\n1,2\n3,5\n5,6\n")
    expected = (
        f"{path} is another file than the one that was read before, and no file beside it begins "
        "with the 12 bytes (3 lines) that were read"
    )
    assert resumed_error(path, position) == expected
    path.write_bytes(b"a,b\n1,2\n")
    assert resumed_error(path, position) == expected
    rotated = RecordStream(path, position=position, skip=0)
    assert [record.event for record in rotated] == [{"a": 1, "b": 2}]
    path.write_bytes(b"a,c\n1,2\n")
    assert "the columns must be a, b as before, got a, c" in resumed_error(path, position, skip=0)
    assert "skip must be at most the 1 records of" in resumed_error(
        path, {**position, "columns": []}, skip=2
    )
    rotated.close()


def test_a_file_that_grew_goes_on(half_read: tuple[Path, dict[str, object]]) -> None:
    path, position = half_read
    with path.open("ab") as file:
        file.write(b"7,8\n")
    resumed = RecordStream(path, position=position)
    assert [(r.number, r.event["a"]) for r in resumed] == [(4, 5), (5, 7)]
    resumed.close()


def test_a_last_line_that_is_finished_later(tmp_path: Path) -> None:
    path = tmp_path / "pump.csv"
    path.write_bytes(b"a,b\n1,2")
    stream = RecordStream(path)
    assert len(list(stream)) == 1
    position = stream.position
    assert (position["offset"], position["line"]) == (7, 2)
    assert list(RecordStream(path, position=position)) == []
    for end in (b"\n", b"\r\n"):
        path.write_bytes(b"a,b\n1,2" + end + b"3,4\n")
        [record] = RecordStream(path, position=position)
        assert (record.number, record.event) == (3, {"a": 3, "b": 4})
    path.write_bytes(b"a,b\n1,23\n3,4\n")
    assert resumed_error(path, position) == (
        f"{path} line 2: the line must end after byte 7, where it ended when it was read, "
        "got b'3' after that"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"offset": -1}, "where 'offset' is -1"),
        ({"offset": True}, "where 'offset' is True"),
        ({"line": "2"}, "where 'line' is '2'"),
        ({"sha256": None}, "where 'sha256' is None"),
        ({"columns": "ab"}, "where 'columns' is 'ab'"),
        ({"columns": [1]}, r"the columns in position must be names, got \[1\]"),
    ],
)
def test_a_wrong_position(
    half_read: tuple[Path, dict[str, object]], change: dict[str, object], reason: str
) -> None:
    path, position = half_read
    with pytest.raises(ValueError, match=reason):
        RecordStream(path, position={**position, **change})
    with pytest.raises(ValueError, match="position must be what the attribute position"):
        RecordStream(path, position=5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="form must be 'csv' as before, got 'jsonl'"):
        RecordStream(path, position=position, form="jsonl")


def test_a_pipe_must_be_told_how_far_to_skip() -> None:
    data = b"a,b\n1,2\n3,4\n5,6\n"
    stdin = Pipe(data)
    stdin.name = "<stdin>"
    stream = RecordStream(stdin)
    next(stream)
    position = stream.position
    with pytest.raises(ValueError, match="standard input must be a file for its position to be"):
        RecordStream(stdin, position=position)
    again = RecordStream(Pipe(data), position=position, skip=1)
    assert [record.event["a"] for record in again] == [3, 5]
    assert again.position == {
        **position,
        "name": "Pipe",
        "offset": 16,
        "line": 4,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
