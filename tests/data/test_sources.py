"""Events from files that grow, from Parquet, and from the series that come with the package."""

from __future__ import annotations

import datetime
import io
import json
import os
import subprocess
import sys
import threading
import tracemalloc
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lethe.data import (
    BUNDLED,
    BundledStream,
    ParquetStream,
    Record,
    RecordSource,
    RecordStream,
    open_records,
)

# --- Pipes


def test_follow_ends_with_a_pipe_that_is_closed() -> None:
    reading, writing = os.pipe()

    def write() -> None:
        with open(writing, "wb", buffering=0) as pipe:
            for piece in (b"a,b\n1", b",2\n3", b",4"):
                pipe.write(piece)

    writer = threading.Thread(target=write)
    writer.start()
    with open(reading, "rb") as pipe:
        assert [record.event["a"] for record in RecordStream(pipe, follow=True)] == [1, 3]
    writer.join()


def test_a_pipe_gives_what_has_arrived() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe, open(writing, "wb", buffering=0) as writer:
        stream = RecordStream(pipe)
        writer.write(b'{"a": 1}\n')
        assert next(stream).event == {"a": 1}
        writer.write(b'{"a": 2}\n{"a"')
        assert next(stream).event == {"a": 2}


# --- Parquet


@pytest.fixture
def arrow() -> Any:
    return pytest.importorskip("pyarrow", reason="the extra parquet is not installed")


@pytest.fixture
def table(arrow: Any, tmp_path: Path) -> Path:
    from pyarrow import parquet

    path = tmp_path / "pump.parquet"
    n = 25
    columns = {"row": list(range(n)), "level": [None if i % 7 == 3 else i / 4 for i in range(n)]}
    parquet.write_table(arrow.table(columns), path, row_group_size=10)
    return path


def test_parquet_values(arrow: Any, tmp_path: Path) -> None:
    from pyarrow import parquet

    path = tmp_path / "all.parquet"
    noon = datetime.datetime(2024, 1, 31, 12)
    columns = {
        "whole": arrow.array([1, None], arrow.int16()),
        "half": arrow.array([0.5, None], arrow.float32()),
        "money": arrow.array([Decimal("1.25"), None]),
        "text": arrow.array(["a", None]),
        "kind": arrow.array(["x", None]).dictionary_encode(),
        "on": arrow.array([True, None]),
        "nothing": arrow.nulls(2),
        "day": arrow.array([noon.date(), None]),
        "time": arrow.array([noon, None], arrow.timestamp("s")),
        "hour": arrow.array([noon.time(), None], arrow.time32("s")),
        "zoned": arrow.array([noon, None], arrow.timestamp("ns", "UTC")),
    }
    parquet.write_table(arrow.table(columns), path)
    first, second = ParquetStream(path)
    assert str(first.event.pop("time")).startswith("2024-01-31 12:00:00")
    assert str(first.event.pop("hour")).startswith("12:00:00")
    zoned = datetime.datetime.fromisoformat(str(first.event.pop("zoned")))
    assert zoned == noon.replace(tzinfo=datetime.UTC)
    assert first.event == {
        "whole": 1,
        "half": 0.5,
        "money": 1.25,
        "text": "a",
        "kind": "x",
        "on": True,
        "nothing": None,
        "day": "2024-01-31",
    }
    assert second == Record(2, dict.fromkeys(columns), 2)


def test_parquet_goes_on_from_every_row(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lethe.data.parquet.ROWS", 3)
    stream = ParquetStream(table)
    lived = [(record, json.loads(json.dumps(stream.position))) for record in stream]
    assert [record.event["row"] for record, _ in lived] == list(range(25))
    assert [record.event["level"] for record, _ in lived][:5] == [0, 0.25, 0.5, None, 1]
    for n, (record, position) in enumerate(lived):
        assert record.number == record.offset == n + 1
        for options in ({"position": position}, {"skip": n + 1}):
            resumed = ParquetStream(table, **options)
            assert list(resumed) == [record for record, _ in lived[n + 1 :]]
            assert resumed.position == stream.position


def test_parquet_refuses_a_changed_file(arrow: Any, table: Path) -> None:
    from pyarrow import parquet

    stream = ParquetStream(table)
    next(stream)
    position = stream.position
    parquet.write_table(arrow.table({"row": [1, 2]}), table)
    with pytest.raises(ValueError, match=r"pump.parquet must have the SHA-256 .*, got .* changed"):
        ParquetStream(table, position=position)
    with pytest.raises(ValueError, match="the columns must be row, level as before, got row"):
        ParquetStream(table, position=position, skip=0)
    with pytest.raises(ValueError, match="skip must be at most the 2 records of"):
        ParquetStream(table, skip=3)
    with pytest.raises(ValueError, match="form must be 'csv' as before, got 'parquet'"):
        ParquetStream(table, position={**position, "form": "csv"})


def test_parquet_that_cannot_be_read(arrow: Any, table: Path, tmp_path: Path) -> None:
    from pyarrow import parquet

    other = tmp_path / "other.parquet"
    parquet.write_table(arrow.table({"a": [[1]]}), other)
    with pytest.raises(ValueError, match=r"column 'a' of .* must hold numbers, .* got list"):
        ParquetStream(other)
    parquet.write_table(arrow.table({"a": arrow.array([], arrow.int8())}), other)
    with pytest.raises(ValueError, match="must hold at least one record, got nothing"):
        ParquetStream(other)
    parquet.write_table(arrow.Table.from_arrays([[1], [2]], ["a", "a"]), other)
    with pytest.raises(ValueError, match="must name each column once, got 'a' twice"):
        ParquetStream(other)
    for data in (b"", b"PAR1", b"a,b\n1,2\n", table.read_bytes()[:-9]):
        other.write_bytes(data)
        with pytest.raises(ValueError, match=r"source must be readable as Parquet, got .*other"):
            ParquetStream(other)
    data = bytearray(table.read_bytes())
    data[4:40] = b"\xff" * 36
    other.write_bytes(data)
    with pytest.raises(ValueError, match=r"source must be readable as Parquet, got .*other"):
        list(ParquetStream(other))
    with pytest.raises(ValueError, match=r"source must be readable as Parquet, got .*nowhere"):
        ParquetStream(tmp_path / "nowhere.parquet")
    with pytest.raises(ValueError, match="source must be the path of a file for Parquet"):
        open_records(io.BytesIO(), form="parquet")


def test_parquet_takes_constant_memory(arrow: Any, tmp_path: Path) -> None:
    from pyarrow import parquet

    path = tmp_path / "long.parquet"
    parquet.write_table(arrow.table({"a": list(range(100_000))}), path)
    tracemalloc.start()
    try:
        assert sum(1 for _ in ParquetStream(path)) == 100_000
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ValueError, match=r"pip install 'lethe-ml\[parquet\]'"):
        open_records("pump.parquet")


def test_pyarrow_is_imported_late() -> None:
    code = "import sys, lethe.data; print('pyarrow' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


# --- Series that come with the package


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_series_go_on_from_everywhere(name: str) -> None:
    records = list(BundledStream(name))
    assert [record.number for record in records] == list(range(1, 20_001))
    assert list(BundledStream(name)) == records
    for skip in (0, 1, 287, 288, 289, 19_999, 20_000):
        stream = BundledStream(name, skip=skip)
        assert list(stream) == records[skip:]
        stream = BundledStream(name, rows=skip)
        assert list(stream) == records[:skip]
        resumed = BundledStream(name, position=json.loads(json.dumps(stream.position)))
        assert list(resumed) == records[skip:]
    times = [datetime.datetime.fromisoformat(str(record.event["time"])) for record in records]
    assert {b - a for a, b in pairwise(times)} == {datetime.timedelta(minutes=5)}


def test_the_anomalies_of_sine() -> None:
    stream = BundledStream("sine")
    anomalies = stream.anomalies
    assert 0.001 < len(anomalies) / 20_000 < 0.02
    assert min(anomalies) > 7 * 288
    values = [record.event["value"] for record in stream]
    for number in anomalies:
        value, before = values[number - 1], values[number - 2]
        assert isinstance(value, float)
        assert isinstance(before, float)
        assert value == before or value - before > 5
    assert not BundledStream("steps").anomalies


def test_the_machine_has_texts_and_missing_values() -> None:
    events = [record.event for record in BundledStream("machine", rows=2016)]
    assert {event["state"] for event in events} == {"run", "idle"}
    assert 10 < sum(event["temperature"] is None for event in events) < 80


def test_wrong_bundled_series() -> None:
    with pytest.raises(ValueError, match="must be one of sine, steps, machine, got 'cosine'"):
        BundledStream("cosine")
    position = BundledStream("sine").position
    with pytest.raises(ValueError, match="position must belong to 'steps'"):
        BundledStream("steps", position=position)
    with pytest.raises(ValueError, match="skip must be a whole number from 0 to"):
        BundledStream("sine", skip=-1)


# --- One function for all


def test_open_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: Path) -> None:
    def kind(source: Any, **options: Any) -> type[RecordSource]:
        stream = open_records(source, **options)
        stream.close()
        return type(stream)

    monkeypatch.chdir(tmp_path)
    assert kind("sine") is BundledStream
    Path("sine").write_bytes(b"a\n1\n")
    assert kind("sine") is RecordStream
    assert kind(Path("sine")) is RecordStream
    assert kind(io.BytesIO(b"a\n1\n")) is RecordStream
    assert kind(str(table)) is ParquetStream
    table.rename("table")
    assert kind("table", form="parquet") is ParquetStream
    for source, what in (("steps", "the series 'steps'"), ("x.pq", "a Parquet file")):
        with pytest.raises(ValueError, match=f"follow must be False for {what}"):
            open_records(source, follow=True)
    with pytest.raises(ValueError, match="form must be 'csv', 'jsonl' or 'parquet', got 'xml'"):
        open_records("sine", form="xml")  # type: ignore[arg-type]


def test_a_run_that_ended_with_a_file_goes_on_in_the_next(tmp_path: Path) -> None:
    first, second = tmp_path / "day1.csv", tmp_path / "day2.csv"
    first.write_text("id,level\n007,1\n0x8,2\n009,3\n")
    second.write_text("level,id\n4,010\n5,011\n")
    stream = open_records([first])
    list(stream)
    position = stream.position
    events = [record.event for record in open_records([first, second], position=position)]
    assert events == [{"id": "010", "level": 4}, {"id": "011", "level": 5}]
    second.write_text("height,id\n4,010\n")
    with pytest.raises(ValueError, match=r"day2\.csv.*the columns must be"):
        list(open_records([first, second], position=position))


def test_many_empty_files_in_a_row(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n:04}.csv" for n in range(1500)]
    for path in paths:
        path.touch()
    for path in (paths[0], paths[-1]):
        path.write_text("a\n1\n")
    assert [record.event for record in open_records(paths)] == [{"a": 1}, {"a": 1}]


def test_files_that_hold_the_same_are_told_apart_by_their_names(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.csv" for n in range(4)]
    for path in paths[:3]:
        path.write_text("a\n1\n")
    paths[3].write_text("a\n2\n")
    stream = open_records(paths[:3])
    list(stream)
    position = {**stream.position, "name": "2.csv"}
    del position["inode"]
    assert [record.event for record in open_records(paths, position=position)] == [{"a": 2}]
