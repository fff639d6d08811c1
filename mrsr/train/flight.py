"""Steps in flight: the next is begun before the figures of the last are read, so that no device waits for the host."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from mrsr.train.ahead import Placed
from mrsr.train.devices import unreplicate
from mrsr.train.state import TrainState
from mrsr.train.step import REFUSED

IN_FLIGHT = 1
"""Steps whose figures may be unread while the next is begun."""

Figures = dict[str, float]


class _Begun(NamedTuple):
    step: int
    batch: Placed
    metrics: Any


class Flight:
    """The state of a run on the devices and the steps that are on their way.

    A step that is refused freezes the state (`train_step`), so that it is found as it was however late it is noticed.
    Then `refused` is told; where it returns, the run goes on behind that step, and those begun since are begun again.

    Attributes:
      state: replicated, as of the last step begun.
      step: the last step begun.
    """

    def __init__(
        self,
        state: TrainState,
        step: int,
        one_step: Callable[[TrainState, Any], tuple[TrainState, Any]],
        release: Callable[[TrainState], TrainState],
        landed: Callable[[int, Figures], None],
        refused: Callable[[int, Figures, Placed, TrainState], None],
    ) -> None:
        """Takes over a replicated state.

        Args:
          state: after `step` steps.
          step: those done.
          one_step: the training step over the devices.
          release: `mrsr.train.state.released` over the devices.
          landed: called with every step and its figures, in order.
          refused: called with a step that was refused, its figures, its batch and the frozen state; raises to end the
            run.
        """
        self.state, self.step = state, step
        self._one_step, self._release = one_step, release
        self._landed, self._refused = landed, refused
        self._begun: deque[_Begun] = deque()

    def begin(self, batch: Placed) -> None:
        """Begins the next step, and lands those that have been in flight for long enough."""
        self.step += 1
        self._begin(self.step, batch)
        self._land(IN_FLIGHT)

    def land(self) -> None:
        """Lands all that is in flight: `state` is then sound, after `step` steps."""
        self._land(0)

    def _begin(self, step: int, batch: Placed) -> None:
        self.state, metrics = self._one_step(self.state, batch.devices)
        self._begun.append(_Begun(step, batch, metrics))

    def _land(self, left: int) -> None:
        while len(self._begun) > left:
            step, batch, metrics = self._begun.popleft()
            figures = {name: float(value) for name, value in unreplicate(metrics).items()}
            if not figures.pop(REFUSED):
                self._landed(step, figures)
                continue
            self._refused(step, figures, batch, self.state)
            again, self._begun = self._begun, deque()
            self.state = self._release(self.state)
            for later in again:
                self._begin(later.step, later.batch)
