"""The sender's own estimate of a link: by when each packet arrived it sees a queue grow before anything is lost."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from mrsr.streaming.transport_feedback import TransportFeedback

_NUMBERS = 1 << 16
_CLOCK_S = 0.064 * (1 << 24)


@dataclass(frozen=True, slots=True)
class SendSideRule:
    """The numbers of the estimate.

    Source: the shape (rise by 8% a second, not far above what arrives, fall to 0.85 of that) is that of Google's
    congestion control, draft-ietf-rmcat-gcc-02 (2016), section 5. Own choice: the queue's length tells, not its growth,
    for with every packet's time at hand the shortest delay of late is known; and 1.35 times of what arrives instead of
    1.5, just what 0.75 of the estimate needs to rise, so that a picture that needs little is no reason to expect more.

    Attributes:
      long_queue_s: a standing queue of this much is too much, s.
      short_queue_s: one of less is none, s.
      draining_s: a queue that grew shorter by this is being drained, s.
      fall: part of what arrives that the estimate falls to.
      fall_every_s: not more often than this, s.
      rise: in a second, as a factor.
      near_rise: the same from `near` of the rate on that the link was last seen to be full at.
      near: see there; from `beyond` of that rate on it has been left behind.
      beyond: see there.
      above_arriving: it rises no further than this above what arrives: more has not been seen to pass.
      calm_s: after a fall it does not rise for so long, s.
      arriving_s: what arrives is counted over this, s.
      falling_s: at a fall over this as well, and the less of both is taken: before it more may have passed, s.
      heavy_loss: share of lost packets that is a fall's cause.
      light_loss: share of lost packets that lets it rise.
      base_s: how long the shortest delay is remembered, s.
      silence_s: when nothing was heard of a packet for so long beyond the queue that is known of, half is taken to be
        gone, and again after as long, s.
      given_up_s: a packet that nothing was heard of is taken to be lost after this, s.
      least: the estimate falls no further than this, bit/s.
    """

    long_queue_s: float = 0.035
    short_queue_s: float = 0.020
    draining_s: float = 0.005
    fall: float = 0.85
    fall_every_s: float = 0.25
    rise: float = 1.08
    near_rise: float = 1.02
    near: float = 0.9
    beyond: float = 1.5
    above_arriving: float = 1.35
    calm_s: float = 0.5
    arriving_s: float = 0.4
    falling_s: float = 0.2
    heavy_loss: float = 0.10
    light_loss: float = 0.02
    base_s: float = 20.0
    silence_s: float = 0.5
    given_up_s: float = 1.0
    least: float = 30_000.0


@dataclass(slots=True)
class SendSide:
    """What is known of a link from its numbered packets.

    Attributes:
      estimate: bit/s, headers included; begins at what is taken for granted.
      queue_s: how long the shortest waiting packet of the last message waited in a queue, s.
      loss: share of packets lost, of those told of in the last half second, 0 to 1.
      arriving: bit/s that arrived of late.
      heard_at: when the last message came, s; None before the first.
      full_at: bit/s that arrived when a queue was last found; None where that has been left behind.
    """

    estimate: float = 1_000_000.0
    rule: SendSideRule = field(default_factory=SendSideRule)
    queue_s: float = 0.0
    loss: float = 0.0
    arriving: float = 0.0
    heard_at: float | None = None
    full_at: float | None = None
    _next: int = 0
    _waiting: dict[int, tuple[float, int]] = field(default_factory=dict)  # number: when, bytes
    _arrived: deque[tuple[float, int]] = field(default_factory=deque)  # when, bytes
    _fates: deque[tuple[float, bool]] = field(default_factory=deque)  # told when, lost
    _least_delays: deque[tuple[float, float]] = field(default_factory=deque)  # second, s
    _clock: float | None = None
    _fell_at: float = float("-inf")
    _rose_at: float | None = None
    _quiet_at: float = float("-inf")

    def sent(self, size: int, now: float) -> int:
        """The number (0 to 65535) of a packet of `size` bytes, headers included, that is sent now (s)."""
        number = self._next
        self._next += 1
        self._waiting[number] = now, size
        self._in_silence(now)
        return number % _NUMBERS

    @property
    def in_flight(self) -> int:
        """Bytes of which nothing was heard yet."""
        return sum(size for _, size in self._waiting.values())

    def heard(self, feedback: TransportFeedback, now: float) -> None:
        """A message came at `now`, s. What it says of packets never sent, or told of before, is left out."""
        delays: list[float] = []
        oldest = self._next - _NUMBERS // 2
        first = oldest + (feedback.first - oldest) % _NUMBERS
        told = False
        for number, arrival in enumerate(feedback.arrivals, first):
            sent = self._waiting.pop(number, None)
            if sent is None:
                continue
            told = True
            self._fates.append((now, arrival is None))
            if arrival is not None:
                at = self._unwrapped(arrival)
                self._arrived.append((at, sent[1]))
                delays.append(at - sent[0])
        if not told:
            return
        self.heard_at = now
        for number in tuple(self._waiting):
            # The message that told of it was lost.
            if number >= first:
                break
            del self._waiting[number]
        while self._fates and now - self._fates[0][0] > 0.5:
            self._fates.popleft()
        self.loss = sum(lost for _, lost in self._fates) / len(self._fates)
        before = self.queue_s
        if delays:
            self.queue_s = max(0.0, min(delays) - self._base(min(delays), now))
            newest = self._arrived[-1][0]
            while newest - self._arrived[0][0] > self.rule.arriving_s:
                self._arrived.popleft()
            self.arriving = self._counted(self.rule.arriving_s)
        self._judge(self.queue_s - before, now)

    def _judge(self, grown_s: float, now: float) -> None:
        rule = self.rule
        lossy = self.loss > rule.heavy_loss and len(self._fates) >= 10
        # A queue that shrinks is being drained: what was lowered for it is enough.
        if (self.queue_s > rule.long_queue_s and grown_s > -rule.draining_s) or lossy:
            self._rose_at = None
            if now - self._fell_at >= rule.fall_every_s:
                passes = min(self.arriving, self._counted(rule.falling_s))
                self.estimate = max(rule.least, min(self.estimate, rule.fall * passes))
                self.full_at, self._fell_at = passes, now
            return
        calm = self.queue_s < rule.short_queue_s and self.loss <= rule.light_loss
        if not calm or now - self._fell_at < rule.calm_s:
            self._rose_at = None
            return
        passed = min(now - self._rose_at, 1.0) if self._rose_at is not None else 0.0
        self._rose_at = now
        if self.full_at is not None and self.estimate > rule.beyond * self.full_at:
            self.full_at = None
        near = self.full_at is not None and self.estimate > rule.near * self.full_at
        growth = (rule.near_rise if near else rule.rise) ** passed
        risen = min(self.estimate * growth, rule.above_arriving * self.arriving + 10_000)
        self.estimate = max(self.estimate, risen, self.arriving)

    def _in_silence(self, now: float) -> None:
        """What was sent has not been told of for too long, be it that it waits or that the word does: less is sent."""
        oldest = next(iter(self._waiting.values()))[0]
        if self.heard_at is not None and now - max(oldest + self.queue_s, self._quiet_at) > self.rule.silence_s:
            self.estimate = max(self.rule.least, 0.5 * self.estimate)
            self._quiet_at = self._fell_at = now
        for number, (at, _) in tuple(self._waiting.items()):
            if now - at <= self.rule.given_up_s:
                break
            del self._waiting[number]

    def _unwrapped(self, arrival: float) -> float:
        """The receiver's time without its coming round, s."""
        if self._clock is not None:
            arrival += round((self._clock - arrival) / _CLOCK_S) * _CLOCK_S
        self._clock = arrival if self._clock is None else max(self._clock, arrival)
        return arrival

    def _base(self, delay: float, now: float) -> float:
        """The shortest delay of the last 20 s, with this one, s; on two clocks, so that it is good for differences."""
        second = now // 1.0
        if self._least_delays and self._least_delays[-1][0] == second:
            delay = min(delay, self._least_delays.pop()[1])
        self._least_delays.append((second, delay))
        while second - self._least_delays[0][0] > self.rule.base_s:
            self._least_delays.popleft()
        return min(each for _, each in self._least_delays)

    def _counted(self, seconds: float) -> float:
        """bit/s that arrived in the last so many seconds."""
        newest = self._arrived[-1][0]
        return 8 * sum(size for at, size in self._arrived if newest - at < seconds) / seconds
