"""What users would pick instead of a network of ours, as runtimes, so that all are measured the same way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mrsr.inference.peers import find_peers, open_peer
from mrsr.inference.runtime import State, Stateless
from mrsr.ladder import Ladder, Route, RouteSet


class FrameByFrame(Stateless, ABC):
    """A `Runtime` without a state; a method gives `_enlarged` alone."""

    config_hash: str | None = None
    parameters = 0
    precision = "float32"

    def __init__(self, name: str, model_name: str, ladder: Ladder, routes: RouteSet) -> None:
        self.name, self.model_name = name, model_name
        self.ladder, self.routes = ladder, routes

    @abstractmethod
    def _enlarged(self, frame: np.ndarray, route: Route) -> np.ndarray:
        """A frame, uint8 RGB [H, W, 3], at the size of the route's output, or larger at its bottom and right."""

    def step(self, routes: RouteSet, frames: np.ndarray, state: State) -> tuple[dict[Route, np.ndarray], State]:
        """One frame of every stream; a route that does not enlarge gives its input."""
        outputs = {}
        for route in routes:
            rows, columns = self.ladder.output_size(route, *frames.shape[1:3])
            made = [self._enlarged(frame, route) if route.enlarges else frame for frame in frames]
            outputs[route] = np.stack(made)[:, :rows, :columns]
        return outputs, state


class LanczosRuntime(FrameByFrame):
    """Lanczos with three lobes, as Pillow enlarges."""

    def __init__(self, ladder: Ladder, routes: RouteSet) -> None:
        super().__init__("pillow", "Lanczos", ladder, routes)

    def _enlarged(self, frame: np.ndarray, route: Route) -> np.ndarray:
        rows, columns = self.ladder.output_size(route, *frame.shape[:2])
        return np.asarray(Image.fromarray(frame).resize((columns, rows), Image.Resampling.LANCZOS))


class PeerRuntime(FrameByFrame):
    """A family of OpenCV's super-resolution networks, such as ESPCN: a network for each factor there is a file of."""

    def __init__(self, family: str, networks: dict[Fraction, Any], ladder: Ladder, routes: RouteSet) -> None:
        super().__init__("opencv", family, ladder, routes)
        self._networks = networks

    def _enlarged(self, frame: np.ndarray, route: Route) -> np.ndarray:
        network = self._networks[self.ladder.ratio(route.input, route.output)]
        # OpenCV's channels are blue, green, red.
        enlarged: np.ndarray = network.upsample(np.ascontiguousarray(frame[..., ::-1]))
        return enlarged[..., ::-1]


def peer_runtimes(folder: Path, ladder: Ladder, routes: Iterable[Route]) -> list[PeerRuntime]:
    """The families of a folder, each for those of the routes that enlarge by a factor it has a network of.

    Raises:
      UserError: OpenCV is missing, the folder holds none, or a file cannot be read.
    """
    wanted, families = list(routes), dict[str, dict[Fraction, Any]]()
    for path in find_peers(folder):
        network, scale = open_peer(path)
        families.setdefault(path.name.partition("_")[0], {})[Fraction(scale)] = network
    served = {name: _of_factors(networks, ladder, wanted) for name, networks in families.items()}
    return [PeerRuntime(name, families[name], ladder, RouteSet.of(some)) for name, some in served.items() if some]


def _of_factors(factors: Iterable[Fraction], ladder: Ladder, routes: Sequence[Route]) -> list[Route]:
    wanted = set(factors)
    return [route for route in routes if ladder.ratio(route.input, route.output) in wanted]
