"""What the processes of a job decide together: process 0 decides and the others are told, for their clocks differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np

T = TypeVar("T")

_BYTES = 16384
"""Of what is agreed on, as JSON: a sentence with a path or two."""

PATIENCE = 600
"""Seconds the processes wait for one another: the first may compile a step for minutes that another has kept.

One that ends is heard of at once (`watch.py`).
"""

AT_EVALUATION = 24 * 3600
"""Seconds where the first may be at an evaluation while the others wait."""


def is_first() -> bool:
    """Whether this process is number 0: the one that writes the log and evaluates; on its own it is."""
    return jax.process_index() == 0


def is_alone() -> bool:
    """Whether this process is the only one of its job."""
    return jax.process_count() == 1


def meet(where: str, patience: int = PATIENCE) -> None:
    """Returns once every process of the job is here.

    The devices wait for one another as well, but those of a CPU no longer than 30 s the first time.

    Args:
      where: a name, the same on all.
      patience: seconds to wait for the others, at most.
    """
    if not is_alone():
        import orbax.checkpoint as ocp

        everyone = set(range(jax.process_count()))
        ocp.multihost.sync_global_processes(where, timeout=patience, processes=everyone)


def agreed(value: T, patience: int = PATIENCE) -> T:
    """The value that process 0 gives, on every process; each has to ask, at the same point of the run.

    Args:
      value: what JSON can hold, in 16384 bytes.
      patience: seconds to wait for the others, at most.
    """
    if is_alone():
        return value
    from jax.experimental import multihost_utils

    text = json.dumps(value).encode()
    assert len(text) <= _BYTES, text
    meet("agreement", patience)
    told: Any = multihost_utils.broadcast_one_to_all(np.frombuffer(text.ljust(_BYTES), np.uint8))
    heard: T = json.loads(bytes(np.asarray(told)))
    return heard


def decided(decide: Callable[[], T]) -> T:
    """What process 0 decides, on every process: it alone calls `decide`, while the others wait to be told.

    Args:
      decide: gives what `agreed` takes.
    """
    # The others' own value is never looked at.
    return agreed(decide() if is_first() else None)  # type: ignore[return-value]


def introduce() -> None:
    """Has the devices of all processes compute something together, so that later they may wait for one another.

    They find one another when they first compute together, and then all have to come within 30 s; a step that takes
    one process half a minute longer to compile would be the end of the job.
    """
    if not is_alone():
        meet("introduction")
        jax.pmap(lambda one: jax.lax.psum(one, "all"), axis_name="all")(np.ones(jax.local_device_count()))
