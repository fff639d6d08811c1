"""The schema of a run: its optimizers, how long it takes, what ends it and what it must not forget.

Annotations are real types here, not text: config_flags reads them to parse the overrides of a command line.
"""

from dataclasses import dataclass


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
      init_from: a run folder whose parameters a new run starts from; of its discriminators, those of the same name.
      spike: a loss this many times its moving average is a spike: its step is kept for `--replay` and left out; 0 for
        none.
      deterministic: have an accelerator sum in one order always, which costs time; a CPU does so anyway.
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
    spike: float = 20.0
    deterministic: bool = False


@dataclass(slots=True, kw_only=True)
class StopConfig:
    """Criteria on held-out clips that end a run; both are looked at after each evaluation.

    Attributes:
      metric: a figure of the evaluation, `ROUTE/DEGRADATION/NAME`, such as `180:720/bicubic/psnr_y`; "" for none.
      reaches: the run ends once the figure is this good or better (PSNR: as high, flicker: as low); 0 for no such
        limit.
      window: evaluations over which the figure must improve; 0 for no such criterion.
      improvement: the run ends when the best figure of the last `window` evaluations is not better than the best
        before them by this much.
    """

    metric: str = ""
    reaches: float = 0.0
    window: int = 0
    improvement: float = 0.0


@dataclass(slots=True, kw_only=True)
class GateConfig:
    """The forgetting gate: what must not get worse while a run learns something else.

    Attributes:
      sources: as `data.sources`, "" for no gate. Their held-out clips are measured before the first step and at the
        end.
      allowed: fall of their mean PSNR, dB over all routes and degradations, up to which a run passes.
    """

    sources: str = ""
    allowed: float = 0.1
