"""The burnt-in counter survives codecs and scaling, and what is no counter is not taken for one."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from mrsr.streaming.client.picture import PHOTOGRAPHS, numbered_picture
from mrsr.streaming.client.record import Record, Shown, figures
from mrsr.streaming.counter import bits, burn, number_in, tick_before

NUMBERS = (0, 1, 2047, 2048, 2730, 4095)


def grey(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).convert("L"))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_read_at_every_size_a_picture_may_be_scaled_to(number: int) -> None:
    image = Image.fromarray(numbered_picture("astronaut", 320, 180, number))
    for size in ((320, 180), (160, 90), (640, 360), (1280, 720), (214, 120), (96, 54)):
        assert number_in(grey(np.asarray(image.resize(size, Image.Resampling.BICUBIC)))) == number


@pytest.mark.parametrize("codec", ["libx264", "libvpx"])
def test_no_number_is_lost_at_a_bitrate_that_blurs_the_picture(codec: str) -> None:
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 320, 180, "yuv420p"
    context.time_base, context.bit_rate = Fraction(1, 30), 80_000
    packets = []
    for tick in range(4090, 4110):
        frame = av.VideoFrame.from_ndarray(numbered_picture("coffee", 320, 180, tick), "rgb24").reformat(
            format="yuv420p"
        )
        frame.pts = tick - 4090
        packets += context.encode(frame)
    packets += context.encode(None)
    decoder = av.CodecContext.create("h264" if codec == "libx264" else "vp8", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    assert [number_in(frame.to_ndarray(format="gray")) for frame in frames] == [n % 4096 for n in range(4090, 4110)]


def test_pictures_without_a_counter_have_no_number() -> None:
    photographs = [grey(numbered_picture(name, 320, 180, 0)[45:]) for name in PHOTOGRAPHS]
    flat = [np.full((180, 320), level, np.uint8) for level in (0, 16, 127, 235, 255)]
    assert [number_in(luma) for luma in (*photographs, *flat)] == [None] * 8
    assert number_in(np.zeros((4, 8), np.uint8)) is None


def test_one_block_read_wrong_is_noticed() -> None:
    luma = np.zeros((80, 160), np.uint8)
    for block in range(16):
        burn(luma, 0b101100111010)
        luma[:10, 10 * block : 10 * block + 10] ^= 255
        assert number_in(luma) is None


def test_blocks_are_the_twelve_bits_and_their_nibbles_turned_over() -> None:
    # 0xB3A: 1011 ^ 0011 ^ 1010 = 0010, turned over 1101.
    assert bits(0xB3A) == [1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1]


def test_the_tick_is_the_last_with_that_number() -> None:
    assert tick_before(5, 10_000.5, 30) == max(n for n in range(300_016) if n % 4096 == 5)
    assert tick_before(300_015 % 4096, 10_000.5, 30) == 300_015


def test_figures_of_a_viewer_are_those_of_a_count_by_hand() -> None:
    # Ten frames a second, each shown 50 ms late; one is missing 20 to 24, one cannot be read, one is shown twice.
    record = Record(fps=10)
    for tick in (*range(10, 20), *range(25, 31)):
        record.shown.append(Shown(tick / 10 + 0.05, tick, 320, 180))
    record.shown.append(Shown(3.10, 30, 320, 180))
    record.shown.append(Shown(3.12, None, 640, 360))
    found = figures(record, until=3.15)
    assert found["frames"] == 16
    assert found["fps"] == pytest.approx(16 / (3.15 - 1.05), abs=0.01)
    assert found["latency_ms"] == {"p50": 50.0, "p95": 50.0, "p99": 50.0, "worst": 50.0}
    # 1.95 to 2.55 is 0.6 s, of which 0.1 s is a frame's own.
    assert (found["freezes"], found["frozen_s"]) == (1, 0.5)
    assert (found["unreadable"], found["sizes"]) == (1, {"320x180": 17, "640x360": 1})
