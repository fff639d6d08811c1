"""From what `--model` says to what runs: a run folder, `bicubic`, `init:SIZE`, or what is there without it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from mrsr.checkpoint import WEIGHTS, has_checkpoint, load_model
from mrsr.config import SIZES, ExperimentConfig, model_size
from mrsr.config.serialise import FILE_NAME
from mrsr.errors import UserError
from mrsr.inference.exported import PACKAGES, installed, open_exported
from mrsr.inference.jax_runtime import JaxRuntime
from mrsr.inference.runtime import BicubicRuntime, Runtime
from mrsr.ladder import RouteSet
from mrsr.manifest import FILE as MANIFEST
from mrsr.manifest import Manifest, check_files, read_manifest
from mrsr.models.step import init_params
from mrsr.remote import as_path, is_remote
from mrsr.shipped import DEFAULT, folder, shipped

RUNTIMES = ("auto", "jax", *PACKAGES)
DEMO_RUN = Path("demo/run")
HOW_TO_GET_ONE = "`mrsr demo` trains one in minutes, or give --model RUN_FOLDER; `mrsr models` lists those that ship"

_FASTER = {"openvino": ("onnx/int8", "onnx/float32"), "onnxruntime": ("onnx/float32",)}
"""Where JAX has the CPU alone: the runtimes that are faster, in order, and the forms they are on."""

_LOG = logging.getLogger(__name__)


def find_model(name: str | None, otherwise: str = "bicubic") -> tuple[ExperimentConfig, Any]:
    """Config and parameters (float32; None for `bicubic`) of what `--model` names.

    That is a run folder, the name of a model that ships, `bicubic`, or `init:tiny|small|base` (untrained). Without a
    name: the `tiny` that ships, else the demo's run in the current folder, else `otherwise`, with a warning that says
    how to get a model.

    Raises:
      UserError: there is no such model.
    """
    if name is None and DEFAULT in shipped():
        name = DEFAULT
    if name is None and (has_checkpoint(DEMO_RUN) or (DEMO_RUN / WEIGHTS).is_file()):
        name = str(DEMO_RUN)
    if name is None:
        _LOG.warning("no model: taking %s; %s", otherwise, HOW_TO_GET_ONE)
        name = otherwise
    if name == "bicubic":
        return ExperimentConfig(name="bicubic", routes="all_seven"), None
    if name.startswith("init:"):
        config = ExperimentConfig(name=name, routes="all_seven", model=model_size(name.removeprefix("init:")))
        return config, init_params(config.ladder(), config.route_set(), config.model, 0)
    if name in SIZES and name not in shipped() and not Path(name).is_dir():
        raise UserError(f"--model {name}: its weights do not ship with this version; {HOW_TO_GET_ONE}")
    path = folder(name) if name in shipped() else as_path(name)
    if (path / MANIFEST).is_file():
        check_files(read_manifest(path), path, (FILE_NAME, WEIGHTS))
    return load_model(path)


def runtime_of(config: ExperimentConfig, params: Any) -> Runtime:
    """A model, as `find_model` gives it, on JAX; the baseline on NumPy."""
    return BicubicRuntime(config.ladder(), config.route_set()) if params is None else JaxRuntime(config, params)


def load_runtime(model: str | None, runtime: str = "auto", otherwise: str = "bicubic") -> Runtime:
    """What `--model` names, on the runtime `--runtime` names.

    By itself (`auto`) an exported directory, and a model that ships, runs on OpenVINO, or else ONNX Runtime, where one
    is installed and JAX has the CPU alone; on JAX otherwise, as everything else does.

    Raises:
      UserError: there is no such model or runtime, or the one cannot be had on the other.
    """
    if runtime not in RUNTIMES:
        raise UserError(f"--runtime {runtime}: expected one of {', '.join(RUNTIMES)}")
    model = DEFAULT if model is None and DEFAULT in shipped() else model
    ships = model in shipped()
    place = None if model is None else folder(model) if ships else as_path(model)
    if place is None or not (place / MANIFEST).is_file():
        if runtime not in ("auto", "jax"):
            if model is not None:
                find_model(model)  # One that is not there at all is said to be so.
            raise UserError(
                f"--runtime {runtime}: runs exported directories alone; expected one in --model: `mrsr export` makes it"
            )
        return runtime_of(*find_model(model, otherwise))
    manifest = read_manifest(place)
    chosen = runtime if runtime != "auto" else _fastest(manifest, place)
    if chosen != "jax":
        if is_remote(place):
            raise UserError(f"--runtime {chosen}: reads no bucket; expected a directory of this machine, or jax")
        return open_exported(chosen, manifest, Path(place))
    found = runtime_of(*find_model(model, otherwise))
    if not ships:  # What was not exported is not served, whatever runs the rest.
        found.routes = RouteSet.of({route for graph in manifest.graphs for route in graph.routes})
    return found


def _fastest(manifest: Manifest, folder: Path) -> str:
    """The runtime of a directory's ONNX graphs where there is nothing better than a CPU, else `jax`."""
    import jax

    if jax.default_backend() != "cpu" or is_remote(folder):
        return "jax"
    fitting = (name for name, forms in _FASTER.items() if set(forms) & set(manifest.forms()) and installed(name))
    return next(fitting, "jax")
