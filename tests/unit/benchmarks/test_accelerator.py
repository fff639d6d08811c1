"""A pack that travels to a machine without PyAV, training on it in slices, and the way home."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from benchmarks.accelerator import fetch, gather, pack, parcels, train
from benchmarks.accelerator.batches import choose_scene, draw, make_batch, packed_batches, photo_share
from benchmarks.accelerator.encode import store_clip, truth_options
from benchmarks.accelerator.layout import DESCRIPTION, Pack, read_description, write_description
from benchmarks.accelerator.scenes import decode, film_scene, load_scenes, open_photo
from benchmarks.accelerator.windows import turns
from data_pipelines.build.write import write_dataset
from data_pipelines.motion import Photo
from data_pipelines.store import StoredClip, encode_frame
from mrsr.checkpoint import load_model
from mrsr.config import (
    DataConfig,
    DegradationConfig,
    ExperimentConfig,
    ModelConfig,
    OptimizerConfig,
    StageConfig,
    TrainConfig,
    validate,
)
from mrsr.errors import RunError, UserError
from mrsr.evaluation.clips import clip_from_array
from mrsr.evaluation.degradation import Degradation, degrade
from mrsr.evaluation.geometry import geometry
from mrsr.ladder import Route
from mrsr.video.codec import call_options, h264_round_trip
from mrsr.video.reader import read_clip

ROOT = Path(__file__).parents[3]
COFFEE = Path(skimage.__file__).parent / "data" / "coffee.png"


def filmed(frames: int, side: int, seed: int = 0) -> np.ndarray:
    """A camera over a photograph: uint8 [frames, side, side, 3]."""
    with Image.open(COFFEE) as image:
        return film_scene(Photo("coffee", np.asarray(image.convert("RGB"))), (seed,), frames, side)


def experiment() -> ExperimentConfig:
    return validate(
        ExperimentConfig(
            name="packed",
            routes="180:360",
            model=ModelConfig(name="slim", stages=tuple(StageConfig(width=4, rrdbs=0, hidden=2) for _ in range(4))),
            data=DataConfig(
                sources="clips:pack,photos:pack", frames=2, crop=48, degradation=DegradationConfig(jpeg=0.5, codec=0.5)
            ),
            optimizer=OptimizerConfig(warmup=1, decay=8),
            train=TrainConfig(steps=8, batch_size=2, log_every=1),
        )
    )


def stored(source: str, start: int, frames: np.ndarray) -> StoredClip:
    return StoredClip(tuple(encode_frame(frame, 95) for frame in frames), source, start, 25.0, 1.0, "")


def dataset(folder: Path, train: list[StoredClip], validation: list[StoredClip]) -> Path:
    """A data set as `mrsr data build` writes it."""
    splits = {"train": lambda: train, "validation": lambda: validation}
    write_dataset("mrsr_video", splits, folder, {"counts": {}}, readme=lambda _: "")
    return folder


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """A pack of one photograph, one video and one held-out clip."""
    data = tmp_path_factory.mktemp("data")
    (data / "photos").mkdir()
    with Image.open(COFFEE) as image:
        image.convert("RGB").save(data / "photos" / "coffee.png")
    walk, talk = stored("walk.mp4", 0, filmed(6, 120)), stored("talk.mp4", 0, filmed(3, 120, seed=1))
    clips = dataset(data / "clips", [walk], [talk])
    folder = tmp_path_factory.mktemp("pack")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gather, "PHOTO_SCENES", 2)
        patch.setattr(gather, "PHOTO_FRAMES", 3)
        patch.setattr(gather, "PHOTO_SIDE", 96)
        pack.make_pack(clips, data / "photos", folder, {"packed": experiment()}, 10**7)
    return read_description(folder)


def test_stored_inputs_are_what_a_viewer_of_a_call_would_decode(tmp_path: Path) -> None:
    clip = filmed(4, 64)
    stored = store_clip(tmp_path / "clip.mp4", clip, 30, call_options(28))
    np.testing.assert_array_equal(stored, h264_round_trip(clip, 28, 30))


def test_opencv_decodes_a_stored_stream_to_the_colours_pyav_gives(tmp_path: Path) -> None:
    store_clip(tmp_path / "clip.mp4", filmed(5, 96), 30, truth_options(18))
    ours, expected = decode(tmp_path / "clip.mp4", 5), read_clip(tmp_path / "clip.mp4")[0]
    error = ours.astype(np.float64) - expected
    assert np.abs(error.mean(axis=(0, 1, 2))).max() < 0.5
    # Chroma is repeated there and interpolated here: luma is what must agree.
    luma = error @ [0.299, 0.587, 0.114]
    assert np.abs(luma).mean() < 0.6


def test_a_stream_with_a_frame_missing_is_refused(tmp_path: Path) -> None:
    store_clip(tmp_path / "clip.mp4", filmed(3, 48), 30, call_options(30))
    with pytest.raises(RunError, match=r"clip.mp4: 3 frames could be decoded; expected 4"):
        decode(tmp_path / "clip.mp4", 4)


def test_a_packed_photograph_and_a_seed_give_the_frames_its_inputs_were_encoded_from(packed: Pack) -> None:
    scene = next(scene for scene in packed.scenes if scene.path_seed)
    clip = film_scene(open_photo(packed.folder / scene.file), scene.path_seed, scene.frames, scene.height)
    for one in scene.inputs:
        side = scene.height * one.rung // 1080
        low = np.stack(
            [np.asarray(Image.fromarray(frame).resize((side, side), Image.Resampling.BICUBIC)) for frame in clip]
        )
        np.testing.assert_array_equal(
            read_clip(packed.folder / one.file)[0], h264_round_trip(low, one.crf, 30), err_msg=one.file
        )


def test_inputs_that_show_another_scene_are_refused(packed: Pack, tmp_path: Path) -> None:
    first, second = (scene for scene in packed.scenes if scene.path_seed)
    description = (packed.folder / DESCRIPTION).read_text()
    for file in packed.folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    other = {one.rung: one.file for one in second.inputs}
    for one in first.inputs:
        description = description.replace(one.file, other[one.rung])
    (tmp_path / DESCRIPTION).write_text(description)
    with pytest.raises(RunError, match="levels from its scene on average"):
        load_scenes(read_description(tmp_path), experiment().ladder(), 1)


@pytest.mark.parametrize("filmed_scene", [True, False])
def test_inputs_and_truth_of_a_clip_show_the_same_place_and_time(packed: Pack, filmed_scene: bool) -> None:
    config = experiment()
    config.data.degradation.codec = 1.0
    scene = next(one for one in load_scenes(packed, config.ladder(), 1) if one.filmed == filmed_scene)
    for seed in range(4):
        inputs, truth = draw(scene, config, np.random.default_rng(seed))
        half = truth[360].reshape(2, 8, 2, 8, 2, 3).mean(axis=(2, 4))
        here = np.abs(inputs[180] - half).mean()
        moved = [np.abs(np.roll(inputs[180], shift, axis) - half).mean() for shift in (-1, 1) for axis in (1, 2)]
        assert here < min(moved)


def test_batches_follow_from_seed_and_step_alone_and_differ_between_steps(packed: Pack) -> None:
    config = experiment()
    scenes = load_scenes(packed, config.ladder(), 2)
    first, again, other = (make_batch(config, scenes, step) for step in (3, 3, 4))
    assert first["inputs"][180].shape == (2, 2, 8, 8, 3)
    assert first["truth"][360].shape == (2, 2, 16, 16, 3)
    np.testing.assert_array_equal(first["inputs"][180], again["inputs"][180])
    np.testing.assert_array_equal(first["truth"][360], again["truth"][360])
    assert not np.array_equal(first["truth"][360], other["truth"][360])


def test_batches_made_ahead_are_those_of_their_steps_wherever_they_start(packed: Pack) -> None:
    config = experiment()
    scenes = load_scenes(packed, config.ladder(), 1)
    ahead = packed_batches(config, scenes, 5)
    for step in (5, 6, 7):
        batch, expected = next(ahead), make_batch(config, scenes, step)
        for side in ("inputs", "truth"):
            for rung, clips in expected[side].items():
                np.testing.assert_array_equal(batch[side][rung], clips)
    ahead.close()


def test_scenes_are_drawn_by_the_weights_of_the_sources(packed: Pack) -> None:
    config = experiment()
    config.data.sources = "clips:pack=3,photos:pack=1"
    scenes = load_scenes(packed, config.ladder(), 1)
    rng = np.random.default_rng(0)
    drawn = [choose_scene(scenes, photo_share(config), rng).filmed for _ in range(2000)]
    # Four standard deviations of the mean of 2000 draws.
    assert abs(np.mean(drawn) - 0.25) < 4 * (0.25 * 0.75 / 2000) ** 0.5


def test_the_held_out_input_is_the_one_evaluate_would_measure(packed: Pack) -> None:
    (held_out,) = packed.held_out
    frames, fps = read_clip(packed.folder / held_out.file)
    ladder = experiment().ladder()
    sizes = geometry(clip_from_array("talk", frames, fps, cutout=True), Route(180, 720), ladder)
    low = (sizes.input_of(sizes.truth_of(frame)) for frame in frames)
    expected = np.stack([frame for frame, _ in degrade(low, Degradation("h264", 28), fps)])
    np.testing.assert_array_equal(read_clip(packed.folder / held_out.coded)[0], expected)


def test_of_every_source_clips_spread_over_it_take_turns() -> None:
    starts = {"long.mp4": range(0, 240, 24), "short.mp4": [0]}
    clips = [StoredClip((), source, start, 25.0, 1.0, "") for source in starts for start in starts[source]]
    clips.reverse()
    order = [(number, clips[index].source, clips[index].start) for number, index in turns(clips)]
    assert order == [
        (0, "long.mp4", 0),
        (0, "short.mp4", 0),
        (1, "long.mp4", 48),
        (2, "long.mp4", 120),
        (3, "long.mp4", 168),
    ]


def test_clips_are_packed_until_the_budget_is_spent_and_small_ones_left_out_by_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wide = [stored(name, start, filmed(4, 60, seed=start)) for name in ("a.mp4", "a.mkv") for start in (0, 4)]
    small = stored("small.mp4", 7, filmed(4, 44))
    clips = dataset(tmp_path / "clips", [*wide, small], wide[:1])
    folder = tmp_path / "pack"
    folder.mkdir()
    everything = gather.video_scenes(clips, folder, experiment(), 10**9)
    assert len(everything) == 4
    assert "left out: small.mp4 at frame 7: 4 frames of 44x44 px; expected at least 2 of 48 px a side" in caplog.text
    sizes = {file.name: file.stat().st_size for file in folder.iterdir()}
    last = sum(size for name, size in sizes.items() if name.startswith(everything[-1].name))
    for file in folder.iterdir():
        file.unlink()
    # Room for half of the last scene: x264 does not write the very same bytes every time.
    budget = sum(sizes.values()) - last // 2
    kept = gather.video_scenes(clips, folder, experiment(), budget)
    assert [scene.name for scene in kept] == [scene.name for scene in everything[:3]]
    assert sum(file.stat().st_size for file in folder.iterdir()) <= budget


def test_a_pack_of_photographs_alone_is_measured_on_the_held_out_photographs_of_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "HELD_OUT_FRAMES", 1)
    held_out = gather.held_out(None, tmp_path, experiment())
    assert {clip.name for clip in held_out} == {"astronaut", "coffee"}
    assert all((tmp_path / clip.file).is_file() and (tmp_path / clip.coded).is_file() for clip in held_out)


def test_a_file_cut_in_parts_comes_together_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "PART", 10)
    source, out = tmp_path / "weights", tmp_path / "out"
    out.mkdir()
    source.write_bytes(bytes(range(25)))
    parcels.put(source, out)
    assert sorted(part.stat().st_size for part in out.iterdir()) == [5, 10, 10]
    parcels.take(out, "weights", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == bytes(range(25))
    (out / "weights.01").unlink()
    with pytest.raises(UserError, match="no weights, or a part of it is missing"):
        parcels.take(out, "weights", tmp_path / "again")


WITHOUT_PYAV = """
import sys
absent = "av ml_collections tensorboardX grain tensorflow tensorflow_datasets array_record mediapipe"
for name in absent.split():
    sys.modules[name] = None
from benchmarks.accelerator.train import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def first_slice(packed: Pack, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What a slice of one step handed over, and what it printed, on a machine without PyAV and ml_collections."""
    there = tmp_path_factory.mktemp("there")
    options = ["--pack", packed.folder, "--workdir", there / "run", "--out", there / "out", "--minutes", "0.001"]
    command = [sys.executable, "-c", WITHOUT_PYAV, *map(str, options), "--steps", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return there / "out", done.stdout


@pytest.mark.slow
def test_a_slice_trains_without_pyav_and_ends_with_its_table(first_slice: tuple[Path, str]) -> None:
    out, printed = first_slice
    summary = json.loads((out / "summary.json").read_text())
    assert summary["step"] == 1
    assert summary["state_carried"] is True
    assert printed.rstrip().splitlines()[-2].startswith("│ waiting_for_data")


@pytest.mark.slow
def test_the_next_slice_goes_on_where_the_first_ended_and_comes_home(
    packed: Pack, first_slice: tuple[Path, str], tmp_path: Path
) -> None:
    out, home = tmp_path / "out", tmp_path / "home"
    options = ["--pack", packed.folder, "--workdir", tmp_path / "run", "--out", out, "--minutes", "5"]
    assert train.main([*map(str, options), "--resume", str(first_slice[0])]) == 0
    steps = [json.loads(line)["step"] for line in (out / parcels.LOG).read_text().splitlines()]
    assert steps == [1, 2]
    assert fetch.main(["--from", str(out), "--workdir", str(home), "--dtype", "bfloat16"]) == 0
    config, params = load_model(home)
    assert config.model.dtype == "bfloat16"
    _, trained = load_model(tmp_path / "run")
    here, there = (np.concatenate([np.ravel(leaf) for leaf in _leaves(tree)]) for tree in (params, trained))
    np.testing.assert_allclose(here, there, rtol=2**-8)


@pytest.mark.slow
def test_a_run_does_not_go_on_with_another_pack(
    packed: Pack, first_slice: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for file in packed.folder.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    scenes = packed.scenes[:-1]
    write_description(Pack(folder=other, configs=packed.configs, scenes=scenes, held_out=packed.held_out))
    options = ["--pack", other, "--workdir", tmp_path / "run", "--out", tmp_path / "out", "--minutes", "5"]
    assert train.main([*map(str, options), "--resume", str(first_slice[0])]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.endswith("expected the same data, or a new folder")


@pytest.mark.slow
def test_a_state_cut_short_on_the_way_leaves_no_run_folder(first_slice: tuple[Path, str], tmp_path: Path) -> None:
    whole = (first_slice[0] / parcels.RESUME).read_bytes()
    with tarfile.open(first_slice[0] / parcels.RESUME) as tar:
        between_files = [member.offset for member in tar][1:]
    for length in (len(whole) // 2, 1000, *between_files):
        (tmp_path / parcels.RESUME).write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"resume\.tar: damaged"):
            parcels.take_resume(tmp_path, tmp_path / "run")
        assert [file.name for file in tmp_path.iterdir()] == [parcels.RESUME]


@pytest.mark.slow
def test_a_state_too_large_to_carry_leaves_the_weights_to_start_from(
    packed: Pack, first_slice: tuple[Path, str], tmp_path: Path
) -> None:
    light = tmp_path / "light"
    light.mkdir()
    for file in first_slice[0].iterdir():
        if not file.name.startswith(parcels.RESUME):
            (light / file.name).write_bytes(file.read_bytes())
    config = train.prepare(packed, tmp_path / "run", earlier=light)
    assert config.train.init_from == str(tmp_path / "run_before")
    load_model(Path(config.train.init_from))


@pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning:importlib")
def test_bad_input_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing, config = str(tmp_path / "missing"), str(ROOT / "benchmarks/accelerator/config.py:tiny")
    output = ["--output", str(tmp_path / "pack"), "--config", config]
    assert pack.main(output) == 2
    assert pack.main(["--clips", missing, *output]) == 2
    assert pack.main(["--photos", missing, *output]) == 2
    tfds = "--config.data.sources=tfds:davis"
    assert pack.main(["--photos", missing, tfds, *output]) == 2
    vp9 = "--config.data.degradation.codecs=('vp9',)"
    assert pack.main(["--photos", missing, vp9, *output]) == 2
    assert train.main(["--pack", missing, "--workdir", missing, "--out", missing, "--minutes", "1"]) == 2
    assert fetch.main(["--from", missing, "--workdir", str(tmp_path / "run")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["pack"] * 5 + ["train", "fetch"]
    for line, named in zip(lines, ("--photos", missing, missing, "tfds:davis", "vp9"), strict=False):
        assert named in line
        assert "expected" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning:importlib")
def test_every_size_has_a_config_and_clips_longer_than_the_scenes_are_refused(tmp_path: Path) -> None:
    path = str(ROOT / "benchmarks/accelerator/config.py")
    configs = pack.resolve([f"{path}:{size}" for size in ("tiny", "small", "base")])
    assert [config.model.dtype for config in configs.values()] == ["bfloat16"] * 3
    assert [config.optimizer.decay == config.train.steps for config in configs.values()] == [True] * 3
    long = tmp_path / "long.py"
    long.write_text(
        f"{Path(path).read_text()}\n\nCONFIG = get_config()\nget_config = lambda: CONFIG\nCONFIG.data.frames = 17\n"
    )
    with pytest.raises(UserError, match="expected at most 16 frames of 432 px"):
        pack.resolve([str(long)])


def _leaves(tree: dict[str, object]) -> list[np.ndarray]:
    import jax

    return [np.asarray(leaf, np.float32) for leaf in jax.tree.leaves(tree)]
