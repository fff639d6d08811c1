"""Encoders of a call, judged by PyAV's decoders: rate, key frames, sizes, and what happens where one fails."""

from fractions import Fraction

import av
import numpy as np
import pytest
from loopback_frames import counted, counter

from mrsr.errors import RunError, UserError
from mrsr.streaming.codecs import BACKENDS, Backend, working
from mrsr.streaming.encoder import RateLimits, VideoEncoder
from mrsr.streaming.pixels import i420, rgb

DECODERS = {"H264": "h264", "VP8": "libvpx"}
SOFTWARE = {"H264": "libx264", "VP8": "libvpx"}


clock = {"now": 0.0}


def software(format, **options):
    backends = [backend for backend in BACKENDS if backend.name == SOFTWARE[format]]
    return VideoEncoder(format, backends=backends, clock=lambda: clock["now"], **options)


def restless(number, height=180, width=320):
    """Noise that moves: no encoder can make it small."""
    noise = np.random.default_rng(3).integers(0, 255, (height, width + 500, 3), np.uint8)
    return noise[:, number * 3 :][:, :width]


def encode(encoder, image, number, key=False):
    frame = i420(image)
    frame.pts, frame.time_base = number, Fraction(1, 30)
    clock["now"] = number / 30
    encoded = encoder.encode(frame, key)
    assert encoded is not None
    assert encoded.pts == number * 3000
    return encoded


@pytest.mark.parametrize("format", ["H264", "VP8"])
def test_the_rate_follows_a_lowered_target_within_a_second(format):
    encoder = software(format, limits=RateLimits(first=2_000_000))
    sizes = []
    for number in range(120):
        if number == 60:
            encoder.bit_rate = 600_000
        sizes.append(8 * len(encode(encoder, restless(number), number).data) / 1000)
    assert sum(sizes[30:60]) == pytest.approx(2000, rel=0.25)
    assert sum(sizes[90:120]) == pytest.approx(600, rel=0.25)
    # What the buffer of the rate before holds is the most that any frame takes.
    assert max(sizes[61:]) < 2000 / 4
    assert encoder.reopened == 1


def test_libx264_is_told_of_a_small_fall_while_it_runs_and_opened_anew_for_a_sharp_one():
    encoder = software("H264", limits=RateLimits(first=2_000_000))
    sizes, keys = [], []
    for number in range(120):
        encoder.bit_rate = 2_000_000 if number < 30 else 1_300_000 if number < 60 else 500_000
        frame = encode(encoder, restless(number), number)
        sizes.append(8 * len(frame.data) / 1000)
        keys.append(frame.key)
    assert [number for number, key in enumerate(keys) if key] == [0, 60]
    assert encoder.reopened == 1
    # In the first fifth of a second no more than the rate and what its buffer held: 0.35 s of it.
    assert sum(sizes[60:66]) <= 0.35 * 500
    assert sum(sizes[90:120]) == pytest.approx(500, rel=0.25)


def test_falls_one_after_the_other_do_not_make_every_frame_a_key_frame():
    encoder = software("H264", limits=RateLimits(first=4_000_000))
    keys = []
    for number in range(60):
        encoder.bit_rate = 4_000_000 * 0.5 ** max(0, number - 20)
        keys.append(encode(encoder, restless(number), number).key)
    assert 1 < sum(keys) <= 4


def test_a_rate_above_the_opened_one_reopens_the_encoder_once_it_is_calm():
    encoder = software("H264", limits=RateLimits(first=500_000))
    frames = []
    for number in range(150):
        if number in (10, 11):
            encoder.bit_rate = 1_000_000 * (number - 9)
        frames.append(encode(encoder, restless(number), number))
    keys = [number for number, frame in enumerate(frames) if frame.key]
    assert keys == [0, 60]
    assert encoder.reopened == 1
    assert sum(8 * len(frame.data) for frame in frames[120:]) == pytest.approx(2_000_000, rel=0.25)


@pytest.mark.parametrize("format", ["H264", "VP8"])
def test_a_key_frame_comes_on_request_and_only_then(format):
    encoder = software(format)
    keys = [encode(encoder, counted(number), number, key=number == 20).key for number in range(40)]
    assert [number for number, key in enumerate(keys) if key] == [0, 20]


@pytest.mark.parametrize("format", ["H264", "VP8"])
def test_one_decoder_follows_every_change_of_size(format):
    encoder, decoder = software(format), av.CodecContext.create(DECODERS[format], "r")
    shapes = [(96, 192), (97, 193), (48, 96), (192, 384), (384, 192)]
    for number, shape in enumerate(shape for shape in shapes for _ in range(5)):
        image = counted(number, *shape)
        (frame,) = decoder.decode(encode(encoder, image, number).packet())
        assert (frame.height, frame.width) == (shape[0] // 2 * 2, shape[1] // 2 * 2)
        assert counter(frame) == number


@pytest.mark.parametrize("height", [96, 720])
@pytest.mark.parametrize("format", ["H264", "VP8"])
def test_the_picture_keeps_its_colours_at_every_size(format, height):
    image = np.zeros((height, 192, 3), np.uint8)
    image[:, :64], image[:, 64:128], image[:, 128:] = (200, 30, 40), (20, 180, 60), (40, 50, 220)
    decoder = av.CodecContext.create(DECODERS[format], "r")
    (frame,) = decoder.decode(encode(software(format), image, 0).packet())
    for column in (32, 96, 160):
        assert np.abs(rgb(frame)[48, column].astype(int) - image[48, column]).max() <= 6


def test_opencv_and_pyav_convert_alike(monkeypatch):
    image = counted(5)
    image[..., 1] //= 2
    by_opencv = i420(image).to_ndarray()
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    by_pyav = i420(image).to_ndarray()
    assert np.abs(by_opencv.astype(int) - by_pyav).mean() < 1


def test_hardware_that_is_not_there_is_found_out_and_libx264_takes_over():
    ghost = Backend("no_such_encoder", "H264", True, True, BACKENDS[0].options)
    assert "libx264" in [backend.name for backend in working("H264")]
    encoder = VideoEncoder(backends=[ghost, *working("H264", hardware=False)])
    assert encode(encoder, counted(0), 0).key
    assert encoder.backend.name == "libx264"


def test_what_no_encoder_takes_is_said_in_one_line():
    with pytest.raises(UserError, match="codec 'AV1': expected one of H264, VP8"):
        working("AV1")
    ghost = Backend("no_such_encoder", "H264", True, True, BACKENDS[0].options)
    with pytest.raises(RunError, match="no_such_encoder cannot be opened for 192x96 at 800000 bit/s"):
        encode(VideoEncoder(backends=[ghost]), counted(0), 0)
    with pytest.raises(ValueError, match="expected uint8"):
        i420(np.zeros((4, 4, 3), np.float32))


def test_rates_keep_within_their_limits_in_whole_kilobits():
    encoder = software("H264", limits=RateLimits(lowest=100_000, first=300_000, highest=1_000_000))
    for asked, kept in ((5, 100_000), (123_456, 123_000), (9e9, 1_000_000)):
        encoder.bit_rate = asked
        assert encoder.bit_rate == kept
