"""A Ray cluster as this process' own: which one, the connection to it, and what Ray does to a process besides."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any

from mrsr.errors import RunError, UserError

ALONE = "local"
_TRY_S = 1.0


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Which Ray cluster, and how many workers on it.

    Attributes:
      address: `local` for one of this machine alone, started now and ended with us; `auto` for the one this machine
        is part of; HOST:PORT of its head; or ray://HOST:PORT, from a machine that is not part of it.
      workers: how many; None: one an accelerator, or one for `cpus`, and more when machines come.
      cpus: of a worker without accelerator; None: of a machine all, or its share where all are on this one.
      patience_s: how long the cluster's head is waited for.
    """

    address: str = ALONE
    workers: int | None = None
    cpus: int | None = None
    patience_s: float = 30.0


def connect(settings: ClusterSettings, ending: threading.Event) -> None:
    """Connects this process; it waits, and belongs in a thread.

    Args:
      settings: which cluster.
      ending: set when nobody waits for it any more.

    Raises:
      UserError: Ray is not installed.
      RunError: there is no cluster at the address, or it does not let us in.
    """
    ray = ray_module()
    # It says on stderr what its return tells us, and that signals are ours and a token is needed.
    logging.getLogger("ray").setLevel(logging.ERROR)
    _wait_for_head(settings, ending)
    # Without a number Ray would count this machine's cores.
    cpus = (settings.workers or 1) * (settings.cpus or 1)
    here = {"num_cpus": cpus, "include_dashboard": False} if settings.address == ALONE else {}
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
    try:
        ray.init(address=settings.address, namespace="mrsr", **quiet, **here)
    except Exception as error:
        raise RunError(f"--cluster {settings.address}: {line_of(error)}") from error


def _wait_for_head(settings: ClusterSettings, ending: threading.Event) -> None:
    """Where it does not listen Ray would wait for minutes, and then not say what for."""
    host, _, port = settings.address.removeprefix("ray://").rpartition(":")
    until = time.monotonic() + settings.patience_s
    while port.isdecimal():
        try:
            socket.create_connection((host.strip("[]"), int(port)), _TRY_S).close()
            return
        except (OSError, OverflowError) as error:
            if time.monotonic() > until or ending.wait(_TRY_S):
                raise RunError(f"--cluster {settings.address}: no Ray listens there: {error}") from error


def take_sigterm_back() -> None:
    """Ray has put a handler before the process' own that prints a trace as of a crash."""
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)
        signal.siginterrupt(signal.SIGTERM, False)  # as asyncio has it


def ray_module() -> Any:
    """Ray.

    Raises:
      UserError: it is not installed.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        raise UserError("--cluster needs Ray: pip install 'mrsr[cluster]'") from error
    return ray


def line_of(error: BaseException) -> str:
    """An error of Ray's, which may have pages, in a line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
