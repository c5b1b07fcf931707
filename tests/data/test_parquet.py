"""Parquet files in memory that follows their bytes, and broken ones."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.command_runs import ENVIRONMENT

from lethe.data import ParquetStream

arrow = pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
parquet = pytest.importorskip("pyarrow.parquet")

#: Reads a file in a process of its own; its peak in MB, the events, and the error.
READ = """
import sys
from pathlib import Path
from lethe.data import ParquetStream
n, error = 0, ""
try:
    for record in ParquetStream(sys.argv[1]):
        n += 1
except ValueError as found:
    error = str(found)
peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(int(peak) // 1024, n, error, sep="|")
"""


def written(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    rows = len(next(iter(columns.values())))
    numbers = arrow.array([float(n % 7) for n in range(rows)])
    parquet.write_table(arrow.table({**columns, "y": numbers}), path, compression="zstd", **options)
    return path


def repeated(text: str, rows: int) -> Any:
    """A column that holds its text once."""
    return arrow.DictionaryArray.from_arrays(arrow.array([0] * rows, arrow.int32()), [text])


def read(path: Path) -> tuple[int, int, str]:
    command = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    megabytes, events, error = done.stdout.rstrip("\n").split("|", 2)
    return int(megabytes), int(events), error


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured in units of Linux")
class TestMemory:
    def test_a_cell_that_is_too_long_is_refused_by_name(self, tmp_path: Path) -> None:
        for column in (repeated("x" * 10_000_000, 4000), arrow.array(["x" * 10_000_000] * 4)):
            path = written(tmp_path / "a.parquet", {"note": column})
            megabytes, events, error = read(path)
            assert "a cell of column 'note'" in error
            assert "must be at most 1,048,576 bytes, got 10,000,000" in error
            assert (events, megabytes < 300) == (0, True)

    def test_a_text_that_many_rows_share_is_in_memory_once(self, tmp_path: Path) -> None:
        path = written(tmp_path / "a.parquet", {"note": repeated("x" * 1_000_000, 4000)})
        megabytes, events, error = read(path)
        assert (events, megabytes < 250, error) == (4000, True, "")

    def test_what_grows_a_hundredfold_is_refused_before_it_is_read(self, tmp_path: Path) -> None:
        plain = {"use_dictionary": False}
        for cells in (["x" * 1_000_000] * 200, ["x" * 200_000_000, "y"]):
            path = written(tmp_path / "a.parquet", {"note": cells}, **plain)
            megabytes, events, error = read(path)
            assert "must not grow to more than 100 times its size" in error
            assert (events, megabytes < 200) == (0, True)

    def test_wide_tables(self, tmp_path: Path) -> None:
        columns = {f"c{n}": [0.5] * 3000 for n in range(1000)}
        megabytes, events, error = read(written(tmp_path / "a.parquet", columns))
        assert (events, megabytes < 250, error) == (3000, True, "")


def test_too_many_columns(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {f"c{n}": [1] for n in range(10_000)})
    with pytest.raises(ValueError, match="must have at most 10,000 columns, got 10,001"):
        ParquetStream(path)


def test_names_that_are_too_long(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", {"n" * 1001: [1]})
    with pytest.raises(ValueError, match="at most 1,000 characters, got 1,001 in 'nnn"):
        ParquetStream(path)


def test_strings_stay_the_same_however_they_are_stored(tmp_path: Path) -> None:
    texts = [None if n % 5 == 0 else f"é{n % 7}" for n in range(300)]
    for kind in (arrow.string(), arrow.large_string(), arrow.dictionary("int32", "string")):
        for use_dictionary in (True, False):
            column = arrow.array(texts, arrow.string()).cast(kind)
            path = written(
                tmp_path / "a.parquet",
                {"text": column, "more": arrow.array(texts[::-1])},
                use_dictionary=use_dictionary,
                row_group_size=70,
            )
            found = [record.event for record in ParquetStream(path)]
            assert [event["text"] for event in found] == texts
            assert [event["more"] for event in found] == texts[::-1]


def test_dictionaries_with_the_same_letters_are_told_apart(tmp_path: Path) -> None:
    texts = ["ab", "c"] * 3 + ["a", "bc"] * 3 + ["", "abc"] * 3
    path = written(tmp_path / "a.parquet", {"text": texts}, row_group_size=6)
    assert [record.event["text"] for record in ParquetStream(path)] == texts


def test_columns_of_text_and_words_for_a_missing_value(tmp_path: Path) -> None:
    columns = {"id": [10, -999, 12], "flag": [True, None, False], "word": ["x", "NA", "-999"]}
    path = written(tmp_path / "a.parquet", columns)
    stream = ParquetStream(path, text=["id", "flag", "there is none"], missing=["-999"])
    assert stream.understood() == {"id": "text", "flag": "text", "word": "text", "y": "numbers"}
    events = [record.event for record in stream]
    assert [event["id"] for event in events] == ["10", None, "12"]
    assert [event["flag"] for event in events] == ["true", None, "false"]
    assert [event["word"] for event in events] == ["x", "NA", None]
    [_, second, _] = ParquetStream(path, missing=["-999"])
    assert second.event == {"id": None, "flag": None, "word": "NA", "y": 1.0}


def broken(data: bytes, generator: random.Random) -> bytes:
    """The bytes of a file, cut off or changed somewhere, mostly in what says how to read them."""
    changed = bytearray(data)
    if generator.random() < 0.2:
        return data[: generator.randrange(len(data))]
    start = generator.choice([0, max(0, len(data) - 1500)])
    for _ in range(generator.randrange(1, 9)):
        changed[generator.randrange(start, len(data))] = generator.randrange(256)
    return bytes(changed)


@pytest.mark.parametrize("seed", range(3))
def test_broken_files_end_with_one_line(tmp_path: Path, seed: int) -> None:
    generator = random.Random(seed)
    columns = {
        "text": [f"v{n % 7}" if n % 9 else None for n in range(300)],
        "time": arrow.array(range(300), arrow.timestamp("s")),
        "kept": arrow.array(["é" * (n % 5) for n in range(300)]).dictionary_encode(),
    }
    path = written(tmp_path / "whole.parquet", columns, row_group_size=100)
    data = path.read_bytes()
    errors: list[str] = []
    for _ in range(150):
        path.write_bytes(broken(data, generator))
        try:
            for record in ParquetStream(path):
                if record.number > 1000:  # as many rows as a broken file says
                    break
        except ValueError as error:
            errors.append(str(error))
    assert len(errors) > 75
    assert all(len(error) < 1000 and "\n" not in error for error in errors)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_durations_are_numbers_of_seconds(tmp_path: Path, unit: str) -> None:
    spans = arrow.array([90 * 10**9, None, -(10**9)], arrow.duration("ns")).cast(
        arrow.duration(unit)
    )
    path = written(tmp_path / "spans.parquet", {"a": spans})
    assert [record.event["a"] for record in ParquetStream(path)] == [90.0, None, -1.0]
