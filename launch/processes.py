"""One start of a job's processes on this machine: numbered output, and an end of all when one dies."""

from __future__ import annotations

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from mrsr.errors import UserError
from mrsr.train.hosts import COORDINATOR, PROCESS_COUNT, PROCESS_ID
from mrsr.train.preemption import PREEMPTED

_DEVICES = "--xla_force_host_platform_device_count"


@dataclass(frozen=True, slots=True)
class Job:
    """A command, how many processes of it, virtual CPU devices each, and how long (s) the rest has when one dies."""

    command: tuple[str, ...]
    processes: int
    devices: int
    grace: float = 20.0


@dataclass(frozen=True, slots=True)
class Event:
    """Process `index` ended with `status`; or, without an index, a signal of number `status` is to be passed on."""

    index: int | None
    status: int


def environment(job: Job, port: int, index: int, base: Mapping[str, str]) -> dict[str, str]:
    """The environment of process `index`: `base`, its place in the job, and its virtual CPU devices."""
    flags = re.sub(rf"{_DEVICES}=\S*\s*", "", base.get("XLA_FLAGS", "")).strip()
    return {
        **base,
        COORDINATOR: f"127.0.0.1:{port}",
        PROCESS_ID: str(index),
        PROCESS_COUNT: str(job.processes),
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"{flags} {_DEVICES}={job.devices}".strip(),
        "PYTHONUNBUFFERED": "1",
    }


def run_once(job: Job, events: queue.SimpleQueue[Event]) -> int:
    """Starts the processes and waits for them all; nothing of them is left when it returns.

    When one ends badly the others are asked to end (SIGTERM), and `job.grace` seconds later made to. When one ends
    preempted (75) they are left to save for `job.grace` seconds before that.

    Returns:
      The status of the first process to end otherwise than with 0, 128 + N for one ended by signal N; else 0.

    Raises:
      UserError: the command is not a program here.
    """
    running: dict[int, subprocess.Popen[bytes]] = {}
    threads: list[threading.Thread] = []
    port = _free_port()
    try:
        for index in range(job.processes):
            running[index] = process = _start(job.command, environment(job, port, index, os.environ))
            forward = threading.Thread(target=_forward, args=(index, process), daemon=True)
            watch = threading.Thread(target=_watch, args=(index, process, forward, events), daemon=True)
            forward.start()
            watch.start()
            threads += [forward, watch]
        return _wait(job.grace, running, events)
    finally:
        _signal(running, signal.SIGKILL)
        for thread in threads:
            thread.join(timeout=5)


def say(line: str) -> None:
    """Prints a line of the launcher's own among those of the processes."""
    _print(f"launch: {line}")


def _start(command: tuple[str, ...], variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        # A session of its own: Ctrl-C on the terminal reaches it once, from here; what it started ends with it.
        return subprocess.Popen(
            command,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise UserError(f"command {command[0]}: {error.strerror}; expected a program") from error


def _forward(index: int, process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            _print(f"[{index}] {line.decode(errors='replace').rstrip()}")


def _watch(
    index: int, process: subprocess.Popen[bytes], forward: threading.Thread, events: queue.SimpleQueue[Event]
) -> None:
    status = process.wait()
    # Its last words come before the word of its end, unless what it started keeps the pipe open.
    forward.join(timeout=1)
    events.put(Event(index, status))


def _wait(grace: float, running: dict[int, subprocess.Popen[bytes]], events: queue.SimpleQueue[Event]) -> int:
    first = 0
    due: list[tuple[float, int]] = []
    while running:
        try:
            event = events.get(timeout=max(0.0, due[0][0] - time.monotonic()) if due else None)
        except queue.Empty:
            _signal(running, due.pop(0)[1])
            continue
        if event.index is None:
            _signal(running, event.status)
            continue
        _signal({0: running.pop(event.index)}, signal.SIGKILL)
        if first or event.status == 0:
            continue
        first = event.status if event.status > 0 else 128 - event.status
        ask, force = time.monotonic() + grace, time.monotonic() + 2 * grace
        if first == PREEMPTED:
            # It told the others through JAX: they are saving too, and a signal more could only disturb.
            due = [(ask, signal.SIGTERM), (force, signal.SIGKILL)]
            continue
        rest = f"; ending {', '.join(map(str, running))} too" if running else ""
        say(f"process {event.index} {_ended(event.status)}{rest}")
        _signal(running, signal.SIGTERM)
        due = [(ask, signal.SIGKILL)]
    return first


def _signal(running: Mapping[int, subprocess.Popen[bytes]], number: int) -> None:
    """Sends a signal to the processes that are still there; SIGKILL also to all that they started."""
    for process in running.values():
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)


def _ended(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
