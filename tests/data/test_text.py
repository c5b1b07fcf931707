"""Text as a stream of bytes, and the text of this Python."""

from __future__ import annotations

import hashlib
import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lethe.data import TextStream, topics


def read_all(stream: TextStream, n: int) -> bytes:
    pieces = []
    while (piece := stream.take(n)).size:
        pieces.append(piece.tobytes())
    return b"".join(pieces)


@given(st.binary(max_size=300), st.integers(1, 50), st.integers(0, 300))
def test_bytes_as_symbols(data: bytes, n: int, position: int) -> None:
    stream = TextStream(data)
    assert read_all(stream, n) == data
    assert stream.position == len(data)
    if position <= len(data):
        assert read_all(TextStream(data, position=position), n) == data[position:]
    else:
        with pytest.raises(ValueError, match="position must be at most"):
            TextStream(data, position=position)


def test_text_file_and_pipe(tmp_path) -> None:
    text = "vergessen, λήθη\n" * 2000
    path = tmp_path / "text"
    path.write_bytes(text.encode())
    stream = TextStream(path)
    assert [stream.take(10_000).size for _ in range(2)] == [10_000, 10_000]
    stream.close()
    file = io.BufferedReader(io.FileIO(path))
    sources = (text, path, io.BytesIO(text.encode()), file)
    for source in sources:
        stream = TextStream(source)
        assert read_all(stream, 4096) == text.encode()
        stream.close()
    stream = TextStream(path, position=33)
    assert read_all(stream, 4096) == text.encode()[33:]
    stream.close()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (3, "got int"),
        ([104, 105], "sources must be paths, got int"),
        (io.StringIO("a"), "got StringIO"),
    ],
)
def test_other_sources_are_refused(source: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TextStream(source)  # type: ignore[arg-type]


def test_an_unreadable_file_is_one_clear_error(tmp_path) -> None:
    with pytest.raises(ValueError, match="nowhere: No such file"):
        TextStream(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="Is a directory"):
        TextStream(tmp_path)
    with pytest.raises(ValueError, match="n must be"):
        TextStream("a").take(0)
    with pytest.raises(ValueError, match="position must be at least 0"):
        TextStream("a", position=-1)


def test_topics_are_the_text_of_this_python() -> None:
    text = topics()
    assert text.startswith(b"assert\nThe ")
    assert len(text) > 300_000
    if sys.version_info[:3] == (3, 11, 7):
        assert len(text) == 466_997
        digest = "b25a9eaf186639018586a09db4869f3c2651b621a229a15ce1be4ba4d8adb9b3"
        assert hashlib.sha256(text).hexdigest() == digest
