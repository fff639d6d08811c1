"""The schema of an experiment: slotted, keyword-only dataclasses, which refuse a mistyped field where it is typed.

Annotations are real types here, not text: config_flags reads them to parse the overrides of a command line.
"""

from dataclasses import dataclass, field

from mrsr.config.data import DataConfig
from mrsr.ladder import DEFAULT_RUNGS, Ladder, RouteSet


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


@dataclass(slots=True, kw_only=True)
class LossConfig:
    """Supervision of every route against the truth at its output rung.

    Attributes:
      pixel: `charbonnier`, `l1` or `l2`.
      epsilon: of Charbonnier, on frames in [0, 1].
      weight: of the pixel term; a term whose weight is 0 is never traced.
    """

    pixel: str = "charbonnier"
    epsilon: float = 1e-3
    weight: float = 1.0


@dataclass(slots=True, kw_only=True)
class OptimizerConfig:
    """Adam (Kingma and Ba 2015) with linear warm-up and cosine decay.

    Attributes:
      learning_rate: at the top of the schedule.
      warmup: updates of linear warm-up from 0.
      decay: updates the schedule lasts, warm-up included; its last value holds from there on.
      final: the learning rate at the end, as a share of the top.
      beta1: decay of the first moment.
      beta2: decay of the second moment.
      clip_norm: global norm gradients are clipped to; 0 for no clipping.
      accumulate: steps whose gradients are averaged into one update.
      ema: decay of the exponential moving average of the parameters, which is what is evaluated and exported.
    """

    learning_rate: float = 1e-3
    warmup: int = 100
    decay: int = 10_000
    final: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.99
    clip_norm: float = 0.5
    accumulate: int = 1
    ema: float = 0.999


@dataclass(slots=True, kw_only=True)
class TrainConfig:
    """How long, how often, and from where.

    Attributes:
      steps: the run ends at this many steps.
      examples: or at this many clips seen over all devices; 0 for no such limit.
      minutes: or after this much training time in this process; 0 for no such limit (it ends resumable, as if killed).
      batch_size: clips a step, over all devices.
      cpu_devices: devices a CPU is split in, each with its part of the batch: small convolutions use one core each.
      seed: of the parameters' initial values and of every draw of the data.
      log_every: steps between two lines of the log.
      checkpoint_every: steps between two checkpoints.
      evaluate_every: steps between two evaluations on held-out clips; 0 for one at the end only.
      evaluate_frames: frames of each held-out clip that are evaluated.
      keep: checkpoints kept.
      init_from: a run folder whose parameters a new run starts from.
    """

    steps: int = 10_000
    examples: int = 0
    minutes: float = 0.0
    batch_size: int = 8
    cpu_devices: int = 1
    seed: int = 0
    log_every: int = 20
    checkpoint_every: int = 500
    evaluate_every: int = 0
    evaluate_frames: int = 12
    keep: int = 2
    init_from: str = ""


@dataclass(slots=True, kw_only=True)
class ExperimentConfig:
    """A whole experiment. `rungs` and `routes` are the ladder and what is trained on it (a preset's name or a list)."""

    name: str = "experiment"
    rungs: tuple[int, ...] = DEFAULT_RUNGS
    routes: str = "six"
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def ladder(self) -> Ladder:
        """The ladder. Raises `UserError` where the rungs are not ascending."""
        return Ladder(tuple(self.rungs))

    def route_set(self) -> RouteSet:
        """The routes that are trained. Raises `UserError` where one is not on the ladder."""
        return self.ladder().routes(self.routes)
