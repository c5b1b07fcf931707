"""How far a running trial is: what it says in its file, and that nothing depends on it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from lethe.experiments import Task, run_task, watched
from lethe.experiments.tables.cerg import ROWS
from lethe.experiments.watched import AtWork, at_work, run_watched
from lethe.trials.progress import OnProgress

SMALL = replace(ROWS["standard"].trial, training_streams=30, stream_length=100, test_streams=2)


@dataclass(frozen=True)
class Found:
    """A result."""

    number: int


@dataclass(frozen=True)
class Looking:
    """A trial that looks at its folder, after each of three streams."""

    folder: Path
    seen: list[list[AtWork]] = field(default_factory=list)
    dtype: str = "float64"

    def configuration(self) -> dict[str, Any]:
        return {}

    def run(self, seed: int, on_progress: OnProgress | None = None) -> Found:
        for streams in range(1, 4):
            if on_progress is not None:
                on_progress(streams, 3, "streams")
            self.seen.append(at_work(self.folder))
        return Found(seed)


def test_a_trial_says_how_far_it_is_until_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "SECONDS", 0.0)
    trial = Looking(tmp_path)
    assert run_watched(Task("cerg", "weight_decay_1e-05", 7, trial), tmp_path)["seed"] == 7
    row = "weight_decay_1e-05"
    assert trial.seen == [[AtWork(row, 7, streams, 3, "streams")] for streams in (1, 2, 3)]
    assert list(tmp_path.iterdir()) == []


def test_it_says_so_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "SECONDS", 1e9)
    trial = Looking(tmp_path)
    run_watched(Task("cerg", "standard", 0, trial), tmp_path)
    assert trial.seen == [[AtWork("standard", 0, 0, 0, "")]] * 3  # it has begun


def test_the_record_is_that_of_a_trial_that_nobody_watches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "SECONDS", 0.0)
    task = Task("cerg", "standard", 3, SMALL)
    one, other = (
        {name: value for name, value in record.items() if "seconds" not in name}
        for record in (run_task(task), run_watched(task, tmp_path))
    )
    assert one == other


def test_a_folder_that_is_gone_does_not_matter(tmp_path: Path) -> None:
    trial = Looking(tmp_path)
    assert run_watched(Task("cerg", "standard", 3, trial), tmp_path / "gone")["seed"] == 3
    assert trial.seen == [[], [], []]


def test_half_a_line_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "standard-1").write_text('["standard", 1, 20')
    (tmp_path / "standard-2").write_text("")
    (tmp_path / "standard-3").write_text('["standard", 3, 20, 30, "streams"]')
    assert at_work(tmp_path) == [AtWork("standard", 3, 20, 30, "streams")]


def test_a_trial_that_fails_leaves_no_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        run_watched(Task("cerg", "standard", 1, Looking(tmp_path / "file")), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
