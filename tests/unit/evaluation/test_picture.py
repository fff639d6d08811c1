"""The comparison picture: what is in it, where it looks, and how it is written."""

import numpy as np
import pytest
from PIL import Image

from mrsr.evaluation.compare import Comparison
from mrsr.evaluation.picture import comparison_picture, liveliest, save_picture


def shot_of(height, width, ratio=4):
    draw = np.random.default_rng(0)
    truth = np.full((height, width, 3), 90, np.uint8)
    truth[height // 3 : height // 3 + 20, -30:] = draw.integers(0, 256, (20, 30, 3))
    low = truth[::ratio, ::ratio]
    return Comparison(low, truth ^ np.uint8(1), truth ^ np.uint8(2), truth, 0)


@pytest.mark.parametrize(("height", "width", "side"), [(36, 64, 36), (96, 64, 40), (180, 320, 50)])
def test_the_four_regions_are_shown_pixel_by_pixel(height, width, side):
    shot = shot_of(height, width)
    picture = np.asarray(comparison_picture(shot, "180:720"))
    top, left = liveliest(shot.truth, side)
    for column, frame in ((1, shot.bicubic), (2, shot.ours), (3, shot.truth)):
        x = 12 + column * 412
        panel = picture[-412:-12, x : x + 400]
        centres = (np.arange(side) * 2 + 1) * 400 // (2 * side)
        assert np.array_equal(panel[np.ix_(centres, centres)], frame[top : top + side, left : left + side])


def test_it_looks_where_the_truth_has_most_detail():
    assert liveliest(shot_of(96, 128).truth, 20) == (32, 103)


def test_a_flat_frame_and_a_region_of_the_whole_frame_are_fine():
    assert liveliest(np.zeros((40, 40, 3), np.uint8), 40) == (0, 0)
    flat = np.zeros((40, 60, 3), np.uint8)
    comparison_picture(Comparison(flat[::2, ::2], flat, flat, flat, 0), "identical")


def test_it_is_written_as_png_beside_and_renamed(tmp_path):
    picture = comparison_picture(shot_of(36, 64), "title")
    save_picture(picture, tmp_path / "comparison.PNG")
    with Image.open(tmp_path / "comparison.PNG") as read:
        assert (read.format, read.size) == ("PNG", picture.size)
    assert [path.name for path in tmp_path.iterdir()] == ["comparison.PNG"]


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        save_picture(Image.new("RGB", (4, 4)), tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
