"""What a replay is made with besides the link, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mrsr.streaming.controller import Rule
from mrsr.streaming.sender_model import Frame
from mrsr.streaming.viewer_limits import Limits


@dataclass(frozen=True, slots=True)
class Setting:
    """What is replayed besides the link.

    Attributes:
      limits: of the viewer.
      rule: the controller's numbers.
      fixed: a rung that is always sent, at no less than it needs; None: the controller's.
      engine_ms: what a frame takes in the engine by its highest output; those not named take none.
      delay_ms: one way to the viewer without a queue, ms; the source's own way is not reckoned with.
      queue_bytes: what the bottleneck's queue holds.
      playout_ms: what the viewer holds frames back, ms.
      seed: of the sizes of frames.
    """

    limits: Limits
    rule: Rule = field(default_factory=Rule)
    fixed: int | None = None
    engine_ms: Mapping[int, float] = field(default_factory=dict)
    delay_ms: float = 40.0
    queue_bytes: int = 60_000
    playout_ms: float = 150.0
    seed: int = 1


@dataclass(slots=True)
class Run:
    """What happened: every frame, and the state of things every half second."""

    frames: list[Frame] = field(default_factory=list)
    timeline: list[dict[str, Any]] = field(default_factory=list)
    bits: int = 0
    padding_bits: int = 0
    dropped: int = 0
    probes: int = 0
