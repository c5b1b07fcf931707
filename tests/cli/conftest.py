"""What the tests of several commands share."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.tiny_table import TINY

from lethe.experiments.tables import cerg


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that end at once."""
    monkeypatch.setattr(cerg, "ROWS", TINY)
    limits = {"training_streams": 20, "stream_length": 150}
    monkeypatch.setattr(cerg, "SHORT", replace(cerg.SHORT, trials=2, limits=limits))
    limits = {"training_streams": 30, "stream_length": 200}
    monkeypatch.setattr(cerg, "FULL", replace(cerg.FULL, trials=2, limits=limits))
