"""Tables of trials that end at once, and records without what differs from run to run."""

from __future__ import annotations

import json
from dataclasses import replace

from lethe.experiments.tables import cerg

#: The rows of Table 2 with shorter tests.
TINY = {
    name: replace(row, trial=replace(row.trial, test_streams=2)) for name, row in cerg.ROWS.items()
}


def objects(text: str) -> list[dict[str, object]]:
    """The JSON object of each line."""
    return [json.loads(line) for line in text.splitlines()]


def without_seconds(record: dict[str, object]) -> dict[str, object]:
    """A record without its times."""
    return {name: value for name, value in record.items() if "seconds" not in name}


def same(record: dict[str, object]) -> str:
    """A record as one line to compare."""
    return json.dumps(without_seconds(record), sort_keys=True)
