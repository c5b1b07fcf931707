"""Holidays: columns that an event gets for its own day and those that are predicted."""

import copy
import json
import math
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

import lethe
from lethe import Model
from lethe.model.holidays import OWN_COLUMNS, HolidayColumns, days_of_year

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = 3600.0, 86_400.0
DATES = ("2026-01-03", "2026-01-06", "2026-01-14")


def hourly(n: int, seed: int = 0) -> Iterator[dict[str, object]]:
    random = np.random.default_rng(seed)
    for hour in range(n):
        value = 5 + math.sin(hour / 4) + 0.1 * float(random.normal())
        yield {"time": NEW_YEAR + timedelta(hours=hour), "y": value}


def small(horizon: int, holidays: object, **more: object) -> Model:
    parameters = {"cells": 2, "rates": (1e-2,), "new_columns": "raise"} | more
    return Model("y", horizon=horizon, holidays=holidays, **parameters)  # type: ignore[arg-type]


def is_holiday(time: datetime) -> bool:
    return time.date().isoformat() in DATES


@pytest.mark.parametrize("horizon", [0, 1, 5])
def test_they_are_columns_as_if_an_event_had_come_with_them(horizon: int) -> None:
    model, twin = small(horizon, DATES), small(horizon, None)
    for n, event in enumerate(hourly(400)):
        time = event["time"]
        assert isinstance(time, datetime)
        # How long it is from one event to the next is known after two.
        aheads = (0, 1, horizon)[: 1 + min(horizon, 2)]
        days = [is_holiday(time + timedelta(hours=ahead if n > 1 else 0)) for ahead in aheads]
        given = event | dict(zip(OWN_COLUMNS, days, strict=False))
        if not horizon:
            assert model.predict(event).value == twin.predict(given).value
        model.learn(event)
        twin.learn(given)
    if horizon:
        assert model.predict().forecast == twin.predict().forecast
    assert model.configuration()["categories"] == twin.configuration()["categories"]


def test_classes_have_the_day_of_the_event() -> None:
    model = Model("open", task="classification", holidays=DATES, cells=2)
    for event in hourly(800):
        time = event["time"]
        assert isinstance(time, datetime)
        model.learn(event | {"open": not is_holiday(time)})
    assert list(model.configuration()["categories"]) == ["open", "holiday:day"]
    for day, is_open in (("2026-01-14", False), ("2026-01-15", True)):
        event = {"time": f"{day}T12:00", "y": 5.0}
        assert model.predict(event).probabilities[is_open] > 0.7


def test_a_series_with_holidays_is_predicted_better_with_them() -> None:
    random = np.random.default_rng(1)
    events, days = [], []
    for n in range(1100):
        time = datetime(2022, 1, 1, tzinfo=UTC) + timedelta(days=n)
        free = int(random.integers(25)) == 0
        value = 100 - 30 * (time.weekday() > 4) - 40 * free + 2 * float(random.normal())
        events.append({"time": time, "y": value})
        days += [time.date()] if free else []
    errors = {}
    for holidays in (None, days):
        model, sums = small(1, holidays), []
        for event in events:
            free = event["time"].date() in days  # type: ignore[attr-defined]
            if model.events > 700 and free:
                sums.append(abs(model.predict().value - event["y"]))  # type: ignore[operator]
            model.learn(event)
        errors[holidays is None] = np.mean(sums)
    assert errors[False] < 0.5 * errors[True]


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-01-06T00:00", True),
        ("2026-01-05T23:59:59", False),
        ("2026-01-06T00:30+01:00", True),  # 23:30 of the day before in UTC
        ("2026-01-07T01:00+02:00", False),
        (datetime(2026, 1, 6, 22, tzinfo=timezone(timedelta(hours=-8))), True),
        (date(2026, 1, 6), True),
        (np.datetime64("2026-01-06T23"), True),
        (datetime(2026, 1, 7, tzinfo=UTC).timestamp() - 1, True),
        (None, None),
    ],
)
def test_a_day_is_that_of_the_times_own_zone_or_utc(time: object, expected: bool | None) -> None:
    model = Model("y", time="time", horizon=0, holidays=["2026-01-06"], cells=1)
    model.learn({"time": "2026-01-01", "y": 1.0})
    assert model._predictor is not None
    fields = model._predictor.encoder.read({"time": time, "y": 2.0}, ("y",))
    assert dict(fields.categories).get("holiday:day") == (
        None if expected is None else f"b{expected}"
    )


@pytest.mark.parametrize(
    ("time", "gap", "horizon", "expected"),
    [
        ("2026-01-05T23:00", HOUR, 3, (False, True, True)),
        ("2026-01-05T22:00", HOUR, 3, (False, False, True)),
        ("2026-01-05T23:00", HOUR - 60, 1, (False, True)),  # an event that comes a little early
        ("2026-01-06T23:00", HOUR, 30, (True, False, False)),
        ("2026-01-04T00:00", DAY - 200, 2, (False, False, True)),  # clocks have changed
        ("2026-01-05T12:00", 1.2 * DAY, 1, (False, True)),
        ("2026-01-06T12:00", 0.0, 2, (True, True, True)),
        ("9999-12-31T12:00", DAY, 9, (False, False, False)),
    ],
)
def test_days_ahead(time: str, gap: float, horizon: int, expected: tuple[bool, ...]) -> None:
    seconds = datetime.fromisoformat(time).replace(tzinfo=UTC).timestamp()
    assert HolidayColumns(("2026-01-06",), horizon).of(time, seconds, gap) == expected


def test_dates_as_they_are_written() -> None:
    dates = [
        "2026-12-25", "2026-12-24T18:00", date(2026, 1, 1), np.datetime64("2026-05-01"),
        datetime(2026, 1, 6, 23, tzinfo=timezone(timedelta(hours=-8))), date(2026, 1, 1),
    ]  # fmt: skip
    kept = ("2026-01-01", "2026-01-06", "2026-05-01", "2026-12-24", "2026-12-25")
    for given in (dates, set(dates), dict.fromkeys(dates, "name")):
        assert Model("y", holidays=given).parameters.holidays == kept  # type: ignore[arg-type]
    array = np.array(kept, "datetime64[ns]")
    assert Model("y", holidays=array).parameters.holidays == kept  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong", [7, [], ["soon"], [20260101], [np.datetime64("NaT")], [None], ["2026-01-01"] * 10_001]
)
def test_what_is_no_holiday(wrong: object) -> None:
    with pytest.raises(ValueError, match="holidays must be a country"):
        Model("y", holidays=wrong)  # type: ignore[arg-type]


def test_what_does_not_go_with_them() -> None:
    with pytest.raises(ValueError, match="holidays must be left out for symbols"):
        Model(task="symbols", holidays=DATES)
    with pytest.raises(ValueError, match="target must be none of holiday:day"):
        Model("holiday:day", holidays=DATES)
    model = Model("y", horizon=1, holidays=DATES)
    with pytest.raises(ValueError, match="event must have a time where holidays are given"):
        model.learn({"y": 1.0})
    with pytest.raises(ValueError, match="columns must be none of holiday:day"):
        model.learn({"time": "2026-01-01", "y": 1.0, "holiday:next": True})
    assert model.events == 0
    model.learn({"time": "2026-01-01", "y": 1.0, "holiday": True})  # any other name


def test_a_first_event_without_its_time() -> None:
    model = Model("y", horizon=2, time="time", holidays=DATES, cells=2)
    model.learn({"time": None, "y": 1.0})
    for event in hourly(60):
        model.learn(event)
    assert list(model.configuration()["categories"]) == list(OWN_COLUMNS)


@pytest.mark.parametrize("horizon", [0, 3])
def test_a_model_goes_on_with_the_same_bits(horizon: int, tmp_path: Path) -> None:
    whole, cut = small(horizon, DATES), small(horizon, DATES)
    for n, event in enumerate(hourly(200)):
        if n in (1, 40, 77):
            cut.save(tmp_path / "model")
            loaded = lethe.load(tmp_path / "model")
            assert isinstance(loaded, Model)
            cut = copy.deepcopy(loaded)
        whole.learn(event)
        cut.learn(event)
    assert cut.parameters == whole.parameters
    ours, theirs = cut.to_checkpoint()[0], whole.to_checkpoint()[0]
    assert all((ours[name] == theirs[name]).all() for name in theirs)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("holidays", 7), ("holidays", []), ("holidays", ["soon"]), ("holidays", {"2026-01-01": 1}),
        ("period", "24"), ("period", [24, 24]), ("period", [1, 2, 3]), ("period", 24.0),
    ],
)  # fmt: skip
def test_a_checkpoint_with_others_is_refused(name: str, wrong: object) -> None:
    arrays, metadata = small(1, DATES, period=(24, 168)).to_checkpoint()
    state = json.loads(bytes(arrays["state"]))
    assert state["parameters"]["period"] == [24, 168]
    assert state["parameters"]["holidays"] == [*DATES]
    state["parameters"][name] = wrong
    arrays["state"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    with pytest.raises(ValueError, match=f"{name} must be"):
        Model.from_checkpoint(arrays, metadata)


def test_without_the_package_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    days_of_year.cache_clear()
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install \"lethe-ml\[holidays\]\""):
        Model("y", holidays="DE")


# ---- countries ----


def test_a_countrys_dates() -> None:
    pytest.importorskip("holidays")
    germany, bavaria = HolidayColumns("DE", 0), HolidayColumns("DE-BY", 0)
    for day, expected in (
        ("2026-12-25", (True, True)), ("2026-01-06", (False, True)), ("2026-12-23", (False, False)),
        ("2041-10-03", (True, True)), ("0001-01-01", (False, False)),
    ):  # fmt: skip
        seconds = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
        assert (*germany.of(day, seconds, 0.0), *bavaria.of(day, seconds, 0.0)) == expected
    assert germany.of(0.0, 1e12, 0.0) == (False,)  # the year 33,658


@pytest.mark.parametrize(
    "wrong", ["XX", "de", "", "-", "HolidayBase", "US-XX", "2026-12-25", "DE-"]
)
def test_an_unknown_country(wrong: str) -> None:
    pytest.importorskip("holidays")
    with pytest.raises(ValueError, match="holidays must be a country"):
        Model("y", holidays=wrong)


def test_a_country_is_kept_as_it_was_given() -> None:
    pytest.importorskip("holidays")
    model = small(1, "US-CA")
    for event in hourly(30):
        model.learn(event)
    twin = Model.from_checkpoint(*model.to_checkpoint())
    assert twin.parameters.holidays == "US-CA"
    assert twin.configuration()["options"]["holidays"] == "US-CA"
    for event in hourly(50):
        model.learn(event)
        twin.learn(event)
    assert twin.predict().forecast == model.predict().forecast
