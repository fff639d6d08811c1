"""The OpenVINO runtime: the exported ONNX graphs on Intel and other CPUs, neither JAX nor TensorFlow imported."""

from __future__ import annotations

import functools
import importlib
import logging
import sys
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from mrsr.errors import UserError
from mrsr.inference.cores import available_cores
from mrsr.inference.frozen import FrozenRuntime
from mrsr.inference.onnx_names import FRAMES, new_state_name, output_name, state_name
from mrsr.inference.runtime import State
from mrsr.ladder import RouteSet
from mrsr.manifest import Graph, Manifest

if TYPE_CHECKING:
    import openvino

HINTS = {"f32": "FP32", "bf16": "BF16", "f16": "FP16"}
"""What the CPU may compute in, by OpenVINO's names, and what it calls a CPU that can."""

_LOG = logging.getLogger(__name__)

PROGRAMS = 32
"""Compiled programs that are kept; the one unused longest goes first."""


def openvino_module() -> Any:
    """The package `openvino`, imported without its telemetry.

    At import that forks the process to report home. Beside JAX's threads a fork may never return, and whoever enlarges
    a private video did not ask for it; without the package OpenVINO goes on silently.
    """
    if "openvino" not in sys.modules:
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    return importlib.import_module("openvino")


@functools.cache
def openvino_core() -> openvino.Core:
    """The one `openvino.Core` of the process, which is never let go of.

    With its first core OpenVINO (2026.4) gives the calling thread an alternate signal stack, and unmaps that with the
    last one, also where another thread lets go of it: the next signal that reaches the first thread, whose stack is
    gone, ends the process with a segmentation fault.
    """
    return openvino_module().Core()


@dataclass
class _Program:
    """A graph compiled for one batch and frame size, and the shapes of its outputs by name."""

    request: openvino.InferRequest
    shapes: dict[str, tuple[tuple[int, ...], Any]]
    lock: Lock = field(default_factory=Lock)


class OpenVinoRuntime(FrozenRuntime):
    """Runs the ONNX graphs of an exported directory, each compiled for the batch and frame size that come.

    Of a graph that makes more than is asked, what is asked is compiled alone. A graph of free sizes took a third
    longer: sizes that stand fast let OpenVINO fuse and fold more. States and outputs are never copied: a request reads
    the arrays of the frame before and writes into fresh ones.

    Attributes:
      hint: what the CPU computes in.
      threads: of programs compiled from now on.
    """

    name = "openvino"
    prunes = True

    def __init__(
        self,
        manifest: Manifest,
        folder: Path,
        form: str = "onnx/float32",
        *,
        hint: str = "f32",
        threads: int | None = None,
        cache: Path | None = None,
    ) -> None:
        """A runtime on one form of a directory.

        Args:
          manifest: of the directory.
          folder: the directory.
          form: `onnx/int8`, `onnx/float32` or `onnx/float16`.
          hint: what the CPU may compute in. float32 unless asked: left alone OpenVINO takes bfloat16 where the CPU has
            it, some levels away. Where it has not, a warning says so and it is float32: emulated, it is slower.
          threads: for one step; every core this process may run on by default.
          cache: a folder for compiled programs, so that the next process need not compile them; none by default.

        Raises:
          UserError: the hint is not known.
        """
        super().__init__(manifest, form.rpartition("/")[2])
        if hint not in HINTS:
            raise UserError(f"OpenVINO precision hint {hint!r}: expected one of {', '.join(HINTS)}")
        self._folder = folder
        self._form = form
        self._core = openvino_core()
        if HINTS[hint] not in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            _LOG.warning("OpenVINO: this CPU has no %s; taking f32", hint)
            hint = "f32"
        self.hint = hint
        self._settings = {
            "INFERENCE_PRECISION_HINT": hint,
            "INFERENCE_NUM_THREADS": threads or available_cores(),
            "PERFORMANCE_HINT": "LATENCY",
        }
        if cache is not None:
            self._settings["CACHE_DIR"] = str(cache)
        self.threads = self._settings["INFERENCE_NUM_THREADS"]
        self._programs: OrderedDict[tuple[RouteSet, tuple[int, ...]], _Program] = OrderedDict()
        self._lock = Lock()

    def _run(self, graph: Graph, frames: np.ndarray, state: State) -> tuple[dict[str, np.ndarray], State]:
        openvino = openvino_module()

        program = self._program(graph, frames, state)
        # Held here: a tensor does not keep the copy that a view of a larger picture, or a read-only one, needs.
        given = {FRAMES: np.require(frames, requirements=["C", "W"])}
        given |= {state_name(key): np.require(state[key], requirements=["C", "W"]) for key in graph.states}
        made = {name: np.empty(shape, dtype) for name, (shape, dtype) in program.shapes.items()}
        with program.lock:
            for name, array in given.items():
                program.request.set_tensor(name, openvino.Tensor(array, shared_memory=True))
            for name, array in made.items():
                program.request.set_tensor(name, openvino.Tensor(array, shared_memory=True))
            program.request.infer()
        outputs = {route.name: made[output_name(route.name)] for route in graph.routes}
        return outputs, {key: made[new_state_name(key)] for key in graph.states}

    def _program(self, graph: Graph, frames: np.ndarray, state: State) -> _Program:
        wanted = (graph.routes, frames.shape)
        with self._lock:
            if wanted in self._programs:
                self._programs.move_to_end(wanted)
                return self._programs[wanted]
        # Without the lock: whoever has a program does not wait for another to be compiled.
        compiled = self._compiled(graph, frames, state)
        with self._lock:
            program = self._programs.setdefault(wanted, compiled)
            self._programs.move_to_end(wanted)
            if len(self._programs) > PROGRAMS:
                self._programs.popitem(last=False)
            return program

    def _compiled(self, graph: Graph, frames: np.ndarray, state: State) -> _Program:
        openvino = openvino_module()

        model = self._core.read_model(str(self._folder / graph.files[self._form]))
        wanted = {output_name(route.name) for route in graph.routes} | {new_state_name(key) for key in graph.states}
        for result in model.get_results():
            if not wanted & result.output(0).get_names() and not wanted & result.input_value(0).get_names():
                model.remove_result(result)
        held = {FRAMES, *map(state_name, graph.states)}
        for parameter in model.get_parameters():
            if not held & parameter.output(0).get_names():
                model.remove_parameter(parameter)
        shapes = {FRAMES: frames.shape} | {state_name(key): state[key].shape for key in graph.states}
        model.reshape({name: openvino.PartialShape(list(shape)) for name, shape in shapes.items()})
        settings = self._settings | {"INFERENCE_NUM_THREADS": self.threads}
        compiled = self._core.compile_model(model, "CPU", settings)
        outputs = {
            output.get_any_name(): (tuple(output.shape), output.element_type.to_dtype()) for output in compiled.outputs
        }
        return _Program(compiled.create_infer_request(), outputs)
