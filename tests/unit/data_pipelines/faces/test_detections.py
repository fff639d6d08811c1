"""What was detected is read back as it was written; what is not whole is looked at again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data_pipelines.build.write import write_dataset
from data_pipelines.faces.detections import detections_of
from data_pipelines.faces.detector import FaceDetector
from data_pipelines.store import ClipStore, StoredClip, encode_frame


@pytest.fixture
def store(tmp_path: Path, astronaut: np.ndarray) -> ClipStore:
    pictures = [np.roll(astronaut, shift, axis=1)[:256, 64:448] for shift in (0, 20, 40)]
    clips = [StoredClip((encode_frame(one, 95),) * 2, f"{n}.mp4", 0, 25.0, 1.0, "") for n, one in enumerate(pictures)]
    write_dataset("mrsr_video", {"train": lambda: clips}, tmp_path / "clips", {"counts": {}}, readme=str)
    return ClipStore(tmp_path / "clips")


@pytest.mark.parametrize("end", ["", "[[300, 3", "\0\0\0\n", "[[3]]\n"])
def test_a_stopped_run_goes_on_after_its_last_whole_line(
    store: ClipStore, detector: FaceDetector, tmp_path: Path, end: str
) -> None:
    whole = list(detections_of(store, detector, tmp_path / "whole"))
    lines = (tmp_path / "whole").read_bytes().splitlines(keepends=True)
    assert len(lines) == len(whole) == 3
    kept = tmp_path / "kept"
    kept.write_bytes(lines[0] + lines[1] + end.encode())
    again = list(detections_of(store, detector, kept))
    assert kept.read_bytes() == b"".join(lines)
    for (size, frames), (other_size, other_frames) in zip(whole, again, strict=True):
        assert tuple(size) == tuple(other_size) == (256, 384)
        for (face,), (other,) in zip(frames, other_frames, strict=True):
            np.testing.assert_allclose(face.box, other.box)
            np.testing.assert_allclose(face.keypoints, other.keypoints, rtol=1e-6)
