"""Between scikit-learn's rows and a Model's events."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, Protocol, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lethe.core._objects import array_of, is_from, shown
from lethe.model import Model, Prediction
from lethe.model.encoder import Encoder
from lethe.model.networks import RATES
from lethe.model.values import Label, category_of, is_missing, label_of

try:
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        'scikit-learn is not installed: pip install "lethe-ml[sklearn]"', name=missing.name
    ) from None

__all__ = ["RATES", "TARGET", "RandomState", "Rows", "Tags", "events_of", "labels_of", "model_of",
           "nan_allowed", "number_columns", "plain_array", "walk"]  # fmt: skip

#: The targets' columns: names that no feature has.
TARGET = "fit's y"


class PolarsFrame(Protocol):
    """A DataFrame of Polars."""

    def iter_rows(self) -> Iterator[tuple[object, ...]]:
        """Its rows."""
        ...


class PandasFrame(Protocol):
    """A DataFrame of pandas."""

    def itertuples(self, index: bool, name: str | None) -> Iterator[tuple[object, ...]]:
        """Its rows."""
        ...

    def astype(self, dtype: type) -> PandasFrame:
        """A copy with values of another type."""
        ...

    def notna(self) -> PandasFrame:
        """Which values are there."""
        ...

    def where(self, condition: PandasFrame, other: object) -> PandasFrame:
        """A copy with `other` where the condition does not hold."""
        ...


Rows: TypeAlias = ArrayLike | PolarsFrame | PandasFrame
RandomState: TypeAlias = int | np.random.RandomState | None


class _InputTags(Protocol):
    allow_nan: bool


class _TargetTags(Protocol):
    multi_output: bool


class Tags(Protocol):
    """The part of scikit-learn's tags that the estimators set."""

    input_tags: _InputTags
    target_tags: _TargetTags


class Parameters(Protocol):
    """The parameters that all estimators have."""

    cells: int
    layers: int
    rates: tuple[float, ...]
    categories: int
    time: str | None
    random_state: RandomState


class Fitted(Protocol):
    """An estimator that has been fitted."""

    model_: Model
    n_features_in_: int


SomeTags = TypeVar("SomeTags", bound=Tags)
AnyRows = TypeVar("AnyRows")


def model_of(
    estimator: Parameters,
    target: str | Sequence[str] | None,
    *,
    task: Literal["regression", "classification"] = "regression",
    horizon: int | None = None,
    period: int | tuple[int, int] | None = None,
    detect: bool = True,
) -> Model:
    """Make the model of an estimator."""
    seed = check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max)
    return Model(
        target,
        task=task,
        horizon=horizon,
        period=period,
        cells=estimator.cells,
        layers=estimator.layers,
        rates=estimator.rates,
        categories=estimator.categories,
        time=estimator.time,
        detect=detect,
        seed=seed,
    )


def number_columns(estimator: Parameters, events: Sequence[Mapping[str, object]]) -> list[str]:
    """The columns that hold numbers, by the first value that each of them has in any row.

    Empty where a column has no value yet: rows to come may show what it holds.
    """
    first: dict[str, object] = {}
    for name in events[0]:
        values = (event[name] for event in events)
        first[name] = next((one for one in values if not is_missing(name, one, "missing")), None)
    if None in first.values():
        return []
    encoder = Encoder(estimator.time, estimator.categories, "raise", "missing")
    return list(encoder.number_columns(encoder.read(first)))


def nan_allowed(tags: SomeTags) -> SomeTags:
    """Declare that NaN is allowed in X, where it is missing."""
    tags.input_tags.allow_nan = True
    return tags


def events_of(
    estimator: object,
    X: Rows,
    *,
    fresh: bool = False,
    y: ArrayLike | Literal["no_validation"] | None = "no_validation",
) -> list[Mapping[str, object]]:
    """Validate rows and convert them to events: values by the names of the columns."""
    X = plain_array("X", X)
    polars, pandas = hasattr(X, "iter_rows"), hasattr(X, "itertuples")
    X = validate_data(
        estimator,
        X,
        None if y is None else "no_validation",  # None where there must be one: an error
        reset=fresh,
        skip_check_array=polars or pandas,
        dtype=np.float64,
        ensure_all_finite=False,
    )
    if polars:
        rows: Iterable[Sequence[object]] = cast(PolarsFrame, X).iter_rows()
    elif pandas:
        values = cast(PandasFrame, X).astype(object)
        rows = values.where(values.notna(), None).itertuples(index=False, name=None)
    else:
        rows = np.asarray(X).tolist()
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        names = [f"x{n}" for n in range(cast(Fitted, estimator).n_features_in_)]
    if any(str(name).startswith(TARGET) for name in names):
        raise ValueError(f"X must have no column whose name starts with {TARGET!r}")
    events = [dict(zip(names, row, strict=True)) for row in rows]
    if not events:
        raise ValueError("X must have at least one row, got none")
    return list(events)


def plain_array(name: str, value: AnyRows) -> AnyRows:
    """A tensor of PyTorch as an array, which scikit-learn makes of anything else itself."""
    if not is_from(value, "torch", "Tensor"):
        return value
    try:
        return cast(AnyRows, array_of(value))
    except ValueError as error:
        raise ValueError(f"{name} must be an array, got {shown(value)}: {error}") from None


def labels_of(values: NDArray[np.generic]) -> list[Label]:
    """Labels as a model has them; times keep their nanoseconds, and long texts are cut short."""
    each: Iterable[object] = values if values.dtype.kind == "M" else values.tolist()
    return [label_of(category_of("y", value)) for value in each]


def walk(estimator: Fitted, X: Rows) -> Iterator[Prediction]:
    """Predict each row as the rows come, their targets missing; on a copy of the model."""
    check_is_fitted(estimator)
    events, model = events_of(estimator, X), copy.deepcopy(estimator.model_)
    for event in events:
        prediction = model.follow(event, None).prediction
        if prediction is not None:  # None is an event that was skipped, and none is
            yield prediction
