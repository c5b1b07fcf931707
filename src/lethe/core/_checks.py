"""Arguments become arrays that the kernel can read, or a ValueError.

Each message names the argument, what was expected and what was given.
"""

from __future__ import annotations

import contextlib
import math
import operator
import os
import warnings
from decimal import Decimal
from numbers import Real
from typing import Any, SupportsInt, TypeGuard, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lethe.core._objects import PLAIN, array_of, plain, shape_of, shown

__all__ = [
    "Dtype",
    "Floating",
    "above_zero",
    "as_float",
    "check_bool",
    "check_choice",
    "check_int",
    "check_path",
    "flags",
    "floating_dtype",
    "generator",
    "series",
    "symbol",
    "vector",
    "vector_or_symbol",
]

Floating = NDArray[np.floating[Any]]
Dtype = np.dtype[np.floating[Any]]
Array = NDArray[np.generic]
Choice = TypeVar("Choice", bound=str)


def vector_or_symbol(
    name: str, value: object, units: str, length: int, dtype: Dtype
) -> Floating | int:
    """One vector of `length` numbers, or a symbol: the index of the unit that is 1."""
    # Arrays of the right shape come first: one or two such calls belong to every step from Python.
    if type(value) is np.ndarray and value.shape == (length,):
        if value.dtype == dtype and value.flags.carray:
            return value  # the kernel looks whether it is finite
        if value.dtype.kind == "f" and _is_small(value):
            return value.astype(dtype)
    elif _is_integer(given := plain(value)):
        return symbol(name, given, length)
    return vector(name, value, units, length, dtype)


def vector(name: str, value: object, units: str, length: int, dtype: Dtype) -> Floating:
    """One vector of `length` finite numbers."""
    array = _numbers(name, value)
    if array.shape != (length,):
        remedy = "" if array.shape else f" of {array.dtype}; symbols and classes are integers"
        raise ValueError(
            f"{name} must have shape ({length},), one number for each of the {units}, "
            f"got shape {array.shape}{remedy}"
        )
    return _finite(name, array, dtype)


def symbol(name: str, value: SupportsInt, limit: int) -> int:
    """A whole number from 0 to below `limit`."""
    given = int(value)
    if not 0 <= given < limit:
        raise ValueError(f"{name} must be a symbol from 0 to {limit - 1}, got {shown(given)}")
    return given


def series(
    name: str,
    value: object,
    width: int,
    dtype: Dtype,
    *,
    limit: int | None = None,
    used: NDArray[np.bool_] | None = None,
) -> Floating | NDArray[np.int64]:
    """Rows of finite numbers (T, width), or symbols (T,) below `limit`, where that is not None.

    Rows that are not `used` can hold anything.
    """
    array = _numbers(name, value)
    if used is not None and len(used) != len(array):
        used = None  # the caller will say that the lengths differ
    if limit is not None and array.ndim == 1 and array.dtype.kind in "iu":
        return _symbols(name, array, limit, used)
    if array.ndim != 2 or array.shape[1] != width:
        instead = "" if limit is None else ", or (T,) with integers"
        raise ValueError(
            f"{name} must have shape (T, {width}){instead}, "
            f"got shape {array.shape} of {array.dtype}"
        )
    if used is not None:
        array = np.where(used[:, None], array, array.dtype.type(0))
    return _finite(name, array, dtype)


def flags(name: str, value: object, steps: int) -> NDArray[np.bool_] | None:
    """One boolean for each time step; None stays None."""
    if value is None:
        return None
    array = _array(name, value, f"booleans of shape ({steps},)")
    if array.dtype != np.bool_ or array.shape != (steps,):
        raise ValueError(
            f"{name} must be booleans of shape ({steps},), got {array.dtype} of shape {array.shape}"
        )
    return np.ascontiguousarray(array)


def check_bool(name: str, value: object) -> bool:
    """True or False, that of other libraries too."""
    found = plain(value)
    if not isinstance(found, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {shown(value)}")
    return bool(found)


def check_int(name: str, value: object, least: int, most: int | None = None) -> int:
    """A whole number in a range, of any library, as Python's int, so that its repr is the same."""
    number: int | None = None
    if _is_integer(found := plain(value)):
        with contextlib.suppress(TypeError):
            number = operator.index(found)
    if number is None or number < least or (most is not None and number > most):
        span = f"of at least {least:,}" if most is None else f"from {least:,} to {most:,}"
        raise ValueError(f"{name} must be a whole number {span}, got {shown(value)}")
    return number


def check_choice(name: str, value: object, choices: tuple[Choice, ...]) -> Choice:
    """One of several strings."""
    for choice in choices:
        if isinstance(value, str) and value == choice:
            return choice
    raise ValueError(f"{name} must be one of {', '.join(choices)}, got {shown(value)}")


def check_path(name: str, value: object, *, folder: bool = False) -> str:
    """The path of a file or folder, and not the number of one that is open."""
    path: object = None
    if isinstance(value, str | os.PathLike):
        with contextlib.suppress(Exception):  # whatever a path's own code raises
            path = os.fspath(value)
    if isinstance(path, str) and path and (folder or not path.endswith(os.sep)):
        return path
    what = "folder" if folder else "file"
    raise ValueError(
        f"{name} must be the path of a {what} (str or os.PathLike), got {shown(value)}"
    )


def above_zero(name: str, value: object) -> float:
    """A finite number above 0."""
    number = as_float(value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {shown(value)}")
    return number


def as_float(value: object) -> float:
    """A number, of any library, as float; NaN where it is no number, or an array with axes."""
    if type(value) is float:
        return value
    found = plain(value)
    if isinstance(found, bool | np.bool_ | np.timedelta64) or shape_of(found):
        return math.nan
    if not isinstance(found, Real | Decimal):
        return math.nan
    try:
        return float(found)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def floating_dtype(dtype: DTypeLike) -> Dtype:
    """Single or double precision."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns of names that are no longer dtypes
            named = isinstance(dtype, str | type | np.dtype)  # not an array, which has a dtype
            found: np.dtype[np.generic] | None = np.dtype(dtype) if named else None
    except (TypeError, ValueError, SyntaxError):
        found = None
    if found is None or found.name not in ("float32", "float64"):
        raise ValueError(f"dtype must be float32 or float64, got {shown(dtype)}")
    return np.dtype(np.float32) if found.name == "float32" else np.dtype(np.float64)


def generator(seed: object) -> np.random.Generator:
    """The generator itself, or the one that a whole number seeds."""
    if isinstance(seed, np.random.Generator):
        return seed
    if not _is_integer(found := plain(seed)) or int(found) < 0:
        raise ValueError(
            f"seed must be a whole number at least 0 or a Generator, got {shown(seed)}"
        )
    return np.random.default_rng(int(found))


def _array(name: str, value: object, expected: str) -> Array:
    if type(value) is np.ndarray:
        return value
    try:
        return array_of(value)
    except ValueError as error:
        raise ValueError(f"{name} must be {expected}, got {shown(value):.60}: {error}") from None


def _numbers(name: str, value: object) -> Array:
    array = _array(name, value, "an array of numbers")
    if array.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} must be an array of numbers, got {array.dtype} {shown(value):.60}"
        )
    return array


def _symbols(
    name: str, array: Array, limit: int, used: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    looked_at = array if used is None else array[used]
    if len(looked_at) and not (
        int(looked_at[looked_at.argmin()]) >= 0 and int(looked_at[looked_at.argmax()]) < limit
    ):
        wrong = next(int(symbol) for symbol in looked_at if not 0 <= int(symbol) < limit)
        raise ValueError(f"{name} must be symbols from 0 to {limit - 1}, got {wrong}")
    return _as_int64(array)


def _finite(name: str, array: Array, dtype: Dtype) -> Floating:
    """The array in this dtype, if it is finite there."""
    if array.dtype.kind != "f" or _is_small(array):
        return _as(dtype, array)
    with np.errstate(over="ignore"):
        given = _as(dtype, array)
    finite = np.isfinite(given)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        place = where[0] if len(where) == 1 else where
        raise ValueError(f"{name} must be finite in {dtype}, got {array[where]} at index {place}")
    return given


def _is_small(array: Array) -> bool:
    """Whether a short array is known to be finite in any dtype, at a third of a full look's cost.

    The sum of squares is not finite or not below the square of 1e38 if any number is not.
    """
    # Unlike dot, vdot does not warn where the sum overflows; np.errstate costs more than the look.
    return array.size <= 4096 and _squares(array) < 1e76


def _squares(array: Array) -> float:
    with_numbers: NDArray[np.float64] = array  # type: ignore[assignment]  # only such come here
    return float(np.vdot(with_numbers, with_numbers))


def _is_ready(array: Array, dtype: Dtype) -> TypeGuard[Floating]:
    """Whether the kernel can read it: of this dtype, in one piece, in C's order, aligned."""
    layout = array.flags
    return array.dtype == dtype and layout.c_contiguous and layout.aligned


def _as(dtype: Dtype, array: Array) -> Floating:
    """An array of this dtype that the kernel can read."""
    return array if _is_ready(array, dtype) else np.array(array, dtype, order="C")


def _as_int64(array: Array) -> NDArray[np.int64]:
    return np.require(array, np.int64, ["C", "A"])


def _is_integer(value: object) -> TypeGuard[int]:
    """Whether what `plain` returned is an integer, NumPy's too, and no boolean."""
    if isinstance(value, bool | np.bool_ | np.timedelta64):
        return False
    if isinstance(value, int | np.integer):
        return True
    if type(value) in PLAIN or shape_of(value):
        return False  # a tensor of one number has an index, too
    try:
        operator.index(value)  # type: ignore[arg-type]
    except Exception:  # whatever a library's own code may raise
        return False
    return True
