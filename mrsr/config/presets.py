"""Named settings: sizes of the network (`tiny` for 2 CPU cores, `small`, `base` for a GPU), and degradations."""

from __future__ import annotations

from mrsr.config.data import DegradationConfig
from mrsr.config.model import ModelConfig, StageConfig
from mrsr.errors import UserError


def _tiny() -> ModelConfig:
    return ModelConfig(
        name="tiny",
        stages=(
            StageConfig(width=32, rrdbs=1, dense_blocks=1, convs=2, growth=16, hidden=12),
            StageConfig(width=32, fold=2, rrdbs=1, dense_blocks=1, convs=2, growth=16, hidden=12),
            StageConfig(width=32, fold=4, rrdbs=0),
            StageConfig(width=36, fold=6, rrdbs=0),
        ),
    )


def _small() -> ModelConfig:
    return ModelConfig(
        name="small",
        stages=(
            StageConfig(width=48, rrdbs=1, dense_blocks=2, convs=4, growth=24, hidden=24),
            StageConfig(width=32, rrdbs=1, dense_blocks=1, convs=4, growth=16, hidden=12),
            StageConfig(width=48, fold=2, rrdbs=1, dense_blocks=1, convs=3, growth=24),
            StageConfig(width=48, fold=3, rrdbs=0),
        ),
    )


def _base() -> ModelConfig:
    return ModelConfig(
        name="base",
        stages=(
            StageConfig(width=64, rrdbs=1, dense_blocks=3, convs=5, growth=32, hidden=64),
            StageConfig(width=64, rrdbs=1, dense_blocks=2, convs=4, growth=32, hidden=32),
            StageConfig(width=96, fold=2, rrdbs=1, dense_blocks=2, convs=4, growth=48),
            StageConfig(width=96, fold=3, rrdbs=1, dense_blocks=2, convs=3, growth=48),
        ),
        dtype="bfloat16",
        remat=True,
    )


_BUILDERS = {"tiny": _tiny, "small": _small, "base": _base}
SIZES = tuple(_BUILDERS)


def model_size(name: str) -> ModelConfig:
    """A fresh config of the size `tiny`, `small` or `base`, for the default ladder of four rungs.

    Raises:
      UserError: there is no such size.
    """
    if name not in _BUILDERS:
        raise UserError(f"model size {name!r}: expected one of {', '.join(SIZES)}")
    return _BUILDERS[name]()


_DEGRADATIONS = {
    "clean": lambda: DegradationConfig(),
    "jpeg": lambda: DegradationConfig(varying=0.25, jpeg=0.8),
    "call": lambda: DegradationConfig(
        varying=0.3,
        blur=0.05,
        low_light=0.03,
        noise=0.05,
        noise_sigma=(1.0, 4.0),
        jpeg=0.1,
        codec=0.65,
        codecs=("h264", "h264", "h264", "h264", "h264", "vp8", "vp9", "h265"),
        h264_crf=(18, 36),
        bitrate=0.2,
        lead=6,
    ),
}
DEGRADATIONS = tuple(_DEGRADATIONS)


def degradation(name: str) -> DegradationConfig:
    """A fresh config of what inputs go through: `clean` (nothing), `jpeg` (the patent's) or `call` (a live call's).

    Raises:
      UserError: there is no such preset.
    """
    if name not in _DEGRADATIONS:
        raise UserError(f"degradation {name!r}: expected one of {', '.join(DEGRADATIONS)}")
    return _DEGRADATIONS[name]()
