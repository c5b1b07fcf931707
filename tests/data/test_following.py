"""What happens to a followed file, one thing at a time, and what is said about it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support.following import ROWS, append, copy_and_cut, followed, rename, resumed
from support.rotations import Stop, Waits

from lethe.data import RecordStream
from lethe.data.present import Present


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_bytes(ROWS)
    return path


# --- A file that grows


def test_whole_lines_are_waited_for(path: Path) -> None:
    path.write_bytes(b"")
    pieces = (b"a,", b"b\n1,", b"2", b"\n", b"3,4\n5,6\n7")
    values, stream, notices = followed(path, *(append(path, data) for data in pieces))
    assert values == [1, 3, 5]
    assert stream.position["offset"] == 16
    assert not notices
    append(path, b",8\n")()
    assert followed(path, position=stream.position)[0] == [7]


def test_a_line_without_line_feed_may_be_finished_later(path: Path) -> None:
    path.write_bytes(b"a,b\n1,2")
    stream = RecordStream(path)
    assert len(list(stream)) == 1
    things = append(path, b"\n"), append(path, b"3,4\n")
    assert followed(path, *things, position=stream.position)[0] == [3]
    path.write_bytes(b"a,b\n1,25,\n")
    with pytest.raises(ValueError, match=r"line 2: the line must end after byte 7, .* got b'5,'"):
        list(RecordStream(path, position=stream.position))


def test_a_long_line_counts_once_it_ends(path: Path) -> None:
    path.write_bytes(b"a,b\n1,2\n" + b"3" * 50)
    values, stream, _ = followed(path, bad="skip", longest=20)
    assert (values, stream.skipped, stream.position["offset"]) == ([1], 0, 8)
    append(path, b"3\n5,6\n")()
    again = RecordStream(path, position=stream.position, bad="skip", longest=20)
    assert [record.event["a"] for record in again] == [5]
    assert again.skipped == 1


def test_an_interrupted_wait_loses_nothing(path: Path) -> None:
    append(path, b"5,")()
    values, stream, _ = followed(path)
    assert values == [1, 3]
    assert (stream.position["offset"], stream.position["line"]) == (12, 3)
    append(path, b"6\n")()
    assert resumed(path, stream.position)[0] == [5]


# --- Rotation by name


def test_the_old_file_is_read_until_the_new_one_holds_something(path: Path) -> None:
    old = path.with_name("log.csv.1")
    values, stream, notices = followed(
        path,
        lambda: rename(path),
        append(old, b"5,6\n"),
        path.touch,
        append(old, b"7,8\n9,10"),  # the last line ends with its file
        append(path, b"a,b\n11,12\n"),
    )
    assert values == [1, 3, 5, 7, 9, 11]
    assert notices == [
        "log.csv ended after 24 bytes (5 lines), since log.csv was rotated; continuing with the "
        "new log.csv from its start"
    ]
    assert stream.position["offset"] == 10
    assert stream.position["line"] == 2
    assert stream.source == stream.name == str(path)


def test_a_position_stays_in_the_old_file_until_the_new_one_has_a_record(path: Path) -> None:
    values, stream, _ = followed(path, lambda: rename(path), append(path, b"a,b\n"))
    assert (values, stream.position["offset"]) == ([1, 3], 12)
    append(path, b"5,6\n")()
    values, notices = resumed(path, stream.position)
    assert values == [5]
    assert notices[0] == (
        "log.csv was rotated: the 12 bytes (3 lines) that were read of it before are in "
        "log.csv.1, which is read to the end; what came after it follows"
    )


def test_several_rotations_between_two_looks(path: Path) -> None:
    def happen() -> None:
        append(path, b"5,6\n")()
        rename(path, "log.csv.3")
        path.write_bytes(b"a,b\n7,8\n")
        shutil.copyfile(path, path.with_name("log.csv.bak"))
        rename(path, "log.csv.2")
        path.write_bytes(b"a,b\n9,10\n")
        shutil.copyfile(path, path.with_name("log.csv.0"))  # a copy of what comes anyway
        rename(path, "log.csv.1")
        path.write_bytes(b"a,b\n11,12\n")

    assert followed(path, happen)[0] == [1, 3, 5, 7, 9, 11]


@pytest.mark.parametrize("turn", ["log.csv.2024-01-31", "log.csv-20240131", "log-20240131.csv"])
def test_rotations_that_are_named_by_date(path: Path, turn: str) -> None:
    values, stream, _ = followed(path)
    rename(path, turn)
    path.write_bytes(b"a,b\n5,6\n")
    os.utime(path, ns=(0, path.with_name(turn).stat().st_mtime_ns + 1))
    rename(path, turn.replace("31", "32"))
    path.write_bytes(b"a,b\n7,8\n")
    assert [*values, *resumed(path, stream.position)[0]] == [1, 3, 5, 7]


def test_what_lay_beside_it_before_is_not_read(path: Path) -> None:
    for name in ("log.csv.2", "log.csv.1", "log.csv.old", "log.csv-20240131"):
        path.with_name(name).write_bytes(b"a,b\n99,99\n")

    def happen() -> None:
        rename(path, "log.csv.0")
        append(path, b"a,b\n5,6\n")()

    assert followed(path, happen)[0] == [1, 3, 5]


def test_a_file_that_is_removed_and_made_again(path: Path) -> None:
    things = (path.unlink, path.touch, append(path, b"5,6\n7,8\n"))
    values, stream, _ = followed(path, *things)
    assert values == [1, 3, 5, 7]
    assert (stream.position["offset"], stream.position["line"]) == (8, 2)


def test_a_file_that_is_replaced_by_a_longer_one(path: Path) -> None:
    def replace() -> None:
        other = path.with_name(".log.csv.x")
        other.write_bytes(ROWS + b"5,6\n")
        other.replace(path)

    values, stream, notices = followed(path, replace, append(path, b"7,8\n"))
    assert values == [1, 3, 5, 7]
    assert stream.position["line"] == 5
    assert notices == [
        "log.csv was replaced by a file that begins with all 12 bytes that were read of the old "
        "one; reading continues from there"
    ]


def test_a_file_that_is_not_there_yet(path: Path) -> None:
    path.unlink()
    values, _, notices = followed(path, path.touch, append(path, ROWS))
    assert values == [1, 3]
    assert notices == ["waiting for log.csv, which does not exist yet"]


def test_a_link_that_points_elsewhere(path: Path) -> None:
    link, other = path.with_name("now.csv"), path.with_name("other.csv")
    link.symlink_to(path)
    other.write_bytes(b"5,6\n")

    def turn() -> None:
        link.unlink()
        link.symlink_to(other)

    assert followed(link, turn)[0] == [1, 3, 5]


# --- A file that is cut


def test_the_copy_of_a_file_that_was_cut_is_read_to_its_end(path: Path) -> None:
    def happen() -> None:
        append(path, b"5,6\n7")()
        copy_and_cut(path)
        append(path, b",8\n9,10\n11,12\n13,14\n15,16\n")()  # more than was there before

    values, stream, notices = followed(path, happen)
    assert values == [1, 3, 5, 7, 9, 11, 13, 15]
    assert stream.position["offset"] == len(b",8\n9,10\n11,12\n13,14\n15,16\n")
    assert notices[0] == (
        "log.csv was truncated after 12 bytes (3 lines) of it had been read; reading the rest of "
        "its copy log.csv.1, then log.csv from its start"
    )


def test_a_file_that_is_cut_between_being_opened_and_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Present.read

    def cut_before(self: Present, n: int) -> bytes | None:
        if (
            cuts
            and path.exists()
            and path.stat().st_size
            and (self.path, self.offset) == (str(path), 0)
        ):
            copy_and_cut(path, cuts.pop())
            append(path, b"%d,0\n" % (100 - len(cuts)))()
        return read(self, n)

    monkeypatch.setattr(Present, "read", cut_before)
    cuts = ["log.csv.1"]
    assert followed(path)[0] == [1, 3, 100]
    things = (lambda: rename(path, "log.csv.2"), append(path, b"5,6\n"))
    cuts = []
    path.write_bytes(b"a,b\n100,0\n")
    values, stream, notices = followed(path, lambda: cuts.append("log.csv.0"), *things)
    assert values == [100, 5, 100]
    assert "log.csv was truncated before it was read; its copy log.csv.0 comes first" in notices
    assert resumed(path, stream.position) == ([], [])


def test_it_is_said_what_may_be_lost_where_there_is_no_copy(path: Path) -> None:
    append(path, b"5,")()
    values, stream, notices = followed(
        path, lambda: os.truncate(path, 0), append(path, b"7,8\n9,10\n")
    )
    assert values == [1, 3, 7, 9]
    assert notices == [
        "log.csv was truncated after 14 bytes (3 lines) of it had been read, and there is no copy "
        "of it: what was written to it in between may be lost"
    ]
    assert stream.position["offset"] == 9


def test_a_position_after_a_cut_without_a_copy_is_that_of_the_file_as_it_is_now(
    path: Path,
) -> None:
    values, stream, _ = followed(path, lambda: os.truncate(path, 0))
    assert (stream.position["offset"], stream.position["line"]) == (0, 0)
    append(path, b"a,b\n5,6\n")()
    assert [*values, *resumed(path, stream.position)[0]] == [1, 3, 5]
    rename(path)
    path.write_bytes(b"a,b\n7,8\n")
    assert [*values, *resumed(path, stream.position)[0]] == [1, 3, 5, 7]


def test_a_copy_that_is_shorter_than_what_was_read_is_not_read_again(path: Path) -> None:
    def happen() -> None:
        path.with_name("log.csv.1").write_bytes(ROWS[:8])
        os.truncate(path, 0)
        append(path, b"5,6\n")()

    values, _, notices = followed(path, happen)
    assert values == [1, 3, 5]
    assert len(notices) == 1
    assert "there is no copy" in notices[0]


def test_the_zeros_of_a_writer_that_keeps_its_place(path: Path) -> None:
    with path.open("r+b", buffering=0) as writer:
        writer.seek(0, os.SEEK_END)

        def cut() -> None:
            copy_and_cut(path)
            writer.write(b"5,6\n")

        values, stream, _ = followed(path, cut, lambda: writer.write(b"7,8\n"))
    assert values == [1, 3, 5, 7]
    assert stream.position["offset"] == 20
    assert resumed(path, stream.position) == ([], [])


# --- The header of the next file


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a,b\n5,6\n", {"a": 5, "b": 6}),
        (b"\xef\xbb\xbfa,b\r\n5,6\r\n", {"a": 5, "b": 6}),
        (b"\n b ; a\n6;5\n", {"a": 5, "b": 6}),
        (b"5,6\n", {"a": 5, "b": 6}),
        (b"\xef\xbb\xbf5,6\n", {"a": 5, "b": 6}),
    ],
)
def test_a_header_that_comes_again(path: Path, data: bytes, expected: dict[str, int]) -> None:
    stream = RecordStream(path, follow=True, wait=Waits([lambda: rename(path), append(path, data)]))
    records = []
    with pytest.raises(Stop):
        records.extend(stream)
    assert records[-1].event == expected
    assert list(records[-1].event) == ["a", "b"]
    append(path, b"6;5\n" if b";" in data else b"5,6\n")()
    [again] = RecordStream(path, position=stream.position)
    assert again.event == expected


def test_a_header_of_other_columns_is_refused(path: Path) -> None:
    waits = Waits([lambda: rename(path), append(path, b"a,c\n5,6\n")])
    stream = RecordStream(path, follow=True, bad="skip", wait=waits)
    with pytest.raises(
        ValueError, match=r"log.csv line 1: the columns must be a, b as before, got"
    ):
        list(stream)
    assert stream.position["offset"] == 12


def test_json_lines_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"a": 1}\n')
    things = (lambda: rename(path, "log.jsonl.1"), append(path, b'{"a": 2}\n[\n{"a": 3}\n'))
    values, stream, _ = followed(path, *things, bad="skip")
    assert values == [1, 2, 3]
    assert stream.reasons[0].startswith(f"{path} line 2: a line must be one JSON object")
