"""Streams of classes for classes.py: river's bundled ones, its generators, and generated ones."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from river import datasets
from river.datasets import synth

Pair = tuple[dict[str, Any], Any]
Make = Callable[[int], Iterable[Pair]]

#: Bundled with river; the seed is ignored.
BUNDLED: dict[str, Make] = {
    "Bananas": lambda _: datasets.Bananas(),
    "Phishing": lambda _: datasets.Phishing(),
    "ImageSegments": lambda _: datasets.ImageSegments(),
    "Shuttle": lambda _: datasets.Shuttle(),
}


def drifting(make: Callable[[int], Any], before: int, after: int, seed: int) -> Iterable[Pair]:
    """One concept that gives way to another between the 1,400th and the 1,600th event."""
    found: Iterable[Pair] = synth.ConceptDriftStream(
        make(before), make(after), position=1500, width=100, seed=seed
    )
    return found


#: River's generators.
SYNTHETIC: dict[str, Make] = {
    **{
        f"Agrawal {concept}": lambda seed, concept=concept: synth.Agrawal(concept, seed=seed)
        for concept in (0, 3, 5, 8)
    },
    "Agrawal, drift": lambda s: drifting(lambda c: synth.Agrawal(c, seed=s), 1, 6, s),
    "Hyperplane": lambda s: synth.Hyperplane(seed=s, n_drift_features=2, mag_change=0.001),
    "LED": lambda s: synth.LED(seed=s, noise_percentage=0.1),
    "LED, irrelevant": lambda s: synth.LED(seed=s, noise_percentage=0.1, irrelevant_features=True),
    "Mixed": lambda s: synth.Mixed(seed=s),
    "Mixed, drift": lambda s: drifting(lambda c: synth.Mixed(c, seed=s), 0, 1, s),
    "RandomRBF": lambda s: synth.RandomRBF(s, s, n_classes=4, n_features=10, n_centroids=40),
    "RandomRBF, drift": lambda s: synth.RandomRBFDrift(
        s, s, n_classes=3, n_features=8, n_centroids=20, change_speed=0.001, n_drift_centroids=10
    ),
    "RandomTree": lambda s: synth.RandomTree(s, s, n_num_features=5, n_cat_features=5),
    "SEA": lambda s: synth.SEA(seed=s, noise=0.1),
    "SEA, drift": lambda s: drifting(lambda c: synth.SEA(c, seed=s, noise=0.1), 0, 2, s),
    "Sine": lambda s: synth.Sine(2, seed=s),
    "Sine, drift": lambda s: drifting(lambda c: synth.Sine(c, seed=s), 0, 1, s),
    "STAGGER, drift": lambda s: drifting(lambda c: synth.STAGGER(c, seed=s), 0, 2, s),
    "Waveform": lambda s: synth.Waveform(seed=s),
}


def categories(seed: int) -> Iterator[Pair]:
    """A class that follows from three columns of twelve strings and two numbers."""
    random = np.random.default_rng([1, seed])
    weights = random.normal(size=(3, 12, 3)) * 1.5
    while True:
        codes, numbers = random.integers(12, size=3), random.normal(size=2)
        scores = weights[range(3), codes].sum(axis=0) + numbers[0] * np.array([1, -1, 0])
        event = {f"code {n}": f"c{code}" for n, code in enumerate(codes)}
        event |= {f"number {n}": float(x) for n, x in enumerate(numbers)}
        yield event, "pqr"[int(np.argmax(scores + 0.7 * random.gumbel(size=3)))]


def missing(seed: int) -> Iterator[Pair]:
    """Clouds of three classes, whose values are missing now and then."""
    random = np.random.default_rng([2, seed])
    for event, y in synth.RandomRBF(seed, seed, n_classes=3, n_features=8, n_centroids=20):
        gone = random.random(8) < 0.1
        yield {f"x{n}": None if gone[n] else x for n, x in event.items()}, y


def many(seed: int) -> Iterator[Pair]:
    """Thirty classes and as many columns, in runs of some fifty events."""
    random = np.random.default_rng([3, seed])
    middles, y = random.normal(size=(30, 30)), 0
    while True:
        if random.random() < 0.02:
            y = int(random.integers(30))
        x = np.exp(0.4 * middles[y] + 0.5 * random.normal(size=30))
        yield {f"x{n}": value for n, value in enumerate(x.tolist())}, f"class {y}"


def market(seed: int) -> Iterator[Pair]:
    """Whether a price is above its mean of the last day, by the half-hour."""
    random = np.random.default_rng([4, seed])
    prices = [0.0] * 48
    for half_hour in itertools.count():
        day = math.sin(2 * math.pi * half_hour / 48)
        price = 0.9 * prices[-1] + 0.3 * day + 0.3 * random.normal()
        event = {"hour": half_hour % 48 / 2, "before": prices[-1] + 0.2 * random.normal()}
        event |= {"demand": day + 0.3 * price + 0.2 * random.normal()}
        yield event, "up" if price > np.mean(prices) else "down"
        prices = [*prices[1:], price]


def chain(seed: int) -> Iterator[Pair]:
    """Six classes, each of which follows from the last two; the column is noise."""
    random = np.random.default_rng([5, seed])
    chances = random.dirichlet([0.3] * 6, size=(6, 6))
    a = b = 0
    while True:
        a, b = b, int(random.choice(6, p=chances[a, b]))
        yield {"noise": float(random.normal())}, f"state {b}"


def parity(seed: int) -> Iterator[Pair]:
    """Whether the number of ones so far is odd."""
    random = np.random.default_rng([6, seed])
    odd = 0
    while True:
        bit = int(random.random() < 0.4)
        odd ^= bit
        yield {"bit": float(bit)}, odd


GENERATED: dict[str, Make] = {
    "categories": categories,
    "missing values": missing,
    "many classes": many,
    "market": market,
    "Markov chain": chain,
    "parity": parity,
}


def stream(name: str, seed: int, events: int) -> list[Pair]:
    """The first events of a stream, with whole numbers as floats, as all numbers are."""
    make = (BUNDLED | SYNTHETIC | GENERATED)[name]

    def plain(value: Any) -> Any:
        is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        return float(value) if is_number else value

    return [
        ({str(column): plain(value) for column, value in event.items()}, y)
        for event, y in itertools.islice(make(seed), events)
    ]
