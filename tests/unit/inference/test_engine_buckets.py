"""Buckets hold their frames with little waste; batches hold all frames with little padding; levels go down."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsr.inference.buckets import EXACT, BucketRule, batches, bucket_of, placed
from mrsr.inference.levels import levels
from mrsr.ladder import Ladder, RouteSet

sides = st.integers(1, 400)
TRAINED = Ladder().routes("all_seven")


@settings(deadline=None)
@given(sides, sides, st.integers(1, 6), st.integers(1, 32), st.floats(0, 1), st.lists(st.tuples(sides, sides)))
def test_a_bucket_holds_the_frame_and_is_whole(height, width, whole, step, waste, some):
    prepared = [(-(-rows // whole) * whole, -(-columns // whole) * whole) for rows, columns in some]
    bucket = bucket_of(BucketRule(step, waste), height, width, whole, prepared)
    assert bucket[0] >= height
    assert bucket[1] >= width
    assert bucket[0] % whole == bucket[1] % whole == 0
    if bucket in prepared:
        most = max(1 + waste, 1) * (height + whole - 1) * (width + whole - 1)
        other = (height + step + whole) * (width + step + whole)
        assert bucket[0] * bucket[1] <= max(most, other)


@settings(deadline=None)
@given(sides, sides, st.integers(1, 6), st.lists(st.tuples(sides, sides)))
def test_an_exact_bucket_is_what_the_step_pads_to(height, width, whole, prepared):
    exact = (height + -height % whole, width + -width % whole)
    assert bucket_of(EXACT, height, width, whole, prepared) == exact


def test_a_frame_a_little_smaller_shares_the_prepared_size():
    assert bucket_of(BucketRule(), 178, 318, 1, [(180, 320), (360, 640)]) == (180, 320)
    assert bucket_of(BucketRule(), 90, 160, 1, [(180, 320)]) == (96, 160)


def test_a_placed_frame_repeats_its_border():
    frame = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    bucket = placed(frame, (4, 5))
    rows, columns = np.minimum(np.arange(4), 1), np.minimum(np.arange(5), 2)
    np.testing.assert_array_equal(bucket, frame[rows][:, columns])
    assert placed(frame, (2, 3)) is frame


@pytest.mark.parametrize(("step", "waste"), [(0, 0.0), (1, -0.1)])
def test_a_rule_without_meaning_is_refused(step, waste):
    with pytest.raises(ValueError, match="expected step >= 1"):
        BucketRule(step, waste)


@settings(deadline=None)
@given(st.integers(1, 100), st.lists(st.integers(1, 32), min_size=1, unique=True))
def test_batches_hold_all_frames_and_only_the_last_is_padded(count, sizes):
    made = batches(count, sizes)
    assert set(made) <= set(sizes)
    assert sum(made[:-1]) < count <= sum(made)
    empty = sum(made) - count
    assert 4 * empty <= made[-1] or made[-1] == min(sizes)


@pytest.mark.parametrize(
    ("count", "made"), [(1, [1]), (2, [2]), (3, [4]), (5, [4, 1]), (6, [8]), (9, [8, 1]), (13, [16]), (40, [16, 16, 8])]
)
def test_batches_of_the_usual_sizes(count, made):
    assert batches(count, (1, 2, 4, 8, 16)) == made


@pytest.mark.parametrize(
    ("asked", "below"),
    [
        ("180:720", ["180:720", "180:360"]),
        ("180:360,180:1080", ["180:360,180:1080", "180:360,180:720", "180:360"]),
        ("360:1080", ["360:1080", "360:720"]),
        ("360:720", ["360:720"]),
        ("360:360", ["360:360"]),
    ],
)
def test_levels_lose_their_highest_output_first(asked, below):
    made = [str(level) for level in levels(TRAINED, RouteSet.parse(asked))]
    assert made == below


def test_every_level_runs_fewer_stages():
    ladder = Ladder()
    for asked in ("180:1080", "180:360,180:720,180:1080", "360:1080"):
        entry = int(asked.partition(":")[0])
        stages = [len(ladder.stages(level, entry)) for level in levels(TRAINED, RouteSet.parse(asked))]
        assert stages == sorted(set(stages), reverse=True)
