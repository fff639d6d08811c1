"""Configs that contradict themselves are refused by field, value and what is accepted, before anything expensive."""

from __future__ import annotations

import pytest
from small import two_rungs

from mrsr.config import (
    DataConfig,
    DiscriminatorConfig,
    ExperimentConfig,
    StopConfig,
    TrainConfig,
    model_size,
    validate,
)
from mrsr.errors import UserError


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("train.steps", "many", "train.steps='many': expected int, got str"),
        ("train.steps", 1.5, "train.steps=1.5: expected int, got float"),
        ("train.steps", True, "train.steps=True: expected int, got bool"),
        ("data.flip", 1, "data.flip=1: expected bool, got int"),
        ("model.stages", [], "model.stages=[]: expected a tuple of StageConfig"),
        ("rungs", (180, "360"), "rungs=(180, '360'): expected a tuple of int"),
        ("train.steps", 0, "train.steps=0: expected above 0"),
        ("optimizer.clip_norm", -1.0, "optimizer.clip_norm=-1.0: expected 0 or above"),
        ("data.degradation.jpeg", 1.5, "data.degradation.jpeg=1.5: expected from 0 to 1"),
        ("model.dtype", "float16", "model.dtype='float16': expected one of float32, bfloat16"),
        ("loss.pixel", "huber", "loss.pixel='huber': expected one of charbonnier, l1, l2"),
        (
            "data.degradation.jpeg_quality",
            (90, 40),
            "data.degradation.jpeg_quality=(90, 40): expected a lowest and a highest value, from 1 to 100",
        ),
        (
            "data.degradation.h264_crf",
            (20, 60),
            "data.degradation.h264_crf=(20, 60): expected a lowest and a highest value, from 0 to 51",
        ),
        ("data.degradation.codecs", ("av1",), "data.degradation.codecs=('av1',): expected one or more of h264, h265"),
        ("data.cutouts", 4, "data.cutouts=4: expected to divide train.batch_size=2"),
        ("data.crop", 17, "data.crop=17: expected a multiple of 2"),
        (
            "data.sources",
            "videos:a",
            "data.sources='videos:a': 'videos:a'; expected sample, sample:faces, photos:FOLDER, clips:FOLDER",
        ),
        ("data.sources", "sample:a", "'sample:a'; expected sample,"),
        ("data.sources", "clips:a=none", "weight 'none' is no number"),
        ("data.sources", "clips:a=0", "weight 0: expected above 0"),
        ("data.sources", " , ", "data.sources=' , ': expected sample,"),
        ("optimizer.warmup", 20, "optimizer.warmup=20: expected below decay=20"),
        ("rungs", (180, 360, 720), "model.stages: expected one a rung (3 for (180, 360, 720)), got 2"),
        ("rungs", (360, 180), "ladder rungs (360, 180): expected at least two, ascending"),
        ("routes", "180:720", "rung 720: not on the ladder 180, 360"),
        ("model.stages.0.width", 0, "model.stages[0].width=0: expected above 0"),
        ("model.stages.1.hidden", 9, "model.stages[1].hidden=9: expected from 0 to width=4"),
        ("model.stages.1.rrdbs", -1, "model.stages[1].rrdbs=-1: expected 0 or above"),
    ],
)
def test_a_wrong_field_is_named(path: str, value: object, message: str) -> None:
    config = two_rungs()
    *parents, name = path.split(".")
    target = config
    for parent in parents:
        target = target[int(parent)] if parent.isdecimal() else getattr(target, parent)
    setattr(target, name, value)
    with pytest.raises(UserError) as raised:
        validate(config)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_whole_number_is_taken_for_a_float() -> None:
    config = two_rungs()
    config.optimizer.learning_rate = 1
    assert validate(config) is config


def test_a_mistyped_field_is_refused_where_it_is_typed() -> None:
    with pytest.raises(TypeError, match="stepz"):
        TrainConfig(stepz=3)
    with pytest.raises(AttributeError):
        ExperimentConfig().train.stepz = 3
    with pytest.raises(AttributeError):
        DataConfig().cropp = 3


@pytest.mark.parametrize("size", ["tiny", "small", "base"])
def test_the_sizes_are_valid(size: str) -> None:
    config = ExperimentConfig(model=model_size(size), data=DataConfig(crop=720))
    assert validate(config).model.name == size


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(UserError, match="model size 'huge': expected one of tiny, small, base"):
        model_size("huge")


def test_a_size_is_fresh_every_time() -> None:
    model_size("tiny").stages[0].width = 1
    assert model_size("tiny").stages[0].width > 1


def _judged(*judges: DiscriminatorConfig, weight: float = 1.0) -> ExperimentConfig:
    config = two_rungs()
    config.loss.adversarial, config.loss.weight = 0.01, weight
    config.discriminators = judges
    return config


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            _judged(DiscriminatorConfig(name="frame", shared=False), DiscriminatorConfig(name="frame_360")),
            "discriminators[1].name='frame_360': its network frame_360 has the name of one of discriminators[0]",
        ),
        (_judged(DiscriminatorConfig(name="generator")), "discriminators[0].name='generator': expected another name"),
        (_judged(DiscriminatorConfig(name="deep", levels=5)), "discriminators[0].levels=5: expected 2**levels of at"),
    ],
)
def test_discriminators_that_cannot_sit_together_are_refused(config: ExperimentConfig, message: str) -> None:
    with pytest.raises(UserError) as raised:
        validate(config)
    assert message in str(raised.value)


def test_without_supervision_every_output_is_judged_by_someone() -> None:
    config = _judged(DiscriminatorConfig(name="frame", rungs=(180,)), weight=0.0)
    config.routes = "180:180,180:360"
    with pytest.raises(UserError, match=r"loss\.weight=0: .* judge every output, 360 too"):
        validate(config)
    config.loss.weight = 1.0
    assert validate(config) is config


@pytest.mark.parametrize(
    ("stop", "message"),
    [
        (StopConfig(improvement=0.1), "stop.metric=''"),
        (StopConfig(metric="180:360/bicubic/psnr_y"), "expected stop.reaches or stop.window above 0"),
    ],
)
def test_criteria_that_end_nothing_are_refused(stop: StopConfig, message: str) -> None:
    config = two_rungs(evaluate_every=2)
    config.stop = stop
    with pytest.raises(UserError) as raised:
        validate(config)
    assert message in str(raised.value)
