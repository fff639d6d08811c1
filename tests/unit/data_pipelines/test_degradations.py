"""What the inputs of a training clip go through."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from skimage.filters import gaussian
from skimage.metrics import peak_signal_noise_ratio

from data_pipelines.degradations import degrade
from mrsr.config import DataConfig
from mrsr.video.codec import h264_round_trip


def _inputs() -> dict[int, np.ndarray]:
    y, x = np.mgrid[:64, :64]
    scene = 127.5 + 60 * np.stack([np.sin(x / 6), np.cos(y / 9), np.sin((x + y) / 7)], axis=-1)
    clip = np.stack([np.roll(scene, shift, axis=1) for shift in range(3)]).astype(np.uint8)
    return {180: clip[:, ::2, ::2].copy(), 360: clip}


def _data(jpeg: float = 0.0, h264: float = 0.0) -> DataConfig:
    return DataConfig(jpeg=jpeg, jpeg_quality=(40, 50), h264=h264, h264_crf=(28, 30))


def _pillow(frame: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file))


def test_nothing_happens_where_the_config_asks_for_nothing() -> None:
    inputs = _inputs()
    degraded = degrade(inputs, _data(), np.random.default_rng(0))
    assert all(degraded[rung] is inputs[rung] for rung in inputs)


def test_jpeg_keeps_one_quality_of_the_range_over_a_clip_and_each_rung_draws_its_own() -> None:
    inputs, drawn = _inputs(), set()
    for seed in range(6):
        degraded = degrade(inputs, _data(jpeg=1.0), np.random.default_rng(seed))
        qualities = {}
        for rung, clip in inputs.items():
            for quality in range(40, 51):
                if all(np.array_equal(_pillow(a, quality), b) for a, b in zip(clip, degraded[rung], strict=True)):
                    qualities[rung] = quality
        assert set(qualities) == set(inputs)
        drawn.add(tuple(qualities.values()))
    assert any(low != high for low, high in drawn)


def test_h264_damages_every_rung_moderately_and_keeps_its_shape() -> None:
    inputs = _inputs()
    degraded = degrade(inputs, _data(h264=1.0), np.random.default_rng(0))
    for rung, clip in inputs.items():
        assert (degraded[rung].shape, degraded[rung].dtype) == (clip.shape, np.uint8)
        assert 24 < peak_signal_noise_ratio(clip, degraded[rung]) < 45


def test_an_h264_cutout_is_damaged_as_much_as_the_same_pixels_of_a_whole_frame() -> None:
    noise = gaussian(np.random.default_rng(1).random((200, 240, 3)), 1.5, channel_axis=-1)
    scene = (255 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8)
    whole = np.stack([scene[2 * t : 180 + 2 * t, 3 * t : 220 + 3 * t] for t in range(5)])
    decoded = h264_round_trip(whole, 29, 30)
    data, piece = DataConfig(jpeg=0.0, h264=1.0, h264_crf=(29, 29)), np.s_[:, 60:96, 90:126]
    cutout = degrade({180: whole[piece]}, data, np.random.default_rng(0))[180]
    ours, expected = (
        peak_signal_noise_ratio(whole[piece], cutout),
        peak_signal_noise_ratio(whole[piece], decoded[piece]),
    )
    assert abs(ours - expected) < 1


def test_the_clip_given_is_left_as_it_was() -> None:
    inputs, untouched = _inputs(), _inputs()
    degrade(inputs, _data(jpeg=1.0, h264=1.0), np.random.default_rng(0))
    for rung, clip in inputs.items():
        np.testing.assert_array_equal(clip, untouched[rung])


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_the_share_of_clips_that_goes_through_jpeg_is_the_configs(share: float) -> None:
    inputs = {180: _inputs()[180][:1, :8, :8]}
    changed = [
        degrade(inputs, _data(jpeg=share), np.random.default_rng(seed))[180] is not inputs[180] for seed in range(300)
    ]
    assert abs(np.mean(changed) - share) < 0.08
