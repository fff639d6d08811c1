"""A training run in a process of its own that ends in the middle: `training_process.py WORKDIR SIGNAL STEP`.

The signal is sent when the batch of STEP is asked for, so that it always falls on the same step.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from small import two_rungs

from data_pipelines.batches import training_batches
from mrsr.train.loop import train


def batches_until(number: signal.Signals, last: int, start: int) -> Iterator[Any]:
    """The batches of the embedded sample; the process signals itself before the one of step `last`."""
    made = training_batches(two_rungs(), start)
    try:
        for index, batch in enumerate(made, start):
            if index == last:
                os.kill(os.getpid(), number)
            yield batch
    finally:
        made.close()


if __name__ == "__main__":
    workdir, name, last = sys.argv[1:]
    outcome = train(two_rungs(), Path(workdir), lambda start: batches_until(signal.Signals[name], int(last), start), [])
    sys.exit(outcome.status)
