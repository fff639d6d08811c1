"""Folders of pictures against Pillow's own reading: their order, their sizes, and what is refused in one line."""

import numpy as np
import pytest
from PIL import Image

from mrsr.errors import RunError, UserError
from mrsr.video.image_frames import common_size, image_files, read_images


def save(folder, name, height=6, width=8, level=0):
    Image.fromarray(np.full((height, width, 3), level, np.uint8)).save(folder / name)


def test_frames_come_in_the_order_of_their_numbers(tmp_path):
    for level, name in enumerate(["im10.png", "im9.png", "im1.PNG", "im100.png"]):
        save(tmp_path, name, level=level)
    (tmp_path / "notes.txt").write_text("not a frame")
    files = image_files(tmp_path)
    assert [file.name for file in files] == ["im1.PNG", "im9.png", "im10.png", "im100.png"]
    assert [frame[0, 0, 0] for frame in read_images(files)] == [2, 1, 0, 3]


def test_grey_palettes_and_transparency_become_rgb(tmp_path):
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    Image.fromarray(grey).save(tmp_path / "1.png")
    Image.fromarray(grey).convert("P").save(tmp_path / "2.png")
    Image.fromarray(np.dstack([grey, grey, grey, np.full_like(grey, 7)])).save(tmp_path / "3.png")
    files = image_files(tmp_path)
    assert common_size(files) == (6, 8)
    for frame in read_images(files):
        np.testing.assert_array_equal(frame, np.dstack([grey] * 3))


def test_a_frame_of_another_size_is_named_with_both_sizes(tmp_path):
    save(tmp_path, "1.png")
    save(tmp_path, "2.png", width=9)
    with pytest.raises(UserError, match=r"2\.png: 9x6 px; expected 8x6 as 1\.png, the first frame"):
        common_size(image_files(tmp_path))


def test_deep_pictures_and_what_is_no_picture_are_refused_by_name(tmp_path):
    Image.fromarray(np.zeros((6, 8), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(UserError, match=r"deep\.png: more than 8 bits"):
        common_size([tmp_path / "deep.png"])
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(UserError, match=r"text\.png: not a picture"):
        common_size([tmp_path / "text.png"])


def test_a_frame_cut_short_is_damaged(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)).save(tmp_path / "1.png")
    whole = (tmp_path / "1.png").read_bytes()
    (tmp_path / "1.png").write_bytes(whole[: len(whole) // 2])
    assert common_size([tmp_path / "1.png"]) == (60, 80)
    with pytest.raises(RunError, match=r"1\.png: damaged"):
        list(read_images([tmp_path / "1.png"]))
