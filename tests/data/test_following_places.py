"""Where a followed source was left: positions, pipes, several files, texts, and what remains."""

from __future__ import annotations

import json
import math
import os
import threading
from contextlib import closing, suppress
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from support.following import ROWS, append, copy_and_cut, followed, rename, resumed
from support.rotations import Stop, Waits

from lethe.data import AnotherFileError, RecordStream, TextStream, open_records
from lethe.data.present import Present


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_bytes(ROWS)
    return path


# --- Where it was left before


def test_a_file_that_was_rotated_while_nobody_read(path: Path) -> None:
    stream = RecordStream(path)
    next(stream)
    position = stream.position
    stream.close()
    copy_and_cut(path, "log.csv.2")
    append(path, b"5,6\n7")()
    copy_and_cut(path)
    append(path, b",8\n")()
    assert resumed(path, position)[0] == [3, 5, 7]
    path.unlink()  # nothing tells now that line 2 of the last copy is but half
    path.with_name("log.csv.1").write_bytes(b"5,6\n7,8")
    assert resumed(path, position)[0] == [3, 5, 7]
    assert followed(path, path.touch, append(path, b"9,10\n"), position=position)[0] == [3, 5, 7, 9]


def test_a_file_that_is_nowhere(path: Path) -> None:
    _, stream, _ = followed(path)
    position = stream.position
    path.write_bytes(b"b,a\n1,2\n3,4\n5")
    path.with_name("log.csv.2.gz").touch()
    with pytest.raises(AnotherFileError) as caught:
        RecordStream(path, position=position)
    assert str(caught.value).replace(str(path.parent) + "/", "") == (
        "log.csv is another file than the one that was read before, and no file beside it begins "
        "with the 12 bytes (3 lines) that were read; log.csv.2.gz is compressed: decompress "
        "it so that it can be read"
    )
    values, notices = resumed(path, position, otherwise="start", bad="skip")
    assert values == [2, 4]
    assert notices[0].endswith("it is read from its start")
    assert resumed(path, position, otherwise="end")[0] == []
    things = (append(path, b",6\n"), append(path, b"7,8\n"))
    values, stream, notices = followed(path, *things, position=position, otherwise="end")
    assert values == [6, 8]  # the half line is whole only now
    assert (stream.position["offset"], stream.position["line"]) == (20, 5)
    assert notices[0].endswith("it is read from its end")


def test_a_file_that_is_no_longer_there(path: Path) -> None:
    _, stream, _ = followed(path)
    path.unlink()
    with pytest.raises(
        ValueError, match=r"must be readable, got .*log.csv: No such file"
    ) as caught:
        RecordStream(path, position=stream.position, otherwise="start")
    assert not isinstance(caught.value, AnotherFileError)
    with pytest.raises(
        AnotherFileError, match=r"log.csv is not there, and no file beside it begins"
    ):
        RecordStream(path, position=stream.position, follow=True)
    options: dict[str, Any] = {"position": stream.position, "otherwise": "end"}
    values, _, notices = followed(path, append(path, ROWS), **options)
    assert values == [1, 3]
    assert notices[1] == "waiting for log.csv, which does not exist yet"


def test_files_with_the_same_beginning_are_told_apart_by_their_inode(path: Path) -> None:
    stream = RecordStream(path)
    next(stream)
    position = stream.position
    stream.close()
    rename(path)
    path.write_bytes(b"a,b\n1,2\n9,9\n")
    assert resumed(path, position)[0] == [3, 1, 9]


def test_otherwise_must_be_a_choice(path: Path) -> None:
    with pytest.raises(ValueError, match="otherwise must be 'raise', 'start' or 'end', got 'x'"):
        RecordStream(path, otherwise="x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="otherwise must be 'raise', 'start' or 'end', got 'x'"):
        TextStream(path, otherwise="x")  # type: ignore[arg-type]


# --- Pipes


def test_a_named_pipe_goes_on_with_its_next_writer(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    calls: list[float] = []
    pieces = [b"a,b\n1,2\n3", b",4\n", b"5,6\n"]

    def wait(descriptor: int | None, seconds: float, /) -> None:
        assert descriptor is not None
        calls.append(seconds)
        if not pieces:
            raise Stop
        with path.open("wb", buffering=0) as pipe:
            pipe.write(pieces.pop(0))

    stream = RecordStream(path, follow=True, wait=wait)
    values: list[object] = []
    with pytest.raises(Stop):
        values.extend(record.event["a"] for record in stream)
    assert values == [1, 3, 5]
    assert set(calls) == {1.0}


def test_a_named_pipe_ends_with_its_writer_unless_it_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=[ROWS])
    writer.start()
    assert [record.event["a"] for record in RecordStream(path)] == [1, 3]
    writer.join()


def test_the_wait_for_a_pipe_comes_before_every_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    pieces = [b"a,b\n1,2\n", b"3,", b"4\n", None]

    def wait(descriptor: int | None, seconds: float, /) -> None:
        assert (descriptor, seconds) == (reading, math.inf)
        piece = pieces.pop(0)
        if piece is None:
            raise Stop
        os.write(writing, piece)

    values: list[object] = []
    with open(reading, "rb") as pipe, open(writing, "wb"):
        stream = RecordStream(pipe, wait=wait)
        with pytest.raises(Stop):
            values.extend(record.event["a"] for record in stream)
    assert values == [1, 3]


def test_what_a_buffered_pipe_holds_comes_first() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe:
        with open(writing, "wb", buffering=0) as writer:
            writer.write(b"# a comment\n" + ROWS)
            assert pipe.readline() == b"# a comment\n"
            stream = RecordStream(pipe)
            assert next(stream).event == {"a": 1, "b": 2}
            writer.write(b"5,6\n")
        assert [record.event["a"] for record in stream] == [3, 5]
        assert os.get_blocking(reading)


def test_an_open_file_is_followed_from_where_it_stands(path: Path) -> None:
    notices: list[str] = []
    things = [append(path, b"5,6\n"), lambda: os.truncate(path, 0), append(path, b"7,8\n")]
    with path.open("rb") as file:
        assert file.readline() == b"a,b\n"
        options: Any = {"follow": True, "wait": Waits(things), "notice": notices.append}
        assert read_all(TextStream(file, **options)) == b"1,2\n3,4\n5,6\n7,8\n"
    assert "was truncated after 12 bytes (3 lines)" in notices[0]
    assert len(notices) == 1


# --- Several files


def several(folder: Path, *contents: bytes) -> list[Path]:
    paths = [folder / f"day{n}.csv" for n in range(1, len(contents) + 1)]
    for path, data in zip(paths, contents, strict=True):
        path.write_bytes(data)
    return paths


def test_several_files_are_one_stream(tmp_path: Path) -> None:
    paths = several(tmp_path, b"a,b\n1,x\n2,y", b"", b"b;a\nz;3\n", b"a,b\n4,5\n")
    stream = open_records(paths)
    assert stream.name == f"{paths[0]} and 3 more"
    lived = []
    for record in stream:
        assert list(record.event) == ["a", "b"]
        lived.append((stream.source, record.number, record.event["a"], record.event["b"]))
    assert lived == [
        (str(paths[0]), 2, 1, "x"),
        (str(paths[0]), 3, 2, "y"),
        (str(paths[2]), 2, 3, "z"),
        (str(paths[3]), 2, 4, "5"),  # a column stays text
    ]
    assert [record.event["a"] for record in open_records(paths, skip=2)] == [3, 4]
    with pytest.raises(ValueError, match="skip must be at most the 4 records of"):
        list(open_records(paths, skip=5))


def test_every_position_in_several_files_goes_on(tmp_path: Path) -> None:
    paths = several(tmp_path, b"a,b\n1,2\nx\n3,4", b"b,a\n6,5\n8,7\n", b"a,b\n9,10\n")
    later = tmp_path / "day4.csv"
    later.write_bytes(b"a,b\n11,12\n")
    stream = open_records(paths, bad="skip")
    lived = [(record, json.loads(json.dumps(stream.position))) for record in stream]
    for n, (_, position) in enumerate(lived):
        again = open_records([*paths, later], position=position, bad="skip")
        values = [record.event["a"] for record in again]
        assert values == [1, 3, 5, 7, 9, 11][n + 1 :]
        assert again.skipped == 1
    again = open_records(paths[1:], position=lived[2][1])
    assert [record.event["a"] for record in again] == [7, 9]
    with pytest.raises(AnotherFileError):
        open_records(paths[1:], position=lived[0][1])
    again = open_records(paths[1:], position=lived[0][1], otherwise="start")
    assert [record.event["a"] for record in again] == [5, 7, 9]


def test_several_files_must_fit_before_anything_is_learned(tmp_path: Path) -> None:
    paths = several(tmp_path, ROWS, ROWS, b"a,c\n1,2\n")
    with pytest.raises(
        ValueError, match=r"day3.csv line 1: the columns must be those of .*day1.csv"
    ):
        next(iter(open_records(paths)))
    with pytest.raises(ValueError, match=r"source must be readable, got .*day4.csv: No such file"):
        open_records([*paths, tmp_path / "day4.csv"])
    with pytest.raises(ValueError, match=r"sources must be different files, got .*day1.csv twice"):
        open_records([paths[0], paths[0]])
    with pytest.raises(ValueError, match="sources must be at least one, got none"):
        open_records([])


def test_the_last_of_several_is_followed(tmp_path: Path) -> None:
    paths = [*several(tmp_path, ROWS), tmp_path / "log.csv"]
    waits = Waits([append(paths[1], b"a,b\n5,6\n"), lambda: rename(paths[1])])
    waits.things.append(append(paths[1], b"7,8\n"))
    stream = open_records(paths, follow=True, wait=waits)
    values: list[object] = []
    with pytest.raises(Stop):
        values.extend(record.event["a"] for record in stream)
    assert values == [1, 3, 5, 7]
    rename(paths[1], "log.csv.0")
    paths[1].write_bytes(b"a,b\n9,10\n")
    again = open_records(paths, position=stream.position)
    assert [record.event["a"] for record in again] == [9]


# --- Text


def read_all(stream: TextStream) -> bytes:
    """All bytes until the stream ends or is stopped; it is closed."""
    pieces = b""
    with closing(stream), suppress(Stop):
        while (piece := stream.take(5)).size:
            pieces += piece.tobytes()
    return pieces


def test_a_text_is_followed_through_rotations(path: Path) -> None:
    def cut() -> None:
        append(path, b"two")()
        copy_and_cut(path, "log.csv.0")
        append(path, b"three")()

    path.write_bytes(b"one")
    things = [lambda: rename(path), append(path, b"two"), cut, path.unlink, append(path, b"four")]
    stream = TextStream(path, follow=True, wait=Waits(things))
    assert read_all(stream) == b"onetwotwothreefour"
    assert stream.position == 18
    assert stream.place["offset"] == 4
    rename(path)
    path.write_bytes(b"five")
    again = TextStream(path, json.loads(json.dumps(stream.place)))
    assert read_all(again) == b"five"
    path.write_bytes(b"six")
    with pytest.raises(AnotherFileError, match=r"log.csv is another file"):
        TextStream(path, again.place)
    assert read_all(TextStream(path, again.place, otherwise="start")) == b"six"
    assert read_all(TextStream(path, again.place, otherwise="end")) == b""


def test_a_text_of_several_files(tmp_path: Path) -> None:
    paths = several(tmp_path, b"one", b"", b"two", b"three")
    pieces = []
    with closing(TextStream(paths)) as stream:
        while (piece := stream.take(2)).size:
            pieces.append((piece.tobytes(), stream.place))
    assert b"".join(piece for piece, _ in pieces) == b"onetwothree"
    assert stream.position == 11
    for n, (_, place) in enumerate(pieces):
        assert read_all(TextStream(paths, place)) == b"".join(piece for piece, _ in pieces[n + 1 :])


# --- What is left of a file


MANY = b"a,b\n" + b"".join(b"%d,%d\n" % (n, -n) for n in range(500))


def in_place(path: Path, data: bytes) -> None:
    """Write a file anew, as a shell does."""
    with path.open("wb", buffering=0) as file:
        file.write(data)


@pytest.mark.parametrize("empty_first", [False, True])
@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize(
    "rest", [MANY[:300], MANY[:3000], MANY[-400:], b"a,b\n" + MANY[-2000:], MANY[-2000:] + b"7"]
)
def test_what_is_left_of_a_file_that_is_made_shorter_is_not_read_again(
    path: Path, rest: bytes, replaced: bool, empty_first: bool
) -> None:
    rest = rest[: rest.rfind(b"\n") + 1] + b"7" * rest.endswith(b"7")
    path.write_bytes(MANY)

    def shorten() -> None:
        if replaced:
            path.unlink(missing_ok=True)
        in_place(path, rest)

    things = [path.unlink if replaced else lambda: os.truncate(path, 0)] if empty_first else []
    values, stream, notices = followed(
        path, *things, shorten, append(path, b"777,1\n"), append(path, b"888,1\n")
    )
    assert values[:500] == list(range(500))
    assert values[500:] == [7777 if rest.endswith(b"7") else 777, 888]
    assert any("reading continues from there" in notice for notice in notices)
    assert resumed(path, stream.position) == ([], [])


def test_lines_that_are_all_the_same_say_nothing(path: Path) -> None:
    path.write_bytes(b"a,b\n" + b"1,1\n2,2\n3,3\n4,4\n" * 10)
    values = [1, 2, 3, 4] * 10
    things = [path.unlink, append(path, b"a,b\n4,4\n" + b"1,1\n2,2\n3,3\n4,4\n" * 3)]
    assert followed(path, *things)[0] == [*values, 4, *values[:12]]


def test_zeros_that_come_after_the_cut_was_seen(path: Path) -> None:
    with path.open("r+b", buffering=0) as writer:
        writer.seek(0, os.SEEK_END)
        values, stream, _ = followed(
            path, lambda: os.truncate(path, 0), lambda: writer.write(b"5,6\n")
        )
    assert values == [1, 3, 5]
    assert stream.position["offset"] == 16


class FewBytes(FileIO):
    """A file of which the system gives little at a time."""

    def read(self, size: int = -1, /) -> bytes:
        return super().read(min(size, 300))


def test_short_reads_are_no_cut(path: Path) -> None:
    path.write_bytes(b"a,b\n" + b"".join(b"%d,1\n" % n for n in range(2000)))
    present = Present(FewBytes(str(path)), str(path), watched=True)
    blocks = []
    while block := present.read(400):
        blocks.append(block)
    assert block == b""  # and not None, which tells of a cut
    assert b"".join(blocks) == path.read_bytes()
    present.close()
