"""What a training example is made of: the rungs, the degraded inputs, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from data_pipelines.batches import Batch, examples, pyramid
from data_pipelines.photos import PhotoSource
from data_pipelines.sample import training_files
from data_pipelines.sources import open_sources
from mrsr.config import DataConfig, DegradationConfig, ExperimentConfig, model_size, validate
from mrsr.errors import UserError
from mrsr.ladder import Ladder


def _config(flip: bool = True, cutouts: int = 2, **degradation: float) -> ExperimentConfig:
    data = DataConfig(frames=3, crop=48, cutouts=cutouts, flip=flip, degradation=DegradationConfig())
    for name, value in degradation.items():
        setattr(data.degradation, name, value)
    return validate(ExperimentConfig(model=model_size("tiny"), data=data))


def _examples(config: ExperimentConfig, seed: int = 0) -> Batch:
    (source,) = open_sources(config.data)
    return examples(config, source, 1, np.random.default_rng(seed))


def test_every_rung_has_its_shape() -> None:
    made = _examples(_config())
    shapes = {
        side: {rung: (clips.shape, clips.dtype.name) for rung, clips in made[side].items()}
        for side in ("inputs", "truth")
    }
    sides = {180: 8, 360: 16, 720: 32, 1080: 48}
    expected = {rung: ((2, 3, side, side, 3), "uint8") for rung, side in sides.items()}
    assert shapes["inputs"] == {rung: expected[rung] for rung in (180, 360)}
    assert shapes["truth"] == {rung: expected[rung] for rung in (360, 720, 1080)}


def test_the_cutouts_of_a_clip_differ() -> None:
    made = _examples(_config())
    assert (made["truth"][1080][0] != made["truth"][1080][1]).any()


def test_degradations_touch_the_inputs_only() -> None:
    clean, damaged = _examples(_config(cutouts=1)), _examples(_config(cutouts=1, jpeg=1.0, codec=1.0))
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


def test_a_crop_no_photograph_of_the_sample_holds_is_refused() -> None:
    with pytest.raises(UserError, match=r"data\.crop=1440: expected at most 1409 with the photographs of sample"):
        open_sources(DataConfig(crop=1440))


def test_photographs_too_small_for_the_crop_are_not_drawn() -> None:
    source = PhotoSource(training_files(), 504, name="sample")
    names = {file.stem for file in source.files}
    assert names == {"brick", "camera", "grass", "gravel", "hubble_deep_field", "ihc", "retina"}


def test_without_flips_a_photograph_stays_upright(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("turned")

    monkeypatch.setattr("data_pipelines.batches.turn", refused)
    assert _examples(_config(flip=False))
