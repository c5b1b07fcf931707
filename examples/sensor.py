"""A sensor with anomalies: predict each reading, learn from it, and report anomalies.

Run: python examples/sensor.py
"""

import lethe
from lethe.data import BundledStream

stream = BundledStream("sine", rows=8_000)  # a day's cycle with noise, spikes and flat lines
model = lethe.Model("value", horizon=1)
alarms = []
error = naive = 0.0
last = None
for record in stream:
    actual = record.event["value"]
    if last is not None:
        error += abs(model.predict().value - actual)
        naive += abs(last - actual)
    report = model.learn(record.event)
    if report.anomaly > 0.999:
        alarms.append(record.number)
        print(f"row {record.number:,}: {report.anomaly:.4f}  {report.explanation}")
    last = actual

low, high = model.predict().interval(0.9)
found = len(set(alarms) & stream.anomalies)
n = model.events
print(f"\nmean absolute error {error / n:.3f}; of the last value {naive / n:.3f}")
print(f"the next reading lies between {low:.2f} and {high:.2f} nine times in ten")
print(f"{len(alarms)} alarms in {n:,} readings, {found} of them in anomalies")
