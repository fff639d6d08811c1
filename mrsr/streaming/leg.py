"""How fast a viewer's leg may be fed: the target out of the estimate of its link, pacing, and the share of resends."""

from __future__ import annotations

from dataclasses import dataclass, field

from mrsr.streaming.send_side import SendSide

# The rest is for resends, audio and the estimate's own error.
TARGET_SHARE = 0.75
PACE = 1.3
RESEND_SHARE = 0.15
RESEND_RTTS = 1.2
PROBE, PROBE_S = 1.35, 1.0
# A probe that makes packets wait for so long has found no room.
PROBE_QUEUE_S = 0.03

_RTT_S = 0.1
_HOPELESS_S, _GIVEN_UP_S = 0.3, 1.0
_PACKET = 1300


@dataclass(slots=True)
class LinkEstimate:
    """What the far end reports of the link towards it.

    Attributes:
      first: bit/s taken for granted before anything is heard.
      own: what is known by when numbered packets arrived; it counts while the far end tells that.
      remb: the receiver's estimated maximum bit rate (REMB), bit/s; None until one came.
      remb_at: when it came, s.
      rtt: round trip, s; None until measured. Where the far end says when packets arrived it is the shortest one of
        the connection and the queue of now.
      loss: share of packets lost since the report before, 0 to 1.
      reported_at: when that report came, s; None before the first: it goes stale between reports.
      most: bit/s the target never goes above, by the far end's own wish; None for no bound.
    """

    first: float = 1_000_000
    own: SendSide = field(default_factory=SendSide)
    remb: float | None = None
    remb_at: float = 0.0
    rtt: float | None = None
    loss: float = 0.0
    reported_at: float | None = None
    most: float | None = None
    _least_rtt: float = float("inf")

    def __post_init__(self) -> None:
        self.own.estimate = self.first

    @property
    def estimate(self) -> float:
        """bit/s: by the arrivals of packets where they are told, else as heard, or the first assumption."""
        if self.own.heard_at is not None:
            return self.own.estimate
        return self.first if self.remb is None else self.remb

    @property
    def heard_at(self) -> float | None:
        """When the estimate was last confirmed, s; None before."""
        if self.own.heard_at is not None:
            return self.own.heard_at
        return None if self.remb is None else self.remb_at

    @property
    def target(self) -> float:
        """bit/s that video may take: 0.75 of the estimate, within `most`."""
        return min(TARGET_SHARE * self.estimate, float("inf") if self.most is None else self.most)

    def heard(self, remb: float, now: float) -> None:
        """A REMB message of `remb` bit/s came at `now` (s)."""
        self.remb, self.remb_at = remb, now

    def reported(self, loss: float, rtt: float | None, now: float) -> None:
        """A receiver report came: share lost (0 to 1), round trip (s) if known."""
        # Below zero: this machine's clock was set back.
        rtt = None if rtt is None or rtt < 0 else rtt
        self.loss, self.rtt, self.reported_at = loss, rtt, now
        self._least_rtt = min(self._least_rtt, float("inf") if rtt is None else rtt)
        self.arrived()

    def arrived(self) -> None:
        """`own` knows more: the round trip is as long as its queue says."""
        if self.own.heard_at is not None and self.rtt is not None:
            self.rtt = self._least_rtt + self.own.queue_s


@dataclass(slots=True)
class Pacer:
    """Spreads packets over time: a leaky bucket that lets `burst` bytes go at once.

    Attributes:
      burst: bytes.
      sent: bytes let go so far.
      packets: how many they were.
    """

    burst: int = 3 * _PACKET
    sent: int = 0
    packets: int = 0
    _free_at: float = field(default=0.0, repr=False)

    def wait(self, size: int, rate: float, now: float) -> float:
        """Counts a packet of `size` bytes as sent; how long (s) it has to wait for that at `rate` bit/s."""
        self.sent += size
        self.packets += 1
        self._free_at = max(self._free_at, now - 8 * self.burst / rate) + 8 * size / rate
        return max(0.0, self._free_at - now)


@dataclass(slots=True)
class ResendBudget:
    """Which lost packets are sent again: none twice within 1.2 round trips, all of them within 15% of the target.

    A link that loses packets because it is full loses more for every one that is sent again.

    Attributes:
      resent: packets allowed so far.
      refused: packets refused so far.
    """

    resent: int = 0
    refused: int = 0
    _left: float = field(default=float(4 * _PACKET), repr=False)
    _at: float | None = field(default=None, repr=False)
    _last: dict[int, float] = field(default_factory=dict, repr=False)

    def allows(self, sequence: int, size: int, target: float, rtt: float | None, now: float) -> bool:
        """Whether the packet may be sent again now; if so it is counted.

        Args:
          sequence: its number.
          size: bytes.
          target: of the leg, bit/s.
          rtt: round trip, s; 0.1 where it is not known yet.
          now: s.
        """
        per_second = RESEND_SHARE * target / 8
        # At most a second's worth is saved up, and never less than lets one packet through now and then.
        most = max(per_second, _PACKET)
        self._left = min(most, self._left + per_second * (now - (now if self._at is None else self._at)))
        self._at = now
        apart = RESEND_RTTS * (_RTT_S if rtt is None else rtt)
        recently = sequence in self._last and now - self._last[sequence] < apart
        if recently or size > self._left:
            self.refused += 1
            return False
        self._left -= size
        if len(self._last) >= 512:
            self._last = {number: at for number, at in self._last.items() if now - at < max(apart, 1.0)}
        self._last[sequence] = now
        self.resent += 1
        return True


@dataclass(slots=True)
class Asking:
    """What the far end asks to be sent again, and when that is hopeless: browsers wait 3 s before they say so.

    Attributes:
      asked: packets asked for so far, each time they were.
    """

    asked: int = 0
    _first: dict[int, float] = field(default_factory=dict, repr=False)
    _given_up: float = field(default=float("-inf"), repr=False)

    def hopeless(self, sequence: int, now: float) -> bool:
        """A packet is asked for at `now` (s); whether a key frame is better than to go on resending.

        It is where the packet was asked for first 0.3 s ago: what was resent since was lost too, or had no room. A
        second passes before the next such answer.
        """
        self.asked += 1
        if now - self._given_up < _GIVEN_UP_S:
            return False
        if len(self._first) >= 512:
            self._first = {number: at for number, at in self._first.items() if now - at < _GIVEN_UP_S}
        since = now - self._first.setdefault(sequence, now)
        # The numbers come round: what was asked for that long ago was another packet.
        if since > 10 * _HOPELESS_S:
            self._first[sequence] = now
        if not _HOPELESS_S <= since <= 10 * _HOPELESS_S:
            return False
        self._first.clear()
        self._given_up = now
        return True


@dataclass(frozen=True, slots=True)
class LegReport:
    """A viewer's leg, as of one moment, for the controller, `status` and metrics.

    Attributes:
      estimate: bit/s.
      target: bit/s that video may take.
      heard_at: when the estimate was last confirmed, by `time.monotonic`, s; None before.
      estimated_by: what that is: `arrivals` of packets, `remb` (the receiver's own estimate) or None.
      rtt: s; None until measured.
      loss: 0 to 1, of the last report's interval.
      reported_at: when that report came, on the same clock, s; None before the first.
      packets: sent, of the first sending.
      octets: their payload, bytes.
      resent: packets sent again.
      refused: resends the budget refused.
      padding: bytes of probes.
      broken: probes that were ended because packets were lost.
      rebuilt: how often the sending was started anew after an error or a standstill.
    """

    estimate: float
    target: float
    heard_at: float | None
    rtt: float | None
    loss: float
    reported_at: float | None
    packets: int
    octets: int
    resent: int
    refused: int
    padding: int
    rebuilt: int
    broken: int = 0
    estimated_by: str | None = None
