"""Tasks of several commands each, some at a time: one that fails is told and the others go on."""

from __future__ import annotations

import queue
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mrsr.study.processes import Asked, BusyError, Ended, Events, asked_as_events, last_line, send, start

GRACE_SECONDS = 120.0
"""How long a training that was asked to stop has to save itself. Own choice, as the launchers'."""

_TICK = 2.0


@dataclass(frozen=True, slots=True)
class Stage:
    """One command of a task.

    Attributes:
      name: what it does, as `training`.
      command: the arguments of `mrsr`.
      is_done: whether there is nothing to do.
      finish: called when the command has ended with 0.
    """

    name: str
    command: tuple[str, ...]
    is_done: Callable[[], bool]
    finish: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Task:
    """Stages done one after another, with one log; begun once the task named by `after`, if any, is done."""

    name: str
    log: Path
    stages: tuple[Stage, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What is done of the tasks, by name; why the others failed, and whether the whole was asked to stop."""

    done: tuple[str, ...]
    failed: dict[str, str]
    asked: bool = False


@dataclass(slots=True)
class _Active:
    """A task at work: the stages to do, and the process of the first; None while another start's is waited for."""

    task: Task
    stages: list[Stage]
    process: subprocess.Popen[bytes] | None = None
    told: bool = False
    began: float = field(default_factory=time.monotonic)


class Runner:
    """Does tasks, `jobs` at a time, in order."""

    def __init__(
        self, jobs: int, say: Callable[[str], None], tick: Callable[[Sequence[str]], None] | None = None
    ) -> None:
        """Takes how many at a time, where lines go, and what is called every few seconds with the tasks at work."""
        self._jobs, self._say, self._tick = jobs, say, tick
        self._events: Events = queue.SimpleQueue()
        self._active: dict[str, _Active] = {}
        self._done: list[str] = []
        self._failed: dict[str, str] = {}

    def run(self, tasks: Sequence[Task]) -> Result:
        """Does the tasks; returns when all have ended, or those at work have, after a signal.

        SIGTERM and Ctrl-C are passed on: a training saves itself. A second one ends the processes at once, as does the
        end of `GRACE_SECONDS`.
        """
        with asked_as_events(self._events):
            try:
                return self._run(list(tasks))
            finally:
                # None is left at work where something went wrong here: a full disk, a bug.
                for active in self._active.values():
                    if active.process is not None:
                        send(active.process, signal.SIGTERM)

    def _run(self, waiting: list[Task]) -> Result:
        while waiting or self._active:
            waiting = self._begin(waiting)
            try:
                event = self._events.get(timeout=_TICK) if self._active else None
            except queue.Empty:
                if self._tick:
                    self._tick(list(self._active))
                self._try_busy()
                continue
            if isinstance(event, Ended):
                self._ended(event)
            elif isinstance(event, Asked):
                self._stop()
                return Result(tuple(self._done), self._failed, asked=True)
        return Result(tuple(self._done), self._failed)

    def _begin(self, waiting: list[Task]) -> list[Task]:
        """Begins as many tasks as may run; returns those that still wait."""
        left = []
        for task in waiting:
            if task.after in self._failed:
                self._fail(task.name, f"{task.after} failed, whose network it measures")
            elif len(self._active) >= self._jobs or (task.after and task.after not in self._done):
                left.append(task)
            else:
                active = self._active[task.name] = _Active(task, list(task.stages))
                self._next(active)
        return left

    def _next(self, active: _Active) -> None:
        """Starts the next stage that is not done, or ends the task."""
        task = active.task
        while active.stages and active.stages[0].is_done():
            active.stages.pop(0)
        if not active.stages:
            del self._active[task.name]
            self._done.append(task.name)
            return
        stage = active.stages[0]
        active.process = None
        try:
            active.process = start(task.name, stage.command, task.log, self._events)
        except BusyError:
            if not active.told:
                self._say(f"{task.name}: a process of an earlier start is at work on it; waiting for its end")
            active.told = True
            return
        active.began = time.monotonic()
        self._say(f"{task.name}: {stage.name}")

    def _try_busy(self) -> None:
        for active in list(self._active.values()):
            if active.process is None:
                self._next(active)

    def _ended(self, event: Ended) -> None:
        active = self._active[event.name]
        stage = active.stages[0]
        if event.status == 0:
            stage.finish()
            active.stages.pop(0)
            self._say(f"{event.name}: {stage.name} done in {(time.monotonic() - active.began) / 60:.1f} min")
            self._next(active)
            return
        del self._active[event.name]
        how = f"was ended by {signal.Signals(-event.status).name}" if event.status < 0 else f"status {event.status}"
        self._fail(event.name, f"{stage.name}: {how}: {last_line(active.task.log)}")

    def _fail(self, name: str, why: str) -> None:
        self._failed[name] = why
        self._say(f"{name}: failed: {why}")

    def _stop(self) -> None:
        """Has the processes end; returns when they have."""
        running = {name: active.process for name, active in self._active.items() if active.process is not None}
        self._say(f"asked to stop: {', '.join(running) or 'nothing'} at work")
        for process in running.values():
            send(process, signal.SIGTERM)
        last = time.monotonic() + GRACE_SECONDS
        while running:
            try:
                event = self._events.get(timeout=max(0.0, last - time.monotonic()))
            except queue.Empty:
                event = Asked(signal.SIGTERM)
            if isinstance(event, Ended):
                running.pop(event.name, None)
                continue
            for process in running.values():
                send(process, signal.SIGKILL)
            last = time.monotonic() + GRACE_SECONDS
