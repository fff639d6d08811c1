"""The graphs that browsers run: those of the model that ships, in float32, made at set-up and kept in the cache.

What ships is in 8 bits, which onnxruntime-web computes in float32 after turning the codes back: slower than float32.
"""

from __future__ import annotations

from pathlib import Path

from mrsr.ladder import Route, RouteSet
from mrsr.manifest import Manifest, checksum, read_manifest
from mrsr.shipped import DEFAULT, folder
from mrsr.streaming.device.runtime import cache

ROUTES = (Route(180, 360), Route(180, 720), Route(360, 720))
"""What browsers are offered; more pixels than 720p's are too many for most of them."""
_FORM = "onnx/int8"


def graphs_folder(model: str = DEFAULT) -> Path | None:
    """The folder of the graphs in float32, one `INPUT_OUTPUT.onnx` a route; None where they have not been made."""
    made = _folder(model)
    return made if all((made / file_of(route)).is_file() for route in ROUTES) else None


def make_graphs(model: str = DEFAULT) -> Path:
    """The folder of the graphs in float32, made where they are missing: that takes the extra `export`.

    Raises:
      UserError: no such model ships.
    """
    found = graphs_folder(model)
    if found is not None:
        return found
    from mrsr.checkpoint import load_model
    from mrsr.export.onnx_graph import write_onnx

    config, params = load_model(folder(model))
    made = _folder(model)
    made.mkdir(parents=True, exist_ok=True)
    for route in ROUTES:
        write_onnx(config, params, RouteSet.of([route]), made / file_of(route), "float32")
    return made


def graph_file(model: str, manifest: Manifest, route: Route) -> Path:
    """The graph of a route: in float32 where it was made, else the one that ships."""
    made = graphs_folder(model)
    if made is not None:
        return made / file_of(route)
    return folder(model) / manifest.graph(RouteSet.of([route])).files[_FORM]


def shipped_manifest(model: str = DEFAULT) -> Manifest:
    """What the model that ships says of its graphs."""
    return read_manifest(folder(model))


def file_of(route: Route) -> str:
    """`180_360.onnx`."""
    return f"{route.name.replace(':', '_')}.onnx"


def _folder(model: str) -> Path:
    # By the weights themselves: another training of the same config is another model.
    return cache() / f"browser-{model}-{checksum(folder(model) / 'weights.msgpack')[:12]}"
