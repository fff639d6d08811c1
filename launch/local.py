"""Several processes of one command on this machine, each with its number as a host has, and virtual CPU devices."""

from __future__ import annotations

import queue
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from launch.command import guarded, parser_of, positive
from launch.processes import Event, Job, run_once, say
from mrsr.train.preemption import PREEMPTED


def launch(job: Job, restarts: int | None = None) -> int:
    """Runs the job to its end, from the start again whenever it ends preempted; returns its exit status.

    SIGTERM and Ctrl-C are passed on to every process, and what they end with is then the end.

    Args:
      job: what to run.
      restarts: how often at most it is started again; None, and there is no limit.

    Raises:
      UserError: the command is not a program here.
    """
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    done = 0
    with _signals(events) as asked:
        while True:
            status = run_once(job, events)
            if status != PREEMPTED or asked.is_set() or (restarts is not None and done >= restarts):
                return status
            done += 1
            say(f"preempted (status {PREEMPTED}): start {done + 1}")


@contextmanager
def _signals(events: queue.SimpleQueue[Event]) -> Iterator[threading.Event]:
    """Makes events of SIGTERM and Ctrl-C while the block runs; the value is set once one came."""
    asked = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        asked.set()
        events.put(Event(None, number))

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: `python -m launch.local --processes N --devices M -- COMMAND`."""
    parser = parser_of("local", __doc__)
    parser.add_argument("--processes", type=positive, default=2, metavar="N", help="processes (default 2)")
    parser.add_argument("--devices", type=positive, default=1, metavar="M", help="virtual CPU devices each (default 1)")
    parser.add_argument("--restarts", type=int, metavar="R", help="most restarts after status 75 (default: no limit)")
    parser.add_argument("--grace", type=float, default=20.0, metavar="S", help="seconds to end in (default 20)")

    def work(own: list[str], command: list[str]) -> int:
        args = parser.parse_args(own)
        return launch(Job(tuple(command), args.processes, args.devices, args.grace), args.restarts)

    return guarded(arguments, work)


if __name__ == "__main__":
    sys.exit(main())
