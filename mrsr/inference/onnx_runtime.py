"""The ONNX Runtime runtime: the exported ONNX graphs on the CPU, neither JAX nor TensorFlow imported."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from mrsr.inference.cores import available_cores
from mrsr.inference.frozen import FrozenRuntime
from mrsr.inference.onnx_names import FRAMES, new_state_name, output_name, state_name
from mrsr.inference.runtime import State
from mrsr.ladder import RouteSet
from mrsr.manifest import Graph, Manifest

if TYPE_CHECKING:
    import onnxruntime


class OnnxRuntime(FrozenRuntime):
    """Runs the ONNX graphs of an exported directory; a session is opened at a graph's first frame, for any size."""

    name = "onnxruntime"

    def __init__(
        self, manifest: Manifest, folder: Path, form: str = "onnx/float32", threads: int | None = None
    ) -> None:
        """A runtime on one form of a directory.

        Args:
          manifest: of the directory.
          folder: the directory.
          form: `onnx/float32` or `onnx/float16`; in the latter ONNX Runtime widens to float32 what its CPU kernels
            cannot do.
          threads: for one step; every core this process may run on by default.
        """
        super().__init__(manifest, form.rpartition("/")[2])
        self._folder = folder
        self._form = form
        self.threads = threads or available_cores()
        self._sessions: dict[RouteSet, onnxruntime.InferenceSession] = {}
        self._lock = Lock()

    def _run(self, graph: Graph, frames: np.ndarray, state: State) -> tuple[dict[str, np.ndarray], State]:
        session = self._session(graph)
        given = {FRAMES: frames} | {state_name(key): np.asarray(state[key]) for key in graph.states}
        names = [output_name(route.name) for route in graph.routes] + [new_state_name(key) for key in graph.states]
        made = dict(zip(names, session.run(names, given), strict=True))
        outputs = {route.name: made[output_name(route.name)] for route in graph.routes}
        return outputs, {key: made[new_state_name(key)] for key in graph.states}

    def _session(self, graph: Graph) -> onnxruntime.InferenceSession:
        import onnxruntime

        with self._lock:
            if graph.routes not in self._sessions:
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = self.threads
                options.log_severity_level = 3
                # Left to itself a pool goes on spinning after a frame, on cores that decoding and encoding need.
                options.add_session_config_entry("session.intra_op.allow_spinning", "0")
                path = str(self._folder / graph.files[self._form])
                session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
                self._sessions[graph.routes] = session
            return self._sessions[graph.routes]
