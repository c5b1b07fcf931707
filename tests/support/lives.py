"""What a network has become, to compare it with another one's, and ways through a stream."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lethe import Network
from lethe.core.topology import WeightKind

State = tuple[NDArray[np.uint8], dict[str, Any]]


def to_state(net: Network) -> State:
    """A network's block, and what says how to read it."""
    arrays, metadata = net.to_checkpoint()
    configuration: Any = metadata["configuration"]
    return arrays["block"], configuration


def from_state(block: NDArray[np.uint8], configuration: dict[str, Any]) -> Network:
    """The network that has this state."""
    return Network.from_checkpoint({"block": block}, {"configuration": configuration})


def bits(net: Network) -> bytes:
    """A network's whole state: its block."""
    return to_state(net)[0].tobytes()


def life(net: Network) -> dict[Any, Any]:
    """What a network has become, by name: its views, counters and rate, but no scratch memory."""
    t = net.topology
    found: dict[Any, Any] = {"output": net.state("output")}
    found["weights", "output"] = net.weights("output")  # completes the last step
    found |= {"rate": net.rate, "steps": net.steps}
    for layer in range(t.layers):
        for name in ("cell_state", "cell_output", *t.gates):
            found[name, layer] = net.state(name, layer)
        kinds: tuple[WeightKind, ...] = (*t.gates, "cell", *t.peephole_kinds)
        for kind in kinds:
            found["weights", kind, layer] = net.weights(kind, layer)
            for order in net.update.moments:
                found["moment", order, kind, layer] = net.moments(kind, layer, order=order)
            if not kind.startswith("output_gate"):
                found["partials", kind, layer] = net.partials(kind, layer)
    return found


def assert_same(one: Network, other: Network) -> None:
    ours, theirs = life(one), life(other)
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        assert np.array_equal(value, theirs[key]), key


def cut(data: dict[str, Any], begin: int, end: int) -> dict[str, Any]:
    return {k: v[begin:end] if isinstance(v, np.ndarray) else v for k, v in data.items()}


def one_by_one(net: Network, data: dict[str, Any], one_hot: bool = False) -> None:
    """A stream through `step` and `learn`."""
    t = net.topology
    for i, (x, target) in enumerate(zip(data["inputs"], data["targets"], strict=True)):
        if data["starts"][i]:
            net.start_sequence(reset=data["reset_at_starts"])
        net.step(np.eye(t.inputs)[x] if one_hot and np.ndim(x) == 0 else x)
        if data["has_target"][i]:
            net.learn(np.eye(t.outputs)[target] if one_hot and np.ndim(target) == 0 else target)
