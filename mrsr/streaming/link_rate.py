"""What may be sent over a link by what is measured of it: the estimate, corrected for loss and for silence."""

from __future__ import annotations

import math
from dataclasses import dataclass

_HEAVY_LOSS, _LIGHT_LOSS = 0.10, 0.02
_LOSS_FORGETS = 1.25
_RTT_FORGETS = 1.02


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of a viewer's connection; None, and what is no finite number of its range, is not known.

    Attributes:
      estimate_kbps: the receiver's estimate of the bandwidth (REMB), kbit/s.
      rtt_ms: round-trip time, ms.
      loss: share of packets lost between the last two reports, 0 to 1.
      reported_at: when the newest report came, s, on the clock of `now`.
      lost_at: when the report came that `loss` is of, s; None: the newest is.
      dropped: frames the sender left out since the last step, because those before were still on their way.
      engine_top: the highest output the engine makes of the stream at present; None: as asked; 0: bicubic, as asked.
    """

    estimate_kbps: float | None = None
    rtt_ms: float | None = None
    loss: float | None = None
    reported_at: float | None = None
    lost_at: float | None = None
    dropped: int = 0
    engine_top: int | None = None


@dataclass(frozen=True, slots=True)
class LinkRate:
    """What is remembered of a link.

    Attributes:
      kbps: what it is taken to carry now, kbit/s.
      heard_kbps: the last estimate that was known, or the first guess, kbit/s.
      heard_at: when that came, s.
      report_at: when the last report came that has been reckoned with, s.
      lost_at: when the last one came whose loss and round trip have been, s.
      loss_kbps: what loss allows, kbit/s; None while it does not bind.
      proven_kbps: what a probe has shown it to carry beyond the estimate, kbit/s; None where the estimate is above.
      base_rtt_ms: round-trip time without a queue, ms; None until one is known.
      flat: whether round-trip time and loss are known, fresh, and show no queue.
      told: a few words on `kbps`.
    """

    kbps: float
    heard_kbps: float
    heard_at: float
    report_at: float | None = None
    lost_at: float | None = None
    loss_kbps: float | None = None
    proven_kbps: float | None = None
    base_rtt_ms: float | None = None
    flat: bool = False
    told: str = ""


def first_guess(kbps: float, now: float) -> LinkRate:
    """A link of which nothing is known yet but a guess, kbit/s."""
    return LinkRate(kbps, kbps, now, told=f"first guess {kbps:.0f} kbit/s")


def link_rate(link: LinkRate, measured: Measured, now: float, stale_s: float, slack_ms: float) -> LinkRate:
    """The link with one more measurement.

    An estimate counts from the moment of its report; `stale_s` after it, and after every `stale_s` more, half of what
    was left is taken to be gone. Loss limits the rate as in Google's congestion control: above 10% of lost packets by
    half of that share, at every report; below 2% it gives 5% back.

    Source: Holmer et al., draft-ietf-rmcat-gcc-02 (2016), section 6, for loss; halving in silence is own choice.

    Args:
      link: before.
      measured: what is known now.
      now: s, on a clock that does not go back.
      stale_s: how long a report stands, s.
      slack_ms: how far above the base the round-trip time is flat, ms.
    """
    at = _within(measured.reported_at, 0.0, now)
    estimate = _within(measured.estimate_kbps, 0.0, math.inf)
    rtt = _within(measured.rtt_ms, 0.0, math.inf)
    loss = _within(measured.loss, 0.0, 1.0)
    heard_kbps, heard_at = (estimate, at) if estimate is not None and at is not None else _last(link)
    lost_at = at if measured.lost_at is None else _within(measured.lost_at, 0.0, now)
    new, lost = _newer(at, link.report_at), _newer(lost_at, link.lost_at)
    loss_kbps = _allowed_by_loss(link, heard_kbps, loss) if lost and loss is not None else link.loss_kbps
    base = _base_rtt(link.base_rtt_ms, rtt if lost else None)
    halvings = max(0, math.floor((now - heard_at) / stale_s))
    fresh = at is not None and now - at < stale_s and halvings == 0
    flat = fresh and rtt is not None and loss is not None and loss <= _LIGHT_LOSS and not measured.dropped
    flat = flat and base is not None and rtt is not None and rtt <= base + slack_ms
    fell = heard_kbps < 0.97 * link.heard_kbps or heard_kbps >= (link.proven_kbps or 0.0)
    proven = None if fell or (new and not flat) else link.proven_kbps
    carried = heard_kbps if proven is None else proven
    kbps = min(carried, loss_kbps if loss_kbps is not None else math.inf) / 2.0 ** min(halvings, 30)
    if halvings:
        told = f"no estimate for {now - heard_at:.1f} s, {kbps:.0f} kbit/s assumed"
    elif loss_kbps is not None and loss_kbps < carried:
        told = f"{loss_kbps:.0f} of {carried:.0f} kbit/s after loss"
    elif proven is not None:
        told = f"probe bore {proven:.0f} kbit/s, estimate {heard_kbps:.0f}"
    else:
        told = f"estimate {heard_kbps:.0f} kbit/s"
    reports = at if new else link.report_at, lost_at if lost else link.lost_at
    return LinkRate(kbps, heard_kbps, heard_at, *reports, loss_kbps, proven, base, flat, told)


def _within(value: float | None, low: float, high: float) -> float | None:
    """The value where it is a finite number of the range, else None."""
    return value if value is not None and math.isfinite(value) and low <= value <= high else None


def _newer(at: float | None, before: float | None) -> bool:
    return at is not None and (before is None or at > before)


def _last(link: LinkRate) -> tuple[float, float]:
    return link.heard_kbps, link.heard_at


def _allowed_by_loss(link: LinkRate, estimate: float, loss: float) -> float | None:
    if loss > _HEAVY_LOSS:
        # What was sent is bounded by what the link was taken to carry.
        return min(link.kbps, max(estimate, link.proven_kbps or 0.0)) * (1.0 - 0.5 * loss)
    if link.loss_kbps is None or loss >= _LIGHT_LOSS:
        return link.loss_kbps
    risen = _LOSS_FORGETS * link.loss_kbps
    return None if risen >= max(estimate, link.proven_kbps or 0.0) else risen


def _base_rtt(base: float | None, rtt: float | None) -> float | None:
    """The lowest round-trip time of late, ms: it rises slowly, so that a route that became longer is learnt."""
    if base is None or rtt is None:
        return rtt if base is None else base
    return min(rtt, base * _RTT_FORGETS)
