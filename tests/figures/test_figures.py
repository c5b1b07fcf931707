"""The figures: what they show, apart from the drawing; and the command that writes them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from lethe.cli import main
from lethe.core.network import Network
from lethe.experiments.tables.cerg import ROWS
from lethe.figures import DRAWN_BY, FIGURES, curves, states, strings, style, trained
from lethe.tasks import TARGETS, ReberStream

# Trials of a moment: the first passes with any network, the second with none.
EASY = replace(ROWS["forget_gates_decay"].trial, bound=2.0, stream_length=20, test_streams=1)
HARD = replace(ROWS["standard"].trial, training_streams=120, stream_length=50)


def test_every_figure_is_drawn_somewhere() -> None:
    assert FIGURES.keys() == DRAWN_BY.keys()
    for where in DRAWN_BY.values():
        module, function = where.split(":")
        assert callable(getattr(import_module(module), function))


# ---- figures 4 and 5 ----


def test_sizes_are_those_of_the_stream() -> None:
    starts = np.flatnonzero(ReberStream(3).take(250_000).starts)  # Several of its buffers.
    expected = np.diff(starts)
    assert (strings.sizes(3, len(expected)) == expected).all()
    assert expected.min() == strings.REPORT.o


def test_fit_recovers_what_was_sampled() -> None:
    a = strings.REPORT.a
    samples = 8 + np.random.default_rng(1).geometric(1 - np.exp(-a), 200_000)
    found = strings.fitted(samples)
    assert found.a == pytest.approx(a, abs=0.003)
    assert found.b == pytest.approx(1 - np.exp(-a), abs=0.003)
    assert found.o == 9


def test_our_strings_are_shorter_than_the_reports_fit() -> None:
    """Strings have a steeper slope than 3/11, and a mean of 12 (section 4.1)."""
    found = strings.sizes(0, 100_000)
    assert found.mean() == pytest.approx(12.0, abs=0.05)
    assert strings.fitted(found).a == pytest.approx(0.287, abs=0.004)


def test_bound_is_the_maximum() -> None:
    size = np.linspace(30, 80, 50_001)
    for curve in (strings.REPORT, strings.Exponential(0.3, 0.2)):
        top = size[curve.longest(size, 80_000).argmax()]
        assert curve.bound(np.array(80_000)) == pytest.approx(top, abs=0.002)
    assert strings.REPORT.bound(np.array(80_000)) == pytest.approx(50.4, abs=0.01)


def test_longest_of_sets() -> None:
    found = np.array([9, 12, 10, 9, 11, 30, 40], np.int32)
    assert strings.mean_longest(found, 3)[0] == (12 + 30) / 2
    assert strings.mean_longest(found, 7) == (40, 40, 40)


# ---- figures 7, 8 and 9 ----


def test_what_is_stored_in_each_string() -> None:
    steps = ReberStream(1).take(20)  # BPBPVVEPE BTBPVPXVPSE
    assert states.stored(steps) == [(0, "P"), (9, "T")]
    assert states.stored(steps.piece(0, 10)) == [(0, "P"), (9, "")]


def test_watched_states_are_those_of_single_steps() -> None:
    net, steps = Network(EASY.network.topology, seed=1), ReberStream(1).take(30)
    twin = net.clone()
    seen = states.watch(net, steps)
    assert seen.forget_gates is not None
    for symbol, state, gate in zip(steps.inputs, seen.states, seen.forget_gates, strict=True):
        twin.step(int(symbol), learn=False)
        assert (twin.state("cell_state") == state).all()
        assert (twin.state("forget_gate") == gate).all()


def test_stream_ends_where_the_network_breaks() -> None:
    broken = states.until_it_breaks(HARD, 3, 2, 5)
    assert broken.seed in (3, 4)
    assert 100 <= broken.streams <= 120
    steps = broken.watched.steps
    assert broken.watched.states.shape == (len(steps.starts), 4, 2)
    assert broken.watched.forget_gates is None
    _, net = replace(HARD, training_streams=broken.streams).train_network(broken.seed)
    net.reset()
    wrong = [
        bool((np.abs(TARGETS[code] - net.step(int(symbol), learn=False)) >= HARD.bound).any())
        for symbol, code in zip(steps.inputs, steps.targets, strict=True)
    ]
    assert wrong == [False] * (len(wrong) - 1) + [True]


def test_first_perfect_counts_up() -> None:
    found = trained.first_perfect(EASY, 4)
    assert found.seed == 4
    assert found.lengths.tolist() == [20]


# ---- figure 10 ----


def test_running_mean_is_geometric() -> None:
    means = curves.running_mean(np.array([0, 1, 100, 100, 10_000]), 2)
    np.testing.assert_allclose(means, [1, 1, 10, 100, 1000])


# ---- drawing ----


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Figures of a moment instead of a minute."""
    monkeypatch.setattr(strings, "_TESTS", 13)
    monkeypatch.setattr(states, "_STANDARD", HARD)
    monkeypatch.setattr(states, "_LEARNED", EASY)
    monkeypatch.setattr(states, "_NETWORKS", 2)
    monkeypatch.setattr(states, "_TESTS", 5)
    rows = {name: replace(ROWS[name], trial=EASY) for name in ROWS}
    monkeypatch.setattr(curves, "ROWS", rows)
    states._perfect.cache_clear()
    yield
    states._perfect.cache_clear()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "draw",
    [
        strings.figure_4,
        strings.figure_5,
        states.figure_7,
        states.figure_8,
        states.figure_9,
        curves.figure_10,
    ],
)
def test_every_panel_is_named(draw: Callable[[int | None], Figure]) -> None:
    figure = draw(3)
    assert figure.get_suptitle().startswith(f"Figure {draw.__name__.removeprefix('figure_')}: ")
    assert "eed" in figure.get_supxlabel()
    assert "Lethe " in figure.get_supxlabel()
    assert any(axes.get_xlabel() for axes in figure.axes)
    assert any(axes.get_ylabel() for axes in figure.axes)
    assert all(axes.has_data() for axes in figure.axes)


def test_same_figure_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        figure = Figure(figsize=(3, 2), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [1, 0], label="line")
        axes.legend()
        style.frame(axes, "title", "steps", "state")
        style.caption(figure, "What was run, in a sentence that is too long for one line of it.")
        (tmp_path / folder).mkdir()
        files = style.save(figure, tmp_path / folder, "figure-x")
        assert [file.name for file in files] == ["figure-x.png", "figure-x.svg"]
        assert "\n" in figure.get_supxlabel()
    for name in ("figure-x.png", "figure-x.svg"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


# ---- the command ----


@pytest.mark.usefixtures("quick")
def test_command_writes_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made" / "here"
    assert main(["figure", "10", "8", "10", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert [line.split(":")[0] for line in said.out.splitlines()] == ["figure 10", "figure 8"]
    assert said.err == ""
    names = {f"figure-{number}.{kind}" for number in (8, 10) for kind in ("png", "svg")}
    assert {file.name for file in out.iterdir()} == names
    assert all(name in said.out for name in names)


@pytest.mark.usefixtures("quick")
def test_command_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["figure", "10", "--seed", "5", "--json", "--out", str(tmp_path)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["figure"], record["seed"]) == ("10", 5)
    assert all(Path(file).stat().st_size > 1000 for file in record["files"])


def wrong(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["figure", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_unknown_figure_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert ", ".join(FIGURES) in wrong(["10", "6"], capsys)


def test_negative_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--seed must be at least 0, got -1" in wrong(["8", "--seed", "-1"], capsys)


def test_folder_that_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("not a folder")
    said = wrong(["8", "--out", str(tmp_path / "file")], capsys)
    assert "--out must be a folder that can be written to" in said


def test_without_matplotlib(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "lethe.figures.style", raising=False)
    said = wrong(["8", "--out", str(tmp_path / "none")], capsys)
    assert 'pip install "lethe-ml[plot]"' in said
    assert not (tmp_path / "none").exists()
