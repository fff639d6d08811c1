"""A pack that travels to a machine without PyAV, training on it in slices, and the way home."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from benchmarks.accelerator import fetch, gather, pack, parcels, train
from benchmarks.accelerator.batches import draw, make_batch
from benchmarks.accelerator.encode import store_clip, truth_options
from benchmarks.accelerator.layout import DESCRIPTION, Pack, read_description
from benchmarks.accelerator.scenes import decode, film_scene, load_scenes, open_photo
from data_pipelines.motion import Photo
from mrsr.checkpoint import load_model
from mrsr.config import DataConfig, ExperimentConfig, ModelConfig, OptimizerConfig, StageConfig, TrainConfig, validate
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
            data=DataConfig(source="folder", path="pack", frames=2, crop=48, jpeg=0.5, h264=0.5, photos=0.5),
            optimizer=OptimizerConfig(warmup=1, decay=8),
            train=TrainConfig(steps=8, batch_size=2, log_every=1),
        )
    )


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """A pack of one photograph, one video and one held-out clip."""
    data = tmp_path_factory.mktemp("data")
    for name in ("train", "photos", "validation"):
        (data / name).mkdir()
    with Image.open(COFFEE) as image:
        image.convert("RGB").save(data / "photos" / "coffee.png")
    store_clip(data / "train" / "walk.mp4", filmed(6, 120), 25, truth_options(10))
    store_clip(data / "validation" / "talk.mp4", filmed(3, 120, seed=1), 25, truth_options(10))
    folder = tmp_path_factory.mktemp("pack")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gather, "PHOTO_SCENES", 2)
        patch.setattr(gather, "PHOTO_FRAMES", 3)
        patch.setattr(gather, "PHOTO_SIDE", 96)
        pack.make_pack(data, folder, {"packed": experiment()}, 10**7)
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
    config.data.h264 = 1.0
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


def test_the_held_out_input_is_the_one_evaluate_would_measure(packed: Pack) -> None:
    (held_out,) = packed.held_out
    frames, fps = read_clip(packed.folder / held_out.file)
    ladder = experiment().ladder()
    sizes = geometry(clip_from_array("talk", frames, fps, cutout=True), Route(180, 720), ladder)
    low = (sizes.input_of(sizes.truth_of(frame)) for frame in frames)
    expected = np.stack([frame for frame, _ in degrade(low, Degradation("h264", 28), fps)])
    np.testing.assert_array_equal(read_clip(packed.folder / held_out.coded)[0], expected)


def test_videos_of_one_stem_take_turns_until_the_budget_is_spent(tmp_path: Path) -> None:
    files = []
    for number, ending in enumerate(("mp4", "mkv")):
        files.append(tmp_path / f"clip.{ending}")
        store_clip(files[-1], filmed(48, 60, seed=number), 25, truth_options(30))
    folder = tmp_path / "pack"
    folder.mkdir()
    everything = gather.video_scenes(files, folder, experiment(), 10**9)
    names = ["video_000_clip_0", "video_001_clip_0", "video_000_clip_1", "video_001_clip_1"]
    assert [scene.name for scene in everything] == names
    sizes = {file.name: file.stat().st_size for file in folder.iterdir()}
    # Room for half of the last scene: x264 does not write the very same bytes every time.
    budget = sum(sizes.values()) - sum(size for name, size in sizes.items() if name.startswith(names[-1])) // 2
    for file in folder.iterdir():
        file.unlink()
    kept = gather.video_scenes(files, folder, experiment(), budget)
    assert [scene.name for scene in kept] == names[:3]
    assert sum(file.stat().st_size for file in folder.iterdir()) <= budget


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
for name in ("av", "ml_collections", "tensorboardX", "grain", "tensorflow"):
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
def test_a_state_cut_short_on_the_way_leaves_no_run_folder(first_slice: tuple[Path, str], tmp_path: Path) -> None:
    whole = (first_slice[0] / parcels.RESUME).read_bytes()
    (tmp_path / parcels.RESUME).write_bytes(whole[: len(whole) // 2])
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
    assert pack.main(["--data", missing, "--output", str(tmp_path / "pack"), "--config", config]) == 2
    assert train.main(["--pack", missing, "--workdir", missing, "--out", missing, "--minutes", "1"]) == 2
    assert fetch.main(["--from", missing, "--workdir", str(tmp_path / "run")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["pack", "train", "fetch"]
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
