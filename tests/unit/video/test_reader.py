"""Reading videos: timestamps, colours and orientation as other software sees them, and refusals by name."""

import gc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mrsr.errors import RunError, UserError
from mrsr.video.reader import open_video, read_clip

SHARED = Path(__file__).resolve().parents[4] / "shared"
# Luma weights of red and blue.
KR_KB = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}


def ycbcr(colour: tuple[int, int, int], matrix: str, full: bool) -> list[int]:
    """The three samples of an RGB colour, by the formulas of ITU-R BT.601 and BT.709."""
    red, green, blue = (value / 255 for value in colour)
    kr, kb = KR_KB[matrix]
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    chroma = ((blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr)))
    if full:
        return [round(255 * luma), *(round(128 + 255 * value) for value in chroma)]
    return [round(16 + 219 * luma), *(round(128 + 224 * value) for value in chroma)]


def flat(samples: list[int], height: int, width: int) -> av.VideoFrame:
    planes = np.concatenate(
        [np.full(height * width, samples[0]), *(np.full(height * width // 4, value) for value in samples[1:])]
    )
    return av.VideoFrame.from_ndarray(planes.astype(np.uint8).reshape(height * 3 // 2, width), "yuv420p")


@pytest.mark.parametrize(
    ("matrix", "tags", "height"),
    [
        ("bt709", (1, 1, 1, 1), 48),
        ("bt709", (1, 2, 1, 1), 48),
        ("bt601", (6, 1, 6, 6), 48),
        ("bt601", (5, 2, 5, 6), 48),
        ("bt601", (2, 0, 2, 2), 48),
        ("bt709", (2, 0, 2, 2), 720),
    ],
)
def test_colours_follow_the_streams_matrix_and_range(make_video, matrix, tags, height):
    colour = (200, 60, 90)
    frame = flat(ycbcr(colour, matrix, full=tags[1] == 2), height, height)
    path = make_video("flat.mp4", frames=[frame], tags=tags, options={"qp": "0"})
    clip, _ = read_clip(path)
    assert np.abs(clip[0].reshape(-1, 3) - np.array(colour)).max() <= 2


@pytest.mark.parametrize(
    ("rotation", "mirror", "turn"),
    [
        (0, False, lambda image: image),
        (90, False, lambda image: np.rot90(image, 1)),
        (180, False, lambda image: np.rot90(image, 2)),
        (-90, False, lambda image: np.rot90(image, -1)),
        (0, True, lambda image: image[:, ::-1]),
        (90, True, lambda image: np.rot90(image, 1)[:, ::-1]),
    ],
)
def test_frames_are_upright(make_video, rotation, mirror, turn):
    path = make_video("turned.mp4", frames=2, rotation=rotation, mirror=mirror)
    with av.open(str(path)) as container:
        stored = next(container.decode(video=0)).to_ndarray(format="rgb24")
    with open_video(path) as reader:
        first = next(iter(reader)).image
        assert (reader.height, reader.width) == turn(stored).shape[:2]
        assert mirror or reader.rotation == rotation % 360
    assert first.shape == turn(stored).shape
    assert np.abs(first.astype(int) - turn(stored)).mean() < 4


def test_frames_read_are_freed_without_the_cyclic_collector(make_video):
    """It counts objects: at 1080p gigabytes would wait for it."""
    path = make_video("turned.mp4", frames=30, rotation=90)
    gc.collect()
    before = sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects())
    gc.disable()
    try:
        with open_video(path) as reader:
            read = sum(1 for _ in reader)
            alive = sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects()) - before
    finally:
        gc.enable()
    assert read == 30
    assert alive <= 3


def test_uneven_timestamps_are_those_pyav_decodes(make_video):
    pts = [0, 30, 37, 90, 151, 152, 260, 300]
    path = make_video("uneven.mkv", pts=pts, time_base=Fraction(1, 1000))
    with av.open(str(path)) as container:
        expected = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    with open_video(path) as reader:
        times = [frame.time for frame in reader]
    assert times == expected == [Fraction(value, 1000) for value in pts]


def test_properties_are_the_streams(make_video):
    path = make_video("odd.mp4", height=46, width=66, pixel_aspect=Fraction(4, 3), tags=(1, 1, 1, 1), rotation=90)
    with open_video(path) as reader:
        assert (reader.width, reader.height, reader.fps, reader.frame_count) == (46, 66, 25, 8)
        assert (reader.codec, reader.pixel_format, reader.pixel_aspect) == ("h264", "yuv420p", Fraction(3, 4))
        assert (reader.colour.space, reader.colour.range) == (1, 1)
        assert reader.duration == pytest.approx(8 / 25)


def test_interlaced_video_is_named_once_however_often_it_is_read(make_video, caplog):
    woven, progressive = make_video("woven.mkv", options={"x264-params": "tff=1"}), make_video("progressive.mkv")
    for path in (woven, progressive, woven):
        assert len(read_clip(path)[0]) == 8
    (line,) = caplog.messages
    assert f"{woven}: interlaced" in line


def test_odd_sizes_are_read(make_video):
    path = make_video("odd.mkv", height=47, width=61, pixel_format="yuv444p", codec="ffv1")
    assert read_clip(path)[0].shape == (8, 47, 61, 3)


@pytest.mark.parametrize("name", ["counted.avi", "counted.h264"])
def test_frames_without_timestamps_are_counted(make_video, name):
    with open_video(make_video(name)) as reader:
        assert [frame.time for frame in reader] == [Fraction(index, 25) for index in range(8)]


def test_a_clip_can_be_a_files_beginning(make_video):
    path = make_video("clip.mp4")
    whole, fps = read_clip(path)
    part, _ = read_clip(path, 3)
    assert (whole.shape, whole.dtype, fps) == ((8, 48, 64, 3), np.uint8, 25)
    np.testing.assert_array_equal(part, whole[:3])


@pytest.mark.parametrize(
    ("name", "options"), [("short.mkv", None), ("short.mp4", {"movflags": "faststart"}), ("short.avi", None)]
)
def test_a_file_cut_short_gives_its_frames_and_then_fails(make_video, name, options):
    noise = np.random.default_rng(0).integers(0, 256, (40, 48, 64, 3), np.uint8)
    path = make_video(name, frames=list(noise), container_options=options, options={"g": "1"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with open_video(path) as reader, pytest.raises(RunError, match=f"{name}: (cut short|damaged)"):
        for _ in reader:
            pass
    assert 15 < reader.frames_read < 30
    assert len(read_clip(path, 5)[0]) == 5


@pytest.mark.parametrize("name", ["short.mkv", "short.webm"])
def test_even_a_little_less_of_a_matroska_file_is_noticed(make_video, name):
    path = make_video(name, codec="libvpx-vp9")
    assert len(read_clip(path)[0]) == 8
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RunError, match=f"{name}: cut short"):
        read_clip(path)


def test_damage_in_the_middle_is_reported(make_video):
    noise = np.random.default_rng(0).integers(0, 256, (12, 48, 64, 3), np.uint8)
    path = make_video("damaged.mp4", frames=list(noise))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    path.write_bytes(data)
    with open_video(path) as reader, pytest.raises(RunError, match=r"damaged\.mp4: damaged"):
        for _ in reader:
            pass


def test_what_is_no_video_is_refused_by_name(tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video at all\n" * 50)
    (tmp_path / "raw.yuv").write_bytes(bytes(6000))
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    reasons = {
        "empty.mp4": "empty",
        "text.mp4": "not a video",
        "raw.yuv": "not a video",
        "sound.wav": "no video",
        "missing.mp4": "no such file",
        "": "not a file",
    }
    for name, reason in reasons.items():
        with pytest.raises(UserError, match=reason) as caught:
            open_video(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("pixel_format", "tags", "reason"),
    [("yuv420p10le", None, "10-bit"), ("yuv420p", (9, 1, 9, 16), "PQ"), ("yuv420p", (9, 1, 9, 18), "HLG")],
)
def test_deep_and_high_dynamic_range_video_is_refused_by_name(make_video, pixel_format, tags, reason):
    path = make_video("deep.mp4", frames=2, pixel_format=pixel_format, tags=tags)
    with pytest.raises(UserError, match=f"deep.mp4: .*{reason}"):
        open_video(path)


@pytest.mark.shared
def test_a_raw_h264_stream_of_a_call_is_read():
    path = SHARED / "data/inputs/openh264_men_whisper_320p.264"
    if not path.is_file():
        pytest.skip(f"{path.name} is not here")
    clip, fps = read_clip(path)
    assert (clip.shape, fps) == ((9, 320, 640, 3), 25)
