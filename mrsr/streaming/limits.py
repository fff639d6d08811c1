"""How much a client may have: sizes, counts and times in one place, and token buckets against floods."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from mrsr.streaming.refusals import Code, ProtocolError


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one gateway; the defaults suit one machine with one accelerator. Of more workers it takes as many
    times `rooms`, `peers` and `connections`.

    Source: own choice, from what a real call needs: Chromium's offer for one camera and one microphone is about 7 kB in
    200 lines, a client sends a message a second, a room holds a class.
    """

    rooms: int = 100
    peers: int = 200
    peers_per_room: int = 50
    publishers_per_room: int = 8
    peers_per_token: int = 36  # six who share an invitation: a connection each, and one for each of the others
    peers_per_address: int = 100  # a class behind one address
    pixels: int = 1920 * 1080  # of a frame that comes in
    fps: int = 60
    message_bytes: int = 64 * 1024
    sdp_bytes: int = 32 * 1024
    sdp_lines: int = 600
    token_bytes: int = 2048
    token_seconds: int = 24 * 3600  # the longest lifetime a token may have
    single_use_tokens: int = 100_000  # remembered at a time
    connections: int = 1000  # open sockets, and of one address:
    connections_per_address: int = 200  # a page asks beside its socket
    outbox: int = 32  # messages that wait for a slow client
    request_seconds: float = 10.0  # headers and body, each
    hello_seconds: float = 5.0
    offer_seconds: float = 15.0  # the worker's answer, and that it lets go of a peer:
    leave_seconds: float = 2.0
    heartbeat_seconds: float = 2.0
    dead_seconds: float = 6.0
    drain_seconds: float = 6.0
    joins_per_minute: float = 240.0  # of an address: offers and sockets
    join_burst: float = 100.0  # a class behind one address that joins again after a restart
    requests_per_second: float = 50.0  # of an address: pages and everything else
    request_burst: float = 200.0
    messages_per_second: float = 10.0  # of a socket, pings and pongs too
    message_burst: float = 40.0
    addresses: int = 10_000  # remembered at a time


class Buckets:
    """Token buckets by key, in bounded memory: each holds `burst` at most and gains `per_second`.

    Of more keys than `most`, the one unseen the longest is forgotten: it starts full again, so that an attacker with
    more addresses than that is slowed by the limits on connections and peers alone.
    """

    def __init__(
        self, per_second: float, burst: float, most: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._most = most
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> tokens, when

    def take(self, key: str, what: str) -> None:
        """Takes one token of a key's bucket.

        Args:
          key: an address (`address_key`) or a peer's id.
          what: what is limited, for the error.

        Raises:
          ProtocolError: the bucket is empty; it says when there will be a token again.
        """
        now = self._clock()
        tokens, then = self._left.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - then) * self._per_second)
        allowed = tokens >= 1
        self._left[key] = (tokens - 1 if allowed else tokens, now)
        while len(self._left) > self._most:
            self._left.popitem(last=False)
        if not allowed:
            wait_ms = math.ceil((1 - tokens) / self._per_second * 1000)
            raise ProtocolError(Code.RATE, f"{what}: too many, at most {self._per_second:.3g} a second", wait_ms)

    def __len__(self) -> int:
        return len(self._left)


def address_key(address: str | None) -> str:
    """What an address counts as: itself in IPv4, its /64 in IPv6, of which one user has 2**64."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
