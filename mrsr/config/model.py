"""The schema of the generator: its stages, and how it is computed.

Annotations are real types here, not text: config_flags reads them to parse the overrides of a command line.
"""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class StageConfig:
    """The body at one rung (FIG. 2B): its RRDBs, then its ConvGRU.

    Attributes:
      width: channels of the features at this rung, on its grid.
      fold: the side (px of this rung) of the square that shares one position of the grid, its pixels side by side in
        the channels (space-to-depth); 1 for a grid as fine as the rung. Few wide convolutions run faster than many
        thin ones.
      rrdbs: residual-in-residual dense blocks; 0 leaves a stage of upsampling alone.
      dense_blocks: residual dense blocks in an RRDB (3 in ESRGAN, Wang et al. 2018).
      convs: convolutions in a dense block (5 in ESRGAN).
      growth: channels each convolution of a dense block but the last adds.
      hidden: channels carried from frame to frame by the stage's ConvGRU, at most `width`; 0 for no ConvGRU.
    """

    width: int
    fold: int = 1
    rrdbs: int = 1
    dense_blocks: int = 3
    convs: int = 5
    growth: int = 16
    hidden: int = 0


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class ModelConfig:
    """The network: one stage a rung, in the order of the ladder.

    Attributes:
      name: what reports call it.
      stages: one `StageConfig` a rung, lowest first.
      residual_scale: what an RRDB's branches are multiplied by before they are added (0.2 in ESRGAN).
      dtype: of the computation, `float32` or `bfloat16`; parameters and the residual image are float32 always.
      remat: recompute a frame's activations in the backward pass instead of keeping them (memory for time).
      scan_unroll: frames unrolled in one iteration of the scan over a clip; 0 for the whole clip on CPU, where the
        backward pass of a rolled scan is about 9 times slower, and 1 elsewhere.
    """

    name: str = "custom"
    stages: tuple[StageConfig, ...] = ()
    residual_scale: float = 0.2
    dtype: str = "float32"
    remat: bool = False
    scan_unroll: int = 0
