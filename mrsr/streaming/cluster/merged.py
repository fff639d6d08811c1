"""The statistics of many workers as those of one: sums, counters that only grow, and each worker's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

_SUMS = ("streams", "capacity", "memoryMib", "threads", "descriptors", "cpuS")
_WORDS = ("model", "runtime", "precision", "device")
_FIRST = ("warning", "rungs", "routes")


class Grown:
    """Sums of the workers' counters, which only grow here: a worker that starts again starts from 0."""

    def __init__(self) -> None:
        self._last: dict[str, Counter[str]] = {}
        self._before: Counter[str] = Counter()

    def seen(self, worker: str, counters: Mapping[str, int]) -> None:
        """A worker's counters as it gave them; one that is lower than before has begun anew."""
        last, now = self._last.get(worker, Counter()), Counter(counters)
        self._before.update({name: last[name] for name in last if now[name] < last[name]})
        self._last[worker] = now

    def gone(self, worker: str) -> None:
        """A worker will not be seen again; what it counted stays in the sums."""
        self._before.update(self._last.pop(worker, Counter()))

    @property
    def sums(self) -> dict[str, int]:
        """Each counter over all workers that ever were."""
        total = Counter(self._before)
        for counters in self._last.values():
            total.update(counters)
        return dict(total)


def merged(found: Mapping[str, Mapping[str, Any]], capacity: Mapping[str, int]) -> dict[str, Any]:
    """What `Worker.statistics` returns, for all workers; without the counters.

    Args:
      found: by worker what it said of itself, of those that answered.
      capacity: streams of each worker that takes rooms, whether it answered or not.

    Returns:
      `worker`: the sums of what is counted, what the workers are in words (`tiny` or `tiny, small`), `workers` and
        `capacity` of the cluster, and in `each` every worker's own by its name. `rooms`: those of all workers.
    """
    own = {name: dict(statistics.get("worker", {})) for name, statistics in found.items()}
    whole: dict[str, Any] = {"id": "cluster", "workers": len(capacity)}
    for name in _WORDS:
        said = sorted({str(worker[name]) for worker in own.values() if worker.get(name) is not None})
        whole[name] = ", ".join(said)
    for name in _FIRST:
        whole[name] = next((worker[name] for worker in own.values() if worker.get(name) is not None), None)
    for name in _SUMS:
        whole[name] = sum(worker.get(name) or 0 for worker in own.values())
    whole["capacity"] = sum(capacity.values())
    whole["uptimeS"] = max((worker.get("uptimeS") or 0 for worker in own.values()), default=0)
    rooms = {name: room for statistics in found.values() for name, room in statistics.get("rooms", {}).items()}
    return {"worker": whole | {"each": own}, "rooms": rooms}
