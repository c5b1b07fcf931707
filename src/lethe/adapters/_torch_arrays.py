"""State dicts of PyTorch as checked arrays, and arrays as tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from lethe.core._checks import Dtype, Floating

if TYPE_CHECKING:
    import torch

__all__ = ["array_of", "linear_arrays", "lstm_arrays", "tensors"]


@runtime_checkable
class Tensor(Protocol):
    """The methods of a torch.Tensor that make it an array."""

    def detach(self) -> Tensor:
        """The tensor without its history."""
        ...

    def cpu(self) -> Tensor:
        """The tensor in main memory."""
        ...

    def double(self) -> Tensor:
        """The tensor in float64."""
        ...

    def numpy(self) -> Floating:
        """The tensor as an array."""
        ...


def lstm_arrays(
    state_dict: Mapping[str, ArrayLike], dtype: Dtype
) -> tuple[dict[str, Floating], int, bool]:
    """Checked arrays with the two biases added up as "bias_ih", the layers, and whether biased."""
    name = "state_dict"
    keys = _keys(name, state_dict, "torch.nn.LSTM")
    for mark, option in (("weight_hr", "proj_size=0"), ("_reverse", "bidirectional=False")):
        for key in keys:
            if mark in key:
                raise ValueError(f"{name} must be of an LSTM with {option}, got the key {key!r}")
    first = array_of(f"{name}['weight_ih_l0']", _get(name, state_dict, "weight_ih_l0"), dtype)
    if first.ndim != 2 or not len(first) or len(first) % 4:
        raise ValueError(
            f"{name}['weight_ih_l0'] must have shape (4 * hidden_size, input_size), "
            f"got shape {first.shape}"
        )
    rows, inputs = first.shape
    biased = any(key.startswith("bias_") for key in keys)
    layers = 0
    expected: dict[str, tuple[int, ...]] = {}
    while not layers or f"weight_ih_l{layers}" in state_dict:
        expected[f"weight_ih_l{layers}"] = (rows, rows // 4 if layers else inputs)
        expected[f"weight_hh_l{layers}"] = (rows, rows // 4)
        if biased:
            expected |= {f"bias_ih_l{layers}": (rows,), f"bias_hh_l{layers}": (rows,)}
        layers += 1
    arrays = _arrays(name, state_dict, expected, dtype)
    for layer in range(layers if biased else 0):
        total = arrays[f"bias_ih_l{layer}"] + arrays.pop(f"bias_hh_l{layer}")
        arrays[f"bias_ih_l{layer}"] = _finite(f"bias_ih_l{layer} + bias_hh_l{layer}", total, dtype)
    return arrays, layers, biased


def linear_arrays(
    readout: Mapping[str, ArrayLike], hidden: int, dtype: Dtype
) -> dict[str, Floating]:
    """Return the checked arrays of a torch.nn.Linear."""
    name = "readout"
    keys = _keys(name, readout, "torch.nn.Linear")
    weight = array_of(f"{name}['weight']", _get(name, readout, "weight"), dtype)
    if weight.ndim != 2 or weight.shape[1] != hidden:
        raise ValueError(
            f"{name}['weight'] must have shape (outputs, {hidden}), got shape {weight.shape}"
        )
    expected: dict[str, tuple[int, ...]] = {"weight": weight.shape}
    if "bias" in keys:
        expected["bias"] = weight.shape[:1]
    return _arrays(name, readout, expected, dtype)


def _arrays(
    name: str,
    state_dict: Mapping[str, ArrayLike],
    expected: Mapping[str, tuple[int, ...]],
    dtype: Dtype,
) -> dict[str, Floating]:
    """Arrays of these shapes, and no others."""
    arrays = {}
    for key, shape in expected.items():
        array = array_of(f"{name}[{key!r}]", _get(name, state_dict, key), dtype)
        if array.shape != shape:
            raise ValueError(f"{name}[{key!r}] must have shape {shape}, got shape {array.shape}")
        arrays[key] = array
    for key in state_dict:
        if key not in expected:
            raise ValueError(f"{name} must hold {', '.join(expected)} alone, got the key {key!r}")
    return arrays


def _keys(name: str, state_dict: object, of: str) -> list[str]:
    if not isinstance(state_dict, Mapping) or not all(isinstance(key, str) for key in state_dict):
        raise ValueError(f"{name} must be the state_dict of a {of}, got {state_dict!r:.60}")
    return list(state_dict)


def _get(name: str, state_dict: Mapping[str, ArrayLike], key: str) -> ArrayLike:
    if key not in state_dict:
        raise ValueError(f"{name} must hold {key!r}, got {', '.join(state_dict) or 'no keys'}")
    return state_dict[key]


def array_of(name: str, value: ArrayLike | Tensor, dtype: Dtype) -> Floating:
    """Convert array-likes, and tensors of any device and precision, to finite float64 numbers."""
    try:
        if isinstance(value, Tensor):
            value = value.detach().cpu().double().numpy()
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{name} must be an array of numbers, got {error}") from None
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be an array of numbers, got {array.dtype} {value!r:.60}")
    return _finite(name, array.astype(np.float64), dtype)


def _finite(name: str, array: Floating, dtype: Dtype) -> Floating:
    with np.errstate(over="ignore"):
        wrong = array[~np.isfinite(array.astype(dtype))]
    if wrong.size:
        raise ValueError(f"{name} must be finite in {dtype}, got {wrong[0]}")
    return array


def tensors(arrays: Mapping[str, Floating]) -> dict[str, torch.Tensor]:
    """Convert arrays to tensors, which share their memory."""
    try:
        import torch
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            'PyTorch is not installed: pip install "lethe-ml[torch]", or ask for arrays=True',
            name=missing.name,
        ) from None
    return {key: torch.from_numpy(array) for key, array in arrays.items()}
