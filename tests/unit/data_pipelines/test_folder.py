"""A folder as training material: what is listed, reduced, left out by name, and held out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from data_pipelines.batches import training_batches
from data_pipelines.folder import list_files, open_folder, photo_reduction
from data_pipelines.material import draw_clip, held_out_clips, open_material
from data_pipelines.videos import STEPS_A_WINDOW, Video, video_clip, video_reduction
from mrsr.config import DataConfig, ExperimentConfig, model_size
from mrsr.errors import UserError
from mrsr.video.reader import VideoReader

SHARED = Path(__file__).parents[3].parent / "shared" / "data"


def _write_video(path: Path, frames: int, height: int = 80, width: int = 100, step: int = 3) -> None:
    """Frame t is a flat grey of level `step` t + 20, so that a decoded frame tells its own number."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"crf": "4", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            image = np.full((height, width, 3), step * index + 20, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def _numbers(window: np.ndarray) -> list[int]:
    return [round((float(frame.mean()) - 20) / 3) for frame in window]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("media")
    train, validation = root / "train", root / "validation"
    train.mkdir(), validation.mkdir()
    _write_video(train / "b_good.mp4", 20)
    _write_video(train / "c_short.mkv", 2)
    _write_video(validation / "held.mp4", 9)
    (train / "d_broken.mp4").write_bytes(b"no video at all")
    (train / "notes.txt").write_text("not media")
    (train / "f_broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    noise = np.random.default_rng(0).integers(0, 255, (70, 90, 3), dtype=np.uint8)
    Image.fromarray(noise).save(train / "a_photo.png")
    Image.fromarray(noise[:20]).save(train / "e_small.png")
    return train


def _data(path: Path | str, **fields: float) -> DataConfig:
    data = DataConfig(source="folder", path=str(path), frames=3, crop=48)
    for name, value in fields.items():
        setattr(data, name, value)
    return data


def test_what_cannot_be_used_is_named_with_its_reason_and_the_rest_is_kept(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        photos, videos = open_folder(_data(folder))
    assert [photo.name for photo in photos] == ["a_photo"]
    assert [video.path.name for video in videos] == ["b_good.mp4"]
    lines = {
        name: line
        for line in caplog.messages
        for name in ("c_short", "d_broken", "e_small", "f_broken")
        if name in line
    }
    assert len(lines) == 4
    assert "it has 2 frames; expected at least 3" in lines["c_short"]
    assert "90x20 px" in lines["e_small"]
    assert "not a readable photograph" in lines["f_broken"]
    assert not any("notes.txt" in line for line in caplog.messages)


def test_nothing_usable_and_nothing_there_are_refused_in_one_line(folder: Path, tmp_path: Path) -> None:
    for path, said in [
        (folder / "d_broken.mp4", "none of its 1 files can be trained on"),
        (tmp_path, "no video or photograph"),
        (tmp_path / "missing", "not found"),
    ]:
        with pytest.raises(UserError, match=said) as error:
            open_folder(_data(path))
        assert "\n" not in str(error.value)
        assert str(path) in str(error.value)


def test_folders_and_files_are_joined_by_commas(folder: Path) -> None:
    names = [file.name for file in list_files(f"{folder.parent / 'validation'}, {folder / 'a_photo.png'}")]
    assert names == ["held.mp4", "a_photo.png"]


def test_windows_follow_each_other_through_the_file_and_begin_again(folder: Path) -> None:
    video = Video(folder / "b_good.mp4", side=48, shortest=3, share=8 * 2 * 64 * 80 * 3)
    steps = [STEPS_A_WINDOW * number for number in range(5)]
    assert [_numbers(video.window(step)) for step in steps] == [
        list(range(8)), list(range(8, 16)), list(range(16, 20)), list(range(8)), list(range(8, 16)),
    ]  # fmt: skip


@pytest.mark.parametrize("order", [(4, 0, 2, 1), (1, 4, 3)])
def test_a_window_depends_on_the_step_alone_in_whatever_order_steps_come(folder: Path, order: tuple[int, ...]) -> None:
    video = Video(folder / "b_good.mp4", side=48, shortest=3, share=8 * 2 * 64 * 80 * 3)
    starts = {0: 0, 1: 8, 2: 16, 3: 0, 4: 8}
    for number in order:
        assert _numbers(video.window(STEPS_A_WINDOW * number))[0] == starts[number]


def test_a_file_ends_with_a_warning_where_its_frame_size_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, height in (("first.264", 80), ("second.264", 96)):
        _write_video(tmp_path / name, 12, height)
    joined = tmp_path / "joined.264"
    joined.write_bytes((tmp_path / "first.264").read_bytes() + (tmp_path / "second.264").read_bytes())
    with caplog.at_level(logging.WARNING):
        video = Video(joined, side=48, shortest=3, share=8 * 2 * 64 * 80 * 3)
        windows = [_numbers(video.window(STEPS_A_WINDOW * number)) for number in range(5)]
    assert windows == [list(range(8)), list(range(8, 12)), list(range(8)), list(range(8, 12)), list(range(8))]
    (line,) = caplog.messages
    assert "joined.264: frame 12 is 100x96 px; expected 100x80 px as the first" in line


def test_a_video_whose_first_window_fails_is_closed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    class Watched(VideoReader):
        def close(self) -> None:
            closed.append(self.path.name)
            super().close()

    monkeypatch.setattr("data_pipelines.videos._open", Watched)
    with pytest.raises(UserError, match="it has 2 frames"):
        Video(folder / "c_short.mkv", side=48, shortest=3, share=1e9)
    assert closed == ["c_short.mkv"]


def test_a_clip_is_of_consecutive_frames(folder: Path) -> None:
    video = Video(folder / "b_good.mp4", side=48, shortest=3, share=1e9)
    for seed in range(5):
        clip = video_clip(video, np.random.default_rng(seed), 3, 48, step=0)
        first, *_ = numbers = _numbers(clip)
        assert clip.shape == (3, 48, 48, 3)
        assert numbers == [first, first + 1, first + 2]


def test_frames_are_reduced_before_they_count_as_truth_but_never_below_the_cutout() -> None:
    assert video_reduction(1080, 1920, 216) == 1.5
    assert video_reduction(1280, 720, 216) == 1.5
    assert video_reduction(480, 640, 216) == 1.25
    assert video_reduction(240, 426, 216) == pytest.approx(240 / 216)
    assert photo_reduction(2304, 3072) == pytest.approx(2304 / 1080)
    assert photo_reduction(4016, 6016) == 3
    assert photo_reduction(1688, 3000) == 2
    assert photo_reduction(512, 512) == 1


def test_batches_mix_photographs_and_videos_by_their_share(folder: Path) -> None:
    def flat_clips(share: float) -> float:
        config = ExperimentConfig(model=model_size("tiny"), data=_data(folder, photos=share, jpeg=0.0))
        config.train.batch_size = 16
        made: Iterator[dict] = training_batches(config)
        truth = next(made)["truth"][1080]
        made.close()
        return float(np.mean([np.ptp(clip[0]) < 8 for clip in truth]))

    assert flat_clips(0.0) == 1
    assert flat_clips(1.0) == 0
    assert 0 < flat_clips(0.5) < 1


def test_the_folder_validation_beside_the_one_trained_on_is_held_out(folder: Path) -> None:
    config = ExperimentConfig(model=model_size("tiny"), data=_data(folder))
    config.train.evaluate_frames = 4
    (clip,) = held_out_clips(config)
    assert (clip.name, clip.fps) == ("held", 25)
    assert clip.frames.shape == (4, 78, 96, 3)
    assert _numbers(clip.frames) == [0, 1, 2, 3]
    config.data.path = str(folder / "a_photo.png")
    assert [clip.name for clip in held_out_clips(config)] == ["held"]


def test_a_folder_validation_that_is_trained_on_is_not_held_out(folder: Path) -> None:
    config = ExperimentConfig(model=model_size("tiny"), data=_data(folder.parent / "validation"))
    assert {clip.name for clip in held_out_clips(config)} == {"astronaut", "coffee"}


def test_clips_where_nothing_is_to_be_seen_are_rare(tmp_path: Path) -> None:
    _write_video(tmp_path / "grows_lighter.mp4", 8)
    _write_video(tmp_path / "still_black.mp4", 8, step=0)
    data = _data(tmp_path)
    material = open_material(data)
    clips = [draw_clip(material, data, np.random.default_rng(seed), step=0) for seed in range(100)]
    assert np.mean([np.ptp(clip) < 3 for clip in clips]) < 0.15


@pytest.mark.shared
def test_real_files_of_every_kind_become_cutouts() -> None:
    files = [SHARED / "train" / "intel_asl_eat.mkv", SHARED / "photos" / "elementary_Photo_by_SpaceX.jpg"]
    if not all(file.exists() for file in files):
        pytest.skip("needs ../shared/data")
    data = _data(",".join(map(str, files)), crop=216)
    material = open_material(data)
    assert [(photo.name, photo.size()) for photo in material.photos] == [("elementary_Photo_by_SpaceX", (844, 1500))]
    (video,) = material.videos
    assert (video.height, video.width) == (384, 512)
