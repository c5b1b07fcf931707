"""What a model says of itself without any work: its targets, and what it has counted."""

from __future__ import annotations

from lethe.model.engine import Engine
from lethe.model.parameters import Parameters, Task
from lethe.model.predictor import Predictor

__all__ = ["Counted"]


class Counted:
    """The properties of a `Model` that are read as they stand."""

    _engine: Engine

    @property
    def parameters(self) -> Parameters:
        """What it was made with."""
        return self._engine.parameters

    @property
    def task(self) -> Task:
        """What a target is: "regression", "classification" or "symbols"."""
        return self.parameters.task

    @property
    def horizon(self) -> int:
        """Events ahead that are predicted."""
        return self.parameters.horizon

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns that are predicted; without a `target`, as far as events have shown them."""
        if self.task == "regression" and self._seeing is not None:
            return self._seeing.targets
        return self.parameters.target

    @property
    def events(self) -> int:
        """Events taken in."""
        return 0 if self._predictor is None else self._predictor.stream.events

    @property
    def skipped(self) -> int:
        """Events left out by ``bad="skip"``."""
        later = 0 if self._predictor is None else self._predictor.stream.skipped
        return self._engine.skipped_first + later

    @property
    def missed(self) -> int:
        """Targets that arrived too late or not at all."""
        return 0 if self._predictor is None else self._predictor.stream.missed

    @property
    def following(self) -> bool:
        """Whether it has followed, and so does not learn again."""
        return self._engine.is_following

    @property
    def waiting(self) -> int:
        """Events that wait for a target which may come late."""
        predictor = self._predictor
        return 0 if self.horizon or predictor is None else predictor.stream.pending_count

    @property
    def size(self) -> int:
        """Bytes of the numeric state; 0 before the first event."""
        return 0 if self._predictor is None else self._predictor.stream.size

    @property
    def _predictor(self) -> Predictor | None:
        return self._engine.predictor

    @property
    def _seeing(self) -> Predictor | None:
        """The same, once there is something that it predicts."""
        return None if self._engine.is_blind else self._engine.predictor
