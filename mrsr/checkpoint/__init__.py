"""The parameter store of a run folder, and the small weights file a run can be carried in.

A run folder holds `config.json`, `checkpoints/STEP/` with the items `model` and `training` and the checksums of their
files (`SHA256SUMS`), or `weights.msgpack` (parameters alone, bfloat16) where only the result of a run was brought home.

Source: FIG. 4, parameter store 430.
"""

from mrsr.checkpoint.model import NETWORKS, load_model, load_networks
from mrsr.checkpoint.store import CHECKPOINTS, Store, has_checkpoint
from mrsr.checkpoint.weights import WEIGHTS, read_weights, write_weights

__all__ = [
    "CHECKPOINTS",
    "NETWORKS",
    "WEIGHTS",
    "Store",
    "has_checkpoint",
    "load_model",
    "load_networks",
    "read_weights",
    "write_weights",
]
