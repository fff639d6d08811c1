"""The temporal loss against NumPy, and what it does and does not punish."""

from __future__ import annotations

import numpy as np
import pytest
from small import noise

from mrsr.losses.temporal import temporal_loss

OUTPUT, TRUTH = noise((2, 4, 5, 6, 3), seed=1), noise((2, 4, 5, 6, 3), seed=2)


def test_it_is_the_mean_difference_of_the_changes() -> None:
    changes = [np.diff(clips.astype(np.float64), axis=1) for clips in (OUTPUT, TRUTH)]
    np.testing.assert_allclose(temporal_loss(OUTPUT, TRUTH), np.abs(changes[0] - changes[1]).mean(), rtol=1e-6)


def test_an_error_that_stays_costs_nothing() -> None:
    error = noise((2, 1, 5, 6, 3), seed=3)
    assert temporal_loss(TRUTH + error, TRUTH) == pytest.approx(0, abs=1e-6)


def test_flicker_costs_its_change_from_frame_to_frame() -> None:
    flicker = np.array([0.1, -0.1, 0.1, -0.1], np.float32)[None, :, None, None, None]
    assert temporal_loss(TRUTH + flicker, TRUTH) == pytest.approx(0.2, abs=1e-6)


def test_a_picture_that_stands_still_while_the_truth_moves_costs_the_motion() -> None:
    still = np.broadcast_to(TRUTH[:, :1], TRUTH.shape)
    assert temporal_loss(still, TRUTH) == pytest.approx(np.abs(np.diff(TRUTH, axis=1)).mean(), rel=1e-5)


def test_a_single_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="temporal loss: clips of 1 frame, expected 2 or more"):
        temporal_loss(OUTPUT[:, :1], TRUTH[:, :1])
