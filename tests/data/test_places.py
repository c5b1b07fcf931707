"""Positions that come from outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lethe.data import BundledStream, RecordStream, TextStream, open_records
from lethe.data.places import check_place, check_position


@pytest.fixture
def position(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "pump.csv"
    path.write_bytes(b"a;b\n1;x\n2;y\n")
    stream = RecordStream(path)
    assert len(list(stream)) == 2
    found: dict[str, Any] = json.loads(json.dumps(stream.position))
    return found


def test_what_a_stream_gives_is_a_position(position: dict[str, Any], tmp_path: Path) -> None:
    assert check_position(position) == position
    older = {key: value for key, value in position.items() if key not in ("name", "inode")}
    assert check_position(older) == older
    bundled = BundledStream("sine").position
    assert check_position(bundled) == bundled
    path = tmp_path / "text"
    path.write_bytes(b"to forget")
    stream = TextStream(path)
    assert stream.take(100).size == 9
    place = json.loads(json.dumps(stream.place))
    stream.close()
    assert check_place(place) == place
    assert set(place) == {"name", "inode", "offset", "sha256"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"form": "xml"}, "position: form must be that of a source, got 'xml'"),
        ({"offset": -1}, "where 'offset' is -1"),
        ({"offset": 1 << 70}, "position: offset must be less than"),
        ({"line": 100}, "position: line must be at most the offset 12, got 100"),
        ({"sha256": "0"}, "position: sha256 must be 64 hexadecimal digits, got '0'"),
        ({"separator": "\n"}, r"position: separator must fit csv, got '\\n'"),
        ({"columns": []}, "position: text must be some of the columns, got others"),
        ({"columns": [], "text": []}, "position: columns must be at least one, got none"),
        ({"text": ["c"]}, "position: text must be some of the columns, got others"),
        ({"inode": True}, "where 'inode' is True"),
        ({"name": 7}, "where 'name' is 7"),
        ({"else": 1}, "position must not have 'else'"),
    ],
)
def test_what_is_no_position(
    position: dict[str, Any], change: dict[str, object], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        check_position({**position, **change})


@pytest.mark.parametrize("value", [None, 5, [], {}, {1: 2}, {"form": []}, {"form": "csv"}])
def test_what_is_nothing_of_the_kind(value: object) -> None:
    with pytest.raises(ValueError, match="position must"):
        check_position(value)
    with pytest.raises(ValueError, match="position must"):
        check_place(value)


def test_files_of_several_forms(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    from pyarrow import parquet

    paths = [tmp_path / name for name in ("a.csv", "b.parquet", "c.jsonl")]
    paths[0].write_bytes(b"a,b\n1,2\n")
    parquet.write_table(arrow.table({"b": [4, 6], "a": [3, 5]}), paths[1])
    paths[2].write_bytes(b'{"b": 8, "a": 7}\n{"a": 9}\n')
    stream = open_records(paths)
    lived = [
        (record.event, stream.unit, json.loads(json.dumps(stream.position))) for record in stream
    ]
    events = [{"a": a, "b": a + 1} for a in (1, 3, 5, 7)] + [{"a": 9, "b": None}]
    assert [event for event, _, _ in lived] == events
    assert all(list(event) == ["a", "b"] for event, _, _ in lived)
    assert [unit for _, unit, _ in lived] == ["line", "row", "row", "line", "line"]
    for n, (_, _, position) in enumerate(lived):
        again = [record.event for record in open_records(paths, position=position)]
        assert [event["a"] for event in again] == [1, 3, 5, 7, 9][n + 1 :]
    paths[1].unlink()
    parquet.write_table(arrow.table({"c": [4, 6], "a": [3, 5]}), paths[1])
    with pytest.raises(ValueError, match=r"b.parquet: the columns must be those of .*a.csv"):
        next(iter(open_records(paths)))
