"""The noise of a camera's sensor: that of few photons, amplified back to brightness, and that of its electronics."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

# ITU-R BT.709, by which luminance is summed.
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
# Of the chroma noise, the share of its power that lies in patches, and their radius in px.
_PATCHED, _RADIUS = 0.5, 1.5
# Standard deviation of what reading a pixel adds, electrons.
_READ = 2.5


def with_noise(clip: np.ndarray, sigmas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The clip uint8 [T, h, w, 3] with normal noise of standard deviation `sigmas[t]` (levels of 255) on frame t.

    On the coded values, new in every frame. Luma noise is white and of the standard deviation that white noise in three
    channels has, `sigma * 0.75`; half of the power of chroma noise lies in patches (see `patchy`).

    Source: own choice.
    """
    noise = patchy(rng.standard_normal(clip.shape, np.float32), rng)
    levels = clip + np.asarray(sigmas, np.float32)[:, None, None, None] * noise
    return np.rint(np.clip(levels, 0, 255)).astype(np.uint8)


def in_low_light(clip: np.ndarray, photons: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The clip uint8 [T, h, w, 3] as if a white pixel of frame t had caught `photons[t]`, amplified back.

    In linear light L a pixel catches a Poisson number of photons of mean and variance `L * photons`; reading adds 2.5
    electrons of normal noise; the sum is divided by `photons`. The mean in linear light is that of the clip, but for
    what is cut off at black and at white: the truth beside it is not darkened. Chroma noise is made patchy.

    Source: Foi et al. 2008, "Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data";
    2.5 electrons: own choice, what small sensors are sold with.
    """
    white = np.asarray(photons, np.float32)[:, None, None, None]
    mean = _TO_LINEAR[clip] * white
    deviation = np.sqrt(mean + np.float32(_READ**2))
    caught = rng.poisson(mean) + _READ * rng.standard_normal(clip.shape, np.float32)
    noise = patchy(((caught - mean) / deviation).astype(np.float32), rng)
    return _from_linear((mean + deviation * noise) / white)


def patchy(noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """White noise float32 [T, h, w, 3] of variance 1 with half of its chroma's power moved to patches of a few px.

    Its luma is what it was. A webcam's denoiser takes the finest chroma noise out and leaves the blotches; it spares
    luma, where it would cost sharpness.

    Source: own choice.
    """
    luma = (noise @ _LUMA)[..., None]
    patches = rng.standard_normal(noise.shape, np.float32)
    # Wrapped around, so that patches at the edges are no stronger than inside.
    patches = gaussian_filter(patches, _RADIUS, mode="wrap", axes=(1, 2))
    patches /= _left_of_white(noise.shape[1]) * _left_of_white(noise.shape[2])
    patches -= (patches @ _LUMA)[..., None]
    return luma + np.float32((1 - _PATCHED) ** 0.5) * (noise - luma) + np.float32(_PATCHED**0.5) * patches


def _left_of_white(length: int) -> np.float32:
    """The standard deviation that white noise of deviation 1 keeps along one axis of `length` px."""
    pulse = np.zeros(length, np.float32)
    pulse[0] = 1
    return np.sqrt(np.square(gaussian_filter1d(pulse, _RADIUS, mode="wrap")).sum())


def _linear(levels: np.ndarray) -> np.ndarray:
    """The curve of sRGB, IEC 61966-2-1: coded values in [0, 255] as linear light float32 in [0, 1]."""
    coded = levels / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4).astype(np.float32)


_TO_LINEAR = _linear(np.arange(256))


def _from_linear(light: np.ndarray) -> np.ndarray:
    """The other way: uint8, clipped to [0, 255] and rounded."""
    light = np.clip(light, 0, 1)
    coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** np.float32(1 / 2.4) - 0.055)
    return np.rint(255 * coded).astype(np.uint8)
