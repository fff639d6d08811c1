"""The sender's own estimate of a link: by when each packet arrived it sees a queue grow before anything is lost."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from mrsr.streaming.send_side_rule import SendSideRule
from mrsr.streaming.transport_feedback import CLOCK_S, TransportFeedback

_NUMBERS = 1 << 16


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
    _arrived: deque[tuple[float, int, float]] = field(default_factory=deque)  # when, bytes, when sent
    _fates: deque[tuple[float, bool]] = field(default_factory=deque)  # told when, lost
    _least_delays: deque[tuple[float, float]] = field(default_factory=deque)  # second, s
    _delay: float = 0.0  # the shortest of the last message, s
    _vain: int = 0  # falls in a row that changed nothing
    _fell_with: float = float("inf")  # the shortest delay at the last of them, s
    _fell_to: float = 0.0  # what the first of them led to, bit/s
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

    def heard(self, feedback: TransportFeedback, now: float) -> None:
        """A message came at `now`, s. What it says of packets never sent, or told of before, is left out."""
        oldest = self._next - _NUMBERS // 2
        first = oldest + (feedback.first - oldest) % _NUMBERS
        beyond = first + len(feedback.arrivals)
        if not any(first <= number < beyond for number in self._waiting):
            return
        self.heard_at = now
        delays: list[tuple[float, float]] = []  # s, when sent
        for number in tuple(self._waiting):
            if number >= beyond:
                break
            sent_at, size = self._waiting.pop(number)
            if number < first:
                continue  # the message that told of it was lost
            arrival = feedback.arrivals[number - first]
            self._fates.append((now, arrival is None))
            if arrival is not None:
                at = self._unwrapped(arrival)
                self._arrived.append((at, size, sent_at))
                delays.append((at - sent_at, sent_at))
        while self._fates and now - self._fates[0][0] > 0.5:
            self._fates.popleft()
        self.loss = sum(lost for _, lost in self._fates) / len(self._fates)
        before = self.queue_s
        if delays:
            self._delay, sent_at = min(delays)
            # No packet waits for longer than since it was sent, whatever the far end's clock says.
            self.queue_s = max(0.0, min(self._delay - self._base(self._delay, now), now - sent_at))
            self._forget_arrived(now)
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
                self._look_for_a_longer_way(now)
            return
        calm = self.queue_s < rule.short_queue_s and self.loss <= rule.light_loss
        if self.queue_s < rule.short_queue_s:
            self._fell_with = float("inf")
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
        self.estimate = max(self.estimate, risen, self._seen_to_pass(), min(self.arriving, self.full_at or 0.0))

    def _look_for_a_longer_way(self, now: float) -> None:
        """After a fall: where less and less is sent and no packet is any sooner there is no queue, and none was."""
        if self.loss > self.rule.light_loss or abs(self._delay - self._fell_with) > self.rule.standing_s:
            self._vain, self._fell_to = 0, self.estimate
        else:
            self._vain += 1
        self._fell_with = self._delay
        if self._vain >= self.rule.vain_falls:
            self._least_delays = deque([(now // 1.0, self._delay)])
            self.estimate, self.full_at = self._fell_to, None
            self.queue_s, self._vain, self._fell_with = 0.0, 0, float("inf")

    def _in_silence(self, now: float) -> None:
        """What was sent has not been told of for too long, be it that it waits or that the word does: less is sent."""
        since = next(iter(self._waiting.values()))[0]
        if self.heard_at is not None and now - max(since + self.queue_s, self._quiet_at) > self.rule.silence_s:
            self.estimate = max(self.rule.least, 0.5 * self.estimate)
            self._quiet_at = self._fell_at = now
        while now - self._waiting[oldest := next(iter(self._waiting))][0] > self.rule.given_up_s:
            del self._waiting[oldest]

    def _unwrapped(self, arrival: float) -> float:
        """The receiver's time without its coming round, s."""
        if self._clock is not None:
            arrival += round((self._clock - arrival) / CLOCK_S) * CLOCK_S
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

    def _forget_arrived(self, now: float) -> None:
        """Leaves what arrived of late; by when it was sent as well, for the far end's clock may stand or go back."""
        rule, newest = self.rule, self._arrived[-1][0]
        while len(self._arrived) > 1:
            at, _, sent_at = self._arrived[0]
            if newest - at <= rule.arriving_s and now - sent_at <= rule.given_up_s + rule.arriving_s:
                return
            self._arrived.popleft()

    def _seen_to_pass(self) -> float:
        """bit/s that arrived of late, but no more than the rate those packets were sent at.

        What a link held back arrives at once: a burst that was sent over a longer time says nothing of such a rate.
        """
        rule, newest = self.rule, self._arrived[-1][0] if self._arrived else 0.0
        sent = [sent_at for at, _, sent_at in self._arrived if abs(newest - at) < rule.arriving_s]
        span = max(sent) - min(sent) if sent else 0.0
        return self._counted(rule.arriving_s) * rule.arriving_s / max(span, rule.arriving_s)

    def _counted(self, seconds: float) -> float:
        """bit/s that arrived in the last so many seconds."""
        newest = self._arrived[-1][0] if self._arrived else 0.0
        return 8 * sum(size for at, size, _ in self._arrived if abs(newest - at) < seconds) / seconds
