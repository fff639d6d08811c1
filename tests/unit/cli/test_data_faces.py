"""`mrsr data faces`: from a data set or a video with a face to a data set of faces."""

import hashlib
import json
from pathlib import Path

import av
import numpy as np
import pytest
import skimage
from PIL import Image
from real_face_model import model_or_skip

from data_pipelines.build.write import write_dataset
from data_pipelines.motion import Photo, film, known_path
from data_pipelines.store import ClipStore, StoredClip, decode_frames, encode_frame
from mrsr.cli.main import main

LENGTH = 6


def filmed(name: str, centre: tuple[float, float], height: int, width: int, frames: int = LENGTH) -> np.ndarray:
    with Image.open(Path(skimage.__file__).parent / "data" / name) as image:
        photo = Photo(name, np.array(image.convert("RGB")))
    return film(photo, known_path(frames, centre, (20.0, 9.0)), height, width)


def stored(name: str, frames: np.ndarray) -> StoredClip:
    return StoredClip(tuple(encode_frame(frame, 95) for frame in frames), name, 0, 25.0, 1.0, "public domain")


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir() if file.is_file()}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set: two clips with a face, one of them held out, one with a face that is too small, one without any."""
    model_or_skip()
    small = np.full((LENGTH, 300, 400, 3), 128, np.uint8)
    for frame, picture in zip(small, filmed("astronaut.png", (224, 170), 300, 330), strict=True):
        frame[100:200, 150:260] = np.asarray(Image.fromarray(picture).resize((110, 100)))
    train = [
        stored("ann.mp4", filmed("astronaut.png", (228, 170), 300, 330)),
        stored("cup.mp4", filmed("coffee.png", (300, 200), 200, 240)),
        stored("far.mp4", small),
    ]
    folder = tmp_path_factory.mktemp("clips") / "clips"
    held_out = [stored("eve.mp4", filmed("astronaut.png", (230, 180), 310, 320))]
    write_dataset(
        "mrsr_video",
        {"train": lambda: train, "validation": lambda: held_out},
        folder,
        {"counts": {}},
        readme=lambda _: "",
    )
    return folder


@pytest.fixture(scope="module")
def faces(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces") / "faces"
    assert main(["data", "faces", str(clips), "--output", str(folder)]) == 0
    return folder


def test_faces_are_cut_out_of_their_clips_and_stay_in_their_split(clips: Path, faces: Path) -> None:
    for split, source in (("train", "ann.mp4"), ("validation", "eve.mp4")):
        store = ClipStore(faces, split)
        (face,) = [store[index] for index in range(len(store))]
        assert face.source == source
        looked = ClipStore(clips, split)
        clip = next(looked[index] for index in range(len(looked)) if looked[index].source == source)
        top, left, bottom, right = face.box
        whole, crops = decode_frames(clip.frames), decode_frames(face.frames)
        error = np.square(crops.astype(float) - whole[:, top:bottom, left:right]).mean()
        assert 10 * np.log10(255**2 / error) > 40
        assert not any(edge % 6 for edge in face.box)
        assert face.keypoints is not None
        assert face.keypoints.shape == (LENGTH, 6, 2)


def test_the_card_counts_what_was_kept_and_discarded_by_reason(faces: Path) -> None:
    counts = ClipStore(faces).describe()
    assert (counts["clips"], counts["train"], counts["validation"]) == (2, 1, 1)
    assert counts["discarded"]["too small"] == 1
    assert counts["clips_looked_at"] == 4
    card = json.loads((faces / "card.json").read_text())
    assert {one["source"]: one["faces"] for one in card["sources"]} == {
        "ann.mp4": 1,
        "cup.mp4": 0,
        "eve.mp4": 1,
        "far.mp4": 0,
    }
    assert "1 too small" in (faces / "README.md").read_text()


def test_the_contact_sheet_shows_kept_in_green_and_discarded_in_red(faces: Path) -> None:
    with Image.open(faces / "contact.png") as sheet:
        colours = {colour for _, colour in sheet.getcolors(1 << 24) or []}
    assert {(0, 220, 80), (255, 60, 60)} <= colours


def test_two_runs_write_the_same_bytes(clips: Path, faces: Path, tmp_path: Path) -> None:
    assert main(["data", "faces", str(clips), "--output", str(tmp_path / "again")]) == 0
    again, first = digests(tmp_path / "again"), digests(faces)
    assert again == first
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_a_stopped_run_goes_on_from_what_it_has_looked_at(clips: Path, faces: Path, tmp_path: Path) -> None:
    """Detections of the first clip and half a line are there: the rest is looked at, and the result is the same."""
    from data_pipelines.faces import build

    output, looked = tmp_path / "faces", []

    class Stopped(BaseException):
        pass

    def stop(source: str, done: int, total: int) -> None:
        looked.append((done, total))
        if done == 2:
            raise Stopped

    job = build.FacesJob((clips,), output, build.FacesConfig(), None, f"mrsr data faces {clips.name} --output DIR")
    with pytest.raises(Stopped):
        build.build_faces(job, stop)
    assert not output.exists()
    (kept,) = (tmp_path / ".faces.work").glob("*.detections")
    with kept.open("a") as file:
        file.write("[[300, 3")
    build.build_faces(job)
    assert digests(output) == digests(faces)
    assert [path.name for path in tmp_path.iterdir()] == ["faces"]


def test_with_mask_the_corners_of_the_crops_are_of_one_colour(clips: Path, tmp_path: Path) -> None:
    assert main(["data", "faces", str(clips), "--output", str(tmp_path / "f"), "--config.isolate=mask"]) == 0
    crops = decode_frames(ClipStore(tmp_path / "f")[0].frames)
    corners = crops[:, [0, 0, -1, -1], [0, -1, 0, -1]].reshape(-1, 3).astype(int)
    assert np.ptp(corners, axis=0).max() <= 4
    assert corners.mean() > 40


def test_a_video_is_made_into_clips_first(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = filmed("astronaut.png", (256, 240), 390, 420, 24)
    with av.open(tmp_path / "ann.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=25, width=420, height=390, pix_fmt="yuv420p")
        stream.options = {"crf": "4"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    (tmp_path / "dead.mp4").write_bytes(b"not a video")
    assert main(["data", "faces", str(tmp_path), "--output", str(tmp_path / "faces")]) == 0
    told = capsys.readouterr().out
    assert "1 faces" in told
    assert "videos rejected: 1 unreadable" in told
    card = json.loads((tmp_path / "faces" / "card.json").read_text())
    assert [(one["source"], one["reason"]) for one in card["rejected"]] == [("dead.mp4", "unreadable")]
    assert "| dead.mp4 | unreadable |" in (tmp_path / "faces" / "README.md").read_text()
    assert str(tmp_path) not in json.dumps(card)
    store = ClipStore(tmp_path / "faces", json_splits(tmp_path / "faces")[0])
    assert store[0].source == "ann.mp4"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ann.mp4", "dead.mp4", "faces"]


def json_splits(folder: Path) -> list[str]:
    return list(json.loads((folder / "card.json").read_text())["splits"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "nowhere: not found"),
        (["CLIPS", "--face-model", "nothing.tflite"], "--face-model nothing.tflite: no such file"),
        (["CLIPS", "--config.confidence=2.0"], "confidence=2.0: expected from 0 to 1"),
        (["CLIPS", "--config.isolate=blur"], "isolate='blur': expected one of crop, mask"),
        (["CLIPS", "--config.smallest=5000"], "no face is kept"),
        (["CLIPS", "--config.isolate=mask", "--config.segmentation=no.tflite"], "segmentation no.tflite: no such"),
    ],
)
def test_bad_input_is_told_in_one_line_and_nothing_is_written(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    arguments = [str(clips) if argument == "CLIPS" else argument for argument in arguments]
    assert main(["data", "faces", *arguments, "--output", str(tmp_path / "faces")]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert told in error
    assert list(tmp_path.iterdir()) == []
