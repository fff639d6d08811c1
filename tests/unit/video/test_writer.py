"""Written files: sound byte for byte, timestamps and tags kept, and nothing left of what was not finished."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mrsr.errors import UserError
from mrsr.video.reader import open_video
from mrsr.video.writer import VideoWriter

CAPTIONS = "1\n00:00:00,000 --> 00:00:00,100\nfirst\n\n2\n00:00:00,120 --> 00:00:00,200\nsecond\n"


def copied(
    source: Path, output: Path, change: Callable[[np.ndarray], np.ndarray] = lambda image: image, **options
) -> None:
    """The source decoded and written again."""
    with open_video(source) as reader:
        height, width = change(np.zeros((reader.height, reader.width, 3), np.uint8)).shape[:2]
        with VideoWriter(output, height, width, reader, **options) as writer:
            for frame in reader:
                writer.write(change(frame.image), frame.pts)


def packets(path: Path, kind: str) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return [(p.pts * p.time_base, bytes(p)) for p in container.demux(stream) if p.size]


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_sound_is_copied_byte_for_byte(make_video, tmp_path, ending):
    source = make_video("tone.mp4", frames=30, tone=True)
    output = tmp_path / f"out.{ending}"
    copied(source, output)
    before, after = packets(source, "audio"), packets(output, "audio")
    assert [data for _, data in after] == [data for _, data in before]
    assert len(after) > 40
    # Matroska counts in milliseconds, and starts both streams later where sound has a lead-in before zero.
    lead = times(output)[0] - times(source)[0]
    assert max(abs(a - lead - b) for (a, _), (b, _) in zip(after, before, strict=True)) <= Fraction(1, 1000)


def test_uneven_timestamps_are_kept(make_video, tmp_path):
    pts = [0, 3000, 3700, 9000, 15100, 15200, 26000, 90000]
    source = make_video("uneven.mp4", pts=pts, time_base=Fraction(1, 90_000))
    copied(source, tmp_path / "out.mp4")
    assert times(tmp_path / "out.mp4") == times(source) == [Fraction(value, 90_000) for value in pts]


def test_a_sideways_recording_is_shown_upright(make_video, tmp_path):
    source = make_video("phone.mp4", rotation=-90)
    copied(source, tmp_path / "out.mp4")
    with av.open(str(source)) as container:
        stored = next(container.decode(video=0)).to_ndarray(format="rgb24")
    with av.open(str(tmp_path / "out.mp4")) as container:
        shown = next(container.decode(video=0))
        assert (shown.rotation, shown.width, shown.height) == (0, 48, 64)
        assert np.abs(shown.to_ndarray(format="rgb24").astype(int) - np.rot90(stored, -1)).mean() < 6


@pytest.mark.parametrize("tags", [(1, 1, 1, 1), (6, 1, 6, 6), (5, 2, 5, 6)])
def test_colour_tags_shape_of_a_pixel_and_colours_are_kept(make_video, tmp_path, tags):
    source = make_video("tagged.mp4", tags=tags, pixel_aspect=Fraction(4, 3))
    copied(source, tmp_path / "out.mp4", lambda image: image.repeat(2, 0).repeat(2, 1))
    with open_video(source) as before, open_video(tmp_path / "out.mp4") as after:
        assert after.colour == before.colour
        assert after.pixel_aspect == before.pixel_aspect == Fraction(4, 3)
        one, other = next(iter(before)).image, next(iter(after)).image
        assert np.abs(one.astype(int) - other[::2, ::2]).mean() < 3


def test_the_matrix_assumed_of_an_untagged_source_is_written_down(make_video, tmp_path):
    source = make_video("untagged.mp4")
    copied(source, tmp_path / "out.mp4", lambda image: image.repeat(16, 0).repeat(16, 1))
    with open_video(tmp_path / "out.mp4") as after:
        assert (after.height, after.colour.space, after.colour.range) == (768, 6, 1)


def test_description_subtitles_and_their_language_come_along(make_video, tmp_path):
    source = make_video("titled.mkv", subtitles=CAPTIONS, metadata={"title": "A call"})
    copied(source, tmp_path / "out.mkv")
    assert packets(tmp_path / "out.mkv", "subtitle") == packets(source, "subtitle")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert container.metadata["title"] == "A call"


def test_subtitles_the_container_cannot_hold_are_refused_before_work_starts(make_video, tmp_path):
    source = make_video("titled.mkv", subtitles=CAPTIONS)
    with pytest.raises(UserError, match=r"out.mp4: mp4 cannot hold the source's (subrip|srt) subtitle"):
        copied(source, tmp_path / "out.mp4")
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_nothing_is_left_of_what_was_interrupted(make_video, tmp_path, error):
    source = make_video("tone.mp4", tone=True)
    output = tmp_path / "out.mp4"
    output.write_text("what was there before")

    def fail(image: np.ndarray) -> np.ndarray:
        if image.any():
            raise error
        return image

    with pytest.raises(error):
        copied(source, output, fail)
    assert {path.name for path in tmp_path.iterdir()} == {"tone.mp4", "out.mp4"}
    assert output.read_text() == "what was there before"


def test_frames_are_not_cut_into_slices(make_video, tmp_path):
    copied(make_video("a.mp4"), tmp_path / "out.mp4", lambda image: image.repeat(8, 0).repeat(8, 1))
    # x264 writes its settings into the stream.
    assert b"sliced_threads=0" in (tmp_path / "out.mp4").read_bytes()


def test_the_name_appears_when_the_file_is_whole(make_video, tmp_path):
    output = tmp_path / "out.mp4"
    with open_video(make_video("a.mp4")) as reader, VideoWriter(output, 48, 64, reader) as writer:
        for frame in reader:
            writer.write(frame.image, frame.pts)
        assert not output.exists()
        writer.finish()
        assert not output.exists()
    assert len(times(output)) == writer.frames_written == 8


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("out.mp4", {"encoder": "libx999"}, "encoder 'libx999'"),
        ("out.mp4", {"encoder": "aac"}, "encoder 'aac'"),
        ("out.mp4", {"encoder": "png"}, "yuv420p"),
        ("out.mp4", {"crf": 52}, "crf 52"),
        ("out.mp4", {"encoder": "mpeg4", "crf": 20}, "crf 20"),
        ("out.unknown", {}, "container"),
        ("out.webm", {}, "libx264"),
        ("missing/out.mp4", {}, "missing"),
    ],
)
def test_what_cannot_be_written_is_refused_by_name(make_video, tmp_path, name, options, words):
    source = make_video("a.mp4")
    with pytest.raises(UserError, match=words) as caught:
        copied(source, tmp_path / name, **options)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(("encoder", "codec"), [("libx264", "h264"), ("mpeg4", "mpeg4"), ("libvpx-vp9", "vp9")])
def test_the_encoder_asked_for_writes_every_frame(make_video, tmp_path, encoder, codec):
    source = make_video("a.mkv", time_base=Fraction(1, 1000), pts=[40 * index for index in range(8)])
    copied(source, tmp_path / "out.mkv", encoder=encoder)
    with open_video(tmp_path / "out.mkv") as reader:
        assert reader.codec == codec
        assert [frame.time for frame in reader] == times(source)
