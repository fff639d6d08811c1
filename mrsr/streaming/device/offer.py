"""What browsers are offered to enlarge with, as `GET /api/config` says it, and the file behind each address."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrsr.inference.onnx_names import state_name
from mrsr.ladder import RouteSet
from mrsr.manifest import checksum
from mrsr.shipped import DEFAULT
from mrsr.streaming.device.graphs import ROUTES, graph_file, shipped_manifest
from mrsr.streaming.device.runtime import FILES, VERSION, WASM, WEBGPU, runtime_folder


@dataclass(frozen=True, slots=True)
class Offered:
    """What is offered.

    Attributes:
      config: `device` of `GET /api/config`: `model`, `runtime` (its `folder` and its modules `wasm` and `webgpu`) and
        `routes`: by name the graph's `url`, what sides are multiples of, and its states with their grid and channels.
      files: by path below `/static/`, all of which never change under that path.
    """

    config: dict[str, Any]
    files: dict[str, Path]


def offered(model: str = DEFAULT) -> Offered | None:
    """What browsers are offered; None where set-up could not fetch onnxruntime-web."""
    runtime = runtime_folder()
    if runtime is None:
        return None
    below = f"onnxruntime-web-{VERSION}"
    files = {f"{below}/{name}": runtime / name for name in FILES}
    manifest, routes = shipped_manifest(model), {}
    for route in ROUTES:
        graph, file = manifest.graph(RouteSet.of([route])), graph_file(model, manifest, route)
        path = f"{model}-{checksum(file)[:12]}/{file.name}"
        files[path] = file
        states = {
            state_name(key): {"grid": float(spec.grid), "channels": spec.channels} for key, spec in graph.states.items()
        }
        routes[route.name] = {"url": f"/static/{path}", "multiple": graph.multiple, "states": states}
    modules = {"wasm": f"/static/{below}/{WASM}", "webgpu": f"/static/{below}/{WEBGPU}"}
    return Offered({"model": model, "runtime": {"folder": f"/static/{below}/"} | modules, "routes": routes}, files)
