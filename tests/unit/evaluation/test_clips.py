"""Clips of files against PyAV's own decode, folders, cut-outs, and what is refused by name."""

import av
import numpy as np
import pytest
from PIL import Image

from mrsr.errors import UserError
from mrsr.evaluation.clips import Cutout, clip_from_array, clip_from_file, clips_from_files, parse_cutout


def write_video(path, frames, rate=25):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate, options={"crf": "0"})
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "rgb24"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 256, (4, 36, 64, 3), np.uint8)


def test_a_file_is_read_again_from_its_first_frame_for_every_pass(tmp_path, frames):
    write_video(tmp_path / "noise.mp4", frames, rate=30)
    clip = clip_from_file(tmp_path / "noise.mp4")
    assert (clip.name, clip.width, clip.height, clip.fps, clip.length) == ("noise.mp4", 64, 36, 30, 4)
    with av.open(str(tmp_path / "noise.mp4")) as container:
        decoded = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    for _ in range(2):
        assert np.array_equal(np.stack(list(clip.frames())), decoded)


def test_a_cut_out_is_the_window_in_the_middle(tmp_path, frames):
    write_video(tmp_path / "noise.mp4", frames)
    whole, cut = clip_from_file(tmp_path / "noise.mp4"), clip_from_file(tmp_path / "noise.mp4", Cutout((24, 12)))
    assert (cut.width, cut.height, cut.cutout, whole.cutout) == (24, 12, True, False)
    assert np.array_equal(next(cut.frames()), next(whole.frames())[12:24, 20:44])


def test_a_cut_out_larger_than_the_clip_is_refused(tmp_path, frames):
    write_video(tmp_path / "noise.mp4", frames)
    with pytest.raises(UserError, match=r"noise\.mp4: cut-out 66:12 is larger than its frames, 64x36 px"):
        clip_from_file(tmp_path / "noise.mp4", Cutout((66, 12)))


def test_a_folder_stands_for_its_videos_and_files_of_one_name_are_told_apart(tmp_path, frames):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_video(tmp_path / folder / "same.mkv", frames)
    write_video(tmp_path / "a" / "other.mp4", frames)
    (tmp_path / "a" / "notes.txt").write_text("not a video")
    names = [clip.name for clip in clips_from_files([tmp_path / "a", tmp_path / "b" / "same.mkv"])]
    assert names == ["other.mp4", str(tmp_path / "a/same.mkv"), str(tmp_path / "b/same.mkv")]


def test_every_unreadable_file_is_named_in_one_line(tmp_path, frames):
    write_video(tmp_path / "fine.mp4", frames)
    (tmp_path / "text.mp4").write_text("not a video at all")
    with pytest.raises(UserError) as caught:
        clips_from_files([tmp_path / "fine.mp4", tmp_path / "text.mp4", tmp_path / "missing.mp4"])
    message = str(caught.value)
    assert "text.mp4" in message
    assert "missing.mp4" in message
    assert "fine.mp4" not in message
    assert "\n" not in message


def test_a_folder_without_videos_is_refused(tmp_path):
    with pytest.raises(UserError, match="no video files in it"):
        clips_from_files([tmp_path])


def test_a_folder_of_pictures_is_one_clip_under_its_own_name(tmp_path, frames):
    for folder in ("calendar", "city"):
        (tmp_path / folder).mkdir()
        for index, frame in enumerate(frames):
            Image.fromarray(frame).save(tmp_path / folder / f"im{index + 9}.png")
    calendar, city = clips_from_files([tmp_path / "calendar", tmp_path / "city"])
    assert [clip.name for clip in (calendar, city)] == ["calendar", "city"]
    assert (calendar.width, calendar.height, calendar.fps, calendar.length, calendar.cutout) == (64, 36, 25, 4, False)
    for _ in range(2):
        assert np.array_equal(np.stack(list(calendar.frames())), frames)


def test_pictures_beside_videos_are_left_alone(tmp_path, frames):
    write_video(tmp_path / "noise.mp4", frames)
    Image.fromarray(frames[0]).save(tmp_path / "cover.png")
    assert [clip.name for clip in clips_from_files([tmp_path])] == ["noise.mp4"]


def test_whole_clips_of_any_size_are_taken_as_pieces_of_a_rung(tmp_path, frames):
    write_video(tmp_path / "noise.mp4", frames)
    Image.fromarray(frames[0, :20]).save(tmp_path / "1.png")
    (video,) = clips_from_files([tmp_path / "noise.mp4"], parse_cutout("@720"))
    (tmp_path / "noise.mp4").unlink()
    (pictures,) = clips_from_files([tmp_path], parse_cutout("@720"))
    assert (video.width, video.height, video.cutout, video.rung) == (64, 36, True, 720)
    assert (pictures.width, pictures.height, pictures.cutout, pictures.rung) == (64, 20, True, 720)


def test_frames_in_memory_are_a_clip(frames):
    clip = clip_from_array("noise", frames, 12.5, cutout=True)
    assert (clip.width, clip.height, clip.fps, clip.length, clip.cutout) == (64, 36, 12.5, 4, True)
    assert np.array_equal(np.stack(list(clip.frames())), frames)


@pytest.mark.parametrize(
    ("text", "cutout"),
    [
        ("768:432", Cutout((768, 432))),
        (" 768:432@720 ", Cutout((768, 432), 720)),
        ("@720", Cutout(None, 720)),
    ],
)
def test_a_cut_out_is_a_size_a_rung_or_both(text, cutout):
    assert parse_cutout(text) == cutout
    assert str(cutout) == text.strip()


@pytest.mark.parametrize(
    "text", ["", "768", "768x432", "0:432", "-6:12", "a:b", "@", "768:432@", "768:432@0", "768@720", "1²:3", ":@720"]
)
def test_anything_else_is_no_cut_out(text):
    with pytest.raises(UserError, match="expected WIDTH:HEIGHT in px"):
        parse_cutout(text)
