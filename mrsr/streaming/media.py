"""A publisher's pictures on their way: what goes to the engine is announced, its results go to the rungs watched."""

from __future__ import annotations

import asyncio
import bisect
import logging
import statistics
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mrsr.inference.streams import Result
from mrsr.streaming.encoder import CLOCK, VideoEncoder
from mrsr.streaming.pixels import reduced
from mrsr.streaming.rung import EncodedRung
from mrsr.streaming.source_frames import SourceFrame
from mrsr.streaming.timeline import Timeline

_LOG = logging.getLogger(__name__)
_REMEMBERED = 64


class Cut(NamedTuple):
    """What one encoder makes for all who watch that.

    Attributes:
      format: `H264` or `VP8`.
      height: the rung, p.
      fps: frames a second at most; None: all there are.
    """

    format: str
    height: int
    fps: int | None = None


class SuperResolved:
    """One publisher's picture at every rung, in every format and at every frame rate somebody watches.

    Frames are announced by `offering` right before they go to the engine, so that its results find their time stamps.

    Attributes:
      rungs: the encoders.
    """

    def __init__(
        self,
        make_encoder: Callable[[Cut], VideoEncoder],
        clock: Callable[[], float] = time.monotonic,
        began: float | None = None,
    ) -> None:
        """Args:
        make_encoder: for what it is to make.
        clock: the engine's, s.
        began: where the time stamps begin, s on that clock; the same for all publishers of a call.
        """
        self.rungs: dict[Cut, EncodedRung] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._make, self._clock = make_encoder, clock
        self._timeline = Timeline(clock() if began is None else began, CLOCK)
        self._offered: deque[tuple[float, int, float]] = deque(maxlen=_REMEMBERED)
        self._took: deque[float] = deque(maxlen=_REMEMBERED)

    def now(self) -> float:
        """The time, by the clock it was made with, s."""
        return self._clock()

    def offering(self, source: object, frame: SourceFrame) -> int:
        """This frame goes to the engine next; the time stamp its outputs will bear."""
        now = self._clock()
        pts = self._timeline.map(source, frame.rtp, now)
        self._offered.append((now, pts, frame.arrived_at))
        return pts

    def take(self, result: Result) -> None:
        """The engine's result, from its thread: each rung above the input gets its output, or the best below it."""
        images = {route.output: image for route, image in result.outputs.items()}
        if not images:
            return
        entry = result.asked.inputs[0]
        pts, arrived_at = self._announced(result.offered_at)
        self._took.append(self._clock() - arrived_at)
        for cut, rung in tuple(self.rungs.items()):
            if cut.height > entry:
                fitting = [output for output in images if output <= cut.height]
                rung.put(images[max(fitting, default=min(images))], pts, arrived_at)

    def pass_on(self, frame: SourceFrame, pts: int, entry: int, above: bool) -> None:
        """The input itself, to every rung that is not above it, reduced where the rung is below.

        Args:
          frame: the publisher's.
          pts: of `offering`.
          entry: the rung it enters at.
          above: whether the rungs above get it as it is, too: no network runs for them.
        """
        if above:
            self._took.append(self._clock() - frame.arrived_at)
        given = [(cut, rung) for cut, rung in self.rungs.items() if rung.viewers and (above or cut.height <= entry)]
        # Once a rung, however many encoders it has: this is the loop's thread.
        images = {height: at_most(frame.image, height) for height in {cut.height for cut, _ in given}}
        for cut, rung in given:
            rung.put(images[cut.height], pts, frame.arrived_at)

    def rung(self, cut: Cut) -> EncodedRung:
        """The encoder of a cut, started where there is none yet; a viewer's track may `follow` it."""
        if cut not in self.rungs:
            self.rungs[cut] = EncodedRung(lambda: self._make(cut), fps=cut.fps)
        return self.rungs[cut]

    @property
    def latency_s(self) -> float:
        """From a frame's last packet to its picture made, the median of the last frames, s."""
        took = tuple(self._took)
        return statistics.median(took) if took else 0.0

    @property
    def heights(self) -> list[int]:
        """The rungs somebody watches, the lowest first: what the engine has to make."""
        return sorted({cut.height for cut, rung in self.rungs.items() if rung.viewers})

    def reap(self) -> None:
        """Lets go of the encoders nobody watches: one that hangs ends by itself, and nobody waits for it."""
        for cut in [cut for cut, rung in self.rungs.items() if not rung.viewers]:
            self._let_go(cut)

    @property
    def ended(self) -> bool:
        """Whether no encoder is left, nor one that is let go and has not ended yet."""
        return not self.rungs and not self._closing

    async def close(self) -> None:
        """Ends all viewers' tracks, and waits for the encoders."""
        for cut in tuple(self.rungs):
            self._let_go(cut)
        await asyncio.gather(*self._closing, return_exceptions=True)

    def figures(self) -> dict[str, Any]:
        """The encoders, as JSON, by rung, format and frame rate."""
        return {
            f"{cut.height}p {cut.format}{f' {cut.fps}/s' if cut.fps else ''}": rung.figures()
            for cut, rung in self.rungs.items()
        }

    def _let_go(self, cut: Cut) -> None:
        task = asyncio.get_running_loop().create_task(self.rungs.pop(cut).close())
        self._closing.add(task)
        task.add_done_callback(self._has_ended)

    def _has_ended(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("an encoder failed", exc_info=error)

    def _announced(self, offered_at: float) -> tuple[int, float]:
        """Time stamp and arrival (s) of the frame that was announced last before it was offered at `offered_at` (s)."""
        offered = tuple(self._offered)
        at = bisect.bisect_right(offered, offered_at, key=lambda entry: entry[0])
        return offered[max(at, 1) - 1][1:] if offered else (round(offered_at * CLOCK), offered_at)


def at_most(image: np.ndarray, short: int) -> np.ndarray:
    """uint8 RGB [H, W, 3], reduced where its short side is more than a tenth above `short` px, to even sides."""
    height, width = image.shape[:2]
    if min(height, width) <= 1.1 * short:
        return image
    ratio = short / min(height, width)
    return reduced(image, *(max(2, 2 * round(side * ratio / 2)) for side in (height, width)))
