"""Transport-wide feedback: a message in which a receiver says when each numbered packet arrived.

Source: Holmer, Flodman, Sprang, draft-holmer-rmcat-transport-wide-cc-extensions-01 (2015), sections 2 and 3.1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
"""Of the header extension that numbers packets."""
FORMAT = 15
"""Of the message, among RTCP's feedback of the transport layer (205)."""

_REFERENCE_S, _DELTA_S = 0.064, 0.000250
CLOCK_S = _REFERENCE_S * (1 << 24)
"""After so long the receiver's clock comes round, s."""
_SMALL, _LARGE = 1, 2


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """When packets arrived.

    Attributes:
      first: number of the first packet it tells of, 0 to 65535; the others follow it.
      arrivals: for each, s on the receiver's clock, which starts anywhere and comes round after 12 days; None: it has
        not arrived.
    """

    first: int
    arrivals: tuple[float | None, ...]


def read_feedback(data: bytes) -> TransportFeedback:
    """The message, from behind its two sources.

    Raises:
      ValueError: it is cut short, or tells of no packet.
    """
    if len(data) < 8:
        raise ValueError(f"transport feedback of {len(data)} bytes: expected 8 at least")
    first, count = struct.unpack_from("!HH", data)
    if not count:
        raise ValueError("transport feedback of no packet")
    runs, at = _runs(data, count)
    time = int.from_bytes(data[4:7], "big") * _REFERENCE_S
    arrivals: list[float | None] = []
    for status, length in runs:
        if status not in (_SMALL, _LARGE):
            # At once: a few bytes may tell of 65535 packets.
            arrivals += [None] * length
            continue
        for _ in range(length):
            if at + status > len(data):
                raise ValueError("transport feedback is cut short in its times")
            time += _DELTA_S * (data[at] if status == _SMALL else struct.unpack_from("!h", data, at)[0])
            at += status
            arrivals.append(time)
    return TransportFeedback(first, tuple(arrivals))


def _runs(data: bytes, count: int) -> tuple[list[tuple[int, int]], int]:
    """The statuses of the packets, each with how many have it, and where the times begin.

    A status is how many bytes its time takes.
    """
    runs: list[tuple[int, int]] = []
    at, left = 8, count
    while left > 0:
        if at + 2 > len(data):
            raise ValueError("transport feedback is cut short in its packets")
        (chunk,) = struct.unpack_from("!H", data, at)
        at += 2
        if not chunk & 0x8000:
            if not chunk & 0x1FFF:
                raise ValueError("transport feedback has a run of no packet")
            more = [(chunk >> 13 & 3, min(chunk & 0x1FFF, left))]
        elif chunk & 0x4000:
            more = [(chunk >> shift & 3, 1) for shift in range(12, -1, -2)][:left]
        else:
            more = [(chunk >> shift & 1, 1) for shift in range(13, -1, -1)][:left]
        runs += more
        left -= sum(length for _, length in more)
    return runs, at
