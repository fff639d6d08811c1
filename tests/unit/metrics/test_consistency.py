"""Consistency between outputs, against Pillow's reduction and scikit-image's PSNR."""

import math

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio
from small import photograph

from mrsr.imaging.colour import luma
from mrsr.imaging.ranges import to_float, to_uint8
from mrsr.imaging.resample import resize
from mrsr.metrics.consistency import consistency


def test_a_pyramid_made_by_reduction_agrees_with_itself_entirely():
    top = photograph(96, 144)
    middle = to_uint8(resize(to_float(top), 64, 96))
    assert consistency(top, middle) == math.inf


def test_it_is_the_psnr_of_the_reduction_by_pillow():
    top, other = photograph(96, 144), photograph(64, 96)
    reduced = np.asarray(Image.fromarray(top).resize((96, 64), Image.Resampling.BICUBIC))
    cropped = [luma(frame)[8:-8, 8:-8] for frame in (other, reduced)]
    assert consistency(top, other) == pytest.approx(peak_signal_noise_ratio(*cropped, data_range=255), abs=0.01)


def test_one_level_of_grey_apart_is_the_published_48_db_scaled_to_studio_range():
    top = np.full((96, 144, 3), 100, np.uint8)
    assert consistency(top, np.full((48, 72, 3), 101, np.uint8)) == pytest.approx(20 * math.log10(255 * 255 / 219))
