"""Multi-resolution, real-time video super-resolution in JAX and Flax."""

import os

# Of the two clients that etils has for buckets, the one that is not TensorFlow, which takes seconds and 300 MB to load;
# it looks once, when the first path of any kind is used.
os.environ.setdefault("EPATH_USE_TF", "false")


__version__ = "0.1.0"
