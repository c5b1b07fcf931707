"""One checkpoint: named arrays and plain JSON in one file that is complete, or refused.

The file is a safetensors file, so any safetensors library reads it::

    8 bytes  the header's length, little-endian
    header   {"__metadata__":{"sha256":"<64 digits>","format":"1","metadata":"{...}"},
              "weights":{"dtype":"F32","shape":[3,4],"data_offsets":[0,48]},...}
    data     the arrays, little-endian, one after the other

"metadata" is JSON in a string, with Python's NaN and Infinity. The digest is that of the whole
file with its own 64 digits as zeros; it lies at a fixed place, so that nothing needs to be parsed
before the file is known to be complete. A digest does not prove good intent: what is parsed after
it must be, byte for byte, a header that `write` would have written. Nothing is ever executed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lethe.storage.output import write_file
from lethe.storage.reading import open_at_once

__all__ = ["FORMAT", "MOST_BYTES", "CheckpointError", "checkpoint_errors", "read", "write"]

#: The largest file that is read or written, unless the caller says otherwise.
MOST_BYTES = 2**30

#: The version of the format; there has been no other.
FORMAT = "1"
_START = b'{"__metadata__":{"sha256":"'
_NO_DIGEST = b"0" * 64
_DIGEST = slice(8 + len(_START), 8 + len(_START) + len(_NO_DIGEST))

# Together they keep what a hostile header can take below 50 MB.
_MOST_HEADER = 2**22
_MOST_VALUES = 200_000
_MOST_DEPTH = 100

_DTYPES: dict[str, np.dtype[np.generic]] = {
    "F64": np.dtype("<f8"),
    "I64": np.dtype("<i8"),
    "U64": np.dtype("<u8"),
    "F32": np.dtype("<f4"),
    "I32": np.dtype("<i4"),
    "U32": np.dtype("<u4"),
    "F16": np.dtype("<f2"),
    "I16": np.dtype("<i2"),
    "U16": np.dtype("<u2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}


class CheckpointError(ValueError):
    """A checkpoint cannot be written, or is not one that can be trusted; the message says why."""


def write(
    path: str | os.PathLike[str],
    arrays: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, Any],
    *,
    most_bytes: int = MOST_BYTES,
    follow: bool = True,
) -> None:
    """Write one checkpoint; at every moment either the old file or the new one exists, complete.

    The same content makes the same bytes. When this function returns, the file is on the disk.

    Parameters
    ----------
    path : str or os.PathLike
        The file, created or replaced with the mode that it had. Its folder must exist.
    arrays : mapping of str to ndarray
        Of float16 to float64, integers or bool, of any shape.
    metadata : mapping of str to JSON
        None, bool, int, float (nan and infinities too), str, list and dict, up to 100 deep, 4 MB
        and about 100,000 values in all. More of them belong in arrays.
    most_bytes : int
        The largest file that may be written; `read` has the same limit.
    follow : bool
        Whether a symbolic link at `path` is followed; otherwise it is replaced itself.

    Raises
    ------
    CheckpointError
        If the file cannot be written, for instance on a full disk. The old file is unchanged,
        and no temporary file is left.
    ValueError
        If an argument is invalid; nothing has been written then.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/state.safetensors", {"w": np.arange(3.0)}, {"events": 12})
    ...     arrays, metadata = read(f"{folder}/state.safetensors")
    >>> arrays["w"], metadata
    (array([0., 1., 2.]), {'events': 12})
    """
    stored = {name: _storable(name, array) for name, array in arrays.items()}
    # The widest first, as in other safetensors files: then every array is aligned.
    stored = dict(sorted(stored.items(), key=lambda item: (-item[1].itemsize, item[0])))
    text = _header(_json_text(metadata), {n: (_CODES[a.dtype], a.shape) for n, a in stored.items()})
    try:
        _check_limits(text)
    except ValueError as error:
        raise ValueError(f"metadata must fit into a checkpoint's header, but {error}") from None
    header = bytearray(text.encode("ascii"))
    size = 8 + len(header) + sum(array.nbytes for array in stored.values())
    if size > most_bytes:
        raise ValueError(f"arrays must fit into most_bytes={most_bytes:,}, got {size:,} bytes")
    pieces: list[bytes | bytearray | memoryview] = [len(header).to_bytes(8, "little"), header]
    pieces += [array.reshape(-1).view(np.uint8).data for array in stored.values()]
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    header[_DIGEST.start - 8 : _DIGEST.stop - 8] = digest.hexdigest().encode("ascii")
    with checkpoint_errors(f"the checkpoint {path} cannot be written"):
        write_file(path, pieces, follow=follow)


def read(
    path: str | os.PathLike[str], *, most_bytes: int = MOST_BYTES
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read one checkpoint, if it is complete and what `write` would have written.

    Parameters
    ----------
    path : str or os.PathLike
        A regular file.
    most_bytes : int
        The largest file that is read. Memory use is at most about twice the file plus 50 MB.

    Returns
    -------
    arrays : dict of str to ndarray
        With the dtypes and shapes that were written; each owns its memory and can be written.
    metadata : dict
        As it was written, to the bit.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is damaged, is no checkpoint, or has a newer format.
    """
    with checkpoint_errors(f"the checkpoint {path} cannot be read"):
        return _parse(_whole_file(path, most_bytes))


@contextlib.contextmanager
def checkpoint_errors(what: str) -> Iterator[None]:
    """Raise errors inside as one CheckpointError, which says what cannot be done, and why.

    Its ``__cause__`` is the OSError or ValueError that was raised.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise CheckpointError(f"{what}: {reason or error}") from error


# ---- writing ----


def _storable(name: object, value: object) -> NDArray[Any]:
    """An array as it lies in the file: little-endian and in C's order."""
    if not isinstance(name, str) or not name.isprintable() or name == "__metadata__":
        raise ValueError(f"names of arrays must be printable text, got {name!r:.60}")
    array = np.asarray(value)
    little = array.dtype.newbyteorder("<")
    if little not in _CODES:
        raise ValueError(f"array {name!r} must hold real numbers or bool, got {array.dtype}")
    return np.asarray(array, little, order="C")


def _json_text(metadata: Mapping[str, Any]) -> str:
    plain = dict(metadata)
    _check_json(plain, ())
    return json.dumps(plain, separators=(",", ":"))


def _check_json(value: object, place: tuple[object, ...]) -> None:
    """Refuse what would come back from JSON as something else."""
    if len(place) >= _MOST_DEPTH:
        raise ValueError(f"metadata must be nested at most {_MOST_DEPTH} deep")
    if isinstance(value, list):
        items: Iterable[tuple[object, object]] = enumerate(value)
    elif isinstance(value, dict):
        items = value.items()
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"keys of {_name(place)} must be str, got {key!r:.60}")
    elif value is None or isinstance(value, bool | int | float | str):
        return
    else:
        kind = type(value).__name__
        raise ValueError(
            f"{_name(place)} must be None, bool, int, float, str, list or dict, got {kind}"
        )
    for key, item in items:
        if type(item) not in (float, int, str):  # most items, and they need no look
            _check_json(item, (*place, key))


def _name(place: tuple[object, ...]) -> str:
    return "metadata" + "".join(f"[{key!r:.60}]" for key in place)


def _header(metadata: str, arrays: Mapping[str, tuple[str, Sequence[int]]]) -> str:
    """The header of these arrays (dtype's code and shape), with zeros for a digest."""
    own = {"sha256": _NO_DIGEST.decode("ascii"), "format": FORMAT, "metadata": metadata}
    table: dict[str, object] = {"__metadata__": own}
    end = 0
    for name, (code, shape) in arrays.items():
        start, end = end, end + math.prod(shape) * _DTYPES[code].itemsize
        table[name] = {"dtype": code, "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(table, separators=(",", ":"))
    return text + " " * (-len(text) % 8)  # the data is aligned, as the format asks


# ---- reading ----


def _whole_file(path: str | os.PathLike[str], most_bytes: int) -> NDArray[np.uint8]:
    """All bytes of a file whose digest is right, with zeros in the digest's place."""
    with open(path, "rb", opener=open_at_once) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is no regular file")
        size = status.st_size
        start = file.read(_DIGEST.stop)
        if len(start) < _DIGEST.stop or start[8 : _DIGEST.start] != _START:
            raise ValueError("it is not a checkpoint")
        header = int.from_bytes(start[:8], "little")
        if header > _MOST_HEADER or 8 + header > size:
            raise ValueError(f"it is damaged: its header of {header:,} bytes is too long")
        if size > most_bytes:
            raise ValueError(f"it has {size:,} bytes, more than most_bytes={most_bytes:,}")
        whole = np.empty(size, np.uint8)
        file.seek(0)
        if file.readinto(whole.data) != whole.size:
            raise ValueError("it was cut off while it was read")
    digest = whole[_DIGEST].tobytes()
    whole[_DIGEST] = np.frombuffer(_NO_DIGEST, np.uint8)
    if hashlib.sha256(whole.data).hexdigest().encode("ascii") != digest:
        raise ValueError("it is damaged: its SHA-256 is wrong")
    return whole


def _parse(whole: NDArray[np.uint8]) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    end = 8 + int.from_bytes(whole[:8].tobytes(), "little")
    header = str(whole[8:end].data, "ascii")
    _check_limits(header)
    table = _json_object(header)
    own = table.pop("__metadata__", None)
    version = own.get("format") if isinstance(own, dict) else None
    if version != FORMAT:
        raise ValueError(
            f"its format is {version!r:.20}, this version of Lethe knows {FORMAT!r}; "
            "a newer one may read it"
        )
    shapes = {name: _code_and_shape(name, entry) for name, entry in table.items()}
    metadata = _json_object(own.get("metadata"))
    # Whatever else could be wrong (duplicate keys, offsets that overlap), `write` never wrote it.
    if _json_text(metadata) != own["metadata"] or _header(own["metadata"], shapes) != header:
        raise ValueError("its header is not as Lethe writes it")
    needed = sum(math.prod(shape) * _DTYPES[code].itemsize for code, shape in shapes.values())
    if needed != whole.size - end:
        raise ValueError(f"its arrays need {needed:,} bytes, it has {whole.size - end:,}")
    arrays = {}
    for name, (code, shape) in shapes.items():
        start, end = end, end + math.prod(shape) * _DTYPES[code].itemsize
        # Any byte becomes a proper bool, through uint8.
        stored = np.dtype(np.uint8) if code == "BOOL" else _DTYPES[code]
        arrays[name] = whole[start:end].view(stored).reshape(shape).astype(_DTYPES[code])
    return arrays, metadata


def _check_limits(header: str) -> None:
    # No value without one of these, in the header itself or in the metadata within.
    values = sum(header.count(mark) for mark in ",[{")
    if len(header) > _MOST_HEADER or values > _MOST_VALUES:
        raise ValueError(
            f"it has {len(header):,} bytes and up to {values:,} values, "
            f"more than {_MOST_HEADER:,} bytes or {_MOST_VALUES:,} values"
        )


def _json_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError("its header is no JSON")
    return found


def _code_and_shape(name: str, entry: object) -> tuple[str, list[int]]:
    match entry:
        case {"dtype": str(code), "shape": list(shape)} if (
            code in _DTYPES
            and len(shape) <= 64
            and all(type(length) is int and 0 <= length < 2**63 for length in shape)
        ):
            return code, shape
    raise ValueError(f"its array {name!r:.60} has no dtype and shape that Lethe knows")
