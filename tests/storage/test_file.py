"""One checkpoint: it comes back to the bit, or it is refused at once and at little cost."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import pickle
import re
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from lethe.storage import output
from lethe.storage.file import CheckpointError, read, write

KEPT = Path(__file__).parent / "checkpoints"
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system")

ARRAYS: dict[str, Any] = {
    "block": np.arange(6, dtype=np.float32).reshape(2, 3) / 7,
    "seen": np.array([True, False, True]),
    "count": np.array(12, np.int64),
    "owed": np.empty((0, 4)),
}
METADATA: dict[str, Any] = {"a": [1, 0.1, None, True, -0.0], "b": {"ü\n": "\ud800", "": math.inf}}


def life(arrays: dict[str, Any], metadata: dict[str, Any]) -> object:
    """What must come back: repr tells -0.0 from 0.0 and has one nan; bytes tell all bits."""
    held = {name: (a.dtype, a.shape, a.tobytes()) for name, a in sorted(arrays.items())}
    return held, repr(metadata)


def refused(path: Path) -> str:
    """Why a file is not read. No refusal takes long, or much memory."""
    began = time.process_time()
    with pytest.raises(CheckpointError, match=re.escape(str(path))) as raised:
        read(path)
    assert time.process_time() - began < 1
    tracemalloc.start()
    with pytest.raises(CheckpointError):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400
    return str(raised.value)


# ---- what is written is read ----

floats = st.floats(allow_nan=True, allow_infinity=True)
leaves = st.none() | st.booleans() | st.integers(-(2**130), 2**130) | floats | st.text()
json_values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
any_arrays = arrays_of.arrays(
    arrays_of.boolean_dtypes()
    | arrays_of.integer_dtypes(endianness="<")
    | arrays_of.unsigned_integer_dtypes(endianness="<")
    | arrays_of.floating_dtypes(endianness="<", sizes=(16, 32, 64)),
    arrays_of.array_shapes(min_dims=0, min_side=0, max_side=4),
)
names = st.text(st.characters(categories=("L", "N", "P", "S")), max_size=5)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(names, any_arrays, max_size=4),
    st.dictionaries(st.text(), json_values, max_size=4),
)
def test_what_is_written_is_read(tmp_path_factory, arrays, metadata) -> None:
    path = tmp_path_factory.getbasetemp() / "round trip.safetensors"
    write(path, arrays, metadata)
    back = read(path)
    assert life(*back) == life(arrays, metadata)
    assert all(array.flags.owndata and array.flags.writeable for array in back[0].values())


def test_another_layout_is_the_same_array(tmp_path) -> None:
    path = tmp_path / "a"
    matrix = np.arange(12, dtype=np.float64).reshape(3, 4)
    given = {"turned": matrix.T, "sliced": matrix[::2, ::3], "big": matrix.astype(">f8")}
    write(path, given, {})
    back, _ = read(path)
    assert all(np.array_equal(back[name], array) for name, array in given.items())
    assert back["big"].dtype == np.float64


def test_the_same_content_makes_the_same_bytes(tmp_path) -> None:
    write(tmp_path / "a", ARRAYS, METADATA)
    write(tmp_path / "b", dict(reversed(ARRAYS.items())), METADATA)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_safetensors_reads_the_file(tmp_path) -> None:
    safetensors = pytest.importorskip("safetensors", reason="safetensors is not installed")
    from safetensors.numpy import load_file

    path = tmp_path / "a.safetensors"
    named = ARRAYS | {"größe, mm": np.ones(2, np.uint8), "half": np.ones(3, np.float16)}
    write(path, named, METADATA)
    assert life(load_file(path), {}) == life(named, {})
    with safetensors.safe_open(path, "np") as file:
        own = file.metadata()
    assert own["format"] == "1"
    assert life({}, json.loads(own["metadata"])) == life({}, METADATA)


def test_the_digest_is_that_of_the_file_with_zeros_in_its_place(tmp_path) -> None:
    path = tmp_path / "a"
    write(path, ARRAYS, METADATA)
    data = path.read_bytes()
    digits = re.search(rb"[0-9a-f]{64}", data)
    assert digits is not None
    zeros = data.replace(digits[0], b"0" * 64)
    assert hashlib.sha256(zeros).hexdigest().encode() == digits[0]


def test_a_file_of_the_first_format_loads_for_ever(tmp_path) -> None:
    kept = KEPT / "format-1.safetensors"
    assert life(*read(kept)) == life(ARRAYS, METADATA)
    write(tmp_path / "now", ARRAYS, METADATA)
    assert (tmp_path / "now").read_bytes() == kept.read_bytes()


# ---- damage ----


def test_no_flipped_byte_is_overlooked(tmp_path) -> None:
    path = tmp_path / "a"
    write(path, ARRAYS, METADATA)
    with path.open("r+b", buffering=0) as file:
        for place, byte in enumerate(path.read_bytes()):
            for flip in (0x01, 0x10, 0x20, 0x80, 0xFF, 0x00):
                file.seek(place)
                file.write(bytes([byte ^ flip]))
                if flip:
                    with pytest.raises(CheckpointError):
                        read(path)
    assert life(*read(path)) == life(ARRAYS, METADATA)


def test_no_cut_and_no_addition_is_overlooked(tmp_path) -> None:
    path = tmp_path / "a"
    write(path, ARRAYS, METADATA)
    whole = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for more in (b"\0", b" ", whole):
            file.seek(len(whole))
            file.write(more)
            with pytest.raises(CheckpointError):
                read(path)
            file.truncate(len(whole))
        assert life(*read(path)) == life(ARRAYS, METADATA)
        for length in reversed(range(len(whole))):
            file.truncate(length)
            with pytest.raises(CheckpointError):
                read(path)


# ---- files that someone made to do harm ----


def forge(path: Path, header: str, data: bytes = b"", digest: bool = True) -> Path:
    """A file with any header and a digest that is right."""
    text = header.encode()
    forged = bytearray(len(text).to_bytes(8, "little") + text + data)
    if digest:
        forged[35:99] = b"0" * 64
        forged[35:99] = hashlib.sha256(forged).hexdigest().encode()
    path.write_bytes(forged)
    return path


def header(entries: str = "", metadata: object = "{}", form: object = "1") -> str:
    own = {"sha256": "0" * 64, "format": form, "metadata": metadata}
    text = json.dumps({"__metadata__": own}, separators=(",", ":"))[:-1]
    text += f",{entries}}}" if entries else "}"
    return text + " " * (-len(text) % 8)


def entry(shape: object, offsets: object, dtype: object = "F32", name: str = "a") -> str:
    table = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
    return json.dumps({name: table}, separators=(",", ":"))[1:-1]


def test_the_forger_knows_the_format(tmp_path) -> None:
    data = np.arange(2, dtype=np.float32)
    path = forge(tmp_path / "a", header(entry([2], [0, 8]), '{"n":1}'), data.tobytes())
    assert life(*read(path)) == life({"a": data}, {"n": 1})


EIGHT = b"\0" * 8
HOSTILE: dict[str, tuple[str, bytes]] = {
    "a shape of 1e12": (header(entry([10**12], [0, 4 * 10**12])), EIGHT),
    "a shape of 1e12, offsets that fit": (header(entry([10**12], [0, 8])), EIGHT),
    "a product above 64 bits": (header(entry([2**62, 2**62], [0, 8])), EIGHT),
    "nothing of a huge shape": (header(entry([0, 2**62, 2**62], [0, 0])), b""),
    "65 axes": (header(entry([1] * 65, [0, 4])), b"\0" * 4),
    "50 axes of 1": (header(entry([0] * 3000, [0, 0])), b""),
    "long numbers": (header(entry([10**4000] * 900, [0, 8])), EIGHT),
    "a number too long": (header(entry([2], [0, 8]).replace("[2]", "[" + "9" * 5000 + "]")), EIGHT),
    "a negative shape": (header(entry([-2, -1], [0, 8])), EIGHT),
    "a broken shape": (header(entry([2.0], [0, 8])), EIGHT),
    "a shape of words": (header(entry(["2"], [0, 8])), EIGHT),
    "a true shape": (header(entry([True, 2], [0, 8])), EIGHT),
    "a shape that is none": (header(entry({"2": 2}, [0, 8])), EIGHT),
    "an unknown dtype": (header(entry([2], [0, 8], dtype="O")), EIGHT),
    "a dtype that is a list": (header(entry([2], [0, 8], dtype=[1])), EIGHT),
    "negative offsets": (header(entry([2], [-8, 0])), EIGHT),
    "offsets that overlap": (
        header(entry([2], [0, 8]) + "," + entry([2], [0, 8], name="b")),
        EIGHT,
    ),
    "a hole": (header(entry([2], [8, 16])), EIGHT + EIGHT),
    "more data than arrays": (header(entry([2], [0, 8])), EIGHT + EIGHT),
    "an array twice": (header(entry([2], [0, 8]) + "," + entry([2], [0, 8])), EIGHT),
    "an array that is a list": (header('"a":[]'), b""),
    "its own entry twice": (header('"__metadata__":{"format":"1","metadata":"{}"}'), b""),
    "its own entry is null": (header('"__metadata__":null'), b""),
    "metadata that is no text": (header(metadata=7), b""),
    "no metadata": (header().replace(',"metadata":"{}"', ""), b""),
    "metadata that is no mapping": (header(metadata="[]"), b""),
    "metadata with a key twice": (header(metadata='{"a":1,"a":2}'), b""),
    "metadata of code": (header(metadata='{"a":__import__("os").getpid()}'), b""),
    "metadata with a number beyond floats": (header(metadata='{"a":1e999}'), b""),
    "deep metadata": (header(metadata='{"a":' + "[" * 150_000 + "]" * 150_000 + "}"), b""),
    "101 levels": (header(metadata='{"a":' + "[" * 101 + "]" * 101 + "}"), b""),
    "deep metadata of mappings": (header(metadata='{"a":' * 60_000), b""),
    "a deep header": (header('"a":' + "[" * 150_000 + "]" * 150_000), b""),
    "a million values": (header(metadata='{"a":[' + "{}," * 10**6 + "0]}"), b""),
    "values up to the limit": (header(metadata='{"a":[' + '{"aa":[]},' * 66_000 + "0]} "), b""),
    "text up to the limit": (header(metadata='{"a":"' + "x" * 4_190_000 + '"} '), b""),
    "text of wide letters": (header("é".join(('"', '":0'))), b""),
    "no JSON": (header().replace(',"format"', ',,"format"'), b""),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_right_digest_makes_no_hostile_header_right(tmp_path, what: str) -> None:
    assert "cannot be read: " in refused(forge(tmp_path / "a", *HOSTILE[what]))


@pytest.mark.parametrize("form", ["2", "", 1, None, "9" * 4000])
def test_another_format_is_named(tmp_path, form: object) -> None:
    assert "its format is" in refused(forge(tmp_path / "a", header(form=form)))


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**40, 2**22 + 1, 300, 0])
def test_a_header_longer_than_the_file(tmp_path, length: int) -> None:
    text = header(metadata='{"a":"' + "x" * 100 + '"}').encode()
    (tmp_path / "a").write_bytes(length.to_bytes(8, "little") + text)
    assert "it is damaged" in refused(tmp_path / "a")


def test_nothing_is_executed(tmp_path) -> None:
    mark = tmp_path / "mark"

    class Bomb:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
            return Path.touch, (mark,)

    path = tmp_path / "a"
    path.write_bytes(pickle.dumps(Bomb()))
    assert "it is not a checkpoint" in refused(path)
    np.savez(tmp_path / "zip.npz", a=np.array([Bomb()], dtype=object), allow_pickle=True)
    assert "it is not a checkpoint" in refused(tmp_path / "zip.npz")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a", "b" * 200)
    assert "it is not a checkpoint" in refused(path)
    assert not mark.exists()


def test_a_large_file_is_refused_before_memory_is_taken(tmp_path) -> None:
    path = forge(tmp_path / "a", header())
    os.truncate(path, 2**40)  # takes no room on the disk
    assert "more than most_bytes" in refused(path)
    write(path, ARRAYS, METADATA)
    size = path.stat().st_size
    assert life(*read(path, most_bytes=size)) == life(ARRAYS, METADATA)
    with pytest.raises(CheckpointError, match=f"it has {size} bytes, more than most_bytes"):
        read(path, most_bytes=size - 1)


def test_a_file_cut_off_while_it_is_read(tmp_path, monkeypatch) -> None:
    path = tmp_path / "a"
    write(path, {"a": np.zeros(5000)}, {})
    status = os.stat(path)
    os.truncate(path, 30_000)
    monkeypatch.setattr(os, "fstat", lambda descriptor: status)
    assert "cut off while it was read" in refused(path)


def test_any_byte_becomes_a_bool(tmp_path) -> None:
    forge(tmp_path / "a", header(entry([4], [0, 4], "BOOL")), b"\0\1\2\xff")
    arrays, _ = read(tmp_path / "a")
    assert arrays["a"].tobytes() == b"\0\1\1\1"


# ---- paths ----


@POSIX
def test_what_is_no_regular_file(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    for name in ("pipe", "folder", "loop", "missing/a"):
        refused(tmp_path / name)
        with pytest.raises(CheckpointError, match=f"{name} cannot be written: "):
            write(tmp_path / name, {}, {})
    refused(tmp_path / "missing")
    refused(Path("/dev/zero"))
    with pytest.raises(CheckpointError, match="it is no regular file"):
        write("/dev/null", {}, {})
    assert Path("/dev/null").is_char_device()
    assert sorted(os.listdir(tmp_path)) == ["folder", "loop", "pipe"]


@POSIX
def test_a_link_to_a_checkpoint_stays_one(tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/a")
    write(tmp_path / "link", ARRAYS, {})
    write(tmp_path / "link", ARRAYS, METADATA)
    assert (tmp_path / "link").is_symlink()
    assert life(*read(tmp_path / "link")) == life(ARRAYS, METADATA)
    assert os.listdir(tmp_path / "folder") == ["a"]


# ---- writing that fails ----


@pytest.mark.parametrize("name", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch, name: str, number: int) -> None:
    path = tmp_path / "a"
    write(path, {}, {"old": 1})

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, name, fail)
        with pytest.raises(CheckpointError, match=f"{path}.*: {os.strerror(number)}$") as raised:
            write(path, ARRAYS, {"new": 2})
    assert isinstance(raised.value.__cause__, OSError)
    assert read(path) == ({}, {"old": 1})
    assert os.listdir(tmp_path) == ["a"]


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a", ARRAYS, METADATA)
    assert os.listdir(tmp_path) == []


@POSIX
@pytest.mark.parametrize("room", [0, 50, 5000, 70_000])
def test_a_full_disk(tmp_path, room: int) -> None:
    """The system itself refuses to let any file grow beyond `room`."""
    code = (
        "import resource, sys, numpy as np\n"
        "from lethe.storage.file import CheckpointError, read, write\n"
        "write(sys.argv[1], {}, {'old': 1})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)\n"
        "try: write(sys.argv[1], {'a': np.zeros(9999), 'b': np.zeros(9)}, {})\n"
        "except CheckpointError as error: print(error)"
    )
    path = tmp_path / "a"
    words = [sys.executable, "-c", code, str(path), str(room)]
    out = subprocess.run(words, capture_output=True, text=True, check=True)
    reason = os.strerror(errno.EFBIG)
    assert out.stdout == f"the checkpoint {path} cannot be written: {reason}\n"
    assert read(path) == ({}, {"old": 1})
    assert os.listdir(tmp_path) == ["a"]


def test_a_file_system_that_cannot_sync_folders(tmp_path, monkeypatch) -> None:
    sync = os.fsync

    def only_files(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    write(tmp_path / "a", ARRAYS, METADATA)
    assert life(*read(tmp_path / "a")) == life(ARRAYS, METADATA)


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("arrays", "metadata", "message"),
    [
        ({"__metadata__": np.ones(1)}, {}, "names of arrays must be printable text, got '__met"),
        ({3: np.ones(1)}, {}, "names of arrays must be printable text, got 3"),
        ({"\ud800": np.ones(1)}, {}, "names of arrays must be printable text"),
        ({"a": np.array([{}])}, {}, "array 'a' must hold real numbers or bool, got object"),
        ({"a": np.array(["x"])}, {}, "array 'a' must hold real numbers or bool, got <U1"),
        ({"a": np.ones(1, complex)}, {}, "array 'a' must hold real numbers or bool, got complex"),
        ({}, {"a": [{"b": {1: 2}}]}, r"keys of metadata\['a'\]\[0\]\['b'\] must be str, got 1"),
        ({}, {"a": [0, (1, 2)]}, r"metadata\['a'\]\[1\] must be None, bool, .* got tuple"),
        ({}, {"a": np.float32(1)}, r"metadata\['a'\] must be None, bool, .* got float32"),
        ({}, {"a": b""}, r"metadata\['a'\] must be None, bool, .* got bytes"),
        ({}, {"a": nested(100)}, "metadata must be nested at most 100 deep"),
        ({}, {"a": "x" * 2**22}, "metadata must fit into a checkpoint's header, but it has"),
        ({}, {"a": [0] * 200_000}, "metadata must fit .* and up to 200,0.. values, more than"),
    ],
)
def test_what_cannot_be_kept_is_refused(tmp_path, arrays, metadata, message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        write(tmp_path / "a", arrays, metadata)
    assert not isinstance(raised.value, CheckpointError)
    assert os.listdir(tmp_path) == []


def test_what_can_be_written_can_be_read(tmp_path) -> None:
    path = tmp_path / "a"
    deep = {"a": nested(99), "b": [0.5] * 199_000}
    write(path, {}, deep)
    assert read(path) == ({}, deep)
    with pytest.raises(ValueError, match=r"arrays must fit into most_bytes=1,000, got 8"):
        write(path, {"a": np.zeros(1000)}, {}, most_bytes=1000)
    assert read(path) == ({}, deep)


@POSIX
def test_the_path_that_the_user_gives_may_be_a_link(tmp_path) -> None:
    path, link = tmp_path / "a", tmp_path / "link"
    link.symlink_to("a")
    write(link, ARRAYS, METADATA)
    path.chmod(0o600)
    write(link, ARRAYS, {"new": True})
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert read(path)[1] == {"new": True}
    write(link, ARRAYS, {"newer": True}, follow=False)
    assert not link.is_symlink()
    assert (read(path)[1], read(link)[1]) == ({"new": True}, {"newer": True})


def test_what_a_killed_process_left_beside_it_is_removed(tmp_path) -> None:
    (tmp_path / ".a.lethe.tmp").write_bytes(b"half")
    write(tmp_path / "a", ARRAYS, METADATA)
    assert os.listdir(tmp_path) == ["a"]


def test_two_processes_do_not_write_it_at_once(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(output, "_PATIENCE", 0)
    held = output.open_replacement(tmp_path / "a")
    with pytest.raises(CheckpointError, match=r"a cannot be written: .*process.* is writing it"):
        write(tmp_path / "a", ARRAYS, METADATA)
    held.abandon()
    write(tmp_path / "a", ARRAYS, METADATA)
