"""Which methods compare.py compares, by the package that they come from."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from compare_batch import flair, fracast, gradient_boosting, of_statsforecast
from compare_peers import (
    LastPeriod,
    LastValue,
    Mean,
    Method,
    OfRiver,
    by_errors,
    by_lags,
    lethe_model,
    of_skaters,
)
from compare_scoring import Answers
from compare_series import FAR, Series

LONGEST = 60  # season of SNARIMAX


@dataclass(frozen=True)
class Contestant:
    """A method, how far ahead it is asked, and how late its turn comes because it takes long."""

    name: str
    method: Method
    least: int = 0
    most: int = FAR
    late: int = 0


def own() -> Iterator[Contestant]:
    yield Contestant("Lethe", lethe_model)


def naive() -> Iterator[Contestant]:
    yield Contestant("last value", by_errors(lambda series: LastValue()))
    yield Contestant("drift", by_errors(lambda series: LastValue(drift=True)))
    yield Contestant("mean", by_errors(lambda series: Mean()))
    yield Contestant("last period", by_errors(lambda series: LastPeriod(series.season)))


def river() -> Iterator[Contestant]:
    from river import forest, linear_model, optim, preprocessing, time_series

    def scaled(model: Any) -> Any:
        inner = preprocessing.StandardScaler() | model
        return preprocessing.TargetStandardScaler(regressor=inner)

    yield Contestant(
        "river BayesianLR", by_lags(lambda: scaled(linear_model.BayesianLinearRegression()))
    )

    def snarimax(series: Series) -> OfRiver:
        season = series.season if series.season and 1 < series.season <= LONGEST else 1
        inner = linear_model.LinearRegression(optimizer=optim.SGD(0.01), clip_gradient=1.0)
        model = time_series.SNARIMAX(
            p=12,
            d=1,
            q=12,
            m=season,
            sp=int(season > 1),
            regressor=preprocessing.StandardScaler() | inner,
        )
        return OfRiver(model, scaled=True)

    def holt_winters(series: Series) -> OfRiver:
        season = series.season if series.season and series.season > 1 else 0
        return OfRiver(
            time_series.HoltWinters(0.3, 0.1, 0.6 if season else None, seasonality=season)
        )

    yield Contestant("river SNARIMAX", by_errors(snarimax))
    yield Contestant("river HoltWinters", by_errors(holt_winters))
    trees = by_lags(lambda: forest.ARFRegressor(seed=0))
    yield Contestant("river ARF", trees, most=1, late=2)
    yield Contestant("river ARF", trees, least=2, late=4)


def skaters() -> Iterator[Contestant]:
    from skaters import dantzig, laplace

    yield Contestant("skaters laplace", of_skaters(laplace), most=1)
    yield Contestant("skaters dantzig", of_skaters(dantzig), most=1, late=1)
    yield Contestant("skaters laplace", of_skaters(laplace), least=2, late=3)


def statsforecast() -> Iterator[Contestant]:
    from statsforecast.models import AutoARIMA, AutoETS, AutoTheta, SeasonalNaive

    yield Contestant("statsforecast AutoETS", of_statsforecast(lambda m: AutoETS(season_length=m)))
    yield Contestant(
        "statsforecast AutoTheta", of_statsforecast(lambda m: AutoTheta(season_length=m))
    )
    yield Contestant(
        "statsforecast SeasonalNaive", of_statsforecast(lambda m: SeasonalNaive(season_length=m))
    )
    yield Contestant(
        "statsforecast AutoARIMA",
        of_statsforecast(lambda m: AutoARIMA(season_length=m, approximation=True)),
        late=1,
    )


def scikit_learn() -> Iterator[Contestant]:
    import sklearn  # noqa: F401  # missing is to be found out here

    yield Contestant("scikit-learn HistGradientBoosting", gradient_boosting)


def foundation() -> Iterator[Contestant]:
    import fracast as package  # noqa: F401

    yield Contestant("fracast-0", fracast, late=1)


def level_and_shape() -> Iterator[Contestant]:
    import flaircast  # noqa: F401

    yield Contestant("FLAIR", flair)


def deep_river() -> Iterator[Contestant]:
    import torch
    from deep_river.forecasting.zoo import LSTMForecaster
    from deep_river.regression.zoo import LSTMRegressor
    from river import preprocessing

    torch.set_num_threads(1)

    def forecaster(series: Series) -> OfRiver:
        return OfRiver(LSTMForecaster(optimizer_fn="adam", window_size=24), scaled=True)

    def regressor() -> Any:
        inner = preprocessing.StandardScaler() | LSTMRegressor(
            n_features=1, optimizer_fn="adam", is_feature_incremental=True
        )
        return preprocessing.TargetStandardScaler(regressor=inner)

    def method(series: Series, aheads: Sequence[int]) -> dict[int, Answers]:
        made = by_errors(forecaster) if series.columns is None else by_lags(regressor)
        return made(series, aheads)

    yield Contestant("deep-river LSTM", method, most=1, late=1)
    yield Contestant("deep-river LSTM", method, least=2, late=4)


#: By package.
PEERS: dict[str, Callable[[], Iterator[Contestant]]] = {
    "lethe": own,
    "naive": naive,
    "river": river,
    "statsforecast": statsforecast,
    "skaters": skaters,
    "scikit-learn": scikit_learn,
    "flaircast": level_and_shape,
    "fracast": foundation,
    "deep-river": deep_river,
}
#: Those that are given the columns of an event, on series that have some.
TAKE_COLUMNS = {
    "Lethe",
    "last value",
    "mean",
    "river BayesianLR",
    "river ARF",
    "scikit-learn HistGradientBoosting",
    "deep-river LSTM",
}
