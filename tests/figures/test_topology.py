"""The figure of a topology: it counts every weight, shows what there is, and can be read."""

from __future__ import annotations

import io
from itertools import combinations

import pytest
from hypothesis import given, settings
from support.topologies import topologies

from lethe.core.topology import Topology

pytest.importorskip("matplotlib")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from lethe.figures.topology import connections, draw, figure

REPORT = Topology(inputs=7, outputs=7, blocks=4, cells_per_block=2)
MANY = Topology(inputs=256, outputs=256, blocks=90, layers=3, forget_gate_bias=5.0)
DECAY = Topology(
    inputs=2,
    outputs=1,
    blocks=2,
    cells_per_block=5,
    layers=5,
    forget_gate=False,
    state_decay=0.9,
    biased=("input_gate", "cell", "output"),
    gates_are_sources=True,
)
PEEPHOLES = Topology(inputs=7, outputs=7, blocks=4, cells_per_block=2, layers=2, peepholes=True)
BARE = Topology(
    inputs=101,
    outputs=101,
    blocks=1,
    input_gate=False,
    forget_gate=False,
    output_gate=False,
    recurrent=False,
    shortcuts=False,
    biased=(),
    cell_input="logistic",
    cell_output="identity",
)


def texts(drawn: Figure) -> list[Text]:
    return [text for axes in drawn.axes for text in axes.texts if text.get_text()]


def words(topology: Topology) -> set[str]:
    return {text.get_text() for text in texts(draw(topology))}


@settings(deadline=None, max_examples=60)
@given(topologies())
def test_connections_add_up_to_the_weights(topology: Topology) -> None:
    assert sum(kind.weights for kind in connections(topology)) == topology.weights


def test_products_are_what_they_say() -> None:
    for topology in (REPORT, MANY, DECAY, BARE):
        for kind in connections(topology):
            product = kind.product.replace(" layers", "").replace(",", "").replace("×", "*")
            assert eval(product) == kind.weights


@pytest.mark.parametrize("topology", [REPORT, MANY, DECAY, PEEPHOLES, BARE])
def test_no_words_lie_on_each_other_or_outside(topology: Topology) -> None:
    drawn = draw(topology)
    canvas = FigureCanvasAgg(drawn)
    canvas.draw()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(drawn)]
    for (one, box), (other, its_box) in combinations(boxes, 2):
        assert not box.padded(-1).overlaps(its_box.padded(-1)), (one, other)
    width, height = canvas.get_width_height()
    for text, box in boxes:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text


def test_a_network_without_blocks_is_not_drawn() -> None:
    with pytest.raises(ValueError, match="topology must have at least one memory block"):
        draw(Topology(inputs=3, outputs=2, blocks=0))


def test_the_reports_network() -> None:
    shown = {text.get_text() for text in texts(figure(seed=3))}
    assert {
        "424",
        "input gate",
        "forget gate",
        "output gate",
        "4 memory blocks\nof 2 cells",
    } <= shown
    assert "1.0" not in shown


def test_only_the_parts_that_there_are() -> None:
    assert "1.0" in words(Topology(inputs=7, outputs=7, forget_gate=False))
    assert {"0.9", "one cell of 5", "1,793"} <= words(DECAY)
    assert {"forget gate", "output gate"}.isdisjoint(words(DECAY) - {"output gate"})
    bare = words(BARE)
    assert {"input gate", "forget gate", "output gate", "$t-1$"}.isdisjoint(bare)
    assert {"1.0", "…", "101 inputs", "$h(x) = x$"} <= bare
    assert "⋮" in words(DECAY)
    assert "⋮" not in words(MANY)


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_it_can_be_saved(kind: str) -> None:
    file = io.BytesIO()
    draw(REPORT).savefig(file, format=kind)
    assert file.tell() > 10_000
