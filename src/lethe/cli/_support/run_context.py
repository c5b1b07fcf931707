"""What a run of `lethe learn` works with, whatever it learns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lethe.cli._support.learn_options import LearnArguments
from lethe.cli._support.sessions import CheckpointSession
from lethe.cli._support.signals import Signals
from lethe.cli._support.status import Status

__all__ = ["RunContext"]


class RunContext(NamedTuple):
    """The arguments of a run, and what they stand for.

    Attributes
    ----------
    args : LearnArguments
        As `lethe.cli.learn.add_arguments` declares.
    sources : sequence of str
        Read one after the other; none: the text of pydoc_data.topics.
    session : CheckpointSession
        Entered: what to continue from, and where to save.
    signals : Signals
        Entered.
    status : Status
        Says how the run goes.
    """

    args: LearnArguments
    sources: Sequence[str]
    session: CheckpointSession
    signals: Signals
    status: Status
