"""Checks a config before anything expensive starts; every message names the field, the value and what is accepted."""

from __future__ import annotations

import dataclasses
import math
import operator
import typing
from fractions import Fraction
from functools import partial
from typing import Any

from mrsr.config.schema import ExperimentConfig
from mrsr.errors import UserError

DTYPES = ("float32", "bfloat16")
PIXEL_LOSSES = ("charbonnier", "l1", "l2")
SOURCES = ("sample", "folder")

_POSITIVE = (
    "data.frames data.crop data.workers optimizer.decay optimizer.accumulate train.steps train.batch_size "
    "train.cpu_devices train.log_every train.checkpoint_every train.evaluate_frames train.keep loss.epsilon "
    "loss.weight optimizer.learning_rate"
).split()
_NOT_NEGATIVE = (
    "optimizer.warmup optimizer.clip_norm train.examples train.minutes train.evaluate_every train.seed "
    "model.scan_unroll"
).split()
_SHARES = "data.photos data.jpeg data.h264 optimizer.final".split()
_DECAYS = "optimizer.ema optimizer.beta1 optimizer.beta2".split()
_CHOICES = {"model.dtype": DTYPES, "loss.pixel": PIXEL_LOSSES, "data.source": SOURCES}
_RANGES = {"data.jpeg_quality": (1, 100), "data.h264_crf": (0, 51)}


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
    if config.data.source == "folder" and not config.data.path:
        raise UserError("data.path='': expected a folder of video files, since data.source is 'folder'")
    if config.optimizer.warmup >= config.optimizer.decay:
        raise UserError(f"optimizer.warmup={config.optimizer.warmup}: expected below decay={config.optimizer.decay}")
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


def _require(config: ExperimentConfig, path: str, holds: typing.Callable[[Any], bool], accepted: str) -> None:
    value: Any = config
    for name in path.split("."):
        value = getattr(value, name)
    if not holds(value):
        raise UserError(f"{path}={value!r}: expected {accepted}")


def _is_range(low: int, high: int, value: tuple[int, ...]) -> bool:
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
