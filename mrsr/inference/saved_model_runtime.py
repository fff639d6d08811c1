"""The SavedModel runtime: the streaming signatures of an exported directory in TensorFlow, without JAX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mrsr.errors import UserError
from mrsr.inference.frozen import FrozenRuntime
from mrsr.inference.runtime import State
from mrsr.inference.signatures import FRAMES, frames_name, signature_name, state_name
from mrsr.manifest import Graph, Manifest

FORM = "saved_model"


class SavedModelRuntime(FrozenRuntime):
    """Runs one frame a call; TensorFlow compiles a signature once for each batch and frame size.

    A state stays TensorFlow's tensor from one frame to the next, on the device it was computed on.
    """

    name = "saved_model"

    def __init__(self, manifest: Manifest, folder: Path) -> None:
        """Loads the SavedModel of an exported directory.

        Args:
          manifest: of the directory.
          folder: the directory.

        Raises:
          UserError: the directory holds no SavedModel, or it cannot be loaded.
        """
        super().__init__(manifest)
        import tensorflow as tf

        places = {graph.files.get(FORM) for graph in manifest.graphs}
        if None in places or len(places) != 1:
            raise UserError(f"{folder}: holds no SavedModel of all its routes; export it with --forms {FORM}")
        place = folder / str(places.pop())
        try:
            self._loaded = tf.saved_model.load(str(place))
        except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
            reason = str(error).partition("\n")[0]
            raise UserError(f"{place}: damaged, or no SavedModel ({reason})") from None

    def _run(self, graph: Graph, frames: np.ndarray, state: State) -> tuple[dict[str, np.ndarray], State]:
        """One step of a graph; see `FrozenRuntime._run`."""
        import tensorflow as tf

        signature = self._loaded.signatures[signature_name("stream", graph.routes)]
        held: dict[str, Any] = {state_name(key): tf.convert_to_tensor(leaf) for key, leaf in state.items()}
        found = signature(**{FRAMES: tf.convert_to_tensor(frames)}, **held)
        outputs = {route.name: found[frames_name(route)].numpy() for route in graph.routes}
        return outputs, {key: found[state_name(key)] for key in graph.states}
