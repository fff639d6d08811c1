"""The roll call of a job's processes before they join: who did not come in time is named, in every process that did.

Process 0 listens on the coordinator's port, which is free until JAX takes it; each other process connects and says its
number and how many it believes there are. When all have come each is told to go on; when time is up, or one says what
cannot be, each is told the reason. The connections stay: over them the processes learn of one another's end.
"""

from __future__ import annotations

import selectors
import socket
import time
from contextlib import ExitStack, suppress

from mrsr.errors import RunError

_GO = "go"
_RETRY_SECONDS = 0.2
_LINE_BYTES = 4096
_LINE_SECONDS = 5.0


def call_roll(port: int, count: int, seconds: float) -> dict[int, socket.socket]:
    """Process 0's part: the connections to processes 1 to count - 1, by their number, when all have come.

    Args:
      port: the port to listen on, on every address of this machine.
      count: processes of the job, process 0 included.
      seconds: how long to wait for them.

    Raises:
      RunError: some did not come, two came under one number, or one belongs to a job of another size.
    """
    deadline = time.monotonic() + seconds
    came: dict[socket.socket, int] = {}
    with ExitStack() as stack:
        try:
            listener = stack.enter_context(_listen(port, count))
        except OSError as error:
            raise RunError(f"process 0 cannot listen on port {port}: {error.strerror}") from error
        selector = stack.enter_context(selectors.DefaultSelector())
        selector.register(listener, selectors.EVENT_READ)
        trouble = ""
        while not trouble and len(came) < count - 1:
            left = deadline - time.monotonic()
            if left <= 0:
                missing = sorted({*range(1, count)} - {*came.values()})
                trouble = f"{_processes(missing)} of {count} did not come within {seconds:g} s"
                break
            for key, _ in selector.select(left):
                if key.fileobj is listener:
                    caller = stack.enter_context(listener.accept()[0])
                    caller.settimeout(_LINE_SECONDS)
                    selector.register(caller, selectors.EVENT_READ)
                else:
                    assert isinstance(key.fileobj, socket.socket)
                    trouble = trouble or _hear(key.fileobj, came, count, selector)
        for caller in came:
            with suppress(OSError):
                caller.sendall(f"{trouble or _GO}\n".encode())
        if trouble:
            raise RunError(trouble)
        return {index: caller.dup() for caller, index in came.items()}


def answer_roll(host: str, port: int, index: int, count: int, seconds: float) -> socket.socket:
    """The part of every other process: the connection to process 0, when it says that all have come.

    Args:
      host: the machine of process 0.
      port: where it listens.
      index: this process's number.
      count: processes of the job.
      seconds: how long to wait for process 0, and then for the others.

    Raises:
      RunError: process 0 did not answer in time, went away, or named what is wrong.
    """
    deadline = time.monotonic() + seconds
    where = f"{host}:{port}"
    why = ""
    while (left := deadline - time.monotonic()) > 0:
        try:
            with socket.create_connection((host, port), timeout=left) as caller:
                # Process 0 may have started later than this one: its time, not ours, decides.
                caller.settimeout(seconds + 10)
                caller.sendall(f"{index} {count}\n".encode())
                said = line_of(caller)
                if said == _GO:
                    caller.settimeout(_LINE_SECONDS)
                    return caller.dup()
        except TimeoutError:
            break
        except OSError as error:
            # Not listening yet, or not known to the name service yet.
            why = f": {error.strerror or error}"
            time.sleep(min(_RETRY_SECONDS, max(0.0, left)))
            continue
        raise RunError(said or f"process 0 of {count} ({where}) ended before all had come")
    raise RunError(f"process 0 of {count} did not answer at {where} within {seconds:g} s{why}")


def _hear(caller: socket.socket, came: dict[socket.socket, int], count: int, selector: selectors.BaseSelector) -> str:
    """Notes who a caller says to be, or that it went away; returns what is wrong, if anything is."""
    try:
        said = line_of(caller).split()
    except OSError:
        said = []
    # It went away, or is no process of a job.
    if caller in came or len(said) != 2 or not all(word.isdecimal() for word in said):
        selector.unregister(caller)
        came.pop(caller, None)
        caller.close()
        return ""
    index, size = map(int, said)
    known = [*came.values()]
    came[caller] = index
    if size != count:
        return f"process {index} belongs to a job of {size} processes, process 0 to one of {count}"
    if index in known or not 0 < index < count:
        return f"two processes say to be number {index} of {count}"
    return ""


def _listen(port: int, backlog: int) -> socket.socket:
    """A socket listening on every address of this machine, of both kinds where the system has both."""
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, backlog=backlog, dualstack_ipv6=True)
    return socket.create_server(("", port), backlog=backlog)


def line_of(caller: socket.socket) -> str:
    """What the other end says in one line; empty where it went away."""
    with caller.makefile("rb", buffering=0) as stream:
        return stream.readline(_LINE_BYTES).decode(errors="replace").strip()


def _processes(numbers: list[int]) -> str:
    return f"process{'es' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
