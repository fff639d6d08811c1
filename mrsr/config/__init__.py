"""The experiment config: what a run is, as plain data that files return, flags override and a run keeps (no JAX)."""

from mrsr.config.data import DataConfig, DatasetConfig, DegradationConfig, FacesConfig
from mrsr.config.presets import DEGRADATIONS, SIZES, degradation, model_size
from mrsr.config.schema import (
    ExperimentConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    StageConfig,
    TrainConfig,
)
from mrsr.config.serialise import config_hash, differences, from_json, load_config, save_config, to_json
from mrsr.config.sources import Source, parse_sources
from mrsr.config.validate import validate, validate_dataset, validate_faces

__all__ = [
    "DEGRADATIONS",
    "SIZES",
    "DataConfig",
    "DatasetConfig",
    "DegradationConfig",
    "ExperimentConfig",
    "FacesConfig",
    "LossConfig",
    "ModelConfig",
    "OptimizerConfig",
    "Source",
    "StageConfig",
    "TrainConfig",
    "config_hash",
    "degradation",
    "differences",
    "from_json",
    "load_config",
    "model_size",
    "parse_sources",
    "save_config",
    "to_json",
    "validate",
    "validate_dataset",
    "validate_faces",
]
