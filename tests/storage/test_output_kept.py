"""What a file that is written keeps, and what happens while it is written."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lethe.storage import disk
from lethe.storage.output import (
    OutputError,
    OutputFile,
    open_in_place,
    open_replacement,
    write_file,
)

posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system")
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away"
)

Opening = Callable[..., OutputFile]
OPENINGS = (open_in_place, open_replacement)


def finished(opened: OutputFile, content: bytes = b"new") -> None:
    opened.file.truncate(0)
    opened.file.write(content)
    opened.finish()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# ---- modes and owners ----


@posix
@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize("bits", [0o600, 0o640, 0o666, 0o755])
def test_modes_are_kept(tmp_path, opening: Opening, bits: int) -> None:
    out = tmp_path / "out"
    out.touch()
    out.chmod(bits)
    opened = opening(out)
    assert all(mode(path) == bits for path in tmp_path.iterdir())
    finished(opened)
    assert mode(out) == bits
    assert out.read_bytes() == b"new"


@posix
@pytest.mark.parametrize("opening", OPENINGS)
def test_a_new_file_has_the_mode_that_the_user_wants(tmp_path, opening: Opening) -> None:
    mask = os.umask(0o027)
    try:
        finished(opening(tmp_path / "out"))
    finally:
        os.umask(mask)
    assert mode(tmp_path / "out") == 0o640


@as_root
def test_owners_are_kept(tmp_path) -> None:
    out = tmp_path / "out"
    out.touch()
    os.chown(out, 12345, 54321)
    out.chmod(0o640)
    write_file(out, [b"new"])
    assert (out.stat().st_uid, out.stat().st_gid, mode(out)) == (12345, 54321, 0o640)


@as_root
def test_another_group_may_not_do_more_than_everyone(tmp_path, monkeypatch) -> None:
    out = tmp_path / "out"
    out.touch()
    os.chown(out, -1, 54321)
    out.chmod(0o664)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "fchown", refuse)
    write_file(out, [b"new"])
    assert mode(out) == 0o644


@as_root
def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path) -> None:
    out = tmp_path / "out"
    out.write_text("old")
    out.chmod(0o444)
    tmp_path.chmod(0o777)
    os.seteuid(65534)
    try:
        for opening in OPENINGS:
            with pytest.raises(PermissionError):
                opening(out)
    finally:
        os.seteuid(0)
    assert os.listdir(tmp_path) == ["out"]
    assert out.read_text() == "old"


# ---- what happens while it is written ----


@posix
@pytest.mark.parametrize("opening", OPENINGS)
def test_a_file_that_is_moved_away_is_noticed(tmp_path, opening: Opening) -> None:
    opened = opening(tmp_path / "out")
    opened.check(0)
    opened.file.write(b"12345")
    opened.check(5)
    (path,) = (tmp_path / name for name in os.listdir(tmp_path) if name[0] == "." or name == "out")
    path.rename(tmp_path / "out.1")
    for _ in range(2):
        with pytest.raises(OutputError, match="it was removed or replaced while"):
            opened.check(5)
        path.write_text("12345")  # the same, and another file
    with pytest.raises(OutputError, match="it was removed or replaced while"):
        opened.finish()
    assert (tmp_path / "out.1").read_bytes() == path.read_bytes() == b"12345"


@pytest.mark.parametrize("opening", OPENINGS)
def test_a_file_that_another_program_cuts_is_noticed(tmp_path, opening: Opening) -> None:
    opened = opening(tmp_path / "out")
    opened.file.write(b"12345")
    (path,) = tmp_path.iterdir()
    os.truncate(path, 0)
    with pytest.raises(OutputError, match=r"another program has changed it: .* 5 bytes, got 0"):
        opened.check(5)
    opened.abandon()


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EINVAL])
@pytest.mark.parametrize("opening", OPENINGS)
def test_what_does_not_reach_the_disk_is_an_error(
    tmp_path, monkeypatch, opening: Opening, error: int
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(error, os.strerror(error))

    (tmp_path / "out").write_text("old")
    opened = opening(tmp_path / "out")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=os.strerror(error)):
        opened.finish()
    assert os.listdir(tmp_path) == ["out"]
    assert (tmp_path / "out").read_text() == "old"


@posix
def test_the_folder_is_brought_to_the_disk(tmp_path, monkeypatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda d: synced.append(stat.S_ISDIR(os.fstat(d).st_mode)))
    write_file(tmp_path / "out", [b"new"])
    assert synced == [False, True]
    open_in_place(tmp_path / "out").abandon()
    assert len(synced) == 2
    open_in_place(tmp_path / "new").abandon()
    assert synced == [False, True, True]


@posix
@pytest.mark.parametrize(("error", "raised"), [(errno.EIO, True), (errno.EINVAL, False)])
def test_a_folder_that_does_not_reach_the_disk(
    tmp_path, monkeypatch, error: int, raised: bool
) -> None:
    def fail(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "fsync", fail)
    if raised:
        with pytest.raises(OSError, match="Input/output"):
            write_file(tmp_path / "out", [b"new"])
    else:
        write_file(tmp_path / "out", [b"new"])
    assert (tmp_path / "out").read_bytes() == b"new"


@posix
def test_pipes_have_no_disk() -> None:
    for descriptor in os.pipe():
        disk.sync(descriptor)
        os.close(descriptor)


def test_an_error_leaves_the_old_file_and_no_other(tmp_path, monkeypatch) -> None:
    out = tmp_path / "out"
    out.write_text("old")

    def pieces():
        yield b"new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_file(out, pieces())
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "no")))
    with pytest.raises(OSError, match="no"):
        write_file(out, [b"new"])
    assert os.listdir(tmp_path) == ["out"]
    assert out.read_text() == "old"


def test_short_writes_are_continued() -> None:
    class Slow:
        def __init__(self) -> None:
            self.got = b""

        def write(self, data: memoryview) -> int:
            self.got += bytes(data[:3])
            return min(3, len(data))

    slow = Slow()
    disk.write_all(slow, b"eleven byte")  # type: ignore[arg-type]
    assert slow.got == b"eleven byte"


@posix
def test_a_full_pipe_that_does_not_block_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    data = os.urandom(300_000)
    got = bytearray()

    def read() -> None:
        while len(got) < len(data):
            got.extend(os.read(reading, 10_000))

    thread = threading.Thread(target=read)
    thread.start()
    with open(writing, "wb", buffering=0) as file:
        disk.write_all(file, data)
        thread.join()
    os.close(reading)
    assert got == data
