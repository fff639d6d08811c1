"""Training data: photographs in motion and videos as batches of NumPy clips at every rung; never JAX arrays."""
