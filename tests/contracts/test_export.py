"""An exported directory says the same numbers in every form, is whole or not there, and is refused where damaged."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from small import two_rungs

from mrsr.checkpoint import WEIGHTS, write_weights
from mrsr.cli.main import main
from mrsr.config import config_hash, save_config
from mrsr.errors import UserError
from mrsr.export import parity
from mrsr.inference.models import load_runtime
from mrsr.ladder import RouteSet
from mrsr.manifest import check_files, read_manifest
from mrsr.models.step import init_params

ROUTES = RouteSet.parse("180:360")
# Windows of larger pictures, as a reader gives them: no runtime may read them when they are gone.
FRAMES = np.random.default_rng(0).integers(0, 256, (3, 1, 24, 30, 3), dtype=np.uint8)[:, :, 4:19, 5:23]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a network whose every parameter counts: random ones, no decoder is zero."""
    folder = tmp_path_factory.mktemp("model")
    config = two_rungs()
    params = init_params(config.ladder(), config.route_set(), config.model, 0)
    rng = np.random.default_rng(1)
    noisy = jax.tree.map(lambda leaf: leaf + rng.normal(0, 0.1, leaf.shape).astype(np.float32), params)
    save_config(config, folder)
    write_weights(folder / WEIGHTS, noisy)
    return folder


@pytest.fixture(scope="module")
def exported(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of that network in both forms of float32."""
    output = tmp_path_factory.mktemp("exported") / "directory"
    forms = "onnx/float32,saved_model"
    arguments = ["--model", str(model), "--output", str(output), "--forms", forms, "--platforms", "cpu"]
    assert main(["export", *arguments, "--parity-frames", "12", "--licence", "CC0"]) == 0
    return output


def _run(runtime: Any) -> list[np.ndarray]:
    state = runtime.init_state(ROUTES, 1, *FRAMES.shape[2:4])
    shown = []
    for frames in FRAMES:
        outputs, state = runtime.step(ROUTES, frames, state)
        shown.append(outputs[ROUTES.routes[0]])
    return shown


EXPORTED = ("openvino", "onnxruntime", "saved_model")


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["jax", *EXPORTED])
def test_every_runtime_of_the_directory_says_what_the_run_folder_says(
    model: Path, exported: Path, runtime: str
) -> None:
    expected, found = _run(load_runtime(str(model))), _run(load_runtime(str(exported), runtime))
    for one, other in zip(expected, found, strict=True):
        assert np.abs(one.astype(int) - other).max() <= (0 if runtime == "jax" else 1)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(320, 180), (180, 320), (318, 178), (480, 270)])
def test_every_runtime_takes_the_sizes_of_calls(model: Path, exported: Path, width: int, height: int) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 1, height, width, 3), dtype=np.uint8)
    runtimes = [load_runtime(str(model)), *(load_runtime(str(exported), name) for name in EXPORTED)]
    made = []
    for runtime in runtimes:
        state = runtime.init_state(ROUTES, 1, height, width)
        for frame in frames:
            outputs, state = runtime.step(ROUTES, frame, state)
        made.append(outputs[ROUTES.routes[0]].astype(int))
    for name, other in zip(EXPORTED, made[1:], strict=True):
        assert other.shape == (1, 2 * height, 2 * width, 3), name
        assert np.abs(made[0] - other).max() <= 1, name


def test_by_itself_it_runs_on_openvino_where_there_is_a_cpu_alone(exported: Path) -> None:
    assert load_runtime(str(exported)).name == ("openvino" if jax.default_backend() == "cpu" else "jax")


def test_the_manifest_tells_where_it_comes_from_and_what_it_passed(model: Path, exported: Path) -> None:
    manifest = read_manifest(exported)
    check_files(manifest, exported)
    assert manifest.config_hash == config_hash(two_rungs())
    assert (manifest.licence, manifest.forms()) == ("CC0", ("onnx/float32", "saved_model"))
    assert set(manifest.parity["onnx/float32"]) == {"onnxruntime", "openvino"}
    found = manifest.parity["saved_model"]["saved_model"]["180:360"]
    assert (found["frames"], found["precision"]) == (12, "float32")
    listed = {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}
    assert listed == {"manifest.json", *manifest.checksums}


DAMAGED = {
    "jax": "weights.msgpack",
    "openvino": "onnx/float32/180_360.onnx",
    "onnxruntime": "onnx/float32/180_360.onnx",
    "saved_model": "saved_model/two-rungs/1/saved_model.pb",
}


@pytest.mark.parametrize(("runtime", "name"), DAMAGED.items())
def test_no_runtime_runs_a_damaged_file(exported: Path, tmp_path: Path, runtime: str, name: str) -> None:
    folder = shutil.copytree(exported, tmp_path / "directory")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"{Path(name).name}: damaged"):
        load_runtime(str(folder), runtime)


@pytest.mark.parametrize("runtime", DAMAGED)
def test_no_runtime_runs_a_directory_of_another_layout(exported: Path, tmp_path: Path, runtime: str) -> None:
    folder = shutil.copytree(exported, tmp_path / "directory")
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"version": 1', '"version": 2', 1))
    with pytest.raises(UserError, match=r"manifest\.json: version 2; expected 1$"):
        load_runtime(str(folder), runtime)


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_frames_that_must_not_be_written_to_are_taken(exported: Path, runtime: str) -> None:
    opened, frame = load_runtime(str(exported), runtime), FRAMES[0].copy()
    frame.flags.writeable = False
    state = opened.init_state(ROUTES, *frame.shape[:3])
    for leaf in state.values():
        leaf.flags.writeable = False
    outputs, _ = opened.step(ROUTES, frame, state)
    assert outputs[ROUTES.routes[0]].shape[0] == frame.shape[0]


def test_a_folder_beside_the_output_that_is_somebodys_own_stays(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(parity.TOLERANCES, "float32", parity.Tolerance(most=-1, mean=0.0, drift=0.0))
    (tmp_path / ".d.part").mkdir()
    arguments = ["--model", str(model), "--output", str(tmp_path / "d"), "--forms", "onnx/float32"]
    assert main(["export", *arguments, "--parity-frames", "2"]) == 1
    assert [path.name for path in tmp_path.iterdir()] == [".d.part"]
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert main(["export", "--model", str(model), "--output", str(tmp_path / "link")]) == 2


def test_a_form_beyond_its_tolerance_leaves_nothing_behind(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(parity.TOLERANCES, "float32", parity.Tolerance(most=-1, mean=0.0, drift=0.0))
    arguments = ["--model", str(model), "--output", str(tmp_path / "d"), "--forms", "onnx/float32"]
    assert main(["export", *arguments, "--parity-frames", "2"]) == 1
    assert "onnx/float32 in openvino, 180:360: largest difference from JAX" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--forms", "coreml"], "--forms coreml: expected some of saved_model,onnx/float32,onnx/float16"),
        (["--forms", "onnx/int8", "--calibration", "nowhere.mp4"], "nowhere.mp4"),
        (["--forms", "onnx/float32", "--calibration", "nowhere.mp4"], "--calibration: is for the form onnx/int8"),
        (["--platforms", "rocm"], "--platforms rocm: expected some of cpu,cuda,tpu"),
        (["--routes", "180:720"], "rung 720: not on the ladder 180, 360"),
        (["--routes", "360:360"], "--routes 360:360: expected some of 180:360"),
        (["--parity-frames", "0"], "--parity-frames 0: expected 1 or more"),
        (["--parity-video", "nowhere.mp4"], "nowhere.mp4"),
        (["--model", "bicubic"], "--model bicubic: has no network"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    assert main(["export", "--model", str(model), "--output", str(tmp_path / "d"), *arguments]) == 2
    assert named in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_output_that_is_there_is_left_alone(model: Path, exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (exported / "manifest.json").read_bytes()
    assert main(["export", "--model", str(model), "--output", str(exported), "--forms", "onnx/float32"]) == 2
    assert "exists; expected a directory that is not there" in capsys.readouterr().err
    assert (exported / "manifest.json").read_bytes() == before
