"""Checkpoints of lethe learn with a right digest and wrong run metadata: one line, no traceback."""

from __future__ import annotations

import copy
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from support.tables import complaint, write_csv

from lethe import storage
from lethe.cli import main

pytest.importorskip("fcntl", reason="a writer of checkpoints needs a POSIX system")

MUTATIONS = 75  # of each kind of run

RUNS = {
    "numbers": ["s.csv", "--target", "value", "--horizon", "3", "--detect", "--out", "out"],
    "seasons": ["machine", "--limit", "60", "--period", "7"],
    "classes": ["machine", "--limit", "60", "--target", "state", "--classify"],
    "text": ["book.txt", "--symbols", "--layers", "1"],
    "files": ["s.csv", "t.csv", "--target", "value", "--text", "time", "--missing", "none"],
}

#: What takes the place of a value. Duplicate keys and other JSON that `json.dumps` would not write
#: are in `RAW`.
VALUES: list[Any] = [
    None, True, False, -1, 0, 1, 2**31, 2**63, 2**70, -(2**63), 1.5, -0.5, 1e300, -1e300, math.nan,
    math.inf, -math.inf, "", "text", "\x1b[2J", "\ud800", "a\nb", [], {}, [[]], [None], {"a": 1},
    [1, 2, 3], "9" * 70,
]  # fmt: skip


class Run:
    """A folder with a run's checkpoint and its parts."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.kind = kind
        self.path = max((folder / "state").glob("*.safetensors"))
        self.arrays, self.metadata = storage.read(self.path)
        self.scores = json.loads(self.arrays["scores"].tobytes())

    def write(self, record: Any, scores: Any, arrays: dict[str, Any]) -> None:
        """Put a changed copy in the folder, as the only checkpoint."""
        text = scores if isinstance(scores, bytes) else json.dumps(scores).encode()
        changed = {**arrays, "scores": np.frombuffer(text, np.uint8)}
        shutil.rmtree(self.folder / "copy", ignore_errors=True)
        (self.folder / "copy").mkdir()
        storage.write(
            self.folder / "copy" / self.path.name, changed, {**self.metadata, "learn": record}
        )

    def commands(self) -> list[list[str]]:
        source = RUNS[self.kind][0]
        resume = ["learn", *RUNS[self.kind], "--cells", "2", "--checkpoint", "copy", "--resume"]
        return [
            ["info", "copy"],
            ["info", "copy", "--json"],
            ["predict", "copy", source, "--limit", "3"],
            ["sample", "copy", "--length", "3"],
            resume,
        ]


@pytest.fixture(scope="module", params=RUNS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp(request.param)
    write_csv(folder / "s.csv", 60)
    write_csv(folder / "t.csv", 30)
    (folder / "book.txt").write_bytes(b"to forget " * 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        words = ["learn", *RUNS[request.param], "--cells", "2", "--checkpoint", "state"]
        assert main(words) == 0
    return Run(folder, request.param)


def paths(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where each value within lies."""
    found = [above] if above else []
    items = enumerate(value) if isinstance(value, list) else ()
    for key, item in value.items() if isinstance(value, dict) else items:
        found += paths(item, (*above, key))
    return found


def change(whole: Any, random: Random) -> None:
    """Drop a value, put another in its place, rename its key, or repeat it."""
    *above, key = random.choice(paths(whole))
    parent = whole
    for step in above:
        parent = parent[step]
    how = random.random()
    if how < 0.2:
        del parent[key]
    elif how < 0.3 and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[key]))
    elif how < 0.3:
        parent[f"{key}s"] = parent.pop(key)
    elif how < 0.45 and type(parent[key]) in (int, float):
        parent[key] = random.choice([parent[key] + 1, -parent[key], parent[key] * 10**6])
    elif how < 0.55:
        parent[key] = copy.deepcopy(random.choice([whole, parent, parent[key]]))
    else:
        parent[key] = copy.deepcopy(random.choice(VALUES))


def change_array(arrays: dict[str, Any], random: Random) -> None:
    """Change one of the scores' arrays."""
    names = [name for name in arrays if name.startswith("scores.")]
    if not names:
        arrays["scores.more"] = np.zeros(3)
        return
    name, how = random.choice(names), random.random()
    array = arrays[name]
    if how < 0.2:
        del arrays[name]
    elif how < 0.4:
        arrays[name] = array.astype(np.float32)
    elif how < 0.6:
        arrays[name] = np.repeat(array, 2, axis=0)
    elif how < 0.7:
        arrays[f"{name}.more"] = array
    elif array.size:
        arrays[name] = array.copy()
        arrays[name].flat[random.randrange(array.size)] = random.choice(
            [math.nan, math.inf, -math.inf, -1.0, 1e300, -1e300]
        )


def check(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A command ends with 0, or with 2 and one line; anything else it raises fails the test."""
    code = main(words)
    _, err = capsys.readouterr()
    assert code in (0, 2), (words, err)
    if code:
        assert err.count("\n") == 1, (words, err)
        assert err.startswith(f"lethe {words[0]}: "), err


@pytest.mark.parametrize("seed", range(MUTATIONS))
def test_mutations(
    seed: int, run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run.folder)
    random = Random(seed)
    record, scores = copy.deepcopy((run.metadata["learn"], run.scores))
    arrays = dict(run.arrays)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        what = random.random()
        if what < 0.45:
            change(record, random)
        elif what < 0.85:
            change(scores, random)
        else:
            change_array(arrays, random)
    out = run.folder / "out"
    before = out.read_bytes() if out.exists() else b""
    info, *others = run.commands()
    for words in (info, *random.sample(others, 2)):
        try:
            run.write(record, scores, arrays)
        except ValueError:  # what `write` refuses is in no file
            return
        check(words, capsys)
        if before:
            out.write_bytes(before)


RAW: list[Callable[[bytes], bytes]] = [
    lambda text: b"",
    lambda text: b"null",
    lambda text: b"[" * 100_000,
    lambda text: b"[" * 900 + b"]" * 900,
    lambda text: b"[" + b"[]," * 300_000 + b"[]]",
    lambda text: text[:-1] + b',"time":null}',  # a key twice
    lambda text: text[:-1],
    lambda text: text + b" ",
    lambda text: b"\xff" + text,
    lambda text: b"1" * 10_000,
]


@pytest.mark.parametrize("raw", RAW)
def test_other_json(
    raw: Callable[[bytes], bytes],
    run: Run,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(run.folder)
    run.write(run.metadata["learn"], raw(json.dumps(run.scores).encode()), run.arrays)
    assert "must hold a complete run of lethe learn, got" in complaint(["info", "copy"], capsys)


def test_an_unchanged_copy_works(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what the other tests refuse is refused for what was changed."""
    monkeypatch.chdir(run.folder)
    run.write(run.metadata["learn"], run.scores, run.arrays)
    assert main(["info", "copy"]) == 0
    assert main(run.commands()[-1]) == 0
    capsys.readouterr()


def test_a_run_of_records_is_no_text_to_sample(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run.folder)
    if run.kind != "text":
        assert "symbols or text" in complaint(["sample", "state"], capsys)
