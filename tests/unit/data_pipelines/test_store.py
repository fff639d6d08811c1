"""A data set of clips reads back as it was written, by other software too, in any process, without TensorFlow."""

from __future__ import annotations

import io
import json
import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path

import grain
import numpy as np
import pytest
from PIL import Image
from small import photograph

from data_pipelines.build.write import write_dataset
from data_pipelines.store import ClipStore, StoredClip, decode_frames, encode_frame
from mrsr.errors import UserError


def stored(index: int, face: bool = False) -> StoredClip:
    pictures = tuple(encode_frame(photograph(48, 64)[:, ::-1] // (1 + index + frame), 95) for frame in range(3))
    keypoints = np.arange(3 * 6 * 2, dtype=np.float32).reshape(3, 6, 2) + index if face else None
    return StoredClip(
        pictures, f"a/{index}.mp4", 24 * index, 30.0, 1.25, "CC0", (1, 2, 3, 4) if face else (), keypoints
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set") / "clips"
    splits = {"train": lambda: map(stored, range(4)), "validation": lambda: [stored(7, face=True)]}
    write_dataset("mrsr_video", splits, folder, {"counts": {"clips": 5}}, readme=str)
    return folder


def same(one: StoredClip, other: StoredClip) -> bool:
    names = ("frames", "source", "start", "fps", "reduction", "licence", "box")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def test_clips_read_back_as_they_were_written(folder: Path) -> None:
    store = ClipStore(folder)
    assert len(store) == 4
    read = sorted((store[index] for index in range(4)), key=lambda clip: clip.source)
    assert all(same(clip, stored(index)) for index, clip in enumerate(read))
    assert read[0].keypoints is not None
    assert read[0].keypoints.shape == (0, 6, 2)
    face = ClipStore(folder, "validation")[0]
    assert same(face, stored(7, face=True))
    np.testing.assert_array_equal(face.keypoints, stored(7, face=True).keypoints, strict=True)


def test_tensorflow_datasets_reads_the_same_pixels(folder: Path) -> None:
    import tensorflow_datasets as tfds

    source = tfds.builder_from_directory(folder).as_data_source("train")
    store = ClipStore(folder)
    for index in range(4):
        np.testing.assert_array_equal(np.stack(source[index]["frames"]), decode_frames(store[index].frames))
        assert source[index]["source"].decode() == store[index].source


def test_grain_workers_read_it(folder: Path) -> None:
    store = ClipStore(folder)
    assert store[1].source
    names = [clip.source for clip in grain.MapDataset.source(store).seed(1).shuffle()]
    assert sorted(names) == [f"a/{index}.mp4" for index in range(4)]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        [clip] = pool.map(store.__getitem__, [1])
    assert same(clip, store[1])
    assert same(pickle.loads(pickle.dumps(store))[2], store[2])


def test_reading_loads_no_tensorflow(folder: Path) -> None:
    code = f"""
import sys
from data_pipelines.store import ClipStore, decode_frames
decode_frames(ClipStore({str(folder)!r})[0].frames)
sys.exit("tensorflow" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_frames_are_coded_finely_with_chroma_at_full_resolution() -> None:
    frame = photograph(96, 128)
    picture = Image.open(io.BytesIO(encode_frame(frame, 95)))
    assert {layer[1:3] for layer in picture.layer} == {(1, 1)}
    error = decode_frames([encode_frame(frame, 95)])[0].astype(float) - frame
    assert 10 * np.log10(255**2 / np.square(error).mean()) > 36


def test_the_fingerprint_is_of_the_contents(folder: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    for target, count in ((again, 4), (other, 3)):
        splits = {"train": lambda count=count: map(stored, reversed(range(count)))}
        write_dataset("mrsr_video", splits, target, {"counts": {}}, readme=str)
    assert ClipStore(again).fingerprint() == ClipStore(folder).fingerprint()
    assert ClipStore(other).fingerprint() != ClipStore(folder).fingerprint()
    assert ClipStore(folder, "validation").fingerprint() != ClipStore(folder).fingerprint()
    assert len(ClipStore(folder).fingerprint()) == 12


def test_what_is_no_data_set_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no finished data set; expected a folder that mrsr data build"):
        ClipStore(tmp_path)
    with pytest.raises(UserError, match="has no split 'test'; expected one of train, validation"):
        ClipStore(folder, "test")
    card = json.loads((folder / "card.json").read_text())
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(UserError, match="00000-of-00001 is missing"):
        ClipStore(tmp_path)
    with pytest.raises(IndexError):
        ClipStore(folder)[4]
