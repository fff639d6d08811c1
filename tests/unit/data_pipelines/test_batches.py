"""Training batches: their shapes, what they are made of, and that a batch depends on the seed and the step alone."""

from __future__ import annotations

import threading
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from data_pipelines import batches
from data_pipelines.batches import Batch, pyramid, training_batches
from data_pipelines.material import open_material
from mrsr.config import DataConfig, ExperimentConfig, model_size, validate
from mrsr.errors import UserError
from mrsr.ladder import Ladder


def _config(seed: int = 0, workers: int = 1, **data: float) -> ExperimentConfig:
    config = ExperimentConfig(model=model_size("tiny"), data=DataConfig(frames=3, crop=48, workers=workers))
    for name, value in ({"jpeg": 0.5, "h264": 0.5} | data).items():
        setattr(config.data, name, value)
    config.train.batch_size, config.train.seed = 2, seed
    return validate(config)


def _take(config: ExperimentConfig, number: int, start: int = 0) -> list[Batch]:
    made = training_batches(config, start)
    taken = list(islice(made, number))
    made.close()
    return taken


def _equal(first: Batch, second: Batch) -> bool:
    return all(
        np.array_equal(first[side][rung], second[side][rung]) for side in ("inputs", "truth") for rung in first[side]
    )


def test_every_rung_has_its_shape() -> None:
    (batch,) = _take(_config(), 1)
    shapes = {
        side: {rung: (clips.shape, clips.dtype.name) for rung, clips in batch[side].items()}
        for side in ("inputs", "truth")
    }
    sides = {180: 8, 360: 16, 720: 32, 1080: 48}
    expected = {rung: ((2, 3, side, side, 3), "uint8") for rung, side in sides.items()}
    assert shapes["inputs"] == {rung: expected[rung] for rung in (180, 360)}
    assert shapes["truth"] == {rung: expected[rung] for rung in (360, 720, 1080)}


def test_batches_follow_from_the_seed_and_the_step() -> None:
    first, again, other = _take(_config(seed=1), 2), _take(_config(seed=1), 2), _take(_config(seed=2), 2)
    assert _equal(first[0], again[0])
    assert _equal(first[1], again[1])
    assert not _equal(first[0], first[1])
    assert not _equal(first[0], other[0])


def test_a_start_in_the_middle_goes_on_with_the_same_batches() -> None:
    whole, rest = _take(_config(), 5), _take(_config(), 2, start=3)
    assert all(_equal(a, b) for a, b in zip(whole[3:], rest, strict=True))


def test_the_number_of_workers_does_not_matter() -> None:
    assert all(_equal(a, b) for a, b in zip(_take(_config(workers=1), 5), _take(_config(workers=3), 5), strict=True))


def test_the_clips_of_a_batch_differ() -> None:
    (batch,) = _take(_config(), 1)
    assert (batch["truth"][1080][0] != batch["truth"][1080][1]).any()


def test_degradations_touch_the_inputs_only() -> None:
    (clean,), (damaged,) = _take(_config(jpeg=0.0, h264=0.0), 1), _take(_config(jpeg=1.0, h264=1.0), 1)
    for rung, clips in clean["truth"].items():
        np.testing.assert_array_equal(clips, damaged["truth"][rung])
    for rung, clips in clean["inputs"].items():
        assert (clips != damaged["inputs"][rung]).mean() > 0.2
    np.testing.assert_array_equal(clean["inputs"][360], clean["truth"][360])


def test_every_rung_is_pillows_float_bicubic_of_the_top_one() -> None:
    clip = np.random.default_rng(0).integers(0, 256, (2, 48, 36, 3), dtype=np.uint8)
    rungs = pyramid(clip, Ladder())
    np.testing.assert_array_equal(rungs[1080], clip)
    for rung, (height, width) in {720: (32, 24), 360: (16, 12), 180: (8, 6)}.items():
        for frame, reduced in zip(clip, rungs[rung], strict=True):
            for channel in range(3):
                plane = Image.fromarray(frame[..., channel].astype(np.float32))
                expected = np.asarray(plane.resize((width, height), Image.Resampling.BICUBIC)).clip(0, 255)
                assert np.abs(reduced[..., channel] - expected).max() < 0.5 + 1e-3


def test_a_crop_no_photograph_of_the_sample_holds_is_refused_before_the_first_batch() -> None:
    config = _config(crop=1440)
    with pytest.raises(UserError, match=r"data\.crop=1440: expected at most 1409"):
        training_batches(config)


def test_photographs_too_small_for_the_crop_are_not_drawn() -> None:
    material = open_material(DataConfig(crop=504))
    assert {photo.name for photo in material.photos} == {
        "brick",
        "camera",
        "grass",
        "gravel",
        "hubble_deep_field",
        "ihc",
        "retina",
    }


def test_without_flips_a_photograph_stays_upright(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("turned")

    monkeypatch.setattr("data_pipelines.material.turn", refused)
    assert _take(_config(flip=False), 1)


def test_what_goes_wrong_in_a_thread_is_raised_to_whoever_asks_for_that_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    make = batches.make_batch

    def failing(config: ExperimentConfig, material: batches.Material, step: int) -> Batch:
        if step == 2:
            raise RuntimeError("disk is gone")
        return make(config, material, step)

    monkeypatch.setattr(batches, "make_batch", failing)
    made = training_batches(_config(workers=2))
    next(made), next(made)
    with pytest.raises(RuntimeError, match="disk is gone"):
        next(made)


def test_batches_ahead_are_bounded_and_closing_ends_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    make = batches.make_batch

    def counted(config: ExperimentConfig, material: batches.Material, step: int) -> Batch:
        asked.append(step)
        return make(config, material, step)

    monkeypatch.setattr(batches, "make_batch", counted)
    made = training_batches(_config(workers=2))
    next(made)
    made.close()
    assert max(asked) <= 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batches")]
