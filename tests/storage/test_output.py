"""Files that are opened for writing: no input, one writer, modes kept, and on the disk."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lethe.storage import disk, lock, output
from lethe.storage.lock import InUseError
from lethe.storage.output import (
    OutputError,
    OutputFile,
    open_in_place,
    open_replacement,
    output_errors,
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


# ---- folders where everyone may write ----


@as_root
@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize("what", ["link", "file", "link to the folder"])
def test_what_another_user_left_where_everyone_may_write(
    tmp_path, opening: Opening, what: str
) -> None:
    """As the system refuses it for a plain ``>``."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    left = named = shared / "out"
    if what == "file":
        left.write_text("theirs")
    elif what == "link":
        left.symlink_to(victim)
    else:
        left = shared / "folder"
        left.symlink_to(tmp_path)
        named = left / "victim"
    os.lchown(left, 65534, 65534)
    with pytest.raises(OutputError, match="belongs to another user and lies where everyone may"):
        opening(named)
    assert victim.read_text() == "precious"
    os.lchown(left, 0, 0)  # our own are followed there, too
    finished(opening(named))
    assert (victim if what != "file" else left).read_bytes() == b"new"


# ---- no input ----


@posix
@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize("how", ["itself", "link", "hard link", "through a folder", "descriptor"])
def test_an_input_is_refused_by_any_name(tmp_path, opening: Opening, how: str) -> None:
    data = tmp_path / "data"
    data.write_text("precious")
    named = data if how in ("itself", "descriptor") else tmp_path / "other"
    if how == "link":
        named.symlink_to("data")
    elif how == "hard link":
        named.hardlink_to(data)
    elif how == "through a folder":
        (tmp_path / "folder").symlink_to(".")
        named = tmp_path / "folder" / "data"
    with data.open() as file:
        inputs = {"SOURCE, which is read": [file.fileno() if how == "descriptor" else data]}
        with pytest.raises(OutputError, match="it is SOURCE, which is read; name another file"):
            opening(named, inputs)
    assert data.read_text() == "precious"
    assert not list(tmp_path.glob(".*"))


@posix
@pytest.mark.parametrize("opening", OPENINGS)
def test_an_input_that_is_not_there_yet(tmp_path, opening: Opening) -> None:
    (tmp_path / "link").symlink_to("later")
    with pytest.raises(OutputError, match="it is SOURCE"):
        opening(tmp_path / "link", {"SOURCE": [tmp_path / "later"]})
    assert os.listdir(tmp_path) == ["link"]


def test_an_input_named_like_a_temporary_file_is_not_swept(tmp_path) -> None:
    data = tmp_path / ".out.lethe.tmp"
    data.write_text("precious")
    for opening in OPENINGS:
        with pytest.raises(OutputError, match="it is SOURCE"):
            opening(tmp_path / "out", {"SOURCE": [data]})
    assert data.read_text() == "precious"
    assert os.listdir(tmp_path) == [data.name]


def test_other_files_and_inputs_that_are_missing_do_no_harm(tmp_path) -> None:
    (tmp_path / "data").touch()
    inputs = {"SOURCE": [tmp_path / "data", tmp_path / "none"], "MODEL": [tmp_path / "none" / "x"]}
    write_file(tmp_path / "out", [b"new"], inputs)
    assert (tmp_path / "out").read_bytes() == b"new"


# ---- what may be opened ----


@posix
@pytest.mark.parametrize("opening", OPENINGS)
def test_what_is_no_regular_file(tmp_path, opening: Opening) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="it is no regular file"):
        opening(tmp_path / "pipe")
    with pytest.raises(OutputError, match="it is no regular file"):
        opening("/dev/null")
    with pytest.raises(IsADirectoryError):
        opening(tmp_path)
    with pytest.raises(FileNotFoundError):
        opening(tmp_path / "none" / "out")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="Too many levels"):
        opening(tmp_path / "loop")
    assert sorted(os.listdir(tmp_path)) == ["loop", "pipe"]


@posix
def test_links_of_the_user_are_followed(tmp_path) -> None:
    (tmp_path / "link").symlink_to("out")
    for opening in OPENINGS:
        (tmp_path / "out").unlink(missing_ok=True)
        for content in (b"one", b"two"):
            finished(opening(tmp_path / "link"), content)
            assert (tmp_path / "out").read_bytes() == content
    assert (tmp_path / "link").is_symlink()


@posix
@pytest.mark.parametrize("there", [True, False])
def test_a_link_that_is_not_followed_is_replaced(tmp_path, there: bool) -> None:
    victim, link = tmp_path / "victim", tmp_path / "link"
    if there:
        victim.write_text("precious")
        victim.chmod(0o600)
    link.symlink_to(victim)
    write_file(link, [b"new"], follow=False)
    assert not link.is_symlink()
    assert link.read_bytes() == b"new"
    assert victim.exists() == there
    assert not there or victim.read_text() == "precious"


def test_in_place_nothing_is_changed_by_opening(tmp_path) -> None:
    (tmp_path / "out").write_text("old")
    with open_in_place(tmp_path / "out").file as file:
        assert file.read() == b"old"
    with pytest.raises(FileNotFoundError):
        open_in_place(tmp_path / "none", create=False)


@pytest.mark.parametrize("length", [1, 240, 255])
def test_names_as_long_as_they_may_be(tmp_path, length: int) -> None:
    write_file(tmp_path / ("n" * length), [b"new"])
    assert os.listdir(tmp_path) == ["n" * length]


# ---- one writer ----


@pytest.mark.parametrize("second", OPENINGS)
@pytest.mark.parametrize("first", OPENINGS)
@pytest.mark.parametrize("there", [True, False])
def test_a_second_writer_is_refused(tmp_path, first: Opening, second: Opening, there: bool) -> None:
    out = tmp_path / "out"
    if there:
        out.write_text("old")
    one = first(out)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(InUseError, match=r"process.* is writing it: wait until that ends"):
        second(out)
    assert sorted(os.listdir(tmp_path)) == before
    finished(one)
    assert out.read_bytes() == b"new"
    finished(second(out), b"newer")
    assert out.read_bytes() == b"newer"
    assert os.listdir(tmp_path) == ["out"]


@posix
@pytest.mark.parametrize("opening", OPENINGS)
def test_a_file_is_locked_under_all_its_names(tmp_path, opening: Opening) -> None:
    (tmp_path / "one").touch()
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    held = opening(tmp_path / "one")
    for second in OPENINGS:
        with pytest.raises(InUseError):
            second(tmp_path / "two")
    held.abandon()


WRITER = """
import sys
from lethe.storage.output import open_in_place, open_replacement
opened = {"in place": open_in_place, "replacement": open_replacement}[sys.argv[1]](sys.argv[2])
opened.file.write(b"half")
print(flush=True)
sys.stdin.read()
"""


def writer(how: str, path: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", WRITER, how, str(path)]
    process = subprocess.Popen(words, stdin=-1, stdout=-1, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a lock")
@pytest.mark.parametrize("how", ["in place", "replacement"])
def test_the_other_process_is_named(tmp_path, how: str) -> None:
    process = writer(how, tmp_path / "out")
    for opening in OPENINGS:
        with pytest.raises(InUseError) as raised:
            opening(tmp_path / "out")
        # A file system may hide its device, and then the number is not known.
        who = str(raised.value).split(" is writing")[0]
        assert who in (f"process {process.pid}", "another process")
    process.communicate()
    with open_in_place(tmp_path / "out").file:
        pass


@posix
@pytest.mark.parametrize("opening", OPENINGS)
def test_what_a_killed_writer_left_is_swept(tmp_path, opening: Opening) -> None:
    out = tmp_path / "out"
    out.write_text("old")
    process = writer("replacement", out)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (tmp_path / ".out.lethe.tmp").read_bytes() == b"half"
    assert out.read_text() == "old"
    finished(opening(out))
    assert os.listdir(tmp_path) == ["out"]
    assert out.read_bytes() == b"new"


@posix
def test_what_lies_in_the_place_of_a_temporary_file_is_not_written(tmp_path) -> None:
    victim, temporary = tmp_path / "victim", tmp_path / ".out.lethe.tmp"
    victim.write_text("precious")
    for lay in (
        lambda: temporary.symlink_to(victim),
        lambda: temporary.hardlink_to(victim),
        lambda: os.mkfifo(temporary),
    ):
        for opening in OPENINGS:
            lay()
            finished(opening(tmp_path / "out"))
            assert victim.read_text() == "precious"
            assert sorted(os.listdir(tmp_path)) == ["out", "victim"]
    temporary.mkdir()
    with pytest.raises(OutputError, match=r"\.out\.lethe\.tmp is in the way"):
        open_in_place(tmp_path / "out")


def test_files_that_are_written_at_once_wait_for_each_other(tmp_path) -> None:
    """A whole file of one of them is there at the end, and nothing else."""
    out = tmp_path / "out"
    contents = [bytes([65 + n]) * 50_000 for n in range(4)]
    threads = [
        threading.Thread(target=lambda c=c: [write_file(out, [c[:9], c[9:]]) for _ in range(5)])
        for c in contents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert out.read_bytes() in contents
    assert os.listdir(tmp_path) == ["out"]


def test_a_writer_that_does_not_end_is_not_waited_for_forever(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(output, "_PATIENCE", 0.05)
    held = open_in_place(tmp_path / "out")
    with (
        pytest.raises(ValueError, match=r"^the page cannot be written: .*process.* is writing it"),
        output_errors("the page"),
    ):
        write_file(tmp_path / "out", [b"new"])
    held.abandon()


@posix
def test_without_locks(tmp_path, monkeypatch) -> None:
    """What is written in one moment needs no lock; what lasts does."""

    def none(descriptor: int) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    for take in (None, none):
        monkeypatch.setattr(lock, "_take", take)
        for _ in range(2):
            write_file(tmp_path / "out", [b"new"])
        with pytest.raises(OSError, match=r"has no locks|lacks"):
            open_in_place(tmp_path / "out")
        held = open_replacement(tmp_path / "out")
        with pytest.raises(OutputError, match=r"\.out\.lethe\.tmp is in the way, which a killed"):
            open_replacement(tmp_path / "out")
        held.abandon()


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
