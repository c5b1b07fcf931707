"""A folder of checkpoints: whatever happens to its writer, the newest valid one is found."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from lethe.storage import file, lock
from lethe.storage import folder as module
from lethe.storage.file import CheckpointError
from lethe.storage.folder import Checkpoints

pytest.importorskip("fcntl", reason="a writer needs a POSIX system")


def save(checkpoints: Checkpoints, number: int) -> Path:
    return checkpoints.save({"w": np.full(3, number)}, {"n": number}, number)


def filled(folder: Path, *numbers: int) -> list[Path]:
    with Checkpoints(folder) as checkpoints:
        return [save(checkpoints, number) for number in numbers]


def newest(folder: Path) -> int | None:
    found = Checkpoints(folder).newest()
    if found is None:
        return None
    arrays, metadata, path = found
    assert path.parent == folder
    assert int(path.stem) == metadata["n"]
    assert (arrays["w"] == metadata["n"]).all()
    return int(path.stem)


def held(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*.safetensors"))


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_the_newest_three_are_kept(tmp_path) -> None:
    folder = tmp_path / "new" / "folder"
    assert newest(folder) is None
    with Checkpoints(folder) as checkpoints:
        assert checkpoints.newest() is None
        for number in (0, 7, 7, 500, 1000, 12_000):
            assert save(checkpoints, number) == folder / f"{number:012}.safetensors"
            assert newest(folder) == number
    assert held(folder) == [500, 1000, 12_000]
    assert sorted(os.listdir(folder))[0] == ".lock"
    assert len(os.listdir(folder)) == 4
    with Checkpoints(folder, keep=1) as checkpoints:
        save(checkpoints, 12_001)
    assert held(folder) == [12_001]


def test_what_is_no_checkpoint_stays(tmp_path) -> None:
    others = ["notes.txt", "1.safetensors", "model.safetensors", ".a.safetensors.12345678.tmp"]
    for name in others:
        (tmp_path / name).write_text(name)
    filled(tmp_path, 1, 2, 3, 4, 5)
    assert newest(tmp_path) == 5
    assert all((tmp_path / name).read_text() == name for name in others)


def test_an_older_one_is_read_with_a_warning(tmp_path) -> None:
    _, second, third = filled(tmp_path, 100, 200, 300)
    damage(third)
    with pytest.warns(RuntimeWarning, match=f"{third} .* SHA-256 is wrong; .*200.safetensors") as w:
        assert newest(tmp_path) == 200
    assert len(w) == 1
    second.write_bytes(b"")
    with pytest.warns(RuntimeWarning) as w:
        assert newest(tmp_path) == 100
    assert [str(one.message).split()[2] for one in w] == [str(third), str(second)]


def test_none_is_valid(tmp_path) -> None:
    for path in filled(tmp_path, 100, 200):
        damage(path)
    with pytest.raises(
        CheckpointError, match=r"no checkpoint in .* is valid \(2 tried\): .*200\.safetensors .*SHA"
    ):
        newest(tmp_path)
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(CheckpointError):
            checkpoints.newest()
        save(checkpoints, 50)
        save(checkpoints, 200)
    assert newest(tmp_path) == 200
    assert held(tmp_path) == [50, 200]


def test_going_on_from_an_older_one(tmp_path) -> None:
    paths = filled(tmp_path, 100, 200, 300)
    for path in paths[1:]:
        damage(path)
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.warns(RuntimeWarning):
            checkpoints.newest()
        save(checkpoints, 150)
        assert held(tmp_path) == [100, 150, 200, 300]  # the damaged ones do not count
        save(checkpoints, 250)
        assert held(tmp_path) == [100, 150, 250, 300]
        save(checkpoints, 300)
        assert held(tmp_path) == [150, 250, 300]
    assert newest(tmp_path) == 300


def test_another_life_is_not_mixed_in(tmp_path) -> None:
    filled(tmp_path, 100, 200)
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(ValueError, match=r"number must be at least 200, .* got 50: resume"):
            save(checkpoints, 50)
        save(checkpoints, 200)
    assert held(tmp_path) == [100, 200]


def test_a_checkpoint_that_a_writer_removes_is_not_missed(tmp_path, monkeypatch) -> None:
    filled(tmp_path, 100)
    read = module.read

    def overtaken(path: Path, most_bytes: int):
        monkeypatch.setattr(module, "read", read)
        filled(tmp_path, 200, 300, 400, 500)
        return read(path, most_bytes=most_bytes)

    monkeypatch.setattr(module, "read", overtaken)
    assert newest(tmp_path) == 500


def test_a_link_to_nowhere_is_no_checkpoint(tmp_path) -> None:
    filled(tmp_path, 100)
    (tmp_path / "000000000200.safetensors").symlink_to("nowhere")
    with pytest.warns(RuntimeWarning, match="No such file"):
        assert newest(tmp_path) == 100


@pytest.mark.parametrize("number", [-1, 10**12])
def test_numbers_that_no_name_can_hold(tmp_path, number: int) -> None:
    with Checkpoints(tmp_path) as checkpoints, pytest.raises(ValueError, match="number must be"):
        save(checkpoints, number)


def test_arguments(tmp_path) -> None:
    with pytest.raises(ValueError, match="keep must be at least 1"):
        Checkpoints(tmp_path, keep=0)
    with pytest.raises(RuntimeError, match="saved inside"):
        save(Checkpoints(tmp_path), 1)
    small = Checkpoints(tmp_path, most_bytes=100)
    with small, pytest.raises(ValueError, match="most_bytes=100"):
        save(small, 1)
    assert held(tmp_path) == []


# ---- what goes wrong on the disk ----


def test_a_full_disk_leaves_the_old_ones(tmp_path, monkeypatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Checkpoints(tmp_path) as checkpoints:
        for number in (1, 2, 3):
            save(checkpoints, number)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(
                CheckpointError, match=r"4\.safetensors cannot be written: No space"
            ):
                save(checkpoints, 4)
        assert held(tmp_path) == [1, 2, 3]
        assert len(os.listdir(tmp_path)) == 4
        assert newest(tmp_path) == 3
        save(checkpoints, 4)  # there is room again
    assert held(tmp_path) == [2, 3, 4]


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "folder"):
        match = f"checkpoints cannot be written in {folder}: "
        with pytest.raises(CheckpointError, match=match), Checkpoints(folder):
            pass
    with pytest.raises(CheckpointError, match=r"file cannot be read: Not a directory"):
        Checkpoints(tmp_path / "file").newest()

    filled(tmp_path, 1)
    opened = os.open

    def read_only(path, flags, *words, **named):  # root may write where the mode forbids it
        if flags & (os.O_RDWR | os.O_WRONLY):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return opened(path, flags, *words, **named)

    monkeypatch.setattr(os, "open", read_only)
    match = "checkpoints cannot be written in .*: Read-only file system"
    with pytest.raises(CheckpointError, match=match), Checkpoints(tmp_path):
        pass
    assert newest(tmp_path) == 1


def test_an_old_one_that_cannot_be_removed_is_kept(tmp_path, monkeypatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    with Checkpoints(tmp_path, keep=1) as checkpoints:
        save(checkpoints, 1)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", refuse)
            save(checkpoints, 2)
            [(path, why)] = checkpoints.left.items()
            assert (path.stem, why) == ("000000000001", "Operation not permitted")
        save(checkpoints, 3)
        assert not checkpoints.left
    assert [path.stem for path in tmp_path.glob("*.safetensors")] == ["000000000003"]


def test_one_that_cannot_be_read_is_not_passed_over(tmp_path, monkeypatch) -> None:
    filled(tmp_path, 100, 200)

    def refuse(path: str, flags: int) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(file, "open_at_once", refuse)
    with pytest.raises(CheckpointError, match=r"200\.safetensors cannot be read: Permission"):
        newest(tmp_path)


# ---- a folder from outside ----


@pytest.mark.parametrize("what", ["link", "dangling", "hard link", "pipe", "folder", "content"])
def test_what_lies_in_the_place_of_the_lock_is_not_written(tmp_path, what: str) -> None:
    victim, lock_file, folder = tmp_path / "victim", tmp_path / "f" / ".lock", tmp_path / "f"
    folder.mkdir()
    if what != "dangling":
        victim.write_text("precious")
    if what in ("link", "dangling"):
        lock_file.symlink_to(victim)
    elif what == "hard link":
        lock_file.hardlink_to(victim)
    elif what == "pipe":
        os.mkfifo(lock_file)
    elif what == "folder":
        lock_file.mkdir()
    else:
        lock_file.write_text("of another program")
    match = f"checkpoints cannot be written in {folder}: "
    match += (
        "Is a directory" if what == "folder" else r"\.lock there must be a file of Lethe's, got"
    )
    with pytest.raises(CheckpointError, match=match), Checkpoints(folder):
        pass
    assert victim.exists() == (what != "dangling")
    assert what == "dangling" or victim.read_text() == "precious"
    assert what != "content" or lock_file.read_text() == "of another program"
    assert os.listdir(folder) == [".lock"]


@pytest.mark.parametrize("content", ["", "12\n", "12345", "\0" * 6])
def test_what_a_crash_leaves_of_the_lock(tmp_path, content: str) -> None:
    (tmp_path / ".lock").write_text(content)
    filled(tmp_path, 1)
    assert newest(tmp_path) == 1


def test_links_among_the_checkpoints_are_replaced_and_not_followed(tmp_path) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "f"
    victim.write_text("precious")
    filled(folder, 100)
    for name in ("000000000200.safetensors", "000000000050.safetensors"):
        (folder / name).symlink_to(victim)
    for name in (".000000000200.safetensors.lethe.tmp", ".000000000300.safetensors.0123abcd.tmp"):
        (folder / name).hardlink_to(victim)
    filled(folder, 200, 300, 400)
    assert victim.read_text() == "precious"
    assert held(folder) == [200, 300, 400]
    assert not any(path.is_symlink() for path in folder.iterdir())
    assert len(os.listdir(folder)) == 4


def test_a_checkpoint_that_is_replaced_keeps_its_mode(tmp_path) -> None:
    (path,) = filled(tmp_path, 100)
    path.chmod(0o600)
    filled(tmp_path, 100)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_lock_that_is_removed_is_noticed(tmp_path) -> None:
    """Another writer could lock a new one."""
    with Checkpoints(tmp_path) as checkpoints:
        save(checkpoints, 1)
        (tmp_path / ".lock").unlink()
        for _ in range(2):
            with pytest.raises(CheckpointError, match=r"its \.lock was removed or replaced"):
                save(checkpoints, 2)
            (tmp_path / ".lock").touch()
    assert held(tmp_path) == [1]


# ---- one writer ----

WRITER = """
import itertools, sys, numpy as np
from lethe.storage.file import CheckpointError
from lethe.storage.folder import Checkpoints
try:
    with Checkpoints(sys.argv[1]) as checkpoints:
        found = checkpoints.newest()
        for number in itertools.count(int(found[2].stem) + 1 if found else 1):
            checkpoints.save({"w": np.full(20_000, number)}, {"n": number}, number)
            print(number, flush=True)
except CheckpointError as error:
    print(error)
"""


def writer(folder: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-W", "error", "-c", WRITER, str(folder)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def test_the_second_writer_is_told_who_writes(tmp_path) -> None:
    reason = f"checkpoints cannot be written in {tmp_path}: another writer, process %d, is at work"
    with Checkpoints(tmp_path) as checkpoints:
        out, _ = writer(tmp_path).communicate(timeout=60)
        assert out.startswith(reason % os.getpid())
        with pytest.raises(CheckpointError, match=reason % os.getpid()), Checkpoints(tmp_path):
            pass
        save(checkpoints, 1)
    filled(tmp_path, 2)
    assert held(tmp_path) == [1, 2]


def test_a_killed_writer_loses_nothing_that_it_said_was_saved(tmp_path) -> None:
    moments = random.Random(1)
    said = 0
    for _ in range(8):
        process = writer(tmp_path)
        assert process.stdout is not None
        said = int(process.stdout.readline())
        time.sleep(moments.uniform(0, 0.03))
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=60)
        said = int(rest.split("\n")[-2]) if "\n" in rest else said
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = newest(tmp_path)
        assert found in (said, said + 1)
        assert len(held(tmp_path)) <= 4


def test_what_a_killed_writer_left_half_written_is_removed(tmp_path) -> None:
    filled(tmp_path, 1)
    (tmp_path / ".000000000002.safetensors.0123abcd.tmp").write_bytes(b"half")
    assert newest(tmp_path) == 1
    filled(tmp_path, 2)
    assert sorted(os.listdir(tmp_path)) == [
        ".lock",
        "000000000001.safetensors",
        "000000000002.safetensors",
    ]


def test_a_system_without_locks(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(lock, "_take", None)
    match = "writers are told apart by locks, which this system lacks"
    with pytest.raises(CheckpointError, match=match), Checkpoints(tmp_path):
        pass
