"""What the processes of a job decide together: process 0 decides and the others are told, for their clocks differ."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import jax
import numpy as np

T = TypeVar("T")

_BYTES = 1024
_PATIENCE_SECONDS = 24 * 3600
"""A process may be at an evaluation while the others wait; one that ends is heard of at once (`watch.py`)."""


def is_first() -> bool:
    """Whether this process is number 0: the one that writes the log and evaluates; on its own it is."""
    return jax.process_index() == 0


def is_alone() -> bool:
    """Whether this process is the only one of its job."""
    return jax.process_count() == 1


def meet(where: str) -> None:
    """Returns once every process of the job is here.

    The devices wait for one another as well, but those of a CPU no longer than 30 s the first time.

    Args:
      where: a name, the same on all.
    """
    if not is_alone():
        import orbax.checkpoint as ocp

        everyone = set(range(jax.process_count()))
        ocp.multihost.sync_global_processes(where, timeout=_PATIENCE_SECONDS, processes=everyone)


def agreed(value: T) -> T:
    """The value that process 0 gives, on every process; each has to ask, at the same point of the run.

    Args:
      value: what JSON can hold, in 1024 bytes.
    """
    if is_alone():
        return value
    from jax.experimental import multihost_utils

    text = json.dumps(value).encode()
    assert len(text) <= _BYTES, text
    meet("agreement")
    told: Any = multihost_utils.broadcast_one_to_all(np.frombuffer(text.ljust(_BYTES), np.uint8))
    heard: T = json.loads(bytes(np.asarray(told)))
    return heard


def introduce() -> None:
    """Has the devices of all processes compute something together, so that later they may wait for one another.

    They find one another when they first compute together, and then all have to come within 30 s; a step that takes
    one process half a minute longer to compile would be the end of the job.
    """
    if not is_alone():
        meet("introduction")
        jax.pmap(lambda one: jax.lax.psum(one, "all"), axis_name="all")(np.ones(jax.local_device_count()))
