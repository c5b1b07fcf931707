"""Settings of the property tests."""

import os

from hypothesis import settings

# Elsewhere each run draws new examples. A check that decides about a change draws the same ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
