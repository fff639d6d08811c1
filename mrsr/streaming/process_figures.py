"""What a process takes of its machine, by the kernel's own account."""

from __future__ import annotations

import os
import resource
import threading
from pathlib import Path
from typing import Any


def process_figures() -> dict[str, Any]:
    """Memory (MiB), threads, open descriptors and processor time (s) of this process.

    Returns:
      `pid`, `memoryMib` (resident now, on Linux; elsewhere the most it was), `threads`, `descriptors` (0 where they
      cannot be counted), `cpuS`.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        memory, descriptors = (
            pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
            sum(1 for _ in Path("/proc/self/fd").iterdir()),
        )
        threads = sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        memory, descriptors, threads = usage.ru_maxrss / 1024, 0, threading.active_count()
    return {
        "pid": os.getpid(),
        "memoryMib": round(memory, 1),
        "threads": threads,
        "descriptors": descriptors,
        "cpuS": round(usage.ru_utime + usage.ru_stime, 2),
    }
