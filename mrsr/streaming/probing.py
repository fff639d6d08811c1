"""Probing: padding sent for a moment at more than the estimate, which by itself would never learn of a better link."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class ProbeRule:
    """When to probe, how hard, and what ends it.

    Source: findings of the streaming trials (1.4x the estimate for 1.5 s while round-trip time and loss are flat), made
    smaller and shorter by replays, since packets' arrivals tell sooner; the pauses are own choice: the longest lies
    between a failed probe and a link that got better, so it is part of the time to recover.

    Attributes:
      ratio: probe rate by the estimate.
      lasts_s: s.
      pause_s: between a probe that found more and the next, s.
      back_off_s: after the first failure, s; doubled by each one more at such a rate. Lower rates wait this long alone.
      near: from this part of the rate that failed last a probe counts as one at such a rate.
      longest_back_off_s: and no longer than this, s.
      rtt_slack_ms: how much above the link's own round-trip time is flat, ms.
      most_loss: what share of lost packets is flat.
      aftermath_s: how long after a probe that failed the estimate is low by its doing, s.
      patience: the part of its need that holds a rung then, and while a probe runs; bitrates follow at once.
    """

    ratio: float = 1.35
    lasts_s: float = 1.0
    pause_s: float = 0.5
    back_off_s: float = 2.0
    longest_back_off_s: float = 8.0
    near: float = 0.9
    rtt_slack_ms: float = 20.0
    most_loss: float = 0.02
    aftermath_s: float = 4.0
    patience: float = 0.75

    def patience_of(self, probe: Probe, now: float) -> float:
        """The part of its need a rung is held with at `now`, s."""
        recent = probe.failed_at is not None and now - probe.failed_at < self.aftermath_s
        return self.patience if probe.kbps is not None or recent else 1.0


@dataclass(frozen=True, slots=True)
class Probe:
    """What is known of probes.

    Attributes:
      kbps: the rate of the one that runs, padding and media together, kbit/s; None while none does.
      before_kbps: what the link was taken to carry when it began, kbit/s.
      began: s.
      until: when it ends, or no other begins before, s.
      failures: those that found a queue since one as fast has ended well.
      failed_at: when the last of these ended, s.
      failed_kbps: its rate, kbit/s; None where there was none.
      retry: when one as fast may begin again, s.
      proven_kbps: the rate of the one that ended well with this very step; None otherwise.
    """

    kbps: float | None = None
    before_kbps: float = 0.0
    began: float = 0.0
    until: float = 0.0
    failures: int = 0
    failed_at: float | None = None
    failed_kbps: float | None = None
    retry: float = 0.0
    proven_kbps: float | None = None


def probed(
    rule: ProbeRule, probe: Probe, kbps: float, flat: bool, reported_at: float | None, wanted: bool, now: float
) -> Probe:
    """The probe state with one more measurement.

    A probe that a report of its second half finds flat has proven its rate, whatever the estimate says: the estimate
    of a browser grows by 8% a second at most, from what little arrives.

    Args:
      rule: when and how.
      probe: before.
      kbps: what the link is taken to carry, kbit/s.
      flat: whether round-trip time and loss are known and show no queue; a probe begins and goes on only then.
      reported_at: when the newest report came, s.
      wanted: whether more than that would be of use.
      now: s, on a clock that does not go back.
    """
    probe = replace(probe, proven_kbps=None)
    if probe.kbps is None:
        fails = probe.failed_kbps is not None and rule.ratio * kbps >= rule.near * probe.failed_kbps
        if not (flat and wanted and now >= (probe.retry if fails else probe.until)):
            return probe
        return replace(probe, kbps=rule.ratio * kbps, before_kbps=kbps, began=now, until=now + rule.lasts_s)
    fell = kbps < 0.95 * probe.before_kbps
    if flat and not fell and now < probe.until:
        return probe
    if flat and not fell and reported_at is not None and reported_at >= probe.began + 0.5 * rule.lasts_s:
        ended = Probe(until=now + rule.pause_s, proven_kbps=probe.kbps)
        if probe.failed_kbps is None or probe.kbps >= probe.failed_kbps:
            return ended
        # A slower one says nothing of the rate that failed.
        return replace(
            ended, failures=probe.failures, failed_at=probe.failed_at, failed_kbps=probe.failed_kbps, retry=probe.retry
        )
    wait = min(rule.back_off_s * 2.0 ** min(probe.failures, 30), rule.longest_back_off_s)
    return replace(
        probe,
        kbps=None,
        until=now + rule.back_off_s,
        failures=probe.failures + 1,
        failed_at=now,
        failed_kbps=probe.kbps,
        retry=now + wait,
    )
