"""Saves without a pause until it is killed, once a line of the input: `saving_process.py FOLDER`.

A line is `NAME timer SECONDS` (killed that long after the first save began) or `NAME seal STEP` (killed when the
checksums of a step are about to be written, which is after Orbax's commit). FOLDER/NAME is then the run folder, and
its file `said` has a line for every step whose save returned: the steps before the last of these are on disk.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mrsr.checkpoint import Store
from mrsr.checkpoint.checksums import SUMS

SAID = "said"


def items(step: int) -> tuple[Any, Any]:
    """What is saved under a step: a few hundred bytes that no other step has."""
    rng = np.random.default_rng(step)
    draw = lambda *shape: rng.standard_normal(shape).astype(np.float32)  # noqa: E731
    model = {"params": {"kernel": draw(3, 3, 4), "bias": draw(4)}, "ema_params": {"kernel": draw(3, 3, 4)}}
    return model, {"step": np.int32(step), "opt_state": {"mu": draw(3, 3, 4), "count": np.int32(step)}}


def abstract_items() -> tuple[Any, Any]:
    """The shapes of it."""
    sharding = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    leaf = lambda value: jax.ShapeDtypeStruct(value.shape, value.dtype, sharding=sharding)  # noqa: E731
    return jax.tree.map(leaf, items(0))


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def save_until_killed(workdir: Path, how: str, moment: str) -> None:
    workdir.mkdir()
    said = os.open(workdir / SAID, os.O_CREAT | os.O_WRONLY)
    step = 0

    def at_seal(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and SUMS in str(args[0]) and f"/{moment}/" in str(args[0]):
            die()

    if how == "seal":
        sys.addaudithook(at_seal)
    else:
        threading.Timer(float(moment), die).start()
    with Store(workdir) as store:
        while True:
            step += 1
            store.save(step, *items(step))
            os.write(said, f"{step}\n".encode())


if __name__ == "__main__":
    for line in sys.stdin:
        name, how, moment = line.split()
        # A fork, so that the seconds of importing are spent once. JAX warns of it, but has not started anything yet.
        child = os.fork()
        if child == 0:
            save_until_killed(Path(sys.argv[1]) / name, how, moment)
        _, status = os.waitpid(child, 0)
        print(name, os.waitstatus_to_exitcode(status), flush=True)
