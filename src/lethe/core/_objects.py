"""Values of other libraries as those of Python and NumPy, and values in messages.

Tensors of PyTorch, arrays of JAX, scalars of pandas and Arrow, rows of Polars: each is understood
by what it is, and none of these libraries is imported for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Set
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from types import NoneType
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

__all__ = ["PLAIN", "array_of", "items_of", "plain", "shape_of", "shown"]

#: Types of values that are what they are: most values of most streams.
PLAIN = frozenset(
    {
        *(float, int, str, bool, NoneType, bytes, datetime, date, timedelta, Decimal, Fraction),
        *(np.float64, np.float32, np.int64, np.int32, np.bool_, np.str_, list, tuple, dict),
    }
)

#: The module of NumPy's types that NumPy knows nothing of, bfloat16 among them.
_SMALL_FLOATS = "ml_dtypes"


class _Scalar(Protocol):
    """What one of these libraries calls the way to a plain value."""

    def item(self) -> object:
        """Of a tensor of PyTorch or an array of JAX."""
        ...

    def as_py(self) -> object:
        """Of a scalar of Arrow."""
        ...

    def to_timestamp(self) -> object:
        """Of a period of pandas."""
        ...


class _Tensor(Protocol):
    """The methods of a torch.Tensor that make it an array."""

    def detach(self) -> _Tensor:
        """The tensor without its history."""
        ...

    def cpu(self) -> _Tensor:
        """The tensor in main memory."""
        ...

    def is_floating_point(self) -> bool:
        """Whether it is of floats, of whichever precision."""
        ...

    def double(self) -> _Tensor:
        """The tensor in float64."""
        ...


def is_from(value: object, library: str, *names: str) -> bool:
    """Whether a value is of one of a library's types, if that library is in use at all."""
    module = sys.modules.get(library)
    kinds: list[object] = [getattr(module, name, None) for name in names]
    return any(isinstance(kind, type) and isinstance(value, kind) for kind in kinds)


def shape_of(value: object) -> tuple[int, ...] | None:
    """The shape of an array, a tensor or a frame; None of anything else."""
    if isinstance(value, type):
        return None
    shape: object = getattr(value, "shape", None)
    return tuple(shape) if isinstance(shape, tuple) else None


def plain(value: object) -> object:
    """A number, string or time as Python or NumPy have it; what is none as it is.

    Arrays and tensors without axes are the scalar that they hold, Arrow's scalars what they stand
    for, pandas' periods their start, and what is masked is None.

    Examples
    --------
    >>> plain(np.array(0.5)), plain(np.array("2024", "M8[D]")), plain(np.ma.masked)
    (np.float64(0.5), np.datetime64('2024-01-01'), None)
    """
    if type(value) in PLAIN:
        return value
    try:
        return _plain(value)
    except Exception:  # a tracer, a tensor without data: whatever a library's own code may raise
        return value


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        if value.ndim:
            return value
        if isinstance(value, np.ma.MaskedArray) and value.mask:
            return None
        found: object = np.asarray(value)[()]
        return found if found is value or isinstance(found, np.ndarray) else plain(found)
    if isinstance(value, np.generic):
        return value.item() if type(value).__module__ == _SMALL_FLOATS else value
    if is_from(value, "torch", "Tensor") or is_from(value, "jax", "Array"):
        return cast(_Scalar, value).item() if shape_of(value) == () else value
    if is_from(value, "pyarrow", "Scalar"):
        return cast(_Scalar, value).as_py()
    if is_from(value, "pandas", "Period"):
        return cast(_Scalar, value).to_timestamp()
    return value


def array_of(value: object) -> NDArray[np.generic]:
    """A tensor, a column, a frame, a list or a number as NumPy's array.

    Raises
    ------
    ValueError
        If it cannot be one; the message says why, and names nothing.
    """
    try:
        if type(value) in PLAIN:
            return np.asarray(value)
        if is_from(value, "torch", "Tensor"):
            tensor = cast(_Tensor, value).detach().cpu()
            value = tensor.double() if tensor.is_floating_point() else tensor
        elif is_from(value, "pyarrow", "Scalar"):
            value = plain(value)
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            raise ValueError("values are masked")
        array: NDArray[np.generic] = np.asarray(value)
        if array.dtype.type.__module__ == _SMALL_FLOATS:
            array = array.astype(np.float32)
    except Exception as error:  # whatever a library's own code may raise
        raise ValueError(" ".join(f"{error}".split())[:200]) from None
    return array


def items_of(
    value: object, most: int = 1 << 20, *, ordered: bool = True
) -> tuple[object, ...] | None:
    """What a list, a tuple, or an array with one axis holds; None of anything else, a string too.

    Of more than `most` items only one more is taken. A set has no order.
    """
    shape = shape_of(value)
    if isinstance(value, str | bytes | bytearray | Mapping) or (shape and len(shape) != 1):
        return None
    if ordered and isinstance(value, Set):
        return None
    if not isinstance(value, Iterable) or shape == ():
        return None
    try:
        return tuple(item for item, _ in zip(value, range(most + 1), strict=False))
    except Exception:  # whatever the iterator of a library may raise
        return None


def shown(value: object) -> str:
    """A value for a message, in one line and cut short; an array or a frame by its shape."""
    kind = type(value)
    try:
        shape = shape_of(value)
        if shape:
            library = kind.__module__.partition(".")[0]
            name = kind.__qualname__ if library == "builtins" else f"{library}.{kind.__qualname__}"
            return f"a {name} of shape {shape}"
        return " ".join(f"{value!r:.200}".split())
    except Exception:  # lists in lists; a number of thousands of digits; a repr of the user's own
        return f"one of {kind.__qualname__} that cannot be shown"
