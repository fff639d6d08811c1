"""Multi-resolution, real-time video super-resolution in JAX and Flax."""

__version__ = "0.1.0"
