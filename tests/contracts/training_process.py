"""A training run in a process of its own: `training_process.py WORKDIR [SIGNAL STEP]`.

The signal is sent when the batch of STEP is brought, which happens while a step before it runs: step STEP - 1 at most,
STEP - 2 at least.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from small import batches_of, two_rungs

from mrsr.train.loop import train


def batches(number: signal.Signals | None, last: int, start: int) -> Iterator[Any]:
    """The batches of the embedded sample; the process signals itself before the one of step `last`."""
    made = batches_of(two_rungs(), start)
    try:
        for index, batch in enumerate(made, start):
            if number and index == last:
                os.kill(os.getpid(), number)
            yield batch
    finally:
        made.close()


if __name__ == "__main__":
    workdir, *ending = sys.argv[1:]
    number, last = (signal.Signals[ending[0]], int(ending[1])) if ending else (None, 0)
    outcome = train(two_rungs(), Path(workdir), lambda start: batches(number, last, start), [])
    sys.exit(outcome.status)
