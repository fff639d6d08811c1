"""The worker's statistics as the gateway keeps them: asked for once a second at most, and as Prometheus has them."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from mrsr.streaming.worker import Worker

_FRESH_S = 1.0
_ANSWER_S = 2.0
# What the worker says of itself that is a number, by its name here and in words.
_GAUGES = {
    "streams": ("streams", "Sources that the worker enlarges or passes on"),
    "capacity": ("stream_capacity", "Sources it enlarges at most"),
    "workers": ("workers", "Workers of the cluster that take participants"),
    "uptimeS": ("worker_uptime_seconds", "How long it has run"),
    "memoryMib": ("worker_memory_mib", "Its resident memory"),
    "threads": ("worker_threads", "Its threads"),
    "descriptors": ("worker_descriptors", "Its open descriptors"),
    "cpuS": ("worker_cpu_seconds", "Processor time it has used"),
}
_WORDS = ("model", "runtime", "precision", "device")


class Figures(Collector):
    """The worker's last statistics."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._last: dict[str, Any] = {}
        self._at = float("-inf")
        self._asking = asyncio.Lock()
        self.restarts: Callable[[], int] = lambda: 0

    async def now(self) -> dict[str, Any]:
        """The statistics, a second old at most; without `worker` and `rooms` where it does not answer."""
        async with self._asking:
            if time.monotonic() - self._at > _FRESH_S:
                self._last = await self._asked()
                self._at = time.monotonic()
            return self._last

    async def _asked(self) -> dict[str, Any]:
        if not self._worker.ready:
            return {}
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await self._worker.statistics()
        except Exception:
            # It died meanwhile, or is busy: what it is doing is not known.
            return {}

    def collect(self) -> Iterator[Metric]:
        """What was heard last, as metrics; `now` is called before."""
        restarts = CounterMetricFamily("mrsr_worker_restarts", "How often a worker's process was started again")
        restarts.add_metric([], self.restarts())
        yield restarts
        worker = self._last.get("worker", {})
        for key, (name, text) in _GAUGES.items():
            if _is_number(worker.get(key)):
                yield GaugeMetricFamily(f"mrsr_{name}", text, worker[key])
        words = {name: str(worker[name]) for name in _WORDS if worker.get(name)}
        if words:
            yield InfoMetricFamily("mrsr_worker", "What the worker runs", words)
        for key, value in self._last.get("counters", {}).items():
            if _is_number(value) and re.fullmatch(r"[a-z][a-z0-9_]*", key):
                yield CounterMetricFamily(f"mrsr_{key}", f"The worker's {key.replace('_', ' ')}", value)
        yield from _of_viewers(self._last.get("rooms", {}))


def _of_viewers(rooms: Mapping[str, Any]) -> Iterator[Metric]:
    """Those of all viewers in one: names of rooms and people are no labels, there is no end to them."""
    viewers = [viewer for room in rooms.values() for viewer in room.get("viewers", {}).values()]
    by_state = GaugeMetricFamily("mrsr_viewers", "Viewers, by how they are served", labels=["sr"])
    for state in ("on", "bypass", "device", "waiting"):
        by_state.add_metric([state], sum(viewer.get("sr") == state for viewer in viewers))
    yield by_state
    for key, name, text in (
        ("latencyMs", "latency_ms", "Time of a frame in the server"),
        ("rttMs", "rtt_ms", "Round trip to a viewer"),
        ("fps", "fps", "Frames a second that a viewer is sent"),
    ):
        values = sorted(viewer[key] for viewer in viewers if _is_number(viewer.get(key)))
        if values:
            both = GaugeMetricFamily(
                f"mrsr_viewer_{name}", f"{text}: the median of all viewers, and the worst", labels=["of"]
            )
            both.add_metric(["median"], values[len(values) // 2])
            both.add_metric(["worst"], values[0] if key == "fps" else values[-1])
            yield both


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
