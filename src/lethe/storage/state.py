"""What a part of a model has to remember, as arrays and JSON, and back.

A part is an object whose class lists the names of all it remembers in ``LIFE``. Nothing is executed
when a state is restored: its parts are made of the classes that `part` has registered, and of
nothing else.
"""

from __future__ import annotations

from collections import deque
from typing import Any, TypeVar

import numpy as np

__all__ = ["pack", "part", "unpack"]

Arrays = dict[str, np.ndarray]
Class = TypeVar("Class", bound=type)


_SEQUENCES: dict[str, Any] = {"list": list, "tuple": tuple, "deque": deque}
_PARTS: dict[str, type] = {}


def part(cls: Class) -> Class:
    """Register a class that has a ``LIFE``; a decorator."""
    _PARTS[cls.__name__] = cls
    return cls


def pack(value: Any, path: str, arrays: Arrays) -> Any:
    """Write a value as JSON; what is an array goes into `arrays` under its path.

    Parameters
    ----------
    value : object
        None, bool, int, float, str, array, generator, list, tuple, deque, dict with
        string keys, or a registered part.
    path : str
        The name of this value, under which its arrays are found.
    arrays : dict
        Where arrays go.

    Returns
    -------
    object
        What JSON can hold.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        arrays[path] = value.copy()
        return {"array": path}
    if isinstance(value, np.random.Generator):
        return {"generator": value.bit_generator.state}
    if isinstance(value, list | tuple | deque):
        kind = type(value).__name__
        if len(value) > 1 and _alike(value):
            return {"stack": kind, "of": _pack_alike(list(value), path, arrays)}
        return {kind: [pack(item, f"{path}.{n}", arrays) for n, item in enumerate(value)]}
    if isinstance(value, dict):
        # Pairs keep the order, which says which category was used last.
        return {
            "dict": [
                [key, pack(item, f"{path}.{n}", arrays)]
                for n, (key, item) in enumerate(value.items())
            ]
        }
    name = type(value).__name__
    cls: Any = _PARTS.get(name)
    if cls is not type(value):
        raise TypeError(f"a model's life holds no {name}, got one at {path}")
    return {
        "part": name,
        "life": {key: pack(getattr(value, key), f"{path}.{key}", arrays) for key in cls.LIFE},
    }


def _alike(values: Any) -> bool:
    """Whether all are arrays of one shape and dtype, or parts of one class."""
    first = values[0]
    if isinstance(first, np.ndarray):
        return all(
            isinstance(v, np.ndarray) and v.shape == first.shape and v.dtype == first.dtype
            for v in values
        )
    return type(first) in _PARTS.values() and all(type(v) is type(first) for v in values)


def _pack_alike(values: list[Any], path: str, arrays: Arrays) -> Any:
    """Many of one kind as few arrays: what waits for its target can be thousands of events."""
    if isinstance(values[0], np.ndarray):
        arrays[path] = np.stack(values)
        return {"array": path}
    cls = type(values[0])
    return {
        "part": cls.__name__,
        "life": {
            key: pack([getattr(value, key) for value in values], f"{path}.{key}", arrays)
            for key in cls.LIFE
        },
    }


def _unpack_alike(packed: dict[str, Any], arrays: Arrays) -> list[Any]:
    match packed:
        case {"array": str(path)}:
            return [row.copy() for row in arrays[path]]
        case {"part": str(name), "life": dict(life)}:
            columns = {key: unpack(item, arrays) for key, item in life.items()}
            return [
                _made(name, dict(zip(columns, values, strict=True)))
                for values in zip(*columns.values(), strict=True)
            ]
    raise ValueError(f"a stack must be of arrays or parts, got {sorted(packed)}")


def _made(name: str, life: dict[str, Any]) -> Any:
    cls: Any = _PARTS.get(name)
    if cls is None or set(life) != set(cls.LIFE):
        raise ValueError(f"a life must be of a part that this version knows, got {name!r}")
    made = cls.__new__(cls)
    for key, item in life.items():
        setattr(made, key, item)
    return made


def unpack(packed: Any, arrays: Arrays) -> Any:
    """The value that `pack` wrote.

    Raises
    ------
    ValueError
        If it is none that `pack` writes.
    """
    if not isinstance(packed, dict):
        if packed is None or isinstance(packed, bool | int | float | str):
            return packed
        raise ValueError(f"a life must be made of what pack writes, got {type(packed).__name__}")
    match packed:
        case {"array": str(path)}:
            return arrays[path]
        case {"generator": dict(state)}:
            generator = np.random.Generator(np.random.PCG64())
            generator.bit_generator.state = state
            return generator
        case {"stack": str(kind), "of": dict(rows)} if kind in _SEQUENCES:
            return _SEQUENCES[kind](_unpack_alike(rows, arrays))
        case {"list": list(items)}:
            return [unpack(item, arrays) for item in items]
        case {"tuple": list(items)}:
            return tuple(unpack(item, arrays) for item in items)
        case {"deque": list(items)}:
            return deque(unpack(item, arrays) for item in items)
        case {"dict": list(pairs)} if all(isinstance(key, str) for key, _ in pairs):
            return {key: unpack(item, arrays) for key, item in pairs}
        case {"part": str(name), "life": dict(life)}:
            return _made(name, {key: unpack(item, arrays) for key, item in life.items()})
    raise ValueError(f"a life must be made of what pack writes, got {sorted(packed)}")
