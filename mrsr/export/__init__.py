"""A trained network frozen for other runtimes: SavedModel, ONNX, Triton, and the gate that they say what JAX says."""
