"""Sources prepared side by side, each in one of several processes that end with the one that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import TypeVar

from mrsr.errors import RunError

Item = TypeVar("Item")
Result = TypeVar("Result")


def usable_cores() -> int:
    """How many processor cores this process may use: in a container or under a scheduler fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[tuple[int, Result]]:
    """`work` of every item with the item's number, as they come to an end; with one worker, in this process.

    `work` and the items go to other processes, so that `work` is a function of a module. Leaving the iteration early,
    as an error or Ctrl-C does, ends the processes at once.

    Raises:
      RunError: a process was killed from outside, as for lack of memory.
    """
    if workers <= 1 or len(items) <= 1:
        yield from ((index, work(item)) for index, item in enumerate(items))
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(items)), mp_context=context, initializer=_end_with_parent)
    before = set(multiprocessing.active_children())
    try:
        waiting = {pool.submit(work, item): index for index, item in enumerate(items)}
        for done in as_completed(waiting):
            yield waiting[done], done.result()
    except BrokenProcessPool:
        raise RunError("a worker process was killed (for lack of memory?); --workers 1 needs the least") from None
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _end_with_parent() -> None:
    """In a worker: Ctrl-C is for the parent to act on, and nothing is done for a parent that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
