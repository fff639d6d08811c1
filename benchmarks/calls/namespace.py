"""A network namespace of this machine with a link to it whose rate is ours: a viewer at the end of a bad line."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mrsr.errors import RunError

OPEN_KBPS = 20_000.0
LEAST_KBPS = 8.0
"""A token bucket has no rate of 0: an outage lets a packet through every second and a half."""

_BURST, _LATENCY = "8kb", "150ms"


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace and the pair of interfaces that leads to it.

    Attributes:
      name: of the namespace, and the beginning of the interfaces' names.
      here: this machine's address on the link.
      there: the namespace's.
    """

    name: str
    here: str
    there: str

    def rate(self, kbps: float) -> None:
        """Sets what the link carries from now on, in each direction, kbit/s.

        Source: tc-tbf(8); burst and latency as in the trials of the streaming findings.
        """
        kbps = max(kbps, LEAST_KBPS)
        bucket = ["root", "tbf", "rate", f"{kbps:.0f}kbit", "burst", _BURST, "latency", _LATENCY]
        _run("tc", "qdisc", "replace", "dev", f"{self.name}a", *bucket)
        _run("ip", "netns", "exec", self.name, "tc", "qdisc", "replace", "dev", f"{self.name}b", *bucket)

    def inside(self, command: Sequence[str]) -> list[str]:
        """The command, to be run in the namespace."""
        return ["ip", "netns", "exec", self.name, *command]


@contextlib.contextmanager
def namespace(name: str = "mrsrns", subnet: str = "10.213.7") -> Iterator[Namespace]:
    """A namespace behind a link of 20 Mbit/s, for the time of the block; one of that name left over is replaced.

    It reaches this machine's end of the link and nothing else: no address but these two is used.

    Raises:
      RunError: this machine lets nobody make one.
    """
    check()
    made = Namespace(name, f"{subnet}.1", f"{subnet}.2")
    inner, outer = f"{name}b", f"{name}a"
    _forget(name)
    try:
        _run("ip", "netns", "add", name)
        _run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name)
        _run("ip", "addr", "add", f"{made.here}/30", "dev", outer)
        _run("ip", "link", "set", outer, "up")
        for command in (("addr", "add", f"{made.there}/30", "dev", inner), ("link", "set", inner, "up")):
            _run(*made.inside(["ip", *command]))
        _run(*made.inside(["ip", "link", "set", "lo", "up"]))
        made.rate(OPEN_KBPS)
        yield made
    finally:
        _forget(name)


def check() -> None:
    """Refuses where namespaces cannot be made.

    Raises:
      RunError: not root, or `ip` and `tc` are not there.
    """
    missing = [program for program in ("ip", "tc") if shutil.which(program) is None]
    if missing:
        raise RunError(f"a link of its own needs {' and '.join(missing)} (Debian package iproute2)")
    if os.geteuid() != 0:
        raise RunError(f"a link of its own needs root for `ip netns`; this is user {os.geteuid()}")


def _forget(name: str) -> None:
    for command in (["ip", "netns", "del", name], ["ip", "link", "del", f"{name}a"]):
        subprocess.run(command, capture_output=True, check=False)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError(f"{' '.join(command)}: {done.stderr.strip() or f'exit {done.returncode}'}")
