"""The experiment config: what a run is, as plain data that files return, flags override and a run keeps (no JAX)."""

from mrsr.config.presets import SIZES, model_size
from mrsr.config.schema import (
    DataConfig,
    ExperimentConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    StageConfig,
    TrainConfig,
)
from mrsr.config.serialise import config_hash, differences, from_json, load_config, save_config, to_json
from mrsr.config.validate import validate

__all__ = [
    "SIZES",
    "DataConfig",
    "ExperimentConfig",
    "LossConfig",
    "ModelConfig",
    "OptimizerConfig",
    "StageConfig",
    "TrainConfig",
    "config_hash",
    "differences",
    "from_json",
    "load_config",
    "model_size",
    "save_config",
    "to_json",
    "validate",
]
