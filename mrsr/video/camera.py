"""A camera that is never behind: a thread reads every frame, the newest one is taken, the rest are counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer

from mrsr.errors import RunError, UserError
from mrsr.video.colour import ColourTags, to_rgb
from mrsr.video.container import refuse_deep_colour, video_stream
from mrsr.video.devices import Device, there

SILENT_S = 10.0
"""A camera that gives no frame for so long (s) has failed."""

_TIME_BASE = Fraction(1, 1000)
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame of a camera: `image` uint8 RGB [H, W, 3], taken `pts` ms after the first one, here since `arrived`.

    `arrived` is in seconds of `time.monotonic`.
    """

    image: np.ndarray
    pts: int
    arrived: float


class Camera:
    """An open camera, to use in a `with`; it is read from the moment it is open.

    Attributes:
      name: what it was called.
      height: of its frames, px.
      width: of its frames, px.
      fps: the rate it says it has.
      time_base: unit of the shots' `pts`, s.
      colour: its frames' colour tags.
      pixel_aspect: width of a pixel by its height.
      damaged: how many frames could not be decoded.

    Raises:
      UserError: there is no such camera, it is in use, or it gives no picture this can take.
    """

    def __init__(self, device: Device) -> None:
        self.name = device.name
        self.damaged = 0
        self._container = _opened(device)
        try:
            self._stream = video_stream(self._container, Path(device.name))
            self._decoded = self._decode()
            first = next(self._decoded, None)
            if first is None:
                raise UserError(f"{self.name}: gives no picture; expected a camera that no other program uses")
            self.height, self.width = first.height, first.width
            self.colour, self.time_base = ColourTags.of(first), _TIME_BASE
            refuse_deep_colour(Path(self.name), first, self.colour)
        except av.FFmpegError as error:
            self._container.close()
            raise UserError(f"{self.name}: gives no picture ({error.strerror})") from None
        except BaseException:
            self._container.close()
            raise
        self.fps = Fraction(self._stream.average_rate or self._stream.guessed_rate or 30)
        self.pixel_aspect = Fraction(self._stream.sample_aspect_ratio or 1) or Fraction(1)
        self._changed = threading.Condition()
        self._newest: tuple[av.VideoFrame, float] | None = None
        self._captured = self._missed = 0
        self._ended: str | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._read, name=self.name, daemon=True)
        self._thread.start()

    @property
    def captured(self) -> int:
        """Frames the camera gave since `shots` began."""
        return self._captured

    @property
    def missed(self) -> int:
        """Those of them that a newer one pushed out before they were taken."""
        return self._missed

    @property
    def ended(self) -> str | None:
        """Why the camera gives nothing more; None while it does."""
        return self._ended

    def shots(self, stop: Callable[[], bool]) -> Iterator[Shot]:
        """From now on, the newest frame whenever one is asked for, until `stop` says so or the camera is gone.

        Raises:
          RunError: it gives none for `SILENT_S`.
        """
        with self._changed:
            self._newest, self._captured, self._missed = None, 0, 0
        began: Fraction | float | None = None
        last = -1
        while (taken := self._take(stop)) is not None:
            frame, arrived = taken
            # Not every device stamps its frames.
            moment = arrived if frame.pts is None or not frame.time_base else frame.pts * frame.time_base
            began = moment if began is None else began
            last = max(last + 1, round((moment - began) / _TIME_BASE))
            yield Shot(to_rgb(frame, ColourTags.of(frame)), last, arrived)

    def _take(self, stop: Callable[[], bool]) -> tuple[av.VideoFrame, float] | None:
        until = time.monotonic() + SILENT_S
        with self._changed:
            while not stop():
                if self._newest is not None:
                    taken, self._newest = self._newest, None
                    return taken
                if self._ended is not None:
                    return None
                if time.monotonic() > until:
                    raise RunError(f"{self.name}: gave no frame for {SILENT_S:.0f} s")
                # Looked at now and then: a signal's handler must not need the lock that its own thread may hold.
                self._changed.wait(_LOOK_S)
        return None

    def _decode(self) -> Iterator[av.VideoFrame]:
        for packet in self._container.demux(self._stream):
            try:
                frames = self._stream.decode(packet)
            except av.InvalidDataError:
                self.damaged += 1
                continue
            yield from frames

    def _read(self) -> None:
        reason = "it ended"
        try:
            for frame in self._decoded:
                with self._changed:
                    if self._closing:
                        return
                    self._captured += 1
                    self._missed += self._newest is not None
                    self._newest = frame, time.monotonic()
                    self._changed.notify_all()
        except av.FFmpegError as error:
            reason = error.strerror or str(error)
        with self._changed:
            self._ended = reason
            self._changed.notify_all()

    def close(self) -> None:
        """Lets the camera go."""
        with self._changed:
            self._closing = True
        self._thread.join(SILENT_S)
        # A driver that hangs keeps its thread: what that still reads from must not go.
        if not self._thread.is_alive():
            self._container.close()

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _opened(device: Device) -> InputContainer:
    try:
        return av.open(device.url, format=device.form, options=device.options)
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{device.name}: cannot be opened ({reason}); {there(device.form)}") from None
