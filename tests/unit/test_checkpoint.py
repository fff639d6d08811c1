"""The parameter store and the weights file: what goes in comes out, and damage is told."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from small import assert_same_bits, leaves, lively, shapes_of, two_rungs

from mrsr.checkpoint import CHECKPOINTS, WEIGHTS, Store, load_model, read_weights, write_weights
from mrsr.checkpoint.checksums import SUMS
from mrsr.config import save_config
from mrsr.errors import RunError, UserError


@pytest.fixture(scope="module")
def params() -> Any:
    return lively(shapes_of(two_rungs()))


def fill(workdir: Path, params: Any, steps: tuple[int, ...] = (1, 2, 3)) -> None:
    """A run folder whose averages are the parameters plus the step."""
    save_config(two_rungs(), workdir)
    with Store(workdir, keep=2) as store:
        for step in steps:
            average = jax.tree.map(lambda leaf, step=step: leaf + np.float32(step), params)
            store.save(step, {"params": params, "ema_params": average}, {"step": np.int32(step)})


def test_the_newest_averages_come_back_and_only_so_many_are_kept(tmp_path: Path, params: Any) -> None:
    fill(tmp_path, params)
    config, found = load_model(tmp_path)
    assert config == two_rungs()
    for name, leaf in leaves(params).items():
        np.testing.assert_array_equal(leaves(found)[name], leaf + np.float32(3))
    assert sorted(path.name for path in (tmp_path / CHECKPOINTS).iterdir()) == ["2", "3"]


def spoil(workdir: Path, step: int) -> None:
    """Flips a bit in the largest file of a step: in its arrays."""
    path = max((workdir / CHECKPOINTS / str(step)).rglob("*"), key=lambda path: path.is_file() and path.stat().st_size)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def all_files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_damaged_newest_checkpoint_is_told_and_the_one_before_is_loaded(
    tmp_path: Path, params: Any, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, params)
    spoil(tmp_path, 3)
    before = all_files(tmp_path)
    _, found = load_model(tmp_path)
    assert_same_bits(found, jax.tree.map(lambda leaf: leaf + np.float32(2), params))
    (record,) = caplog.records
    assert record.message.startswith(f"{tmp_path / CHECKPOINTS / '3'}: damaged (model/")
    assert record.message.endswith("taking step 2 instead")
    assert all_files(tmp_path) == before


def test_a_checkpoint_that_cannot_be_read_is_not_called_damaged_and_stays(tmp_path: Path, params: Any) -> None:
    fill(tmp_path, params, (1, 2))
    folder = tmp_path / CHECKPOINTS / "2"
    path = next(path for path in (folder / "model").rglob("*") if path.is_file())
    path.unlink()
    # A link to itself: the system refuses to open it, whoever asks.
    path.symlink_to(path.name)
    with Store(tmp_path) as store, pytest.raises(UserError, match=r"checkpoints/2: cannot be read \("):
        store.restore_newest({"params": params}, {"step": np.int32(0)}, pytest.fail)
    assert path.is_symlink()


def test_damaged_checkpoints_alone_are_refused_in_one_line_with_their_paths(tmp_path: Path, params: Any) -> None:
    fill(tmp_path, params, (1, 2))
    for step in (1, 2):
        spoil(tmp_path, step)
    command = [sys.executable, "-m", "mrsr.cli", "evaluate", "--model", tmp_path, "--frames", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("mrsr: ")]
    for step in (1, 2):
        assert f"{tmp_path / CHECKPOINTS / str(step)}: damaged" in line


def test_checkpoints_of_an_older_version_have_no_checksums_and_are_loaded_with_a_warning(
    tmp_path: Path, params: Any, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, params)
    for step in (2, 3):
        (tmp_path / CHECKPOINTS / str(step) / SUMS).unlink()
    assert_same_bits(load_model(tmp_path)[1], jax.tree.map(lambda leaf: leaf + np.float32(3), params))
    assert "taken without a check" in caplog.text
    shutil.rmtree(tmp_path / CHECKPOINTS / "3" / "model")
    assert_same_bits(load_model(tmp_path)[1], jax.tree.map(lambda leaf: leaf + np.float32(2), params))
    assert f"{tmp_path / CHECKPOINTS / '3'}: damaged" in caplog.text


def test_another_model_is_not_called_damaged_and_stays(tmp_path: Path, params: Any) -> None:
    fill(tmp_path, params, (1,))
    before = all_files(tmp_path)
    with Store(tmp_path) as store, pytest.raises(UserError, match=r"checkpoints/1: of another model"):
        store.restore_newest({"params": np.zeros(3)}, {"step": np.int32(0)}, pytest.fail)
    assert all_files(tmp_path) == before


def test_the_checksums_are_those_of_sha256sum_and_of_every_file(tmp_path: Path, params: Any) -> None:
    fill(tmp_path, params, (1,))
    folder = tmp_path / CHECKPOINTS / "1"
    listed = dict(reversed(line.split("  ")) for line in (folder / SUMS).read_text().splitlines())
    assert {folder / name for name in listed} | {folder / SUMS} == all_files(folder).keys()
    if shutil.which("sha256sum") is None:
        pytest.skip("no sha256sum here")
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", SUMS], cwd=folder, check=True)


def test_a_file_that_was_not_saved_is_damage_too(tmp_path: Path, params: Any) -> None:
    fill(tmp_path, params, (1,))
    (tmp_path / CHECKPOINTS / "1" / "model" / "more").touch()
    with pytest.raises(UserError, match=rf"1: damaged \(model/more is not in {SUMS}\)"):
        load_model(tmp_path)


def test_a_step_that_is_there_is_not_saved_again_and_this_is_told(tmp_path: Path, params: Any) -> None:
    items = {"params": params}, {"step": np.int32(1)}
    with Store(tmp_path) as store:
        store.save(1, *items)
        with pytest.raises(RunError, match="checkpoints/1: not saved, for step 1 is there already"):
            store.save(1, *items)


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from mrsr.checkpoint import Store
from mrsr.errors import RunError
workdir, when = Path(sys.argv[1]), sys.argv[2]
large = {"params": np.random.default_rng(0).random(1 << 18)}
try:
    with Store(workdir) as store:
        store.save(1, {"params": np.zeros(3)}, {"step": np.int32(1)})
    with Store(workdir) as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 17, 1 << 17))
        store.save(2, large, {"step": np.int32(2)})
        if when == "next":
            store.save(3, large, {"step": np.int32(3)})
except RunError as error:
    print(error)
"""


@pytest.mark.parametrize("when", ["next", "end"])
def test_a_full_disk_is_told_by_the_next_save_or_at_the_end(tmp_path: Path, when: str) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, tmp_path, when], capture_output=True, text=True)
    assert done.stdout.startswith(f"{tmp_path / CHECKPOINTS / '2'}: not saved ("), done.stderr
    assert {"1"} == {path.name for path in (tmp_path / CHECKPOINTS).iterdir() if path.name.isdigit()}


def test_a_weights_file_keeps_parameters_in_bfloat16(tmp_path: Path, params: Any) -> None:
    write_weights(tmp_path / WEIGHTS, params)
    found = read_weights(tmp_path / WEIGHTS, shapes_of(two_rungs()))
    for name, leaf in leaves(params).items():
        assert leaves(found)[name].dtype == np.float32
        np.testing.assert_allclose(leaves(found)[name], leaf, rtol=2**-8)
    save_config(two_rungs(), tmp_path)
    assert_same_bits(load_model(tmp_path)[1], found)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", WEIGHTS]


def test_a_weights_file_of_another_network_or_cut_short_is_refused(tmp_path: Path, params: Any) -> None:
    other = dict(params) | {"encoder_180": {"kernel": np.zeros((3, 3, 3, 9)), "bias": np.zeros(9)}}
    write_weights(tmp_path / WEIGHTS, other)
    with pytest.raises(UserError, match=r"encoder_180.* the config asks for"):
        read_weights(tmp_path / WEIGHTS, shapes_of(two_rungs()))
    (tmp_path / WEIGHTS).write_bytes((tmp_path / WEIGHTS).read_bytes()[:100])
    with pytest.raises(UserError, match="damaged"):
        read_weights(tmp_path / WEIGHTS, shapes_of(two_rungs()))


def test_folders_without_parameters_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such run folder"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(UserError, match="not a run folder"):
        load_model(tmp_path)
    save_config(two_rungs(), tmp_path)
    with pytest.raises(UserError, match="holds no parameters yet"):
        load_model(tmp_path)
