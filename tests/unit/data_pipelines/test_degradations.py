"""What the inputs of a training clip go through as a whole: the shares, the order, the draws, the truth left alone."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio
from small import photograph

from data_pipelines.degradations import degrade
from mrsr.config.data import DegradationConfig
from mrsr.config.presets import degradation
from mrsr.config.validate import CODECS

EVERYTHING = DegradationConfig(
    varying=0.5, blur=0.5, low_light=0.5, noise=0.5, jpeg=0.5, codec=0.8, codecs=CODECS, bitrate=0.5, lead=3
)


def _inputs(frames: int = 4) -> dict[int, np.ndarray]:
    photo = photograph(80, 88)
    clip = np.stack([photo[t : t + 40, 2 * t : 2 * t + 40] for t in range(frames)])
    return {180: clip[:, ::2, ::2].copy(), 360: clip}


def _pillow(frame: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file))


def test_nothing_happens_where_the_config_asks_for_nothing() -> None:
    inputs = _inputs()
    degraded = degrade(inputs, degradation("clean"), np.random.default_rng(0))
    assert all(degraded[rung] is inputs[rung] for rung in inputs)


def test_jpeg_keeps_one_quality_of_the_range_over_a_clip_and_each_rung_draws_its_own() -> None:
    inputs, drawn = _inputs(), set()
    for seed in range(8):
        config = DegradationConfig(jpeg=1.0, jpeg_quality=(40, 50))
        degraded = degrade(inputs, config, np.random.default_rng(seed))
        qualities = {}
        for rung, clip in inputs.items():
            for quality in range(40, 51):
                if all(np.array_equal(_pillow(a, quality), b) for a, b in zip(clip, degraded[rung], strict=True)):
                    qualities[rung] = quality
        assert set(qualities) == set(inputs)
        drawn.add(tuple(qualities.values()))
    assert any(low != high for low, high in drawn)


def test_varying_jpeg_changes_its_quality_within_the_clip() -> None:
    inputs = _inputs(frames=8)
    config = DegradationConfig(jpeg=1.0, jpeg_quality=(20, 90), varying=1.0)
    degraded = degrade(inputs, config, np.random.default_rng(3))[360]
    qualities = [
        next(quality for quality in range(20, 91) if np.array_equal(_pillow(before, quality), after))
        for before, after in zip(inputs[360], degraded, strict=True)
    ]
    steps = np.diff(qualities)
    assert len(set(qualities)) > 2
    assert (steps >= 0).all() or (steps <= 0).all()


@pytest.mark.parametrize("seed", range(6))
def test_the_same_generator_gives_the_same_result(seed: int) -> None:
    one, other = (degrade(_inputs(), EVERYTHING, np.random.default_rng(seed)) for _ in range(2))
    for rung in one:
        np.testing.assert_array_equal(one[rung], other[rung])


def test_the_clips_given_are_left_as_they_were_and_keep_their_shape() -> None:
    inputs, untouched = _inputs(), _inputs()
    for seed in range(12):
        for rung, clip in degrade(inputs, EVERYTHING, np.random.default_rng(seed)).items():
            assert (clip.shape, clip.dtype) == (inputs[rung].shape, np.uint8)
    for rung, clip in inputs.items():
        np.testing.assert_array_equal(clip, untouched[rung])


@pytest.mark.parametrize("share", [0.25, 0.75])
@pytest.mark.parametrize("name", ["blur", "low_light", "noise", "jpeg"])
def test_the_share_of_clips_is_the_configs(name: str, share: float) -> None:
    inputs = {180: _inputs(1)[180][:, :8, :8]}
    config = replace(DegradationConfig(blur_sigma=(0.5, 1.0)), **{name: share})
    changed = [degrade(inputs, config, np.random.default_rng(seed))[180] is not inputs[180] for seed in range(300)]
    assert abs(np.mean(changed) - share) < 0.08


def test_all_rungs_go_through_the_same_and_one_codec_is_drawn_as_often_as_it_is_named(monkeypatch) -> None:
    seen: list[tuple[int, str]] = []

    def note(clip: np.ndarray, codec: str, level: float, lead: int) -> np.ndarray:
        seen.append((lead, codec))
        return clip

    monkeypatch.setattr("data_pipelines.degradations.compose.at_quality", note)
    config = DegradationConfig(codec=1.0, codecs=("h264", "h264", "vp8", "vp9"), lead=3)
    one_frame = _inputs(1)
    for seed in range(400):
        degrade(one_frame, config, np.random.default_rng(seed))
    assert seen[::2] == seen[1::2]
    leads, codecs = zip(*seen[::2], strict=True)
    assert abs(codecs.count("h264") / 400 - 0.5) < 0.08
    assert abs(codecs.count("vp9") / 400 - 0.25) < 0.08
    assert [abs(leads.count(lead) / 400 - 0.25) < 0.08 for lead in range(4)] == [True] * 4


@pytest.mark.parametrize("rate", [0.0, 1.0])
@pytest.mark.parametrize("codec", CODECS)
def test_a_codec_damages_every_rung_moderately(codec: str, rate: float) -> None:
    inputs = _inputs()
    config = DegradationConfig(codec=1.0, codecs=(codec,), bitrate=rate, bits_per_pixel=(0.2, 0.3), lead=3)
    degraded = degrade(inputs, config, np.random.default_rng(0))
    for rung, clip in inputs.items():
        assert 18 < peak_signal_noise_ratio(clip, degraded[rung]) < 45


def test_call_leaves_some_clips_alone_and_hurts_most() -> None:
    inputs = _inputs(2)
    results = [degrade(inputs, degradation("call"), np.random.default_rng(seed)) for seed in range(60)]
    changed = np.mean([result[180] is not inputs[180] for result in results])
    preset = degradation("call")
    shares = (preset.blur, preset.low_light, preset.noise, preset.jpeg, preset.codec)
    expected = 1 - np.prod([1 - share for share in shares])
    assert abs(changed - expected) < 0.17  # three standard deviations of 60 draws
    assert expected > 0.6
