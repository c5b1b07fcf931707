"""Settings of the property tests."""

import os
import signal

from hypothesis import settings

# Elsewhere each run draws new examples. A check that decides about a change draws the same ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

# A shell starts what runs in the background with SIGINT ignored, and so would be the commands that
# tests interrupt: they would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)
