"""A training run in a process of its own: `training_process.py PHASE WORKDIR [SIGNAL STEP]`.

PHASE is one of `phases.PHASES`.

The signal is sent when the batch of STEP is brought, which happens while a step before it runs: step STEP - 1 at most,
STEP - 2 at least.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

from phases import clips_of, config_of
from small import batches_of

from mrsr.remote import as_path
from mrsr.train.loop import train


def batches(phase: str, number: signal.Signals | None, last: int, start: int) -> Iterator[Any]:
    """The batches of the embedded sample; the process signals itself before the one of step `last`."""
    made = batches_of(config_of(phase), start)
    try:
        for index, batch in enumerate(made, start):
            if number and index == last:
                os.kill(os.getpid(), number)
            yield batch
    finally:
        made.close()


if __name__ == "__main__":
    phase, workdir, *ending = sys.argv[1:]
    number, last = (signal.Signals[ending[0]], int(ending[1])) if ending else (None, 0)
    held_out, guarded = clips_of(phase)
    made = lambda start: batches(phase, number, last, start)  # noqa: E731
    outcome = train(config_of(phase), as_path(workdir), made, held_out, guarded=guarded)
    sys.exit(outcome.status)
