"""Optical flow on motion that is known, and where it may be trusted."""

import numpy as np
import pytest
from small import photograph

from mrsr.imaging.colour import luma

pytest.importorskip("cv2")

from mrsr.metrics.flow import optical_flow, trusted, warped


def grey(frame):
    return np.rint(luma(frame)).astype(np.uint8)


@pytest.mark.parametrize(("right", "down"), [(3, 0), (-2, 4), (0, 0)])
def test_the_flow_of_a_shifted_photograph_is_the_shift(right, down):
    wide = grey(photograph(136, 176))
    before = wide[8:-8, 8:-8]
    after = wide[8 - down : 128 - down, 8 - right : 168 - right]
    flow = optical_flow(np.ascontiguousarray(before), np.ascontiguousarray(after))[16:-16, 16:-16]
    assert np.median(np.abs(flow - (right, down))) < 0.02


def test_a_frame_brought_back_along_a_whole_shift_is_the_frame_but_for_what_came_in():
    values = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    flow = np.broadcast_to(np.float32([4, -3]), (20, 30, 2))
    assert np.array_equal(warped(values, flow)[3:, :-4], values[:-3, 4:])


def test_half_a_pixel_is_the_mean_of_two():
    values = np.random.default_rng(0).integers(0, 256, (9, 9)).astype(np.float32)
    flow = np.broadcast_to(np.float32([0.5, 0]), (9, 9, 2))
    assert np.allclose(warped(values, flow)[:, :-1], (values[:, :-1] + values[:, 1:]) / 2, atol=0.01)


def test_what_leaves_the_frame_is_not_trusted():
    forward = np.zeros((20, 30, 2), np.float32) + np.float32([4, 0])
    where = trusted(forward, -forward)
    assert where[:, :-4].all()
    assert not where[:, -4:].any()


def test_what_does_not_come_back_to_where_it_began_is_not_trusted():
    forward, backward = np.zeros((40, 60, 2), np.float32), np.zeros((40, 60, 2), np.float32)
    backward[10:20, 10:30] = 2
    where = trusted(forward, backward)
    assert not where[10:20, 10:30].any()
    assert where.sum() == 40 * 60 - 10 * 20


def test_the_edge_of_a_motion_is_not_trusted_on_either_side():
    forward = np.zeros((40, 60, 2), np.float32)
    forward[:, 30:, 1] = 1
    where = trusted(forward, -forward)
    assert not where[:-1, 29:31].any()
    assert where[:-1, :29].all()
    assert where[:-1, 31:].all()
