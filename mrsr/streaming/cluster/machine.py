"""What Ray runs beside an accelerator: it starts the stream worker's process there, again when it dies, and says where.

The worker has a process of its own: WebRTC's event loop and the engine share it with nothing of Ray's, and when the
worker crashes it is back before Ray would have noticed. When this actor dies its process goes with it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

from mrsr.errors import UserError
from mrsr.streaming.cluster.places import Place
from mrsr.streaming.starting import WorkerStart
from mrsr.streaming.supervisor import ALLOCATOR, MODULE

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 8.0
# A worker that lived so long had started well.
_WELL_S = 60.0
# After so many bad starts in a row the machine may be at fault: Ray starts this actor again, on any.
_TRIES = 8
_STOP_S = 2.0
_BAD_INPUT = 2


class Machine:
    """The actor: it has a place as long as its worker's process runs."""

    def __init__(self, start: WorkerStart, module: str = MODULE) -> None:
        """An actor that starts its worker at once.

        Args:
          start: what the worker is told; it travels here through Ray alone.
          module: run with `--channel HOST:PORT`.
        """
        import ray

        self._start, self._module = start, module
        host = ray.util.get_node_ip_address()
        self._node = f"{host} ({ray.get_runtime_context().get_node_id()[:8]})"
        self._address = f"{host}:{_free_port(host)}"
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()
        self._said, self._refused = "", False
        # The kernel ends the process with the thread that started it: this one lasts.
        threading.Thread(target=self._keep, daemon=True).start()

    def place(self) -> Place | None:
        """Where the worker's process listens; None while it is being started again.

        Raises:
          UserError: the worker cannot be what was asked; its reason.
        """
        if self._refused:
            raise UserError(self._said or "the worker refused to start")
        process = self._process
        if process is None or process.poll() is not None:
            return None
        return Place(self._address, self._start.settings.most_streams, self._node, process.pid)

    def restart(self) -> None:
        """Kills a worker that hangs; it is started again."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """Lets the worker close its connections, for 2 s; it is not started again."""
        self._stopped.set()
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_S)

    def _keep(self) -> None:
        """Starts the process whenever it is not there."""
        wait, bad = _FIRST_WAIT_S, 0
        while bad < _TRIES:
            began = time.monotonic()
            try:
                status = self._run()
                why = f"ended with {status}"
            except OSError as error:
                # The machine has no process, memory or descriptor to spare: that passes, or Ray finds another.
                status, why = 1, f"could not be started: {error.strerror or error}"
            if status == _BAD_INPUT:
                self._refused = True
                return
            if time.monotonic() - began > _WELL_S:
                bad, wait = 0, _FIRST_WAIT_S
            print(f"the worker {why}, it is started again in {wait:g} s", file=sys.stderr, flush=True)
            if self._stopped.wait(wait):
                return
            # People wait: they get bicubic until what they want is made.
            self._start = replace(self._start, settings=replace(self._start.settings, prepare=False))
            bad, wait = bad + 1, min(2 * wait, _LONGEST_WAIT_S)
        os._exit(1)

    def _run(self) -> int:
        """The status of one life of the process, whose log becomes ours."""
        # Ray limits numeric libraries to the CPUs it gave out; the worker's own setting says how many it takes.
        own = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        command = [sys.executable, "-m", self._module, "--channel", self._address]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, env=ALLOCATOR | own, stdin=pipe, stderr=pipe) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            self._process = process
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(self._start.line())
                process.stdin.flush()
            # Its input stays open: where it ends the worker ends.
            for line in process.stderr:
                said = line.decode(errors="replace").rstrip()
                self._said = said.strip()[:300] or self._said
                print(said, file=sys.stderr, flush=True)
            return process.wait()


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        taken.bind((host, 0))
        return int(taken.getsockname()[1])
