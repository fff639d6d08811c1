"""Degradations: how they are written, and that they do to a stream what the codec alone does to the frames."""

import io

import av
import numpy as np
import pytest
from PIL import Image

from mrsr.errors import UserError
from mrsr.evaluation.degradation import Degradation, degrade, parse_degradations
from mrsr.video.colour import ColourTags, from_rgb


def moving_gradient(count=6, height=48, width=64):
    rows, columns = np.mgrid[:height, :width]
    return np.stack(
        [
            np.stack([(columns * 3 + 5 * t) % 256, (rows * 4 + 3 * t) % 256, (rows + columns + t) % 256], -1)
            for t in range(count)
        ]
    ).astype(np.uint8)


@pytest.mark.parametrize("text", ["bicubic", "h264:0", "h264:51", "h265:32", "jpeg:1", "jpeg:100"])
def test_a_degradation_is_called_what_it_is_written_as(text):
    assert Degradation.parse(f" {text} ").name == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "blur",
        "h264",
        "h264:",
        "h264:52",
        "h264:-1",
        "h264:2.5",
        "h265:52",
        "h265",
        "jpeg:0",
        "jpeg:101",
        "bicubic:",
        "jpeg:²",
    ],
)
def test_anything_else_is_refused_with_the_accepted_forms(text):
    with pytest.raises(
        UserError, match=r"expected bicubic, h264:CRF \(CRF 0 to 51\), h265:QP \(QP 0 to 51\) or jpeg:Q \(Q 1 to 100\)"
    ):
        Degradation.parse(text)


def test_lists_and_repeated_options_are_joined_and_each_is_kept_once():
    names = [str(one) for one in parse_degradations(["h264:28,bicubic", "jpeg:50", "bicubic"])]
    assert names == ["h264:28", "bicubic", "jpeg:50"]


def test_an_empty_list_is_refused():
    with pytest.raises(UserError, match="expected bicubic"):
        parse_degradations([" , "])


def test_bicubic_leaves_the_reduced_frames_alone():
    frames = moving_gradient()
    assert np.array_equal([frame for frame, _ in degrade(frames, Degradation(), 25)], frames)


def test_jpeg_is_that_of_pillow_at_the_same_quality():
    frame = moving_gradient()[0]
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=40, subsampling="4:2:0")
    ((result, size),) = degrade([frame], Degradation("jpeg", 40), 25)
    assert np.array_equal(result, np.asarray(Image.open(file)))
    assert size == 0


def test_h264_keeps_every_frame_and_takes_fewer_bytes_at_a_higher_crf():
    frames = moving_gradient()
    fine, coarse = (list(degrade(frames, Degradation("h264", crf), 25)) for crf in (10, 40))
    assert len(fine) == len(coarse) == len(frames)
    errors = [np.abs(np.stack([f for f, _ in clip]) - frames.astype(float)).mean() for clip in (fine, coarse)]
    assert errors[0] < errors[1]
    assert sum(size for _, size in fine) > sum(size for _, size in coarse) > 0


def packets_of_x265(frames, rate_control):
    """Bytes a frame, of libx265 with its own parameters in a call."""
    file = io.BytesIO()
    common = "log-level=none:pools=none:frame-threads=1:wpp=0:bframes=0:info=0"
    options = {"preset": "veryfast", "tune": "zerolatency", "x265-params": f"{rate_control}:{common}"}
    with av.open(file, "w", format="hevc") as container:
        stream = container.add_stream("libx265", 25, options=options)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        tags = ColourTags().settled(*frames.shape[1:3])
        stream.codec_context.thread_count = 1
        stream.codec_context.colorspace, stream.codec_context.color_range = tags.space, tags.range
        pictures = [from_rgb(frame, tags) for frame in frames]
        packets = [packet for picture in (*pictures, None) for packet in stream.encode(picture)]
    return [packet.size for packet in packets]


def test_h265_holds_the_quantizer_it_is_given_not_the_rate_factor():
    frames = moving_gradient()
    sizes = [size for _, size in degrade(frames, Degradation("h265", 37), 25)]
    assert sizes == packets_of_x265(frames, "qp=37")
    assert sizes != packets_of_x265(frames, "crf=37")


@pytest.mark.parametrize("degradation", ["bicubic", "jpeg:50", "h264:30", "h265:30"])
def test_frames_are_taken_one_at_a_time(degradation):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield moving_gradient(1)[0]

    stream = degrade(endless(), Degradation.parse(degradation), 25)
    for count in range(1, 5):
        next(stream)
        assert count <= taken <= count + 2
    stream.close()
