"""The parameter store and the weights file: what goes in comes out, and damage is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from small import assert_same_bits, leaves, lively, shapes_of, two_rungs

from mrsr.checkpoint import CHECKPOINTS, WEIGHTS, Store, load_model, read_weights, write_weights
from mrsr.config import save_config
from mrsr.errors import UserError


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


def test_a_truncated_checkpoint_is_called_damaged_with_its_path(tmp_path: Path, params: Any) -> None:
    fill(tmp_path, params, (1,))
    for path in (tmp_path / CHECKPOINTS / "1" / "model").rglob("*"):
        if path.is_file() and path.parent.name == "d":
            path.write_bytes(b"")
    # In a process of its own: what TensorStore's threads still say after the failure would land in a later test.
    command = [sys.executable, "-m", "mrsr.cli", "evaluate", "--model", tmp_path, "--frames", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("mrsr: ")]
    assert f"{tmp_path / CHECKPOINTS / '1'}: damaged" in line


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
