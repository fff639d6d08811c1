"""A cut-out through a codec: as the same pixels of a whole frame come out, after what came before it."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from skimage.filters import gaussian
from skimage.metrics import peak_signal_noise_ratio
from small import photograph

from data_pipelines.degradations.codec import at_quality, at_rate, bordered, with_lead
from mrsr.config.validate import CODECS
from mrsr.video.codec import Quality, round_trip

TALK = Path(__file__).parents[4] / "shared" / "data" / "validation" / "talk_a_1080p.mp4"


def _clip(frames: int = 4, side: int = 24) -> np.ndarray:
    photo = photograph(80, 100)
    return np.stack([photo[t : t + side, 2 * t : 2 * t + side] for t in range(frames)])


def _gaps(whole: np.ndarray, codec: str, level: int, frames: slice, places: list[tuple[int, int]], side: int) -> float:
    """How much better cut-outs come out than the same pixels of the whole frame, dB in the mean over the places."""
    coded = round_trip(whole, codec, Quality(level), 30)
    gaps = []
    for y, x in places:
        piece = np.s_[frames, y : y + side, x : x + side]
        cutout = at_quality(whole[piece], codec, level, lead=4)
        gaps.append(peak_signal_noise_ratio(whole[piece], cutout) - peak_signal_noise_ratio(whole[piece], coded[piece]))
    return float(np.mean(gaps))


@pytest.mark.parametrize(("codec", "level"), [("h264", 24), ("h264", 32), ("h265", 30), ("vp8", 30), ("vp9", 36)])
def test_cutouts_are_damaged_as_much_as_the_same_pixels_of_a_whole_frame(codec: str, level: int) -> None:
    # Alike all over and with the noise of a sensor; a film's parts differ more, which the encoders' factor allows for.
    rng = np.random.default_rng(1)
    texture = gaussian(rng.random((180, 320, 3)), 1.5, channel_axis=-1)
    scene = 255 * (texture - texture.min()) / np.ptp(texture)
    whole = np.clip(scene + rng.normal(0, 2, (8, 180, 320, 3)), 0, 255).astype(np.uint8)
    places = [(y, x) for y in (12, 60, 120) for x in (20, 110, 190, 260)]
    assert abs(_gaps(whole, codec, level, np.s_[2:8], places, 40)) < 1


@pytest.mark.shared
@pytest.mark.parametrize(("codec", "level"), [("h264", 28), ("h265", 30), ("vp8", 30), ("vp9", 36)])
def test_cutouts_of_a_call_are_damaged_as_much_as_its_later_frames(codec: str, level: int) -> None:
    if not TALK.is_file():
        pytest.skip(f"{TALK.name} is not there")
    with av.open(str(TALK)) as container:
        frames = [frame for _, frame in zip(range(26), container.decode(video=0), strict=False)]
    whole = np.stack([
        frame.reformat(width=640, height=360, format="rgb24", interpolation="BICUBIC").to_ndarray() for frame in frames
    ])  # fmt: skip
    places = [(y, x) for y in (40, 130, 220, 300) for x in (60, 220, 380, 540)]
    assert abs(_gaps(whole, codec, level, np.s_[20:26], places, 40)) < 1


@pytest.mark.parametrize("side", [1, 7, 20, 40, 64, 200])
def test_the_border_mirrors_the_cutout_which_lies_inside(side: int) -> None:
    clip = np.random.default_rng(side).integers(0, 256, (2, side, side, 3), np.uint8)
    framed, inside = bordered(clip)
    np.testing.assert_array_equal(framed[inside], clip)
    assert framed.shape[1] >= min(80, side + 64)
    assert framed.shape[1] <= max(82, side + 64)


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_what_is_coded_before_a_clip_is_its_beginning_backwards(frames: int) -> None:
    led = with_lead(np.arange(10, 10 + frames), 4)
    np.testing.assert_array_equal(led[4:], np.arange(10, 10 + frames))
    assert led[:4].tolist() == {1: [10] * 4, 2: [10, 11, 10, 11], 5: [14, 13, 12, 11]}[frames]


@pytest.mark.parametrize("codec", CODECS)
def test_a_clip_with_a_lead_does_not_begin_with_a_key_frame(codec: str) -> None:
    clip = _clip(side=40)
    alone, led = (at_quality(clip, codec, 36, lead) for lead in (0, 3))
    assert alone.shape == led.shape == clip.shape
    assert not np.array_equal(alone[0], led[0])
    mirrored = clip[[3, 2, 1, 0, 1, 2, 3]]
    if codec.startswith("vp"):
        np.testing.assert_array_equal(led, round_trip(mirrored, codec, Quality(36), 30)[3:])


@pytest.mark.parametrize("codec", CODECS)
def test_a_lower_quality_does_more_damage(codec: str) -> None:
    clip = _clip(side=40)
    quality = [peak_signal_noise_ratio(clip, at_quality(clip, codec, level)) for level in (10, 25, 45)]
    assert quality == sorted(quality, reverse=True)


@pytest.mark.parametrize("codec", CODECS)
def test_a_lower_rate_does_more_damage(codec: str) -> None:
    clip = _clip(side=40)
    quality = [peak_signal_noise_ratio(clip, at_rate(clip, codec, np.full(4, bits), 2)) for bits in (1.5, 0.3, 0.03)]
    assert quality == sorted(quality, reverse=True)


def test_h264_follows_a_rate_that_rises_over_the_clip() -> None:
    clip = np.random.default_rng(0).integers(100, 140, (40, 40, 40, 3), np.uint8)
    error = np.square(at_rate(clip, "h264", np.repeat([0.1, 3.0], 20)) - clip.astype(float)).mean(axis=(1, 2, 3))
    assert error[-10:].mean() < 0.8 * error[10:20].mean()
