"""Error flow: networks compared with theory, and the measurement with slower ones."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from lethe.core.equations import SQUASHINGS
from lethe.core.network import Network
from lethe.core.topology import Topology
from lethe.core.updates import SGD
from lethe.experiments.analyses.error_flow import LAGS, NETWORKS, MemoryBlocks, SimpleRecurrent
from lethe.tasks import ReberStream

SHORT = (1, 2, 5, 10, 20, 50)


def blocks(**parts: Any) -> MemoryBlocks:
    return MemoryBlocks(
        topology=Topology(inputs=8, outputs=7, cells_per_block=2, **parts), lags=SHORT
    )


def test_lags_go_from_1_to_1000() -> None:
    assert LAGS[0] == 1
    assert LAGS[-1] == 1000
    assert list(LAGS) == sorted(set(LAGS))


@pytest.mark.parametrize("seed", [0, 1])
def test_the_carousel_keeps_every_bit(seed: int) -> None:
    flow = blocks(forget_gate=False).run(seed)
    assert flow.cells == flow.theory == [0.0] * len(SHORT)
    assert flow.gate_difference == 0.0
    assert max(map(abs, flow.whole)) < 0.2


def test_state_decay_is_geometric() -> None:
    flow = blocks(forget_gate=False, state_decay=0.9).run(0)
    assert flow.cells == pytest.approx(flow.theory, rel=1e-12)
    assert flow.cells == pytest.approx([lag * np.log10(0.9) for lag in SHORT], rel=1e-12)


@pytest.mark.parametrize(("bias", "gate"), [(5.0, 0.99331), (0.0, 0.5)])
def test_forget_gates_let_go_at_the_rate_of_their_bias(bias: float, gate: float) -> None:
    flow = blocks(forget_gate_bias=bias).run(0)
    assert flow.theory == pytest.approx([lag * np.log10(gate) for lag in SHORT], rel=1e-3)
    assert flow.cells == pytest.approx(flow.theory, rel=0.1)
    assert flow.gate_difference is not None
    assert flow.gate_difference < 1e-12


def test_without_recurrence_there_is_no_path_but_the_cells() -> None:
    flow = blocks(recurrent=False, forget_gate_bias=1.0).run(3)
    assert flow.whole == pytest.approx(flow.cells, abs=1e-8)


@pytest.mark.parametrize("parts", [{}, {"gates_are_sources": True}, {"output_gate": False}])
def test_whole_is_the_derivative_of_a_long_run(parts: dict[str, Any]) -> None:
    """One change of each state before a run of 20 steps, instead of a new one at every step."""
    kind = blocks(forget_gate_bias=1.0, **parts)
    for_weights, for_stream = np.random.SeedSequence(5).spawn(2)
    random = np.random.default_rng(for_weights)
    net = Network(kind.topology, update=SGD(0.0), seed=random, dtype="float64")
    symbols = np.array(ReberStream(for_stream).take(150).inputs)
    symbols[99] = 7
    net.run(symbols[:100], learn=False, record=())
    slope = SQUASHINGS[kind.topology.cell_output][1]
    steep = net.state("output_gate")[:, None] * slope(net.state("cell_state").astype(np.float64))
    columns = []
    for cell in np.ndindex(net.state("cell_state").shape):
        ends = []
        for change in (1e-5, -1e-5):
            twin = net.clone()
            twin.state("cell_state")[cell] += change
            twin.state("cell_output")[cell] += change * steep[cell]
            twin.run(symbols[100:120], learn=False, record=())
            ends.append(twin.state("cell_state").copy())
        columns.append((ends[0] - ends[1]).ravel() / 2e-5)
    size = np.log10(np.linalg.norm(columns) / np.sqrt(len(columns)))
    assert kind.run(5).whole[SHORT.index(20)] == pytest.approx(size, abs=1e-6)


@pytest.mark.parametrize("squashing", ["logistic", "tanh"])
def test_simple_recurrent_networks_lose_errors(squashing: Any) -> None:
    kind = SimpleRecurrent(squashing=squashing, lags=SHORT)
    flow = kind.run(0)
    assert flow.bound is not None
    assert all(size <= bound for size, bound in zip(flow.whole, flow.bound, strict=True))
    assert flow.whole[-1] < -5
    assert flow.cells is None


def test_sizes_below_any_floating_point_number_are_held() -> None:
    flow = NETWORKS["srn_logistic"].run(0)
    assert flow.whole[-1] < -400
    assert flow.theory[-1] == pytest.approx(flow.whole[-1], rel=0.3)


def test_a_spectral_radius_of_1_is_what_was_asked_for() -> None:
    for squashing in ("logistic", "tanh"):
        kind = SimpleRecurrent(squashing=squashing, spectral_radius=1.0, lags=SHORT)  # type: ignore[arg-type]
        flow = kind.run(1)
        assert flow.theory == pytest.approx([0.0] * len(SHORT), abs=1e-9)
        assert flow.whole[-1] < -0.2


def test_results_and_configurations_are_plain_json() -> None:
    for kind in (blocks(), SimpleRecurrent(lags=SHORT)):
        result = asdict(kind.run(2))
        assert json.loads(json.dumps(result)) == result
        configuration = kind.configuration()
        assert json.loads(json.dumps(configuration)) == configuration
        assert kind.dtype == "float64"
        assert result == asdict(kind.run(2))


def test_networks_it_cannot_measure_are_refused() -> None:
    with pytest.raises(ValueError, match="1 layer, got 2"):
        MemoryBlocks(topology=Topology(inputs=8, outputs=7, layers=2))
    with pytest.raises(ValueError, match="8 inputs, got 7"):
        MemoryBlocks(topology=Topology(inputs=7, outputs=7))


def test_the_figure_shows_every_kind_of_network() -> None:
    pytest.importorskip("matplotlib")
    from lethe.figures.error_flow import draw

    kinds = {
        "standard": blocks(forget_gate=False),
        "forget_half": blocks(forget_gate_bias=0.0),
        "srn_logistic": SimpleRecurrent(lags=SHORT),
    }
    drawn = draw({name: [kind.run(seed) for seed in (0, 1)] for name, kind in kinds.items()})
    whole, cells = drawn.axes
    assert len(whole.lines) == 3 + 1  # with the theory of the simple recurrent network
    assert len(cells.lines) == 2 + 2
    assert all(axes.get_xlabel() for axes in drawn.axes)
    drawn.savefig(io.BytesIO(), format="svg")
