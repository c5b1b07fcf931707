"""Settings of the property tests."""

import signal

from hypothesis import settings

# The same examples in every run: what turns a test red is a change. `make fuzz` draws new ones.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("fuzz", derandomize=False, deadline=None, max_examples=1000)
settings.load_profile("ci")

# A shell starts what runs in the background with SIGINT ignored, and so would be the commands that
# tests interrupt: they would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)
