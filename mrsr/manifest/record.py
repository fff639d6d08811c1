"""What an exported directory says of itself: its graphs, their states, where they lie, whence they come (no JAX)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from mrsr.errors import UserError
from mrsr.files import replaced
from mrsr.ladder import Ladder, RouteSet

FILE = "manifest.json"
VERSION = 1
"""Of this layout; a directory of another is refused."""

VALUES = "uint8 RGB, 0 to 255, BT.601 or BT.709 as they came; [B, H, W, 3], batch first"


@dataclass(frozen=True, slots=True)
class StateSpec:
    """One recurrent state of a graph: [B, H * grid, W * grid, channels] for whole frames of H x W px, zero at first.

    Attributes:
      grid: its sides over those of the frame.
      channels: of it.
    """

    grid: Fraction
    channels: int


@dataclass(frozen=True, slots=True)
class Graph:
    """One pass of the network: the routes of one input, frozen.

    Attributes:
      routes: what it makes of a frame.
      multiple: what the sides (px) of its frames are multiples of; others are padded by their last pixels first.
      states: by key, `"180@360"`.
      files: where it lies in the directory, by form: `"onnx/float32"`, `"saved_model"`.
    """

    routes: RouteSet
    multiple: int
    states: dict[str, StateSpec]
    files: dict[str, str] = field(default_factory=dict)

    def whole(self, height: int, width: int) -> tuple[int, int]:
        """The size (px) a frame is padded to."""
        return -(-height // self.multiple) * self.multiple, -(-width // self.multiple) * self.multiple

    def state_shapes(self, batch: int, height: int, width: int) -> dict[str, tuple[int, int, int, int]]:
        """The shapes of the states by key for frames of any size (px)."""
        rows, columns = self.whole(height, width)
        return {
            key: (batch, int(rows * spec.grid), int(columns * spec.grid), spec.channels)
            for key, spec in self.states.items()
        }


@dataclass(frozen=True, slots=True)
class Manifest:
    """An exported directory.

    Attributes:
      name: of the model.
      config_hash: of the config it was trained with.
      parameters: how many numbers it has learned.
      ladder: the rungs its routes stand on.
      graphs: every pass that was exported.
      licence: of the weights, in words.
      metrics: of the last evaluation in training, by name.
      parity: of every form against JAX in float32, by form.
      versions: of what made it, by package.
      checksums: SHA-256 of every other file of the directory, by its path in it.
    """

    name: str
    config_hash: str
    parameters: int
    ladder: Ladder
    graphs: tuple[Graph, ...]
    licence: str = "unstated"
    metrics: dict[str, float] = field(default_factory=dict)
    parity: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)

    def forms(self) -> tuple[str, ...]:
        """The forms every graph is there in."""
        held = [set(graph.files) for graph in self.graphs]
        return tuple(sorted(set.intersection(*held))) if held else ()

    def graph(self, routes: RouteSet) -> Graph:
        """The graph of the routes; where they were not exported together, the least one that makes them too.

        Raises:
          UserError: no graph makes them all in one pass.
        """
        fitting = [graph for graph in self.graphs if set(routes) <= set(graph.routes)]
        if not fitting:
            known = "; ".join(str(graph.routes) for graph in self.graphs)
            raise UserError(f"routes {routes}: not exported; expected some of one of: {known}")
        return min(fitting, key=lambda graph: len(graph.routes))

    def part(self, routes: RouteSet) -> Graph:
        """The part of `graph(routes)` that makes these routes alone, where it is known which states they carry.

        It is where each of them has a graph of its own, whose states those are; else the whole graph.

        Raises:
          UserError: as of `graph`.
        """
        whole = self.graph(routes)
        own = [graph for graph in self.graphs if len(graph.routes) == 1 and set(graph.routes) <= set(routes)]
        if len(own) < len(routes):
            return whole
        needed = {key for graph in own for key in graph.states}
        states = {key: spec for key, spec in whole.states.items() if key in needed}
        return replace(whole, routes=routes, states=states)


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Writes `manifest.json` into a directory whose other files are all there."""
    record = {
        "version": VERSION,
        "name": manifest.name,
        "config_hash": manifest.config_hash,
        "parameters": manifest.parameters,
        "ladder": list(manifest.ladder.rungs),
        "values": VALUES,
        "graphs": [
            {
                "routes": str(graph.routes),
                "multiple": graph.multiple,
                "states": {
                    name: {"grid": str(state.grid), "channels": state.channels, "shape": _shape(state)}
                    for name, state in graph.states.items()
                },
                "files": graph.files,
            }
            for graph in manifest.graphs
        ],
        "licence": manifest.licence,
        "metrics": manifest.metrics,
        "parity": manifest.parity,
        "versions": manifest.versions,
        "checksums": manifest.checksums,
    }
    with replaced(folder / FILE) as beside:
        beside.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _shape(state: StateSpec) -> list[str | int]:
    """For a reader: `["B", "H*2", "W*2", 16]`."""
    sides = [side if state.grid == 1 else f"{side}*{state.grid}" for side in "HW"]
    return ["B", *sides, state.channels]
