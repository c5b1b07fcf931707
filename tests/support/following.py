"""A followed log, what happens to it, and what a reader gets of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.rotations import Stop, Waits

from lethe.data import RecordStream

ROWS = b"a,b\n1,2\n3,4\n"


def append(path: Path, data: bytes) -> Callable[[], object]:
    def write() -> None:
        with path.open("ab") as file:
            file.write(data)

    return write


def followed(
    path: Path, *things: Callable[[], object], **options: Any
) -> tuple[list[object], RecordStream, list[str]]:
    """The values of a column until nothing more happens, the stream, and its notices."""
    notices: list[str] = []
    waits = Waits(things, idle=4)
    stream = RecordStream(path, follow=True, wait=waits, notice=notices.append, **options)
    values: list[object] = []
    with pytest.raises(Stop):
        values.extend(record.event["a"] for record in stream)
    assert not waits.things
    return values, stream, [notice.replace(str(path.parent) + "/", "") for notice in notices]


def resumed(path: Path, position: object, **options: Any) -> tuple[list[object], list[str]]:
    """The values of a column from a position on, and the notices."""
    notices: list[str] = []
    again = json.loads(json.dumps(position))
    stream = RecordStream(path, position=again, notice=notices.append, **options)
    values: list[object] = [record.event["a"] for record in stream]
    return values, [notice.replace(str(path.parent) + "/", "") for notice in notices]


def rename(path: Path, to: str = "log.csv.1") -> None:
    path.rename(path.with_name(to))


def copy_and_cut(path: Path, to: str = "log.csv.1") -> None:
    shutil.copyfile(path, path.with_name(to))
    os.truncate(path, 0)
