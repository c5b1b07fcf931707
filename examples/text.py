"""Next symbol: learn a text as it streams by, then generate more with the model.

Run: python examples/text.py
"""

import math

import numpy as np

import lethe
from lethe.data import topics

text = topics()[:20_000].decode(errors="replace")
model = lethe.Model(task="symbols", cells=48)
bits = 0.0
for symbol in text:
    prediction = model.predict()  # of each symbol seen so far, and of a new one
    bits -= math.log2(prediction.probabilities.get(symbol, prediction.new / 0x110000))
    model.learn(symbol)
print(f"{bits / len(text):.2f} bits per symbol over {len(text):,} symbols, each seen once")

generator = np.random.default_rng(1)
written = ""
for _ in range(200):
    probabilities = model.predict().probabilities
    weights = np.array(list(probabilities.values())) ** 1.5  # a little more cautious than the model
    written += generator.choice(list(probabilities), p=weights / weights.sum())
    model.follow(written[-1])  # continues from its own symbol, without learning from it
print(repr(written))
