"""What docs/errata.md says of the papers and can be computed here."""

import numpy as np
import pytest

from lethe.core import equations
from lethe.core.equations import Oracle
from lethe.core.topology import Topology
from lethe.core.updates import SGD


@pytest.mark.parametrize(("b", "s", "i", "k"), [(4, 2, 7, 7), (1, 1, 1, 1), (3, 4, 5, 2)])
def test_equation_25_counts_updates(b: int, s: int, i: int, k: int) -> None:
    """One update for each partial of s_c, and for each weight to output gates and output units."""
    topology = Topology(inputs=i, outputs=k, blocks=b, cells_per_block=s, shortcuts=False)
    oracle = Oracle(topology, SGD(0.5))
    partials = sum(p.size for p in oracle.partials.values())
    others = oracle.weights["output_gate", 0].size + oracle.weights["output", 0].size
    assert equations.complexity(b, s, i, k) == partials + others
    printed = equations.complexity(b, s, i, k, printed=True)
    assert printed == partials + others + b * (3 * s + 1) * 2 * b


def test_equation_25_of_the_papers_network() -> None:
    assert equations.complexity(4, 2, 7, 7) == 503
    assert equations.complexity(4, 2, 7, 7, printed=True) == 727


def test_output_units_read_the_cell_outputs_of_the_same_step() -> None:
    """Not those of the step before, as eq. 9 prints: eqs. 15 and 17 need it so."""
    topology = Topology(inputs=1, outputs=1, blocks=1, biased=(), shortcuts=False)
    oracle = Oracle(topology, SGD(0.0))
    oracle.weights["cell", 0][...] = 1.0
    oracle.weights["output", 0][...] = 1.0
    assert oracle.step([1.0]) > 0.5
    assert oracle.step([1.0], learn=False) == pytest.approx(
        1 / (1 + np.exp(-oracle.state["cell_output", 0].sum()))
    )


def test_mean_squared_error_below_049_is_met_by_guessing() -> None:
    """Section 4.1's criterion, read literally, is met by 0.5 everywhere; |e| < 0.49 is not."""
    topology = Topology(inputs=7, outputs=7, blocks=4, cells_per_block=2)
    output = Oracle(topology, SGD(0.5)).step(0)  # no weights: 0.5 everywhere
    for target in np.eye(7):
        e = target - output
        assert (e**2 < 0.49).all()
        assert (np.abs(e) >= 0.49).all()


def test_the_rate_is_gone_after_a_thousand_symbols() -> None:
    """Section 4.5's decay must start again with every stream."""
    oracle = Oracle(Topology(inputs=1, outputs=1, blocks=1), SGD(0.5, decay=0.99))
    for _ in range(1000):
        oracle.step(0)
    oracle.advance()
    assert oracle.rate / 0.5 == pytest.approx(4.3e-5, rel=0.01)
    oracle.reset()
    assert oracle.rate == 0.5


def test_equation_26_is_a_median() -> None:
    """Of the fit p(l) = b exp(-a (l - o)), and not the expected size that the text calls it."""
    a, o = 3 / 11, 9
    sizes = np.linspace(o, o + 100 / a, 1_000_001)
    p = a * np.exp(-a * (sizes - o)) * (sizes[1] - sizes[0])
    median = sizes[np.searchsorted(np.cumsum(p), 0.5)]
    assert median == pytest.approx(o - np.log(0.5) / a, abs=0.01)
    assert median == pytest.approx(11.54, abs=0.01)
    assert np.sum(p * sizes) == pytest.approx(12.67, abs=0.01)
