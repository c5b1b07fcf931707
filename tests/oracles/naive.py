"""What kernels/stream/naive.hpp computes, a second time: slowly, in plain Python."""

from __future__ import annotations

from oracles.seasons import Seasons


def naive_predictions(seasons: Seasons, horizon: int, seconds: float) -> list[list[float]]:
    """What predictors say that need no learning, of each head."""
    history, newest = seasons.history, seasons.history.newest()
    looked_up = [history.season(s) for s in range(2)]
    found = [[0.0]] * (history.targets * horizon)
    then = [-2, -2]
    for ahead in range(1, horizon + 1):
        for s, season in enumerate(looked_up):
            likely = then[s] + 1
            then[s] = history.season_before(history.kept - 1, ahead, season, seconds, likely)
        for i in range(history.targets):
            mean = history.total[i] / max(history.counted[i], 1)
            p = [float(newest[i]), mean, history.fast[i], history.slow[i], history.median[i]]
            found[i * horizon + ahead - 1] = p + _of_seasons(seasons, then, i, ahead)
    return found


def _of_seasons(seasons: Seasons, then: list[int], i: int, ahead: int) -> list[float]:
    history = seasons.history
    plain, fast, slow = [], [], []
    for s, nth in enumerate(then):
        value = history.bounded(nth, i) if nth >= 0 else float(history.newest()[i])
        known = nth >= 0 and history.profiled
        brings = seasons.brought(s, nth, i) if known else 0.0
        plain.append(value)
        fast.append(seasons.profiles[s][i].fast + brings if known else value)
        slow.append(seasons.profiles[s][i].slow + brings if known else value)
    drifting = scaled = fast[0]
    if then[0] >= 0 and history.profiled:
        profile = seasons.profiles[0][i]
        level = profile.fast + ahead * profile.drift()
        drifting += ahead * profile.drift()
        scaled = level + seasons.brought(0, then[0], i) * profile.scaled(level)
    return [*plain, *fast, *slow, drifting, scaled]
