"""Which cut-outs are preferred, and the orientations they are turned to."""

from __future__ import annotations

import numpy as np

from data_pipelines.crops import liveliness, turn


def test_detail_and_motion_are_livelier_than_a_wall() -> None:
    rng = np.random.default_rng(0)
    wall = np.full((3, 16, 16, 3), 90, np.uint8)
    detail = np.repeat(rng.integers(0, 255, (1, 16, 16, 3), dtype=np.uint8), 3, axis=0)
    flicker = wall.copy()
    flicker[1] += 50
    assert liveliness(wall) == 0
    assert liveliness(detail) > liveliness(flicker) > 0


def test_a_single_frame_has_no_motion() -> None:
    ramp = np.tile(np.arange(0, 32, 2, dtype=np.uint8)[None, None, :, None], (1, 16, 1, 3))
    assert liveliness(ramp) == 4  # 2 levels a pixel, every second pixel looked at


def test_a_clip_is_turned_to_all_eight_orientations_every_frame_alike() -> None:
    clip = np.arange(2 * 3 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3, 3)
    wanted = set()
    for frames in (clip, clip.transpose(0, 2, 1, 3)):
        for quarter in range(4):
            wanted.add(np.rot90(frames, quarter, axes=(1, 2)).tobytes())
    seen = {turn(clip, np.random.default_rng(seed)).tobytes() for seed in range(100)}
    assert len(wanted) == 8
    assert seen == wanted
