"""What the inputs of a training clip go through and the truth does not, drawn from the config."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from data_pipelines.degradations.blur import blurred
from data_pipelines.degradations.codec import at_quality, at_rate
from data_pipelines.degradations.jpeg import through_jpeg
from data_pipelines.degradations.sensor import in_low_light, with_noise
from data_pipelines.degradations.strengths import draw_levels, draw_strengths
from mrsr.config.data import DegradationConfig

_SHARES = ("blur", "low_light", "noise", "jpeg", "codec", "bitrate", "varying")


def degrade(
    inputs: Mapping[int, np.ndarray], config: DegradationConfig, rng: np.random.Generator
) -> dict[int, np.ndarray]:
    """The clip at every input rung, uint8 [T, h, w, 3] by rung, degraded or not: the same shapes.

    In the order light takes: out of focus, little light, the sensor's noise, the webcam's JPEG, the call's codec; the
    clip goes through each with its share in the config, drawn apart. All rungs go through the same, and through the
    same codec after the same lead, as of one sender; each rung has its own encode and draws its own strengths. The
    result depends on the arguments alone; the clips given are left as they were.

    Source: JPEG levels are the patent's; the rest is own choice. Evaluation's `jpeg:Q` is the same function, its
    `h264:CRF` the same encoder.
    """
    drawn = dict(zip(_SHARES, rng.random(len(_SHARES)), strict=True))
    does = {name: bool(value < getattr(config, name)) for name, value in drawn.items()}
    codec = config.codecs[int(rng.integers(len(config.codecs)))]
    lead = int(rng.integers(config.lead + 1))
    return {rung: _degraded(clip, config, does, codec, lead, rng) for rung, clip in inputs.items()}


def _degraded(
    clip: np.ndarray,
    config: DegradationConfig,
    does: Mapping[str, bool],
    codec: str,
    lead: int,
    rng: np.random.Generator,
) -> np.ndarray:
    frames, varying = len(clip), does["varying"]
    if does["blur"]:
        clip = blurred(clip, draw_strengths(config.blur_sigma, frames, varying, rng))
    if does["low_light"]:
        clip = in_low_light(clip, draw_strengths(config.light, frames, varying, rng, "log"), rng)
    if does["noise"]:
        clip = with_noise(clip, draw_strengths(config.noise_sigma, frames, varying, rng), rng)
    if does["jpeg"]:
        clip = through_jpeg(clip, draw_levels(config.jpeg_quality, frames, varying, rng))
    if does["codec"] and does["bitrate"]:
        clip = at_rate(clip, codec, draw_strengths(config.bits_per_pixel, frames, varying, rng, "log"), lead)
    elif does["codec"]:
        bounds = getattr(config, f"{codec}_q" if codec.startswith("vp") else f"{codec}_crf")
        clip = at_quality(clip, codec, int(draw_levels(bounds, 1, False, rng)[0]), lead)
    return clip
