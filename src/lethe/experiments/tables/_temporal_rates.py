"""The rates of `temporal_credit`."""

from collections import defaultdict

CHAIN_RATES = defaultdict(lambda: 0.01)
SIGNAL_RATES = defaultdict(lambda: defaultdict(lambda: 0.01))
