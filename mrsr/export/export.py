"""`mrsr export`: one directory with a model in every form, all of it or nothing, past the parity gate."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mrsr.checkpoint import WEIGHTS, write_weights
from mrsr.config import ExperimentConfig, config_hash, save_config
from mrsr.errors import UserError
from mrsr.export.graphs import graph_of
from mrsr.export.parity import compare, gate
from mrsr.inference.exported import PRECISIONS, RUNTIMES_OF, open_form
from mrsr.inference.jax_runtime import JaxRuntime
from mrsr.inference.signatures import served_name
from mrsr.ladder import RouteSet, passes
from mrsr.manifest import Manifest, checksums_of, write_manifest

_PACKAGES = ("mrsr", "jax", "flax", "jax2onnx", "onnx", "tensorflow-cpu", "onnxruntime", "openvino")

Tell = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported.

    Attributes:
      routes: enlarging ones, of any inputs.
      forms: of `PRECISIONS`.
      platforms: that the SavedModel is lowered for: cpu, cuda, tpu.
      licence: of the weights, in words.
      metrics: of the last evaluation in training.
    """

    routes: RouteSet
    forms: Sequence[str]
    platforms: Sequence[str]
    licence: str
    metrics: Mapping[str, float]


def export(
    config: ExperimentConfig,
    params: Any,
    wanted: Wanted,
    clips: Mapping[int, Sequence[np.ndarray]],
    output: Path,
    tell: Tell,
) -> Manifest:
    """Writes the directory beside its place, and renames it when every form has passed the gate.

    Args:
      config: of the model.
      params: float32.
      wanted: what is exported.
      clips: for the gate, by input rung: frames uint8 [H, W, 3] as they enter.
      output: a directory that is not there.
      tell: takes a line for each thing done.

    Raises:
      UserError: the directory is there, or cannot be made.
      RunError: a form lies too far from JAX; nothing is left behind.
    """
    with _folder(output) as folder:
        save_config(config, folder)
        write_weights(folder / WEIGHTS, params, np.float32)
        graphs = tuple(graph_of(config, routes) for routes in passes(wanted.routes))
        manifest = Manifest(
            name=served_name(config.name),
            config_hash=config_hash(config),
            parameters=sum(leaf.size for leaf in _leaves(params)),
            ladder=config.ladder(),
            graphs=graphs,
            licence=wanted.licence,
            metrics=dict(wanted.metrics),
            versions=_versions(),
        )
        for form in wanted.forms:
            manifest = _with_form(form, manifest, config, params, wanted, folder, tell)
        if any(form.startswith("onnx/") for form in wanted.forms):
            from mrsr.export.triton import write_triton

            write_triton(manifest, folder)
        whole = dataclasses.replace(config, model=dataclasses.replace(config.model, dtype="float32"))
        reference = JaxRuntime(whole, params)
        # The SavedModel computes in what the config says, the ONNX graphs in what their form says.
        precisions = PRECISIONS | {"saved_model": config.model.dtype}
        parity = {
            form: _parity(form, precisions[form], manifest, folder, reference, clips, tell) for form in wanted.forms
        }
        manifest = dataclasses.replace(manifest, parity=parity, checksums=checksums_of(folder))
        write_manifest(manifest, folder)
    return manifest


def _with_form(
    form: str,
    manifest: Manifest,
    config: ExperimentConfig,
    params: Any,
    wanted: Wanted,
    folder: Path,
    tell: Tell,
) -> Manifest:
    """Writes every graph in a form; returns the manifest that says where."""
    files: dict[RouteSet, str] = {}
    if form == "saved_model":
        from mrsr.export.saved_model import write_saved_model
        from mrsr.export.serving_files import write_serving_files

        write_saved_model(config, params, wanted.routes, folder / form, manifest.name, wanted.platforms)
        write_serving_files(manifest, folder / form)
        files = {graph.routes: f"{form}/{manifest.name}/1" for graph in manifest.graphs}
    else:
        from mrsr.export.onnx_graph import write_onnx

        for graph in manifest.graphs:
            path = f"{form}/{graph.routes.slug}.onnx"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            write_onnx(config, params, graph.routes, folder / path, PRECISIONS[form])
            files[graph.routes] = path
    tell(f"{form}: {len(set(files.values()))} written")
    graphs = (dataclasses.replace(graph, files=graph.files | {form: files[graph.routes]}) for graph in manifest.graphs)
    return dataclasses.replace(manifest, graphs=tuple(graphs))


def _parity(
    form: str,
    precision: str,
    manifest: Manifest,
    folder: Path,
    reference: JaxRuntime,
    clips: Mapping[int, Sequence[np.ndarray]],
    tell: Tell,
) -> dict[str, Any]:
    """What every graph of a form differs by in each runtime that runs it, past the gate."""
    found: dict[str, Any] = {}
    for name in RUNTIMES_OF[form]:
        runtime = open_form(name, form, manifest, folder)
        for graph in manifest.graphs:
            parity = compare(reference, runtime, graph.routes, clips[graph.routes.inputs[0]])
            gate(f"{form} in {name}", precision, graph.routes, parity)
            found.setdefault(name, {})[str(graph.routes)] = {"precision": precision} | parity.record()
            tell(
                f"{form} in {name}, {graph.routes}: {parity.frames} frames, at most {parity.most} levels from JAX in "
                f"float32, {parity.mean:.2g} in the mean, {parity.first:.2g} at first and {parity.last:.2g} at last"
            )
    return found


@contextmanager
def _folder(output: Path) -> Iterator[Path]:
    """The folder to write into, beside its place; it takes it where the block ends well, and goes otherwise."""
    if os.path.lexists(output):
        raise UserError(f"--output {output}: exists; expected a directory that is not there")
    if not output.absolute().parent.is_dir():
        raise UserError(f"--output {output}: its folder does not exist")
    beside = Path(tempfile.mkdtemp(prefix=f".{output.name}.", suffix=".part", dir=output.absolute().parent))
    try:
        yield beside
        beside.chmod(0o777 & ~_umask())
        beside.rename(output)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _leaves(params: Any) -> list[Any]:
    import jax

    return jax.tree.leaves(params)


def _versions() -> dict[str, str]:
    """Of what made the directory, as installed."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
