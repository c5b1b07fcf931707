"""Objects of the libraries that a user of Lethe has in hand, by library and by what they are."""

from __future__ import annotations

import enum
import math
import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest

Values = dict[str, Any]


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    ONE = 1


class Word(str, enum.Enum):  # noqa: UP042
    A = "a"


class Text(str):
    """A string that is more."""


class Reading(float):
    """A float that is more."""


def of_python() -> Values:
    return {
        "None": None,
        "true": True,
        "zero": 0.0,
        "number": 2.5,
        "nan": math.nan,
        "infinite": math.inf,
        "whole": 1,
        "huge": 10**5000,
        "string": "a",
        "long": "x" * 5000,
        "surrogate": "\ud800",
        "bytes": b"a",
        "complex": 1j,
        "object": object(),
        "list": [1.0, 2.0, 3.0],
        "nested": [[1.0]],
        "dict": {"x": 1.0},
        "set": {1.0},
        "range": range(3),
        "bytearray": bytearray(b"abc"),
        "memoryview": memoryview(b"abc"),
        "type": float,
        "function": len,
        "not implemented": NotImplemented,
        "date": date(2024, 1, 1),
        "datetime": datetime(2024, 1, 1),
        "aware": datetime(2024, 1, 1, tzinfo=UTC),
        "first moment": datetime.min.replace(tzinfo=timezone(timedelta(hours=5))),
        "time of day": time(12),
        "duration": timedelta(hours=1),
        "decimal": Decimal("0.5"),
        "decimal nan": Decimal("nan"),
        "signaling": Decimal("sNaN"),
        "large decimal": Decimal("1e999999"),
        "fraction": Fraction(1, 2),
        "large fraction": Fraction(10**4000, 3),
        "enum": Colour.RED,
        "whole enum": Level.ONE,
        "string enum": Word.A,
        "more than a string": Text("a"),
        "more than a float": Reading(0.5),
        "row of a database": row_of_a_database(),
    }


def row_of_a_database() -> sqlite3.Row:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    row: sqlite3.Row = connection.execute("select 1.0 as x, 2.0 as y").fetchone()
    connection.close()
    return row


def of_numpy() -> Values:
    record = np.array([(1.0, 2.0)], [("x", "f8"), ("y", "f8")])
    return {
        "float": np.float64(0.5),
        "single": np.float32(0.5),
        "half": np.float16(0.5),
        "long double": np.longdouble(0.5),
        "whole": np.int64(1),
        "boolean": np.bool_(True),
        "string": np.str_("a"),
        "bytes": np.bytes_(b"a"),
        "complex": np.complex128(1),
        "no axes": np.array(0.5),
        "whole without axes": np.array(1),
        "string without axes": np.array("a"),
        "object without axes": np.array(None),
        "one": np.array([0.5]),
        "three": np.ones(3),
        "table": np.ones((2, 3)),
        "masked": np.ma.masked,
        "with masked": np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False]),
        "record": record[0],
        "records": record,
        "day": np.datetime64("2024-01-01"),
        "nanoseconds": np.datetime64("2024-01-01T00:00:00.000000001"),
        "no time": np.datetime64("NaT"),
        "far away": np.datetime64(2**60, "D"),
        "duration": np.timedelta64(1, "h"),
        "months": np.timedelta64(1, "M"),
        "without unit": np.timedelta64(5),
        "no duration": np.timedelta64("NaT"),
    }


def of_pandas() -> Values:
    pandas = pytest.importorskip("pandas")
    return {
        "time": pandas.Timestamp("2024-01-01"),
        "time in a zone": pandas.Timestamp("2024-01-01", tz="UTC"),
        "nanoseconds": pandas.Timestamp("2024-01-01 00:00:00.000000001"),
        "duration": pandas.Timedelta("1h"),
        "NA": pandas.NA,
        "NaT": pandas.NaT,
        "period": pandas.Period("2024-01"),
        "interval": pandas.Interval(0, 1),
        "row": pandas.Series({"x": 1.0, "y": 2.0}),
        "numbered row": pandas.Series([1.0, 2.0, 3.0]),
        "row with a name twice": pandas.Series([1.0, 2.0], index=["x", "x"]),
        "frame": pandas.DataFrame({"x": [1.0, 2.0], "y": [1.0, 2.0]}),
        "categories": pandas.Categorical(["a", "b"]),
        "index": pandas.Index(["a", "b"]),
        "times": pandas.date_range("2024", "2025", periods=3),
    }


def of_polars() -> Values:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"x": [1.0, 2.0], "y": [1.0, 2.0]})
    return {
        "column": polars.Series([1.0, 2.0, 3.0]),
        "frame": frame,
        "lazy": frame.lazy(),
        "row": frame.row(0),
        "named row": frame.row(0, named=True),
        "expression": polars.col("x"),
        "type": polars.Float64,
    }


def of_arrow() -> Values:
    arrow = pytest.importorskip("pyarrow")
    return {
        "float": arrow.scalar(0.5),
        "whole": arrow.scalar(1),
        "string": arrow.scalar("a"),
        "null": arrow.scalar(None),
        "nanoseconds": arrow.scalar(1, arrow.timestamp("ns")),
        "date": arrow.scalar(date(2024, 1, 1)),
        "duration": arrow.scalar(timedelta(hours=1)),
        "decimal": arrow.scalar(Decimal("0.5")),
        "list": arrow.scalar([1, 2]),
        "struct": arrow.scalar({"x": 1.0, "y": 2.0}),
        "array": arrow.array([1.0, 2.0, 3.0]),
        "chunks": arrow.chunked_array([[1.0, 2.0]]),
        "table": arrow.table({"x": [1.0], "y": [2.0]}),
        "batch": arrow.record_batch({"x": [1.0]}),
    }


def of_jax() -> Values:
    jnp = pytest.importorskip("jax.numpy")
    return {
        "float": jnp.float32(0.5),
        "whole": jnp.int32(1),
        "boolean": jnp.bool_(True),
        "bfloat16": jnp.bfloat16(0.5),
        "one": jnp.array([0.5]),
        "one whole": jnp.array([1]),
        "three": jnp.ones(3),
        "table": jnp.ones((2, 3)),
    }


def of_torch() -> Values:
    torch = pytest.importorskip("torch")
    return {
        "float": torch.tensor(0.5),
        "whole": torch.tensor(1),
        "boolean": torch.tensor(True),
        "bfloat16": torch.tensor(0.5, dtype=torch.bfloat16),
        "one": torch.tensor([0.5]),
        "one whole": torch.tensor([1]),
        "three": torch.ones(3),
        "three that learn": torch.ones(3, requires_grad=True),
        "three bfloat16": torch.ones(3, dtype=torch.bfloat16),
        "table": torch.ones(2, 3),
        "no data": torch.empty((), device="meta"),
        "complex": torch.tensor(1j),
        "sparse": torch.eye(3).to_sparse(),
        "type": torch.float32,
    }


LIBRARIES: dict[str, Callable[[], Values]] = {
    "python": cache(of_python),
    "numpy": cache(of_numpy),
    "pandas": cache(of_pandas),
    "polars": cache(of_polars),
    "arrow": cache(of_arrow),
    "jax": cache(of_jax),
    "torch": cache(of_torch),
}


def value_of(name: str) -> Any:
    """The object of this name, "library: what it is"; a skip where there is no such library."""
    library, _, kind = name.partition(": ")
    return LIBRARIES[library]()[kind]
