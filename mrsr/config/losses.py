"""The schema of what the generator is trained on: the terms of its loss, and the discriminators.

Annotations are real types here, not text: config_flags reads them to parse the overrides of a command line.
"""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class LossConfig:
    """The terms of every route's loss, each times its weight; a term whose weight is 0 is never traced.

    Attributes:
      pixel: `charbonnier`, `l1` or `l2`, against the truth at the output rung.
      epsilon: of Charbonnier, on frames in [0, 1].
      weight: of the pixel term; 0 to train without direct supervision.
      temporal: weight of the temporal term: how neighbouring frames of the output differ, against how those of the
        truth do.
      consistency: weight of the consistency term: an output reduced to the next lower rung, against the output there of
        the same input.
      adversarial: weight of the adversarial term, the mean over the discriminators that judge the route.
      features: weight of feature matching: discriminators' features of the output against those of the truth.
      gan: form of the adversarial loss: `hinge`, `least_squares` or `relativistic`.
    """

    pixel: str = "charbonnier"
    epsilon: float = 1e-3
    weight: float = 1.0
    temporal: float = 0.0
    consistency: float = 0.0
    adversarial: float = 0.0
    features: float = 0.0
    gan: str = "hinge"


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class DiscriminatorConfig:
    """A discriminator: what it judges, and its network.

    Attributes:
      name: what reports and checkpoints call it; letters, digits and underscores.
      kind: `unet` (single frames, a score a pixel) or `temporal` (stacks of consecutive frames, a score a patch).
      rungs: output rungs it judges; () for all.
      shared: one network for all its rungs, or one each.
      frames: consecutive frames a `temporal` one sees at once.
      width: channels of its first convolution; they double at each level, up to 8 times.
      levels: halvings of the resolution.
      weight: of its word among the discriminators'.
      trained: jointly with the generator; or frozen as `train.init_from` holds it.
    """

    name: str
    kind: str = "unet"
    rungs: tuple[int, ...] = ()
    shared: bool = True
    frames: int = 3
    width: int = 32
    levels: int = 3
    weight: float = 1.0
    trained: bool = True
