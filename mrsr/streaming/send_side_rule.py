"""The numbers of the sender's own estimate of a link: how long a queue is one, how far it falls, how fast it rises."""

from __future__ import annotations

from dataclasses import dataclass


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
      standing_s: one that stays within this from fall to fall is none: a fall to 0.85 drains a queue; s.
      vain_falls: after so many that changed nothing the way is taken to have become longer, or the clock to have moved.
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
    standing_s: float = 0.010
    vain_falls: int = 3
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
