"""The H.264 round trip in memory: every frame back, in order, at once, in the colours it went in with."""

import re
from fractions import Fraction
from itertools import islice

import av
import numpy as np
import pytest
from av.codec.context import CodecContext
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from mrsr.errors import UserError
from mrsr.video.codec import h264_round_trip, h264_stream

MOVING = np.stack([np.roll(data.astronaut()[100:228, 150:310], 2 * i, axis=1) for i in range(6)])


@pytest.mark.parametrize(("height", "width"), [(64, 96), (63, 96), (64, 95), (61, 67)])
def test_as_many_frames_of_the_same_size_come_back(height, width):
    clip = MOVING[:, :height, :width]
    decoded = h264_round_trip(clip, 20, Fraction(30_000, 1001))
    assert (decoded.shape, decoded.dtype) == (clip.shape, np.uint8)
    for before, after in zip(clip, decoded, strict=True):
        assert peak_signal_noise_ratio(before, after) > 30


def test_frames_keep_their_order():
    levels = np.array([20, 200, 90, 240, 60], np.uint8)
    clip = np.broadcast_to(levels[:, None, None, None], (5, 32, 32, 3))
    assert np.abs(h264_round_trip(clip, 10, 25).mean(axis=(1, 2, 3)) - levels).max() < 3


def test_a_higher_crf_costs_fewer_bytes_and_more_quality():
    quality, size = {}, {}
    for crf in (10, 24, 38):
        frames, sizes = zip(*h264_stream(iter(MOVING), crf, 25), strict=True)
        quality[crf] = peak_signal_noise_ratio(MOVING, np.stack(frames))
        size[crf] = sum(sizes)
    assert quality[10] > quality[24] > quality[38]
    assert size[10] > size[24] > size[38] > 0


@pytest.mark.parametrize("side", [64, 720])
@pytest.mark.parametrize("colour", [(220, 30, 40), (20, 190, 60), (40, 50, 230), (128, 128, 128), (0, 0, 0)])
def test_colours_survive_the_matrix_both_ways(colour, side):
    clip = np.broadcast_to(np.array(colour, np.uint8), (1, side, side, 3))
    assert np.abs(h264_round_trip(clip, 4, 25).astype(int) - np.array(colour)).max() <= 3


def test_bytes_are_those_of_the_same_encoder_in_a_file(tmp_path):
    path = tmp_path / "reference.h264"
    with av.open(str(path), "w") as container:
        options = {"crf": "28", "preset": "veryfast", "tune": "zerolatency", "bf": "0"}
        stream = container.add_stream("libx264", rate=25, width=160, height=128, options=options)
        stream.pix_fmt, stream.codec_context.thread_count = "yuv420p", 1
        for image in MOVING:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    ours = sum(size for _, size in h264_stream(iter(MOVING), 28, 25))
    assert ours == pytest.approx(path.stat().st_size, rel=0.05)


def encoded(monkeypatch, clip):
    """The bytes of the stream that the round trip makes and decodes."""

    class Recording:
        def __init__(self):
            self.decoder, self.stream = CodecContext.create("h264", "r"), b""

        def decode(self, packet):
            self.stream += b"" if packet is None else bytes(packet)
            return self.decoder.decode(packet)

    class Contexts:
        def create(self, name, mode):
            return recording if mode == "r" else CodecContext.create(name, mode)

    recording = Recording()
    monkeypatch.setattr("mrsr.video.codec.CodecContext", Contexts())
    assert len(h264_round_trip(clip, 28, 25)) == len(clip)
    return recording.stream


def test_the_stream_is_the_same_every_time_and_on_any_number_of_cores(monkeypatch):
    clip = np.stack([np.roll(data.astronaut()[:360], 3 * i, axis=1) for i in range(4)])
    stream = encoded(monkeypatch, clip)
    assert stream == encoded(monkeypatch, clip)
    # x264 writes its settings into the stream, those of the lookahead only where one is used.
    settings = dict(re.findall(rb"(\w+)=(\S+)", stream[stream.index(b"options: ") :][:2000]))
    assert settings.get(b"rc_lookahead", b"0") == settings[b"mbtree"] == settings[b"bframes"] == b"0"
    assert (settings[b"threads"], settings[b"sliced_threads"]) == (b"1", b"0")


def test_each_frame_comes_back_before_the_next_is_asked_for():
    asked = 0

    def endless():
        nonlocal asked
        while True:
            asked += 1
            yield MOVING[asked % 6]

    for received, _ in enumerate(islice(h264_stream(endless(), 30, 25), 40), 1):
        assert asked == received


def test_no_frames_give_no_frames():
    assert list(h264_stream(iter([]), 20, 25)) == []
    assert h264_round_trip(MOVING[:0], 20, 25).shape == (0, 128, 160, 3)


@pytest.mark.parametrize(("crf", "fps", "words"), [(-1, 25, "crf -1"), (52, 25, "crf 52"), (20, 0, "fps 0")])
def test_settings_out_of_range_are_refused(crf, fps, words):
    with pytest.raises(UserError, match=words):
        h264_round_trip(MOVING, crf, fps)


def test_a_change_of_size_is_refused():
    with pytest.raises(UserError, match="frame 1"):
        list(h264_stream([MOVING[0], MOVING[0][:64]], 20, 25))
