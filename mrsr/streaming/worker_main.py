"""The stream worker's process: `python -m mrsr.streaming.worker_main --channel ADDRESS`, its settings on its input."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

# Before anything that brings TensorFlow along: the other order ends in a segmentation fault.
from mrsr.streaming.stream_worker import StreamWorker  # isort: skip

from mrsr.errors import RunError, UserError, status_of
from mrsr.streaming.channel import serve_channel
from mrsr.streaming.logs import log_to
from mrsr.streaming.starting import MOST_BYTES, WorkerStart

_LOG = logging.getLogger(__name__)
_DRAIN_S = 2.5
_PR_SET_PDEATHSIG = 1


async def run(address: str, start: WorkerStart, stop: asyncio.Event) -> None:
    """Serves until told to stop.

    Args:
      address: of the channel, which answers at once; `ready` says when the worker is.
      start: what the process was told.
      stop: set when it is to end.

    Raises:
      UserError: there is no such model, runtime, route or address.
      Exception: of the engine, where it cannot go on.
    """
    worker = StreamWorker(start.settings)
    stopping = asyncio.create_task(stop.wait())
    async with serve_channel(worker, address, start.secret):
        opening = asyncio.create_task(worker.__aenter__())
        await asyncio.wait([opening, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            return  # the engine is still being made, by threads that cannot be told to stop
        await opening
        ends: list[asyncio.Future[Any]] = [worker.broken, stopping]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if worker.broken.done():
            worker.broken.result()
    # After the channel: participants have left with it.
    await worker.__aexit__(None, None, None)


async def _main(address: str, start: WorkerStart) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def end() -> None:
        stop.set()
        # A thread that hangs does not keep the process.
        loop.call_later(_DRAIN_S, _leave, 0)

    loop.add_signal_handler(signal.SIGTERM, end)
    watching = asyncio.create_task(_until_parent_ends(end))
    await run(address, start, stop)
    watching.cancel()


async def _until_parent_ends(end: Callable[[], None]) -> None:
    """Reads standard input to its end: whoever holds the other side of it is gone then."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(4096):
        pass
    end()


def _die_with_parent() -> None:
    """The kernel kills this process when its parent dies, whatever it is doing."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _first_line() -> bytes:
    """Byte by byte: nothing behind the line is taken out of the pipe."""
    line = bytearray()
    while len(line) < MOST_BYTES and not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return bytes(line)


def _leave(status: int) -> NoReturn:
    """Ends at once: threads of the engine or of libraries are not waited for."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """The command line; exits with 0 when told to stop, 2 for bad input, 1 when the worker cannot go on."""
    parser = argparse.ArgumentParser(prog="python -m mrsr.streaming.worker_main", description=__doc__)
    parser.add_argument("--channel", required=True, metavar="ADDRESS", help="@NAME on this machine, or HOST:PORT")
    args = parser.parse_args(argv)
    _die_with_parent()
    # Ctrl-C goes to all processes of a terminal: who started this one says when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        start = WorkerStart.parse(_first_line())
        log_to(start.log)
        asyncio.run(_main(args.channel, start))
    except (UserError, RunError, OSError) as error:
        print(f"mrsr: {' '.join(str(error).split())}", file=sys.stderr)
        _leave(status_of(error))
    except Exception:
        _LOG.exception("the worker cannot go on")
        _leave(1)
    _leave(0)


if __name__ == "__main__":
    main()
