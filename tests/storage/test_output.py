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

from lethe.storage import lock, output
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
