"""Checks a config before anything expensive starts; every message names the field, the value and what is accepted."""

from __future__ import annotations

import dataclasses
import math
import operator
import typing
from fractions import Fraction
from functools import partial
from typing import Any

from mrsr.config.data import DatasetConfig, FacesConfig
from mrsr.config.schema import ExperimentConfig
from mrsr.config.sources import parse_sources
from mrsr.errors import UserError

DTYPES = ("float32", "bfloat16")
PIXEL_LOSSES = ("charbonnier", "l1", "l2")
CODECS = ("h264", "h265", "vp8", "vp9")
ISOLATIONS = ("crop", "mask")

_POSITIVE = (
    "data.frames data.crop data.cutouts optimizer.decay optimizer.accumulate train.steps train.batch_size "
    "train.cpu_devices train.log_every train.checkpoint_every train.evaluate_frames train.keep loss.epsilon "
    "loss.weight optimizer.learning_rate"
).split()
_NOT_NEGATIVE = (
    "optimizer.warmup optimizer.clip_norm train.examples train.minutes train.evaluate_every train.seed "
    "model.scan_unroll data.workers data.degradation.lead"
).split()
_SHARES = (
    "optimizer.final data.degradation.varying data.degradation.blur data.degradation.low_light data.degradation.noise "
    "data.degradation.jpeg data.degradation.codec data.degradation.bitrate"
).split()
_DECAYS = "optimizer.ema optimizer.beta1 optimizer.beta2".split()
_CHOICES = {"model.dtype": DTYPES, "loss.pixel": PIXEL_LOSSES}
_RANGES = {
    "data.degradation.blur_sigma": (0, 10),
    "data.degradation.light": (10, 1e6),
    "data.degradation.noise_sigma": (0, 50),
    "data.degradation.jpeg_quality": (1, 100),
    "data.degradation.h264_crf": (0, 51),
    "data.degradation.h265_crf": (0, 51),
    "data.degradation.vp8_q": (4, 63),
    "data.degradation.vp9_q": (4, 63),
    "data.degradation.bits_per_pixel": (0.001, 10),
}


def validate(config: ExperimentConfig) -> ExperimentConfig:
    """The config, unchanged, once every field holds what the schema says.

    Raises:
      UserError: a field is of the wrong type, out of range, or contradicts another.
    """
    _check_types(config, "")
    for path in _POSITIVE:
        _require(config, path, lambda v: v > 0, "above 0")
    for path in _NOT_NEGATIVE:
        _require(config, path, lambda v: v >= 0, "0 or above")
    for path in _DECAYS:
        _require(config, path, lambda v: 0 <= v < 1, "from 0 to below 1")
    for path in _SHARES:
        _require(config, path, lambda v: 0 <= v <= 1, "from 0 to 1")
    for path, choices in _CHOICES.items():
        _require(config, path, partial(operator.contains, choices), "one of " + ", ".join(choices))
    for path, (low, high) in _RANGES.items():
        _require(config, path, partial(_is_range, low, high), f"a lowest and a highest value, from {low} to {high}")
    ladder = config.ladder()
    config.route_set()
    _check_stages(config)
    folds = (
        Fraction(ladder.top * stage.fold, rung) for rung, stage in zip(ladder.rungs, config.model.stages, strict=True)
    )
    grid = math.lcm(*(fold.numerator for fold in folds))
    if config.data.crop % grid:
        raise UserError(f"data.crop={config.data.crop}: expected a multiple of {grid}, whole on every rung's grid")
    parse_sources(config.data.sources)
    _require(config, "data.reductions", lambda v: v and min(v) >= 1, "factors of 1 or above")
    codecs = config.data.degradation.codecs
    if not codecs or not set(codecs) <= set(CODECS):
        raise UserError(f"data.degradation.codecs={codecs!r}: expected one or more of {', '.join(CODECS)}")
    if config.train.batch_size % config.data.cutouts:
        raise UserError(
            f"data.cutouts={config.data.cutouts}: expected to divide train.batch_size={config.train.batch_size}"
        )
    if config.optimizer.warmup >= config.optimizer.decay:
        raise UserError(f"optimizer.warmup={config.optimizer.warmup}: expected below decay={config.optimizer.decay}")
    return config


def validate_dataset(config: DatasetConfig) -> DatasetConfig:
    """The config of a data set, unchanged, once every field holds what the schema says.

    Raises:
      UserError: a field is of the wrong type or out of range.
    """
    _check_types(config, "")
    for path in ("frames", "shard_megabytes"):
        _require(config, path, lambda v: v > 0, "above 0")
    _require(config, "smallest", lambda v: v >= 64, "64 or above, the pieces that sharpness is measured in")
    for path in ("motion", "detail", "sharpness"):
        _require(config, path, lambda v: v >= 0, "0 or above")
    _require(config, "validation", lambda v: 0 <= v <= 1, "from 0 to 1")
    _require(config, "quality", lambda v: 1 <= v <= 100, "from 1 to 100")
    _require(config, "reductions", lambda v: v and v[0] >= 1 and list(v) == sorted(set(v)), "factors from 1, ascending")
    return config


def validate_faces(config: FacesConfig) -> FacesConfig:
    """The config of a data set of faces, unchanged, once every field holds what the schema says.

    Raises:
      UserError: a field is of the wrong type or out of range.
    """
    _check_types(config, "")
    for path in ("confidence", "seen"):
        _require(config, path, lambda v: 0 <= v <= 1, "from 0 to 1")
    _require(config, "smallest", lambda v: v > 0, "above 0")
    _require(config, "margin", lambda v: v >= 0, "0 or above")
    _require(config, "isolate", partial(operator.contains, ISOLATIONS), "one of " + ", ".join(ISOLATIONS))
    return config


def _check_stages(config: ExperimentConfig) -> None:
    stages, rungs = config.model.stages, config.rungs
    if len(stages) != len(rungs):
        raise UserError(f"model.stages: expected one a rung ({len(rungs)} for {tuple(rungs)}), got {len(stages)}")
    for index, stage in enumerate(stages):
        for name in ("width", "fold", "dense_blocks", "convs", "growth"):
            if getattr(stage, name) < 1:
                raise UserError(f"model.stages[{index}].{name}={getattr(stage, name)}: expected above 0")
        if stage.rrdbs < 0:
            raise UserError(f"model.stages[{index}].rrdbs={stage.rrdbs}: expected 0 or above")
        if not 0 <= stage.hidden <= stage.width:
            raise UserError(f"model.stages[{index}].hidden={stage.hidden}: expected from 0 to width={stage.width}")


def _require(config: object, path: str, holds: typing.Callable[[Any], bool], accepted: str) -> None:
    value: Any = config
    for name in path.split("."):
        value = getattr(value, name)
    if not holds(value):
        raise UserError(f"{path}={value!r}: expected {accepted}")


def _is_range(low: float, high: float, value: tuple[float, ...]) -> bool:
    return len(value) == 2 and low <= value[0] <= value[1] <= high


def _check_types(value: Any, path: str) -> None:
    """Refuses a field whose value is not of its annotated type (an int is taken for a float)."""
    for name, hint in typing.get_type_hints(type(value)).items():
        item, here = getattr(value, name), f"{path}{name}"
        if typing.get_origin(hint) is tuple:
            inner = typing.get_args(hint)[0]
            if not isinstance(item, tuple) or not all(_is(part, inner) for part in item):
                raise UserError(f"{here}={item!r}: expected a tuple of {inner.__name__}")
            for index, part in enumerate(item):
                if dataclasses.is_dataclass(part):
                    _check_types(part, f"{here}[{index}].")
        elif not _is(item, hint):
            raise UserError(f"{here}={item!r}: expected {hint.__name__}, got {type(item).__name__}")
        elif dataclasses.is_dataclass(item):
            _check_types(item, f"{here}.")


def _is(value: Any, kind: type) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, (int, float) if kind is float else kind)
