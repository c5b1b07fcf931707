"""River's forecasters, one event at a time, for series.py."""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import linear_model, optim, preprocessing, time_series

Values = NDArray[np.float64]
Make = Callable[[], Any]


#: Regressors within SNARIMAX, river's own default first: where it diverges the others need not.
REGRESSORS: dict[str, Make] = {
    "river's default regressor": linear_model.LinearRegression,
    "SGD(0.001)": lambda: linear_model.LinearRegression(optimizer=optim.SGD(0.001)),
    "SGD(0.01) with its gradient clipped to 1": lambda: linear_model.LinearRegression(
        optimizer=optim.SGD(0.01), clip_gradient=1.0
    ),
    "PARegressor(C=0.01)": lambda: linear_model.PARegressor(C=0.01, mode=1),
}


def snarimax(season: int) -> Iterator[tuple[str, Make]]:
    """The settings of river's two examples, with this season, and smaller ones."""
    settings: list[dict[str, int]] = [
        {"p": season, "d": 1, "q": season, "m": season, "sd": 1},  # river's first example
        {"p": season, "d": 1, "q": 0},
        {"p": 2, "d": 1, "q": 2, "m": season, "sp": 2},
        {"p": 1, "d": 0, "q": 0, "m": season, "sd": 1},
    ]
    for setting, (name, inner) in itertools.product(settings, REGRESSORS.items()):
        yield (
            f"{_named(setting)}, {name}",
            lambda setting=setting, inner=inner: time_series.SNARIMAX(
                **setting, regressor=preprocessing.StandardScaler() | inner()
            ),
        )
    example = {"p": 1, "d": 0, "q": 0, "m": season, "sp": 3, "sq": 6}
    yield (
        f"{_named(example)}, the regressor of river's second example",
        lambda: time_series.SNARIMAX(
            **example,
            regressor=preprocessing.StandardScaler()
            | linear_model.LinearRegression(
                intercept_init=110, optimizer=optim.SGD(0.01), intercept_lr=0.3
            ),
        ),
    )


def holt_winters(season: int) -> Iterator[tuple[str, Make]]:
    """Those of river's example first, then a grid."""
    grid = itertools.product((0.3, 0.6, 0.9), (0.1, 0.01), (0.6, 0.1), (True, False))
    for alpha, beta, gamma, multiplicative in grid:
        setting = {"alpha": alpha, "beta": beta, "gamma": gamma, "multiplicative": multiplicative}
        yield (
            _named(setting),
            lambda setting=setting: time_series.HoltWinters(seasonality=season, **setting),
        )


FAMILIES: dict[str, Callable[[int], Iterator[tuple[str, Make]]]] = {
    "SNARIMAX": snarimax,
    "HoltWinters": holt_winters,
}


def forecasts(make: Make, values: Values, ahead: int) -> dict[int, Values]:
    """What a forecaster says of each event, one and `ahead` events before.

    `values` have no gaps. Where it cannot answer yet its forecast is the last value.
    """
    model = make()
    out = {h: np.full(len(values), math.nan) for h in {1, ahead}}
    for now, value in enumerate(values.tolist()):
        model.learn_one(value)
        try:
            said = model.forecast(horizon=ahead)
        except (IndexError, ZeroDivisionError):  # it has not seen a season yet
            said = [value] * ahead
        for h, row in out.items():
            if now + h < len(values):
                row[now + h] = said[h - 1] if said[h - 1] is not None else value
    return out


def _named(setting: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in setting.items())
