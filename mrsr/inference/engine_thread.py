"""The engine in a thread of its own, for servers: it ticks as long as there is work, and sleeps where there is none."""

from __future__ import annotations

import threading
from types import TracebackType

from mrsr.inference.engine import Engine

# How long a thread without work waits before it looks whether it is to end, s.
_NAP = 0.1


class EngineThread:
    """Ticks an engine between `with` and its end; whoever offers frames never waits for it.

    Results and events come in this thread, so what they call must be short; what they raise is logged (`Outlet`). An
    error of the engine itself ends the thread, shows in `error`, and is raised where the `with` ends; the frames of
    that round are dropped, not lost.

    Attributes:
      error: what ended the thread, None while it runs or where nothing did.
    """

    def __init__(self, engine: Engine) -> None:
        self.error: BaseException | None = None
        self._engine = engine
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    @property
    def running(self) -> bool:
        """Whether it ticks."""
        return self._thread.is_alive()

    def __enter__(self) -> EngineThread:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        if self.error is not None and error is None:
            raise self.error

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                if self._engine.wait(_NAP):
                    self._engine.tick()
        except BaseException as error:  # Raised again by whoever ends the thread.
            self.error = error
