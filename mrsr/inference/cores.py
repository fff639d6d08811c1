"""How many threads a runtime on the CPU may keep busy."""

from __future__ import annotations

import os


def available_cores() -> int:
    """The cores this process may run on: fewer than the machine has in a container or under `taskset`."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
