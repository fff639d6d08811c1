"""A stand-in for a stream worker's process, without media: `python -m tests.echo_process --channel ADDRESS`.

With the model `refused` it refuses to start, as the real one does with a model that is not there.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from calls import EchoWorker

from mrsr.streaming.channel import serve_channel
from mrsr.streaming.starting import WorkerStart


class Numbered(EchoWorker):
    """Says in which process it is."""

    async def statistics(self) -> dict[str, Any]:
        own = {"model": "echo", "streams": len(self.there), "memoryMib": 1.0, "process": os.getpid()}
        return {"worker": own, "counters": {"joins": len(self.there)}, "rooms": {}}


async def main() -> None:
    """Serves until SIGTERM or the end of its input."""
    start = WorkerStart.parse(sys.stdin.buffer.readline())
    if start.settings.model == "refused":
        print("mrsr: model refused: expected another", file=sys.stderr)
        raise SystemExit(2)
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(sys.stdin, lambda: sys.stdin.buffer.read1() or stop.set())
    async with serve_channel(Numbered(), sys.argv[2], start.secret):
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
