"""Four codecs as calls use them: what is decoded is what any decoder makes of the same stream, at once, every time."""

from __future__ import annotations

import io
import struct

import av
import numpy as np
import pytest
from av.codec.context import CodecContext
from av.video.reformatter import Interpolation
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from mrsr.config.validate import CODECS
from mrsr.errors import UserError
from mrsr.video.call_codecs import CALL_CODECS
from mrsr.video.codec import BitRate, FixedQuantizer, Quality, coded_stream, h264_round_trip, round_trip

MOVING = np.stack([np.roll(data.astronaut()[100:164, 150:246], 2 * i, axis=1) for i in range(5)])
TARGETS = [Quality(30), BitRate((150_000.0,))]


def panning(frames):
    """A walk over a photograph, uint8 [T, 64, 96, 3], with noise in it: never foretold, so that any rate is of use."""
    photo, rng = data.astronaut(), np.random.default_rng(0)
    walk = np.stack([photo[i : i + 64, 2 * i : 2 * i + 96] for i in range(frames)])
    return np.clip(walk + rng.normal(0, 4, walk.shape), 0, 255).astype(np.uint8)


def recorded(monkeypatch, clip, name, target):
    """The packets of a round trip in order, those that come out of band first, and what it returns."""
    packets = []

    class Recording:
        def __init__(self, decoder):
            self.__dict__["decoder"] = decoder

        def __setattr__(self, field, value):
            if field == "extradata" and value:
                packets.append(bytes(value))
            setattr(self.decoder, field, value)

        def decode(self, packet):
            packets.extend([] if packet is None else [bytes(packet)])
            return self.decoder.decode(packet)

    class Contexts:
        def create(self, codec, mode):
            context = CodecContext.create(codec, mode)
            return Recording(context) if mode == "r" else context

    with monkeypatch.context() as patch:
        patch.setattr("mrsr.video.codec.CodecContext", Contexts())
        return packets, round_trip(clip, name, target, 30)


def as_file(packets, name, width, height):
    """A file that holds the packets: the bare stream, or IVF, whose headers are written here."""
    if name in ("h264", "h265"):
        return io.BytesIO(b"".join(packets)), {"h264": "h264", "h265": "hevc"}[name]
    packets = packets[-len(MOVING) :]
    fourcc = {"vp8": b"VP80", "vp9": b"VP90"}[name]
    head = struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, fourcc, width, height, 30, 1, len(packets), 0)
    frames = (struct.pack("<IQ", len(packet), index) + packet for index, packet in enumerate(packets))
    return io.BytesIO(head + b"".join(frames)), "ivf"


@pytest.mark.parametrize("target", TARGETS, ids=["quality", "rate"])
@pytest.mark.parametrize("name", CODECS)
def test_a_decoder_of_files_gives_the_same_frames_bit_for_bit(monkeypatch, name, target):
    packets, ours = recorded(monkeypatch, MOVING, name, target)
    file, kind = as_file(packets, name, 96, 64)
    flags = Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
    flags |= Interpolation.ACCURATE_RND
    with av.open(file, format=kind) as container:
        theirs = [
            frame.reformat(
                format="rgb24", src_colorspace="ITU601", src_color_range="MPEG", dst_color_range="JPEG",
                interpolation=flags,
            ).to_ndarray()
            for frame in container.decode(video=0)
        ]  # fmt: skip
    np.testing.assert_array_equal(ours, np.stack(theirs))


@pytest.mark.parametrize("name", ["vp8", "vp9"])
def test_the_reference_decoder_agrees(monkeypatch, name):
    packets, ours = recorded(monkeypatch, MOVING, name, Quality(30))
    file, _ = as_file(packets, name, 96, 64)
    decoder = CodecContext.create({"vp8": "libvpx", "vp9": "libvpx-vp9"}[name], "r")
    with av.open(file, format="ivf") as container:
        luma = [frame.to_ndarray()[:64] for packet in container.demux() for frame in decoder.decode(packet)]
    matrix = np.array([65.481, 128.553, 24.966]) / 255
    assert len(luma) == len(ours)
    assert np.abs(ours @ matrix + 16 - np.stack(luma)).mean() < 1


@pytest.mark.parametrize("name", CODECS)
def test_a_coarser_level_costs_quality_and_saves_bytes(name):
    quality, size = [], []
    for level in (8, 24, 40, 51):
        frames, sizes = zip(*coded_stream(MOVING, name, Quality(level), 30), strict=True)
        quality.append(peak_signal_noise_ratio(MOVING, np.stack(frames)))
        size.append(sum(sizes))
    assert quality == sorted(quality, reverse=True)
    assert quality[0] > 35 > 30 > quality[-1]
    assert size == sorted(size, reverse=True)


@pytest.mark.parametrize("rate", [60_000, 240_000])
@pytest.mark.parametrize("name", CODECS)
def test_a_held_rate_is_kept_to(name, rate):
    sizes = [size for _, size in coded_stream(panning(90), name, BitRate((float(rate),)), 30)]
    # Over the last two seconds, when the key frame is paid for.
    assert rate / 1.5 < 8 * sum(sizes[30:]) / 2 < rate * 1.5


def test_h264_follows_a_rate_that_changes_underway():
    def spent(*rates):
        sizes = [size for _, size in coded_stream(panning(120), "h264", BitRate(rates), 30)]
        return 8 * 30 * np.mean(sizes[15:45]), 8 * 30 * np.mean(sizes[90:])

    low, high = 60_000.0, 400_000.0
    rising, falling = spent(*[low] * 45, high), spent(*[high] * 45, low)
    for rate, asked in zip(rising + falling, (low, high, high, low), strict=True):
        assert asked / 1.5 < rate < asked * 1.5


@pytest.mark.parametrize("target", TARGETS, ids=["quality", "rate"])
@pytest.mark.parametrize("name", CODECS)
def test_each_frame_comes_back_before_the_next_is_asked_for(name, target):
    asked = 0

    def counted():
        nonlocal asked
        for asked, frame in enumerate(MOVING, 1):  # noqa: B007
            yield frame

    for received, _ in enumerate(coded_stream(counted(), name, target, 30), 1):
        assert asked == received


@pytest.mark.parametrize("target", TARGETS, ids=["quality", "rate"])
@pytest.mark.parametrize("name", CODECS)
def test_the_same_clip_gives_the_same_frames_every_time(name, target):
    clip = panning(8)
    np.testing.assert_array_equal(round_trip(clip, name, target, 30), round_trip(clip, name, target, 30))


@pytest.mark.parametrize("size", [(1, 1), (2, 6), (9, 20), (20, 9), (17, 33)])
@pytest.mark.parametrize("target", [Quality(10), BitRate((200_000.0,))], ids=["quality", "rate"])
@pytest.mark.parametrize("name", CODECS)
def test_frames_of_any_size_come_back_at_it(name, target, size):
    clip = MOVING[:3, : size[0], : size[1]]
    decoded = round_trip(clip, name, target, 30)
    assert (decoded.shape, decoded.dtype) == (clip.shape, np.uint8)
    assert np.abs(decoded.astype(int) - clip).mean() < 8


def test_later_frames_lean_on_earlier_ones():
    for name in CODECS:
        sizes = [size for _, size in coded_stream(MOVING[[0] * 4], name, Quality(30), 30)]
        assert max(sizes[1:]) < sizes[0] / 4


def test_nothing_is_said_on_stderr(capfd):
    for name in CODECS:
        for target in TARGETS:
            round_trip(MOVING, name, target, 30)
    assert capfd.readouterr() == ("", "")


def test_h264_at_a_quality_is_the_evaluations():
    np.testing.assert_array_equal(round_trip(MOVING, "h264", Quality(28), 25), h264_round_trip(MOVING, 28, 25))


def test_the_config_accepts_the_codecs_there_are():
    assert tuple(CALL_CODECS) == CODECS


@pytest.mark.parametrize(
    ("name", "target", "words"),
    [
        ("av1", Quality(30), "codec 'av1': expected one of h264, h265, vp8, vp9"),
        ("h265", Quality(52), "h265 crf 52: expected 0 to 51"),
        ("vp9", Quality(64), "vp9 quantizer 64: expected 0 to 63"),
        ("vp8", Quality(20.5), "vp8 quantizer 20.5: expected a whole number"),
        ("h264", BitRate(()), r"h264 rate \(\): expected one or more, above 0"),
        ("vp8", BitRate((0.0,)), "above 0"),
        ("vp9", BitRate((1e5, 2e5)), "expected one, which is held"),
    ],
)
def test_settings_that_cannot_be_are_refused(name, target, words):
    with pytest.raises(UserError, match=words):
        round_trip(MOVING, name, target, 30)


@pytest.mark.parametrize(("name", "level"), [("vp8", 30), ("vp9", 30), ("h264", 52), ("h265", -1)])
def test_a_fixed_quantizer_is_one_of_h264_or_h265_within_range(name, level):
    with pytest.raises(UserError, match=rf"{name} (fixed )?quantizer.*expected (h264 or h265|0 to 51)"):
        next(coded_stream(MOVING, name, FixedQuantizer(level), 30))
