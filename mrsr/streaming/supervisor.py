"""Keeps one stream worker's process on this machine: starts it, starts it again when it dies or hangs, and stops it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from mrsr.streaming.channel import RemoteWorker
from mrsr.streaming.starting import WorkerStart

_LOG = logging.getLogger(__name__)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 10.0
# A worker that lived so long had started well: the next wait is short again.
_WELL_S = 60.0
_STOP_S = 3.0
# Without a connection for so long it hangs; while it starts its imports hold the interpreter.
_HANGS_S, _STARTS_S = 6.0, 180.0
_LOOK_S = 0.5
_BAD_INPUT = 2
MODULE = "mrsr.streaming.worker_main"
ALLOCATOR = {"MALLOC_ARENA_MAX": "2"}
"""Of a worker's environment: each of its threads would have an arena of glibc's, as large as it ever was."""


class Supervisor(AbstractAsyncContextManager["Supervisor"]):
    """A worker's process, once `begin` was called, and the channel to it, for the time of `async with`.

    Attributes:
      worker: asked by the gateway; not ready while the process starts.
      restarts: how often the process was started again.
      refused: done when the worker cannot be what was asked (status 2); it has said why on stderr.
    """

    def __init__(self, start: WorkerStart, command: Sequence[str] = (sys.executable, "-m", MODULE)) -> None:
        """A process that is not there yet.

        Args:
          start: what it is told.
          command: what is run, followed by `--channel ADDRESS`.
        """
        self._start, self._command = start, tuple(command)
        self._address = f"@mrsr-{secrets.token_hex(16)}"
        self.worker = RemoteWorker(self._address)
        self.restarts = 0
        self._process: Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Supervisor:
        self.refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self.worker.__aenter__()
        return self

    def begin(self) -> None:
        """Starts the process, and from here on whenever it is not there."""
        self._keeping = asyncio.create_task(self._keep())

    async def __aexit__(self, *_: object) -> None:
        """Stops the process: by SIGTERM, and where that does not end it in time, by SIGKILL."""
        await self.worker.__aexit__(None, None, None)
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    @property
    def pid(self) -> int | None:
        """The process' number while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def _keep(self) -> None:
        """Runs the process, again and again, until it refuses."""
        wait = _FIRST_WAIT_S
        while True:
            began = time.monotonic()
            try:
                status = await self._run()
                why = f"ended with {_words(status)}"
            except OSError as error:
                # The machine has no process, memory or descriptor to spare: that passes.
                status, why = 1, f"could not be started: {error.strerror or error}"
            if status == _BAD_INPUT:
                self.refused.set_result(None)
                return
            if time.monotonic() - began > _WELL_S:
                wait = _FIRST_WAIT_S
            _LOG.error("the worker %s, it is started again in %g s", why, wait)
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_S)
            self.restarts += 1
            # People wait: they get bicubic until what they want is made.
            self._start = replace(self._start, settings=replace(self._start.settings, prepare=False))

    async def _run(self) -> int:
        """The status of one life of the process. It never outlives this call."""
        command = [*self._command, "--channel", self._address]
        # A session of its own: Ctrl-C in the terminal is told to it by us.
        self._process = process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, start_new_session=True, env=ALLOCATOR | dict(os.environ)
        )
        _LOG.debug("the worker is process %d", process.pid)
        watching = asyncio.create_task(self._watch(process))
        try:
            assert process.stdin is not None
            with contextlib.suppress(ConnectionError):
                process.stdin.write(self._start.line())
                await process.stdin.drain()
            # Its input stays open: where it ends the worker ends.
            return await process.wait()
        finally:
            watching.cancel()
            await _ended(process)

    async def _watch(self, process: Process) -> None:
        """Kills a process that hangs."""
        began, was_there = time.monotonic(), False
        while True:
            await asyncio.sleep(_LOOK_S)
            lost = self.worker.lost_seconds
            was_there = was_there or lost == 0
            silent = lost if was_there else time.monotonic() - began
            if silent > (_HANGS_S if was_there else _STARTS_S):
                _LOG.error("the worker has not answered for %.0f s, it is killed", silent)
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                return


async def _ended(process: Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        _LOG.warning("the worker did not end within %g s, it is killed", _STOP_S)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _words(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
