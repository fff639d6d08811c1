"""Checks a config before anything expensive starts; every message names the field, the value and what is accepted."""

from __future__ import annotations

import math
import operator
import re
from dataclasses import fields
from fractions import Fraction
from functools import partial

from mrsr.config.checks import check_types, is_range, require
from mrsr.config.data import DegradationConfig
from mrsr.config.losses import LossConfig
from mrsr.config.schema import ExperimentConfig
from mrsr.config.sources import parse_sources
from mrsr.errors import UserError

DTYPES = ("float32", "bfloat16")
PIXEL_LOSSES = ("charbonnier", "l1", "l2")
GAN_LOSSES = ("hinge", "least_squares", "relativistic")
DISCRIMINATORS = ("unet", "temporal")
FIGURES = ("psnr_y", "ssim_y", "flicker", "warping_error", "tof", "consistency")
CODECS = ("h264", "h265", "vp8", "vp9")

_OPTIMIZERS = ("optimizer", "discriminator_optimizer")
_POSITIVE = (
    "data.frames data.crop data.cutouts train.steps train.batch_size train.cpu_devices train.log_every "
    "train.checkpoint_every train.evaluate_frames train.keep loss.epsilon"
).split() + [f"{name}.{field}" for name in _OPTIMIZERS for field in ("decay", "accumulate", "learning_rate")]
_NOT_NEGATIVE = (
    "train.examples train.minutes train.evaluate_every train.seed train.spike model.scan_unroll data.workers "
    "data.degradation.lead stop.reaches stop.window stop.improvement gate.allowed"
).split() + [f"{name}.{field}" for name in _OPTIMIZERS for field in ("warmup", "clip_norm")]
_NOT_NEGATIVE += [f"loss.{field.name}" for field in fields(LossConfig) if field.type is float]
_SHARES = [f"{name}.final" for name in _OPTIMIZERS]
_SHARES += [f"data.degradation.{field.name}" for field in fields(DegradationConfig) if field.type is float]
_DECAYS = [f"{name}.{field}" for name in _OPTIMIZERS for field in ("ema", "beta1", "beta2")]
_CHOICES = {"model.dtype": DTYPES, "loss.pixel": PIXEL_LOSSES, "loss.gan": GAN_LOSSES}
_RANGES = {
    f"data.degradation.{field.name}": field.metadata["within"]
    for field in fields(DegradationConfig)
    if "within" in field.metadata
}


def validate(config: ExperimentConfig) -> ExperimentConfig:
    """The config, unchanged, once every field holds what the schema says.

    Raises:
      UserError: a field is of the wrong type, out of range, or contradicts another.
    """
    check_types(config, "")
    for path in _POSITIVE:
        require(config, path, lambda v: v > 0, "above 0")
    for path in _NOT_NEGATIVE:
        require(config, path, lambda v: v >= 0, "0 or above")
    for path in _DECAYS:
        require(config, path, lambda v: 0 <= v < 1, "from 0 to below 1")
    for path in _SHARES:
        require(config, path, lambda v: 0 <= v <= 1, "from 0 to 1")
    for path, choices in _CHOICES.items():
        require(config, path, partial(operator.contains, choices), "one of " + ", ".join(choices))
    for path, (low, high) in _RANGES.items():
        require(config, path, partial(is_range, low, high), f"a lowest and a highest value, from {low} to {high}")
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
    require(config, "data.reductions", lambda v: v and min(v) >= 1, "factors of 1 or above")
    codecs = config.data.degradation.codecs
    if not codecs or not set(codecs) <= set(CODECS):
        raise UserError(f"data.degradation.codecs={codecs!r}: expected one or more of {', '.join(CODECS)}")
    if config.train.batch_size % config.data.cutouts:
        raise UserError(
            f"data.cutouts={config.data.cutouts}: expected to divide train.batch_size={config.train.batch_size}"
        )
    for name in _OPTIMIZERS:
        warmup, decay = getattr(config, name).warmup, getattr(config, name).decay
        if warmup >= decay:
            raise UserError(f"{name}.warmup={warmup}: expected below decay={decay}")
    _check_losses(config)
    _check_discriminators(config)
    _check_stop(config)
    if config.gate.sources:
        parse_sources(config.gate.sources, "gate.sources")
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


def _check_losses(config: ExperimentConfig) -> None:
    loss = config.loss
    if not loss.weight and not loss.adversarial:
        raise UserError("loss.weight=0: expected above 0, or loss.adversarial above 0 in its stead")
    for name in ("adversarial", "features"):
        if getattr(loss, name) and not config.discriminators:
            raise UserError(f"loss.{name}={getattr(loss, name)}: expected 0, or discriminators")
    if loss.temporal and config.data.frames < 2:
        raise UserError(f"data.frames={config.data.frames}: expected 2 or more, for loss.temporal={loss.temporal}")
    if config.discriminators and not loss.adversarial and not loss.features:
        raise UserError("discriminators: expected none, or loss.adversarial or loss.features above 0")


def _check_discriminators(config: ExperimentConfig) -> None:
    outputs = config.route_set().outputs
    names = [judge.name for judge in config.discriminators]
    for index, judge in enumerate(config.discriminators):
        here = f"discriminators[{index}]"
        if not re.fullmatch(r"[a-z][a-z0-9_]*", judge.name) or names.count(judge.name) > 1:
            raise UserError(f"{here}.name={judge.name!r}: expected a name of its own, of a to z, 0 to 9 and _")
        if judge.name == "generator":
            raise UserError(f"{here}.name='generator': expected another name, for reports call the generator so")
        if judge.kind not in DISCRIMINATORS:
            raise UserError(f"{here}.kind={judge.kind!r}: expected one of {', '.join(DISCRIMINATORS)}")
        if not set(judge.rungs) <= set(outputs):
            raise UserError(f"{here}.rungs={judge.rungs!r}: expected of the outputs {', '.join(map(str, outputs))}")
        for name, least in (("width", 1), ("levels", 1), ("frames", 2)):
            if getattr(judge, name) < least:
                raise UserError(f"{here}.{name}={getattr(judge, name)}: expected {least} or more")
        judged = min(judge.rungs or outputs)
        side = config.data.crop * judged // config.ladder().top
        if 2**judge.levels > side:
            raise UserError(
                f"{here}.levels={judge.levels}: expected 2**levels of at most {side}, that of a cut-out at {judged}p"
            )
        if judge.kind == "temporal" and judge.frames > config.data.frames:
            raise UserError(f"{here}.frames={judge.frames}: expected at most data.frames={config.data.frames}")
        if judge.weight <= 0:
            raise UserError(f"{here}.weight={judge.weight}: expected above 0")
        if not judge.trained and not config.train.init_from:
            raise UserError(f"{here}.trained=False: expected train.init_from, a run that holds {judge.name}")
    _check_networks(config)


def _check_networks(config: ExperimentConfig) -> None:
    """No two networks of the discriminators have one name, and every output is trained on something."""
    outputs = config.route_set().outputs
    taken: dict[str, int] = {}
    judged: set[int] = set()
    for index, judge in enumerate(config.discriminators):
        rungs = judge.rungs or outputs
        judged |= set(rungs)
        for name in [judge.name] if judge.shared else [f"{judge.name}_{rung}" for rung in dict.fromkeys(rungs)]:
            if name in taken:
                raise UserError(
                    f"discriminators[{index}].name={judge.name!r}: its network {name} has the name of one of "
                    f"discriminators[{taken[name]}]; expected another name"
                )
            taken[name] = index
    if config.discriminators and not config.loss.weight and (left := sorted(set(outputs) - judged)):
        raise UserError(
            "loss.weight=0: expected above 0, or discriminators that judge every output, "
            f"{', '.join(map(str, left))} too"
        )


def _check_stop(config: ExperimentConfig) -> None:
    stop = config.stop
    if not stop.metric:
        if stop.reaches or stop.window or stop.improvement:
            raise UserError("stop.metric='': expected ROUTE/DEGRADATION/NAME, such as 180:720/bicubic/psnr_y")
        return
    route, _, rest = stop.metric.partition("/")
    degradation, _, name = rest.partition("/")
    if route not in map(str, config.route_set()) or not degradation or name not in FIGURES:
        raise UserError(
            f"stop.metric={stop.metric!r}: expected ROUTE/DEGRADATION/NAME with a trained route and one of "
            f"{', '.join(FIGURES)}"
        )
    if not stop.reaches and not stop.window:
        raise UserError(f"stop.metric={stop.metric!r}: expected stop.reaches or stop.window above 0 with it")
    if not config.train.evaluate_every:
        raise UserError("train.evaluate_every=0: expected above 0, for stop.metric is looked at after evaluations")
