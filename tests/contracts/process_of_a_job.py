"""One process of a training job, started by `launch.local`: `process_of_a_job.py WORKDIR STEPS [options]`.

`--signal SIGTERM` goes to the launcher, which passes it on; `--signal SIGKILL` to the process itself. Process `--who`
sends it, when it is brought the batch of step `--at`, or where that is negative before it has begun with the run.
With `--apart` each has a folder of its number in WORKDIR, as on a disk that the machines do not share.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from small import leaves, lively, two_rungs

from data_pipelines.loader import training_batches
from data_pipelines.sources import open_sources
from mrsr.train.agreement import introduce
from mrsr.train.devices import over_devices, replicate, shard, unreplicate
from mrsr.train.hosts import joined
from mrsr.train.loop import train
from mrsr.train.state import init_state
from mrsr.train.step import AXIS, gradients


def write_gradients(config: Any, batch: Any, file: Path) -> None:
    """Writes the raw gradients of a batch as this process has them, at parameters that are not at their start."""
    introduce()
    params = lively(init_state(config).params)
    found, _ = over_devices(partial(gradients, config, panel=None, axis=AXIS))(replicate(params), shard(batch))
    np.savez(file, **leaves(unreplicate(found.generator)))


def send(number: int) -> None:
    """Sends a signal to who is to have it."""
    os.kill(os.getpid() if number == signal.SIGKILL else os.getppid(), number)


def signalled(batches: Iterator[Any], number: int, last: int, start: int) -> Iterator[Any]:
    """The same batches; the signal is sent before the one of step `last`."""
    try:
        for index, batch in enumerate(batches, start):
            if index == last:
                send(number)
            yield batch
    finally:
        batches.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("workdir", type=Path)
    parser.add_argument("steps", type=int)
    parser.add_argument("--every", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--gradients", type=Path)
    parser.add_argument("--signal")
    parser.add_argument("--who", type=int, default=0)
    parser.add_argument("--at", type=int, default=0)
    parser.add_argument("--apart", action="store_true")
    args = parser.parse_args()
    config = two_rungs(
        steps=args.steps, batch_size=4, checkpoint_every=args.every, log_every=1, minutes=args.minutes, keep=3
    )
    with joined() as (host, hosts):
        made = partial(training_batches, config, open_sources(config.data), host=host, hosts=hosts)
        if args.gradients:
            batches = made(0)
            write_gradients(config, next(batches), args.gradients.with_suffix(f".{host}.npz"))
            batches.close()
        ending = signal.Signals[args.signal] if args.signal and host == args.who else None
        given = made if ending is None else lambda start: signalled(made(start), ending, args.at, start)
        if ending is not None and args.at < 0:
            send(ending)
        workdir = args.workdir / str(host) if args.apart else args.workdir
        outcome = train(config, workdir, given, [])
        print(f"{outcome.reason} after step {outcome.step}")
    sys.exit(outcome.status)
