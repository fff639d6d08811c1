"""The processes of one job: which of how many this one is, and how they join into one JAX runtime."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from mrsr.errors import RunError, UserError, status_of
from mrsr.train.rollcall import answer_roll, call_roll
from mrsr.train.watch import Watch

COORDINATOR = "MRSR_COORDINATOR"
"""Environment variable: HOST:PORT of process 0, as every process reaches it."""

PROCESS_ID = "MRSR_PROCESS_ID"
"""Environment variable: the number of this process, from 0."""

PROCESS_COUNT = "MRSR_PROCESS_COUNT"
"""Environment variable: how many processes the job has."""

JOIN_SECONDS = 300.0
"""How long the processes wait for one another: machines of a cluster start, and fetch the image, minutes apart."""

HEARTBEAT_SECONDS = 30
"""A process that JAX has not heard of for so long hangs: it aborts the others. Own choice: half the minute promised."""


@dataclass(frozen=True, slots=True)
class Place:
    """One process's place in a job of several: where process 0 is, this one's number, how many there are."""

    host: str
    port: int
    index: int
    count: int


def place(environment: Mapping[str, str] | None = None) -> Place | None:
    """This process's place, from the environment; None where the three variables are not set: a job of one process.

    Raises:
      UserError: some of the variables are set and others not, or a value is not what it should be.
    """
    values = os.environ if environment is None else environment
    names = (COORDINATOR, PROCESS_ID, PROCESS_COUNT)
    missing = [name for name in names if not values.get(name)]
    if len(missing) == len(names):
        return None
    if missing:
        raise UserError(f"{missing[0]} is not set: expected all of {', '.join(names)}, or none")
    count = _number(PROCESS_COUNT, values[PROCESS_COUNT], 1, None)
    index = _number(PROCESS_ID, values[PROCESS_ID], 0, count - 1)
    host, _, port = values[COORDINATOR].rpartition(":")
    if not host.strip("[]") or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UserError(f"{COORDINATOR}={values[COORDINATOR]}: expected HOST:PORT, such as 10.0.0.2:8476")
    return Place(host.strip("[]"), int(port), index, count)


def hosts() -> tuple[int, int]:
    """This process's number and how many the job has: (0, 1) for a process on its own.

    Raises:
      UserError: the environment names a place that cannot be.
    """
    found = place()
    return (0, 1) if found is None else (found.index, found.count)


@contextmanager
def joined(seconds: float = JOIN_SECONDS) -> Iterator[tuple[int, int]]:
    """One JAX runtime of the job's processes while the block runs, as `hosts()`; to be entered before JAX is used.

    The processes are counted first, over a connection of their own: `jax.distributed` ends a process that waited in
    vain with an abort that names nobody. Over the same connections (`watch.py`) each hears of the others' end. An
    error that leaves the block is told to the others, which end with it in one line; this process then ends without
    JAX's shutdown, which would wait for them.

    Args:
      seconds: how long to wait for the others, at most (twice that, where they meet and JAX then fails).

    Raises:
      UserError: the environment names a place that cannot be.
      RunError: not all came: the missing are named, in every process that came.
    """
    found = place()
    if found is None or found.count == 1:
        yield (0, 1)
        return
    if found.index == 0:
        lines = call_roll(found.port, found.count, seconds)
    else:
        lines = {0: answer_roll(found.host, found.port, found.index, found.count, seconds)}
    watch = Watch(found.index, found.count, lines)
    try:
        _start_jax(found, seconds)
        yield (found.index, found.count)
    except BaseException as error:
        known = isinstance(error, (UserError, RunError, KeyboardInterrupt))
        watch.fail(str(error) or type(error).__name__, known)
        atexit.register(_end, status_of(error))
        raise
    watch.leave()


def _start_jax(found: Place, seconds: float) -> None:
    import jax

    host = f"[{found.host}]" if ":" in found.host else found.host
    jax.distributed.initialize(
        f"{host}:{found.port}",
        num_processes=found.count,
        process_id=found.index,
        cluster_detection_method="deactivate",
        initialization_timeout=max(1, round(seconds)),
        heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
    )


def _end(status: int) -> None:
    """Ends the process where it is: what was registered to run at exit before this, such as JAX's shutdown, is left."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _number(name: str, text: str, least: int, most: int | None) -> int:
    """The whole number that a variable holds, refused outside its range."""
    if text.isdecimal() and least <= int(text) and (most is None or int(text) <= most):
        return int(text)
    accepted = f"{least} or more" if most is None else f"{least} to {most} ({PROCESS_COUNT}={most + 1})"
    raise UserError(f"{name}={text}: expected a whole number, {accepted}")
