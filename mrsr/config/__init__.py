"""The experiment config: what a run is, as plain data that files return, flags override and a run keeps (no JAX)."""

from mrsr.config.changes import changed
from mrsr.config.data import DataConfig, DatasetConfig, DegradationConfig, FacesConfig
from mrsr.config.losses import DiscriminatorConfig, LossConfig
from mrsr.config.model import ModelConfig, StageConfig
from mrsr.config.phases import PHASES, adversarial, faces, phase_of
from mrsr.config.presets import DEGRADATIONS, SIZES, degradation, model_size
from mrsr.config.schema import ExperimentConfig
from mrsr.config.serialise import config_hash, differences, from_json, load_config, save_config, to_json
from mrsr.config.sources import Source, parse_sources
from mrsr.config.study import EvaluationConfig, Study, Variant, grid
from mrsr.config.training import GateConfig, OptimizerConfig, StopConfig, TrainConfig
from mrsr.config.validate import validate
from mrsr.config.validate_data import validate_dataset, validate_faces
from mrsr.config.validate_study import study_to_json, validate_study

__all__ = [
    "DEGRADATIONS",
    "PHASES",
    "SIZES",
    "DataConfig",
    "DatasetConfig",
    "DegradationConfig",
    "DiscriminatorConfig",
    "EvaluationConfig",
    "ExperimentConfig",
    "FacesConfig",
    "GateConfig",
    "LossConfig",
    "ModelConfig",
    "OptimizerConfig",
    "Source",
    "StageConfig",
    "StopConfig",
    "Study",
    "TrainConfig",
    "Variant",
    "adversarial",
    "changed",
    "config_hash",
    "degradation",
    "differences",
    "faces",
    "from_json",
    "grid",
    "load_config",
    "model_size",
    "parse_sources",
    "phase_of",
    "save_config",
    "study_to_json",
    "to_json",
    "validate",
    "validate_dataset",
    "validate_faces",
    "validate_study",
]
