"""A torch.nn.LSTM becomes a Network, and back, with equal outputs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lethe import SGD, Network, Topology
from lethe.adapters.torch import (
    from_state_dict,
    get_state,
    set_state,
    to_readout_state_dict,
    to_state_dict,
)

DOCS = Path(__file__).parents[2] / "docs" / "exchange.md"
INPUTS, HIDDEN, OUTPUTS, STEPS = 5, 7, 3, 200
NEAR = {"float64": 1e-12, "float32": 1e-5}
ANY_SIZE = {"inputs": INPUTS, "outputs": OUTPUTS, "blocks": HIDDEN}
AS_LSTM: dict[str, Any] = {**ANY_SIZE, "cell_input": "tanh", "cell_output": "tanh"}


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def arrays(layers: int = 1, bias: bool = True, seed: int = 0) -> dict[str, np.ndarray]:
    """A state_dict as torch.nn.LSTM would have it."""
    rng = np.random.default_rng(seed)
    found = {}
    for n in range(layers):
        shapes: dict[str, tuple[int, ...]] = {
            f"weight_ih_l{n}": (4 * HIDDEN, HIDDEN if n else INPUTS),
            f"weight_hh_l{n}": (4 * HIDDEN, HIDDEN),
        }
        if bias:
            shapes |= {f"bias_ih_l{n}": (4 * HIDDEN,), f"bias_hh_l{n}": (4 * HIDDEN,)}
        found |= {key: rng.normal(scale=0.5, size=shape) for key, shape in shapes.items()}
    return found


def readout_arrays(bias: bool = True, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {"weight": rng.normal(size=(OUTPUTS, HIDDEN))}
    return found | ({"bias": rng.normal(size=OUTPUTS)} if bias else {})


def in_torch(torch: Any, lstm: dict[str, Any], readout: dict[str, Any], dtype: str) -> Any:
    """The two modules with these weights, by PyTorch's own strict loading."""
    kind = getattr(torch, dtype)
    layers = sum(key.startswith("weight_ih") for key in lstm)
    bias = "bias_ih_l0" in lstm
    first = torch.nn.LSTM(INPUTS, HIDDEN, layers, bias=bias, dtype=kind)
    second = torch.nn.Linear(HIDDEN, OUTPUTS, bias="bias" in readout, dtype=kind)
    for module, given in ((first, lstm), (second, readout)):
        module.load_state_dict({key: torch.as_tensor(value) for key, value in given.items()})
    return first, second


def outputs(torch: Any, modules: Any, x: np.ndarray, state: Any = None) -> Any:
    """What PyTorch answers on one sequence: cell outputs of the top layer, readout, (h, c)."""
    with torch.no_grad():
        hidden, state = modules[0](torch.from_numpy(x), state)
        return hidden.numpy(), modules[1](hidden).numpy(), state


def difference(net: Network, x: np.ndarray, hidden: np.ndarray, answers: np.ndarray) -> float:
    """The largest one between a Network's own steps and what PyTorch answered."""
    top, worst = net.topology.layers - 1, 0.0
    for now, h, y in zip(x, hidden, answers, strict=True):
        worst = max(worst, float(abs(net.step(now) - y).max()))
        worst = max(worst, float(abs(net.state("cell_output", top)[:, 0] - h).max()))
    return worst


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_import_has_equal_outputs(torch: Any, dtype: str, layers: int, bias: bool) -> None:
    modules = in_torch(torch, arrays(layers, bias), readout_arrays(bias), dtype)
    x = np.random.default_rng(2).normal(size=(STEPS, INPUTS)).astype(dtype)
    lstm, linear = (module.state_dict() for module in modules)
    net = from_state_dict(lstm, linear, dtype=dtype)
    hidden, answers, (h, c) = outputs(torch, modules, x)
    assert difference(net, x, hidden, answers) <= NEAR[dtype]
    for ours, theirs in zip(get_state(net), (h, c), strict=True):
        assert abs(ours - theirs).max() <= NEAR[dtype]


@pytest.mark.parametrize("biased", [(), ("cell", "output"), Topology(**ANY_SIZE).biased])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_export_after_learning_has_equal_outputs(torch: Any, dtype: str, biased: Any) -> None:
    topology = Topology(**AS_LSTM, shortcuts=False, biased=biased, output_units="linear")
    net = Network(topology, update=SGD(0.05), seed=3, dtype=dtype)
    rng = np.random.default_rng(4)
    net.run(rng.normal(size=(300, INPUTS)), rng.normal(size=(300, OUTPUTS)))
    modules = in_torch(torch, to_state_dict(net), to_readout_state_dict(net), dtype)
    x = rng.normal(size=(STEPS, INPUTS)).astype(dtype)
    hidden, answers, _ = outputs(torch, modules, x, get_state(net))
    assert difference(net, x, hidden, answers) <= NEAR[dtype]


@pytest.mark.parametrize("shape", [(2, HIDDEN), (2, 1, HIDDEN)])
def test_the_state_goes_over(torch: Any, shape: tuple[int, ...]) -> None:
    modules = in_torch(torch, arrays(2), readout_arrays(), "float64")
    net = from_state_dict(*(module.state_dict() for module in modules), dtype="float64")
    rng = np.random.default_rng(5)
    h, c = torch.from_numpy(rng.normal(size=(2, 2, HIDDEN)))
    net.step(rng.normal(size=INPUTS))
    set_state(net, h.reshape(shape), c.reshape(shape))
    x = rng.normal(size=(STEPS, INPUTS))
    hidden, answers, state = outputs(torch, modules, x, (h, c))
    assert not net.partials("cell", 1).any()
    assert difference(net, x, hidden, answers) <= 1e-12
    for ours, theirs in zip(get_state(net), state, strict=True):
        assert abs(ours - theirs).max() <= 1e-12


def test_tensors_of_any_kind_are_read(torch: Any) -> None:
    given = {key: torch.nn.Parameter(torch.tensor(a)) for key, a in arrays().items()}
    half = {key: tensor.bfloat16() for key, tensor in given.items()}
    assert from_state_dict(given, outputs=1).topology.blocks == HIDDEN
    weights = from_state_dict(half, outputs=1).weights("input_gate")
    first = half["weight_ih_l0"][:HIDDEN].detach().float().numpy()
    assert np.array_equal(weights[:, :INPUTS], first)
    meta = {key: tensor.to("meta") for key, tensor in given.items()}
    with pytest.raises(ValueError, match=r"^state_dict\['weight_ih_l0'\] must be an array"):
        from_state_dict(meta, outputs=1)


def test_softmax_follows_the_readout(torch: Any) -> None:
    modules = in_torch(torch, arrays(), readout_arrays(), "float64")
    given = [module.state_dict() for module in modules]
    net = from_state_dict(*given, output_units="softmax", dtype="float64")
    x = np.random.default_rng(6).normal(size=(1, INPUTS))
    logits = torch.from_numpy(outputs(torch, modules, x)[1])
    np.testing.assert_allclose(net.step(x[0]), torch.softmax(logits, -1)[0], rtol=0, atol=1e-12)


def test_the_examples_of_the_docs(torch: Any) -> None:
    both, by_hand, _ = re.findall(r"```\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    names = {"x": np.ones(INPUTS), "target": np.ones(OUTPUTS)}
    lstm, linear = in_torch(torch, arrays(), readout_arrays(), "float32")
    before = lstm.weight_ih_l0.detach().clone()
    exec(both, {**names, "lstm": lstm, "linear": linear})
    assert not torch.equal(lstm.weight_ih_l0, before)
    net = from_state_dict(arrays(2), readout_arrays(), update=SGD(0.1))
    for _ in range(3):
        net.step(names["x"])
        net.learn(names["target"])
        exec(by_hand, {"net": net, "layer": 1})
    assert to_state_dict(net)
    assert to_readout_state_dict(net)


# ---- without PyTorch ----


@pytest.mark.parametrize("layers", [1, 3])
def test_there_and_back_without_pytorch(layers: int) -> None:
    lstm, readout = arrays(layers), readout_arrays()
    net = from_state_dict(lstm, readout, dtype="float64", update=SGD(0.0))
    net.run(np.ones((20, INPUTS)), np.ones((20, OUTPUTS)))  # a rate of 0 changes nothing
    back = to_state_dict(net, arrays=True)
    assert list(back) == list(lstm)
    for key, array in back.items():
        n = key[-1]
        both = lstm[f"bias_ih_l{n}"] + lstm[f"bias_hh_l{n}"]
        wanted = {f"bias_ih_l{n}": both, f"bias_hh_l{n}": 0 * both}.get(key, lstm[key])
        assert np.array_equal(array, wanted), key
    for key, array in to_readout_state_dict(net, arrays=True).items():
        assert np.array_equal(array, readout[key])
    again = from_state_dict(back, to_readout_state_dict(net, arrays=True), dtype="float64")
    assert again.topology == net.topology
    there, here = get_state(net, arrays=True), get_state(again, arrays=True)
    for ours, theirs in zip(there, here, strict=True):
        assert ours.shape == theirs.shape == (layers, HIDDEN)
        assert ours.any()
        assert not theirs.any()


def test_exports_are_copies() -> None:
    net = from_state_dict(arrays(), readout_arrays())
    before = to_state_dict(net, arrays=True)
    kept = {key: array.copy() for key, array in before.items()}
    for _ in range(3):
        net.step(np.ones(INPUTS))
        net.learn(np.zeros(OUTPUTS))
    assert all(np.array_equal(before[key], kept[key]) for key in kept)
    assert not np.array_equal(to_state_dict(net, arrays=True)["weight_hh_l0"], kept["weight_hh_l0"])


def test_an_export_leaves_a_step_that_waits_to_learn() -> None:
    net = from_state_dict(arrays(), readout_arrays())
    twin = net.clone()
    for each in (net, twin):
        each.step(np.ones(INPUTS))
    for function in (to_state_dict, to_readout_state_dict, get_state):
        function(net, arrays=True)
    for each in (net, twin):
        each.learn(np.zeros(OUTPUTS))
    assert np.array_equal(net.weights("cell"), twin.weights("cell"))


def test_outputs_without_a_readout_are_drawn() -> None:
    net = from_state_dict(arrays(2), outputs=4, seed=1, update=SGD(0.1))
    twin = from_state_dict(arrays(2), outputs=4, seed=2)
    assert net.weights("output").shape == (4, 2 * HIDDEN + 1)
    assert net.weights("output").all()
    assert not np.array_equal(net.weights("output"), twin.weights("output"))
    assert np.array_equal(net.weights("cell", 1), twin.weights("cell", 1))
    assert net.update == SGD(0.1)


def test_a_network_that_learned_to_skip_has_no_place() -> None:
    net = from_state_dict(arrays(2), readout_arrays(), update=SGD(0.1))
    net.step(np.ones(INPUTS))
    net.learn(np.zeros(OUTPUTS))
    said = r"^input_gate 0 of layer 1 must have weight 0 from 'input 0', .*, got -?\d"
    with pytest.raises(ValueError, match=said):
        to_state_dict(net, arrays=True)
    said = r"^output 0 must have weight 0 from 'layer 0 cell 0.0', .*, got -?\d"
    with pytest.raises(ValueError, match=said):
        to_readout_state_dict(net, arrays=True)
    for kind in ("input_gate", "forget_gate", "output_gate", "cell"):
        net.weights(kind, 1)[..., :INPUTS] = 0  # type: ignore[arg-type]
    net.weights("cell", 1)[6, 0, 4] = 2
    with pytest.raises(ValueError, match=r"^cell 6.0 of layer 1 .* 'input 4', .* got 2$"):
        to_state_dict(net, arrays=True)
    net.weights("cell", 1)[6, 0, 4] = 0
    assert "weight_ih_l1" in to_state_dict(net, arrays=True)


def test_shortcuts_have_no_place_in_the_readout() -> None:
    net = Network(Topology(**AS_LSTM))
    assert "weight_hh_l0" in to_state_dict(net, arrays=True)
    with pytest.raises(ValueError, match=r"^output 0 must have weight 0 from 'input 0'"):
        to_readout_state_dict(net, arrays=True)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"cells_per_block": 2}, "cells_per_block must be 1 as in torch.nn.LSTM, got 2"),
        ({"output_gate": False}, "output_gate must be True as in torch.nn.LSTM, got False"),
        ({"forget_gate": False}, "forget_gate must be True as in torch.nn.LSTM, got False"),
        ({"gates_are_sources": True}, "gates_are_sources must be False as in .*, got True"),
        ({"peepholes": True}, "peepholes must be False as in torch.nn.LSTM, got True"),
        ({"recurrent": False}, "recurrent must be True as in torch.nn.LSTM, got False"),
        ({"cell_input": "logistic"}, "cell_input must be 'tanh' as in .*, got 'logistic'"),
        ({"cell_output": "identity"}, "cell_output must be 'tanh' as in .*, got 'identity'"),
        (
            {"blocks": 0, "shortcuts": True},
            "net must have memory blocks as a .* units, got blocks=0",
        ),
        ({"initial_activation": 0.5}, "initial_activation must be 0.0 as in .*, got 0.5"),
    ],
)
def test_what_no_lstm_of_pytorch_is(part: dict[str, Any], said: str) -> None:
    net = Network(Topology(**(AS_LSTM | part)))
    for function in (to_state_dict, to_readout_state_dict, get_state):
        with pytest.raises(ValueError, match=f"^{said}$"):
            function(net, arrays=True)


WITHOUT = object()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("weight_hh_l0", WITHOUT, r"must hold 'weight_hh_l0', got weight_ih_l0, bias_ih_l0, "),
        ("weight_ih_l0", WITHOUT, r"must hold 'weight_ih_l0', got weight_hh_l0, "),
        ("bias_hh_l1", WITHOUT, r"must hold 'bias_hh_l1', got "),
        ("weight_ih_l0", np.ones((4 * HIDDEN, INPUTS, 1)), r".* \(4 \* hidden_size, input_size\)"),
        (
            "weight_ih_l0",
            np.ones((6, INPUTS)),
            r"\['weight_ih_l0'\] must have shape \(4 \*.*\(6, 5",
        ),
        (
            "weight_hh_l1",
            np.ones((3, 3)),
            r".'weight_hh_l1'. must have shape \(28, 7\), got .*3, 3",
        ),
        ("bias_ih_l0", np.ones(27), r"\['bias_ih_l0'\] must have shape \(28,\), got shape \(27,\)"),
        ("weight_hr_l0", np.ones((4, 4)), r"must be of an LSTM with proj_size=0, got .*hr_l0'"),
        ("weight_ih_l0_reverse", np.ones(4), r"must be .* with bidirectional=False, got the key"),
        (
            "weight_ih_l3",
            np.ones(4),
            r"must hold weight_ih_l0, .* alone, got the key 'weight_ih_l3'",
        ),
        ("lstm.bias_ih_l0", np.ones(4), r"must hold .* alone, got the key 'lstm.bias_ih_l0'"),
        ("bias_ih_l0", np.full(28, np.nan), r"\['bias_ih_l0'\] must be finite in float32, got nan"),
        (
            "bias_ih_l0",
            np.full(28, 1e39),
            r"\['bias_ih_l0'\] must be finite in float32, got 1e\+39",
        ),
        ("bias_ih_l0", ["a"] * 28, r"\['bias_ih_l0'\] must be an array of numbers, got <U1"),
        ("bias_ih_l0", [[1], [1, 2]], r"\['bias_ih_l0'\] must be an array of numbers, got "),
    ],
)
def test_wrong_state_dicts(key: str, value: Any, said: str) -> None:
    given: dict[str, Any] = {**arrays(2), key: value}
    if value is WITHOUT:
        del given[key]
    with pytest.raises(ValueError, match=f"^state_dict ?{said}"):
        from_state_dict(given, readout_arrays())


def test_other_wrong_arguments() -> None:
    lstm, readout = arrays(), readout_arrays()
    for wrong in (None, [1], {1: 2}):
        with pytest.raises(ValueError, match=r"^state_dict must be the state_dict of a torch.nn."):
            from_state_dict(wrong, readout)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^state_dict must hold 'weight_ih_l0', got no keys$"):
        from_state_dict({}, readout)
    with pytest.raises(ValueError, match=r"^from_state_dict takes either a readout or outputs$"):
        from_state_dict(lstm)
    with pytest.raises(ValueError, match=r"^from_state_dict takes either a readout or outputs$"):
        from_state_dict(lstm, readout, outputs=3)
    with pytest.raises(ValueError, match=r"^readout\['weight'\] must have shape \(outputs, 7\), "):
        from_state_dict(lstm, {"weight": np.ones((2, 6))})
    with pytest.raises(ValueError, match=r"^readout\['bias'\] must have shape \(3,\), got shape"):
        from_state_dict(lstm, {**readout, "bias": 1.0})
    with pytest.raises(ValueError, match=r"^readout must hold weight, bias alone, got the key 'b'"):
        from_state_dict(lstm, {**readout, "b": 1.0})
    huge = {**lstm, "bias_ih_l0": np.full(28, 3e38), "bias_hh_l0": np.full(28, 3e38)}
    with pytest.raises(ValueError, match=r"^bias_ih_l0 \+ bias_hh_l0 must be finite in float32"):
        from_state_dict(huge, readout)
    net = from_state_dict(lstm, readout)
    with pytest.raises(ValueError, match=r"^c must have shape \(1, 7\) or \(1, 1, 7\), got .*2, 7"):
        set_state(net, np.ones((1, 7)), np.ones((2, 7)))
    assert not net.state("cell_output").any()
    with pytest.raises(ValueError, match=r"^net must be a lethe.Network, got 'x'$"):
        to_state_dict("x")  # type: ignore[arg-type]


def test_pytorch_is_needed_for_tensors_alone() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from lethe import Network, Topology\n"
        "from lethe.adapters.torch import to_state_dict\n"
        "net = Network(Topology(inputs=1, outputs=1, cell_input='tanh', cell_output='tanh'))\n"
        "print(len(to_state_dict(net, arrays=True)))\n"
        "try:\n    to_state_dict(net)\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.splitlines() == [
        "4",
        'PyTorch is not installed: pip install "lethe-ml[torch]", or ask for arrays=True',
    ]
