"""The SavedModel: JAX's numbers in every signature where JAX is not, weights once, all platforms, `saved_model_cli`.

Each test reads what processes of their own left: one that exported, one that served without JAX.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from PIL import Image

from mrsr.config import ExperimentConfig
from mrsr.errors import UserError
from mrsr.export.saved_model import write_saved_model
from mrsr.inference.jax_runtime import JaxRuntime
from mrsr.ladder import RouteSet
from tests.saved_model_export import small_export
from tests.saved_model_serve import handed_over
from tests.small import photograph

FRAMES = 12
ROOT = Path(__file__).parents[3]
ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
CASES = {
    "180:720 24x40x1": (24, 40, 1),
    "180:720 23x39x3": (23, 39, 3),
    "180:720 72x128x1": (72, 128, 1),
    "180:720 23x39x1": (23, 39, 1),
    "180:360,180:720 40x24x1": (40, 24, 1),
    "720:1080 23x39x1": (23, 39, 1),
}


def moving(height: int, width: int, batch: int) -> np.ndarray:
    """uint8 [batch, FRAMES, height, width, 3]: windows that wander over a photograph, each on a way of its own."""
    picture = photograph(height + 3 * FRAMES, width + 3 * FRAMES)
    ways = [[(t, 2 * t), (2 * t, t), (3 * FRAMES - t, t)] for t in range(FRAMES)]
    rows = [[picture[y : y + height, x : x + width] for y, x in at[:batch]] for at in ways]
    return np.array(rows).swapaxes(0, 1)


def run(*command: Any) -> subprocess.CompletedProcess[str]:
    """A process in this one's Python; its words are shown where it fails."""
    done = subprocess.run(
        [sys.executable, *map(str, command)], env=ENVIRONMENT, cwd=ROOT, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory, written by a process of its own."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("the extra export is not installed")
    folder = tmp_path_factory.mktemp("exported")
    run("-m", "tests.saved_model_export", folder)
    return folder


@pytest.fixture(scope="module")
def served(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a process without JAX found."""
    results = tmp_path_factory.mktemp("results")
    (results / "frames").mkdir()
    clips = {name: moving(*case) for name, case in CASES.items()}
    np.savez(results / "cases.npz", **clips)
    for index, frame in enumerate(clips["720:1080 23x39x1"][0]):
        Image.fromarray(frame).save(results / "frames" / f"{index:02}.png")
    run("-m", "tests.saved_model_serve", exported, results)
    return results


@pytest.fixture(scope="module")
def facts(served: Path) -> dict[str, Any]:
    return json.loads((served / "facts.json").read_text())


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    """What JAX in float32 makes of the cases: uint8 [B, T, h, w, 3] by case and route."""
    runtime = JaxRuntime(*small_export())
    found = {}
    for case in CASES:
        routes, clip = RouteSet.parse(case.split()[0]), moving(*CASES[case])
        state = runtime.init_state(routes, clip.shape[0], *clip.shape[2:4])
        frames = []
        for frame in clip.swapaxes(0, 1):
            outputs, state = runtime.step(routes, frame, state)
            frames.append(outputs)
        found |= {f"{case} {route}": np.stack([outputs[route] for outputs in frames], 1) for route in routes}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("way", ["runtime", "stream", "clip"])
def test_twelve_recurrent_frames_are_within_a_level_of_jax_at_any_size_and_batch(
    way: str, served: Path, expected: dict[str, np.ndarray]
) -> None:
    with np.load(served / "outputs.npz") as outputs:
        for case, output in expected.items():
            found = outputs[f"{way} {case}"]
            assert found.shape == output.shape
            assert found.dtype == np.uint8
            assert np.abs(found.astype(int) - output).max() <= 1, case
            assert output.std() > 20, "a saturated picture would prove nothing"


@pytest.mark.slow
def test_state_handed_to_another_pass_goes_on_as_in_jax(served: Path) -> None:
    case = "180:360,180:720 40x24x1"
    expected = handed_over(JaxRuntime(*small_export()), moving(*CASES[case]))
    with np.load(served / "outputs.npz") as outputs:
        assert np.abs(outputs["handed over"].astype(int) - expected).max() <= 1


@pytest.mark.slow
def test_a_folder_without_the_model_is_refused_by_name(served: Path, facts: dict[str, Any]) -> None:
    assert facts["damage"].startswith(f"{served / 'saved_model'}/")
    assert ": damaged or missing" in facts["damage"]


@pytest.mark.slow
def test_state_is_felt(expected: dict[str, np.ndarray]) -> None:
    # The parity of the frames after the first says something of the state only where the state changes them.
    runtime, case = JaxRuntime(*small_export()), "180:720 24x40x1"
    routes, clip = RouteSet.parse("180:720"), moving(*CASES[case])
    fresh, _ = runtime.step(routes, clip[:, -1], runtime.init_state(routes, 1, 24, 40))
    assert np.abs(fresh[routes.routes[0]].astype(int) - expected[f"{case} 180:720"][:, -1]).max() > 1


@pytest.mark.slow
def test_serving_process_has_no_jax(facts: dict[str, Any]) -> None:
    assert facts["jax"] == []


@pytest.mark.slow
def test_signatures_are_what_the_names_say(facts: dict[str, Any]) -> None:
    both = ["180_360", "180_720", "180_360_720", "720_1080"]
    names = {f"{kind}_{routes}" for kind in ("clip", "stream", "zero", "image") for routes in both}
    stateless = {"zero_720_1080"}
    assert set(facts["signatures"]) == (names - stateless) | {"serving_default"}
    assert facts["signatures"]["stream_180_360_720"] == [
        "frames_360", "frames_720", "state_180_180", "state_180_360",
    ]  # fmt: skip
    assert facts["signatures"]["serving_default"] == facts["signatures"]["clip_180_720"] == ["frames_720"]


@pytest.mark.slow
def test_every_program_is_lowered_for_cpu_cuda_and_tpu(facts: dict[str, Any]) -> None:
    assert len(facts["platforms"]) == 4  # one program for each of four passes, whatever the signature
    assert all(platforms == ["CPU", "CUDA", "TPU"] for platforms in facts["platforms"])


@pytest.mark.slow
def test_warm_up_file_holds_a_request_that_every_signature_takes(facts: dict[str, Any]) -> None:
    assert set(facts["replayed"]) == set(facts["signatures"])
    assert facts["replayed"]["clip_180_720"] == {"frames_720": [1, 1, 64, 96, 3]}
    assert facts["replayed"]["stream_720_1080"] == {"frames_1080": [1, 24, 36, 3]}
    assert facts["replayed"]["zero_180_360"] == {"state_180_180": [1, 16, 24, 3], "state_180_360": [1, 32, 48, 2]}


@pytest.mark.slow
def test_weights_are_stored_once(exported: Path) -> None:
    config, params = small_export()
    version = exported / "saved_model" / config.name / "1"
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(params))
    stored = sum(path.stat().st_size for path in (version / "variables").glob("variables.data-*"))
    largest = max((np.asarray(leaf) for leaf in jax.tree.leaves(params)), key=lambda leaf: leaf.nbytes)
    assert size <= stored < 1.2 * size + 4096
    assert largest.tobytes() not in (version / "saved_model.pb").read_bytes()


@pytest.mark.slow
def test_model_names_no_file_of_the_machine_it_was_made_on(exported: Path) -> None:
    program = next(exported.rglob("saved_model.pb")).read_bytes()
    assert str(ROOT).encode() not in program
    assert b"network.py" not in program


@pytest.mark.slow
def test_client_by_rest_gets_the_frames_as_png(served: Path, expected: dict[str, np.ndarray]) -> None:
    files = sorted((served / "rest").iterdir())
    frames = np.stack([np.asarray(Image.open(file)) for file in files])
    assert len(files) == FRAMES
    assert np.abs(frames.astype(int) - expected["720:1080 23x39x1 720:1080"][0]).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("route", ["180:720", "720:1080"])
def test_client_by_grpc_carries_the_state(
    route: str, served: Path, facts: dict[str, Any], expected: dict[str, np.ndarray]
) -> None:
    if not facts["grpc"]:
        pytest.skip("tensorflow-serving-api is not installed")
    frames = np.stack([np.asarray(Image.open(file)) for file in sorted((served / f"grpc {route}").iterdir())])
    assert np.abs(frames.astype(int) - expected[f"{route} 23x39x1 {route}"][0]).max() <= 1


@pytest.mark.slow
def test_saved_model_cli_shows_and_runs_a_signature(exported: Path, served: Path, tmp_path: Path) -> None:
    command = ["-m", "tensorflow.python.tools.saved_model_cli"]
    place = ["--dir", exported / "saved_model" / "init:small" / "1", "--tag_set", "serve", "--signature_def"]
    shown = run(*command, "show", *place, "stream_180_720").stdout
    assert "inputs['state_180_360'] tensor_info" in shown
    assert "shape: (-1, -1, -1, 3)" in shown
    case = "180:720 23x39x3"
    np.save(tmp_path / "clip.npy", moving(*CASES[case]))
    given = ["--inputs", f"frames={tmp_path / 'clip.npy'}", "--outdir", tmp_path, "--overwrite"]
    run(*command, "run", *place, "clip_180_720", *given)
    with np.load(served / "outputs.npz") as outputs:
        np.testing.assert_array_equal(np.load(tmp_path / "frames_720.npy"), outputs[f"clip {case} 180:720"])


@pytest.mark.parametrize(
    ("name", "routes", "platforms", "message"),
    [
        ("a/b", "180:360", ["cpu"], "model name 'a/b'"),
        ("a", "180:360", ["cpu", "rocm"], "platform 'rocm': expected one of cpu, cuda, tpu"),
        ("a", "360:360", ["cpu"], "none enlarges"),
        ("there", "180:360", ["cpu"], "is there already"),
    ],
)
def test_what_cannot_be_exported_is_refused_by_name(
    name: str, routes: str, platforms: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "there" / "1").mkdir(parents=True)
    config = ExperimentConfig(name=name)
    with pytest.raises(UserError, match=message):
        write_saved_model(config, {}, RouteSet.parse(routes), tmp_path, name, platforms)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
