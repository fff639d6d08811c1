"""Three named sizes of the network: `tiny` for a call on 2 CPU cores, `small` between, `base` for a data-centre GPU."""

from __future__ import annotations

from mrsr.config.schema import ModelConfig, StageConfig
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
