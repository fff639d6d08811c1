"""The discriminators: shapes at any size, what a score depends on, and their layers against SciPy's convolutions."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
from scipy.signal import correlate
from small import lively, noise

from mrsr.config import DiscriminatorConfig
from mrsr.models.discriminators import init_discriminator, judge

UNET = DiscriminatorConfig(name="frame", kind="unet", width=3, levels=3)
TEMPORAL = DiscriminatorConfig(name="motion", kind="temporal", width=3, levels=3, frames=3)
CLIPS = noise((2, 4, 13, 18, 3))


def params_of(config: DiscriminatorConfig) -> Any:
    return lively(jax.eval_shape(lambda: init_discriminator(config, 0)))


@pytest.fixture(scope="module")
def unet() -> Any:
    return partial(jax.jit(partial(judge, UNET)), params_of(UNET))


@pytest.fixture(scope="module")
def temporal() -> Any:
    return partial(jax.jit(partial(judge, TEMPORAL)), params_of(TEMPORAL))


def convolve(features: np.ndarray, layer: dict[str, Any]) -> np.ndarray:
    """3 x 3 with zeros outside, or 1 x 1: [H, W, C] -> [H, W, D]."""
    kernel = np.asarray(layer["kernel"], np.float64)
    if kernel.ndim == 2:
        return features @ kernel + layer["bias"]
    padded = np.pad(features, ((1, 1), (1, 1), (0, 0)))
    maps = [correlate(padded, kernel[..., d], mode="valid", method="direct")[..., 0] for d in range(kernel.shape[-1])]
    return np.stack(maps, axis=-1) + layer["bias"]


def leaky(features: np.ndarray) -> np.ndarray:
    return np.where(features > 0, features, 0.2 * features)


def folded(features: np.ndarray, block: int) -> np.ndarray:
    """Squares of pixels side by side in the channels, one position at a time."""
    rows, columns = features.shape[0] // block, features.shape[1] // block
    squares = [
        [features[r * block : (r + 1) * block, c * block : (c + 1) * block].ravel() for c in range(columns)]
        for r in range(rows)
    ]
    return np.array(squares)


def unfolded(features: np.ndarray, block: int) -> np.ndarray:
    """What `folded` undoes."""
    squares = [[square.reshape(block, block, -1) for square in row] for row in features]
    return np.concatenate([np.concatenate(row, axis=1) for row in squares], axis=0)


def encoded(seen: np.ndarray, encoder: dict[str, Any]) -> list[np.ndarray]:
    first = leaky(convolve(folded(seen, 4), encoder["first"]))
    halved = leaky(convolve(folded(first, 2), encoder["down_1"]))
    return [first, leaky(convolve(halved, encoder["conv_1"]))]


def test_the_unet_scores_as_written_out_in_numpy(unet) -> None:
    frame = CLIPS[1, 2, :8, :16]
    params = unet.args[0]
    down = encoded(frame.astype(np.float64) - 0.5, params["encoder"])
    up = unfolded(leaky(convolve(down[1], params["up_1"])), 2) + down[0]
    body = leaky(convolve(up, params["body"]))
    expected = unfolded(convolve(body, params["last"]), 4)
    scores, features = unet(frame[None, None])
    np.testing.assert_allclose(scores[0], expected, rtol=0, atol=1e-5)
    for mine, theirs in zip(features, (*down, body), strict=True):
        np.testing.assert_allclose(mine[0], theirs, rtol=0, atol=1e-5)


def test_the_temporal_one_scores_as_written_out_in_numpy(temporal) -> None:
    clip = CLIPS[1, 1:, :8, :16].astype(np.float64)
    params = temporal.args[0]
    seen = np.concatenate([clip[0] - 0.5, 4 * (clip[1] - clip[0]), 4 * (clip[2] - clip[1])], axis=-1)
    down = encoded(seen, params["encoder"])
    expected = convolve(leaky(convolve(down[-1], params["body"])), params["last"])
    np.testing.assert_allclose(temporal(clip[None].astype(np.float32))[0][0], expected, rtol=0, atol=1e-5)


def test_every_pixel_of_every_frame_has_a_score_at_any_size(unet) -> None:
    scores, features = unet(CLIPS)
    assert scores.shape == (8, 13, 18, 1)
    assert [level.shape for level in features] == [(8, 4, 6, 3), (8, 2, 3, 6), (8, 4, 6, 3)]


def test_every_stack_of_frames_has_its_scores_at_any_size(temporal) -> None:
    scores, features = temporal(CLIPS)
    assert scores.shape == (4, 2, 3, 1)
    assert [level.shape for level in features] == [(4, 4, 6, 3), (4, 2, 3, 6), (4, 2, 3, 6)]


def test_a_frame_is_judged_as_if_its_last_pixels_went_on(unet) -> None:
    padded = np.pad(CLIPS, ((0, 0), (0, 0), (0, 3), (0, 6), (0, 0)), mode="edge")
    np.testing.assert_allclose(unet(CLIPS)[0], unet(padded)[0][:, :13, :18], rtol=0, atol=1e-6)


def test_frames_and_stacks_are_in_the_order_of_the_clips(unet, temporal) -> None:
    changed = CLIPS.copy()
    changed[1, 0] += 0.2
    moved = [(np.abs(one(CLIPS)[0] - one(changed)[0]).max(axis=(1, 2, 3)) > 0).tolist() for one in (unet, temporal)]
    assert moved[0] == [False] * 4 + [True] + [False] * 3
    assert moved[1] == [False, False, True, False]


def test_a_change_from_frame_to_frame_weighs_more_than_one_that_stays(temporal) -> None:
    """A small error in every frame, and the same error with its sign changing: flicker."""
    error = 0.01 * (noise((1, 1, 13, 18, 3), seed=5) - 0.5)
    flicker = error * np.array([1, -1, 1, -1], np.float32)[None, :, None, None, None]
    usual = temporal(CLIPS)[0]
    stays, flickers = (np.abs(temporal(CLIPS + each)[0] - usual).mean() for each in (error, flicker))
    assert flickers > 3 * stays


def test_neighbouring_pixels_have_scores_of_their_own(unet) -> None:
    """Each of the 16 pixels that share a position is scored by weights of its own."""
    scores = np.asarray(unet(CLIPS[:1, :1, :8, :16])[0])[0, :4, :4].ravel()
    assert len(np.unique(scores)) == 16


def test_widths_double_up_to_eight_times() -> None:
    shapes = jax.eval_shape(lambda: init_discriminator(DiscriminatorConfig(name="deep", width=2, levels=7), 0))
    widths = [shapes["encoder"]["first"]["bias"].shape[0]]
    widths += [shapes["encoder"][f"conv_{level}"]["bias"].shape[0] for level in range(1, 6)]
    assert widths == [2, 4, 8, 16, 16, 16]


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("kind", ["unet", "temporal"])
def test_shallow_ones_work(kind: str, levels: int) -> None:
    config = DiscriminatorConfig(name="shallow", kind=kind, width=2, levels=levels, frames=2)
    params = jax.eval_shape(lambda: init_discriminator(config, 0))
    scores, _ = jax.eval_shape(partial(judge, config), params, CLIPS)
    fold = 2**levels
    assert scores.shape == ((8, 13, 18, 1) if kind == "unet" else (6, -(-13 // fold), -(-18 // fold), 1))


def test_parameters_are_drawn_from_the_seed_in_float32() -> None:
    config = DiscriminatorConfig(name="drawn", width=2, levels=2)
    one, same, other = (init_discriminator(config, seed)["encoder"]["first"]["kernel"] for seed in (4, 4, 5))
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_clips_shorter_than_a_stack_are_refused() -> None:
    with pytest.raises(ValueError, match="discriminator motion: clips of 2 frames, stacks of 3"):
        judge(TEMPORAL, {}, CLIPS[:, :2])
