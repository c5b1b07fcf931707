"""How a model reads each column, in a line for the start of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lethe.cli._support.printable import printable
from lethe.model import Model

__all__ = ["understood_columns", "understood_line"]

SHOWN = 20  # columns


def understood_columns(model: Model, columns: Sequence[str] = ()) -> dict[str, list[str]]:
    """The roles of each column: "number", "category", "time", "target", "no value yet".

    Parameters
    ----------
    model : Model
        That has learned from an event.
    columns : sequence of str
        Of the source, in the order in which they are to come; others follow.
    """
    found: dict[str, list[str]] = {}
    configuration = model.configuration()
    roles: dict[str, Iterable[str]] = {
        "number": configuration["numbers"],
        "category": configuration["categories"],
        "time": [configuration["time"]] if configuration["time"] else [],
        "no value yet": configuration["never_seen"],
    }
    for role, names in roles.items():
        for name in names:
            found.setdefault(name, []).append(role)
    for name in model.targets:
        kinds = found.setdefault(name, [])
        if not kinds or kinds == ["no value yet"]:
            found[name] = kinds = ["category" if model.task == "classification" else "number"]
        kinds.append("target")
    order = {name: n for n, name in enumerate(columns)}
    return dict(sorted(found.items(), key=lambda item: order.get(item[0], len(order))))


def understood_line(columns: Mapping[str, Sequence[str]], kinds: Mapping[str, str]) -> str:
    """The same in a line: ``flow: number, target · pump: category · time: time``.

    Parameters
    ----------
    columns : mapping of str to sequence of str
        As `understood_columns` gives them.
    kinds : mapping of str to str
        What the source holds in each; a reason follows after a comma, and is shown.
    """
    words = []
    for name, roles in columns.items():
        reason = f" ({kinds[name]})" if kinds.get(name, "").startswith("text, ") else ""
        words.append(f"{printable(name)}: {', '.join(roles)}{printable(reason)}")
    more = f" · and {len(words) - SHOWN:,} more columns" if len(words) > SHOWN else ""
    return " · ".join(words[:SHOWN]) + more
