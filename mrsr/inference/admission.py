"""What the engine lets in: routes its model can run, and frames it has the memory for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from mrsr.errors import UserError
from mrsr.inference.buckets import Size
from mrsr.inference.levels import levels
from mrsr.ladder import Ladder, RouteSet


class Admission:
    """Checks what comes from outside; `most_pixels` are those of a frame enlarged to the top rung."""

    def __init__(self, ladder: Ladder, trained: RouteSet, most_pixels: int) -> None:
        self._trained = trained
        self._most = {entry: int(most_pixels / ladder.ratio(entry, ladder.top) ** 2) for entry in trained.inputs}

    def check(self, routes: RouteSet) -> None:
        """Refuses what is no stream's routes.

        Raises:
          UserError: not one input, or a route the model was not trained on.
        """
        if len(routes.inputs) != 1:
            raise UserError(f"routes {routes}: a stream has one input; expected routes such as 180:360,180:720")
        for route in routes:
            if route not in self._trained:
                raise UserError(f"route {route}: the model was not trained on it; expected some of {self._trained}")

    def check_frame(self, name: str, frame: np.ndarray, routes: RouteSet) -> None:
        """Refuses what is no frame for these routes.

        Raises:
          UserError: not uint8 [H, W, 3], or too large.
        """
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
            raise UserError(f"stream {name!r}: frame {frame.dtype} {list(frame.shape)}; expected uint8 [H, W, 3]")
        self._check_size(f"stream {name!r}", routes.inputs[0], *frame.shape[:2])

    def sizes_of(
        self, asked: Iterable[RouteSet], sizes: Mapping[int, Iterable[Size]]
    ) -> dict[RouteSet, tuple[tuple[RouteSet, ...], list[Size]]]:
        """The levels and the sizes of the frames (height, width; px) of every route set asked for.

        Raises:
          UserError: a route set the model cannot run, an input without sizes, or a frame that is too large.
        """
        listed = {entry: list(some) for entry, some in sizes.items()}
        result = {}
        for routes in asked:
            self.check(routes)
            entry = routes.inputs[0]
            if not listed.get(entry):
                raise UserError(f"routes {routes}: no sizes for {entry}p; expected the sizes of the frames to prepare")
            for size in listed[entry]:
                self._check_size(f"routes {routes}", entry, *size)
            result[routes] = levels(self._trained, routes), listed[entry]
        return result

    def _check_size(self, whose: str, entry: int, height: int, width: int) -> None:
        if height < 1 or width < 1 or height * width > self._most[entry]:
            raise UserError(f"{whose}: frame of {width}x{height}; expected at most {self._most[entry]} px at {entry}p")
