"""Data sets of TensorFlow Datasets as sources: real ones written by TFDS, and the features of well-known ones."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds
from skimage import data as photographs

from data_pipelines.tfds_source import TfdsSource
from data_pipelines.unusable import UnusableClipError
from mrsr.errors import UserError


def _frames(record: int) -> np.ndarray:
    """Eight frames 40x48; the level of the green channel is the record's number, that of red the frame's."""
    frames = np.zeros((8, 40, 48, 3), np.uint8)
    frames[..., 0] = 10 * np.arange(8)[:, None, None]
    frames[..., 1] = 40 * record
    return frames


class MrsrTestVideos(tfds.core.GeneratorBasedBuilder):
    """Four records of video under another dictionary, as davis has it, beside masks; the last one is too short."""

    VERSION = tfds.core.Version("1.0.0")
    pkg_dir_path = Path(__file__).parent  # TFDS looks for it in a package otherwise, and tests are in none.

    def _info(self) -> tfds.core.DatasetInfo:
        inner = {
            "masks": tfds.features.Image(shape=(None, None, 1)),
            "frames": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "poster": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
                    "video": tfds.features.Sequence(inner),
                }
            )
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[Any]]:  # noqa: ARG002
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[Any]:
        for record in range(4):
            frames = _frames(record)[: 2 if record == 3 else 8]
            video = [{"frames": frame, "masks": frame[..., :1]} for frame in frames]
            yield str(record), {"poster": frames[0], "video": video}


class MrsrTestImages(tfds.core.GeneratorBasedBuilder):
    """One photograph, and nothing that moves."""

    VERSION = tfds.core.Version("1.0.0")
    pkg_dir_path = Path(__file__).parent  # TFDS looks for it in a package otherwise, and tests are in none.

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {"label": np.int64, "image": tfds.features.Image(shape=(None, None, 3))}
            )
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[Any]]:  # noqa: ARG002
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[Any]:
        yield "cat", {"label": 1, "image": photographs.chelsea()[:120, :140]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tfds")
    for kind in (MrsrTestVideos, MrsrTestImages):
        kind(data_dir=str(root), file_format="array_record").download_and_prepare()
    return root


@pytest.fixture(autouse=True)
def data_dir(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder))


def test_clips_are_consecutive_frames_of_one_record(folder: Path) -> None:
    source = TfdsSource("mrsr_test_videos")
    assert (len(source), source.feature, source.video) == (4, ("video", "frames"), True)
    seen, refused = set(), []
    for index in range(4):
        try:
            clips = source.clips(index, np.random.default_rng(index), frames=3, side=24, number=2)
        except UnusableClipError as error:
            refused.append(str(error))
            continue
        assert (clips.shape, clips.dtype) == ((2, 3, 24, 24, 3), np.uint8)
        assert (np.diff(clips[..., 0].astype(int), axis=1) == 10).all()
        seen.add(int(clips[0, 0, 0, 0, 1]) // 40)
    assert seen == {0, 1, 2}
    (told,) = refused
    assert "48x40 px, 2 frames; data.crop=24, data.frames=3" in told


def test_an_image_is_set_in_motion() -> None:
    source = TfdsSource("mrsr_test_images")
    assert (source.feature, source.video) == (("image",), False)
    clips = source.clips(0, np.random.default_rng(3), frames=4, side=48, number=1)
    assert clips.shape == (1, 4, 48, 48, 3)
    assert (clips[0, 0] != clips[0, 3]).any()


def test_a_source_can_be_sent_to_another_process() -> None:
    source = TfdsSource("mrsr_test_images")
    sent = pickle.loads(pickle.dumps(source))
    first, second = (one.clips(0, np.random.default_rng(0), 3, 24, 1) for one in (source, sent))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_thing", "tfds:no_such_thing: "),
        ("davis", "tfds:davis: not in .*; expected it prepared by: tfds build davis --file_format=array_record"),
    ],
)
def test_what_is_not_there_is_refused_with_how_to_make_it(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        TfdsSource(name)
    assert "\n" not in str(raised.value)


def test_a_data_set_without_random_access_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MrsrTestImages(data_dir=str(tmp_path), file_format="tfrecord").download_and_prepare()
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(UserError, match="stored as tfrecord, without random access; expected it prepared by"):
        TfdsSource("mrsr_test_images")


@pytest.mark.parametrize(
    ("name", "feature", "video"), [("davis", ("video", "frames"), True), ("ucf101", ("video",), True)]
)
def test_the_features_of_well_known_data_sets_are_understood(name: str, feature: tuple[str, ...], video: bool) -> None:
    from data_pipelines.tfds_source import _pictures

    assert _pictures(tfds.builder(name).info.features)[0] == (feature, video)
