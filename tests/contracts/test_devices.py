"""Several devices compute what one does: raw gradients, before any optimizer could hide a factor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    file = tmp_path_factory.mktemp("devices") / "gradients.npz"
    path = os.pathsep.join(str(folder) for folder in (HERE.parent, HERE.parent.parent))
    done = subprocess.run(
        [sys.executable, HERE / "gradients_of_devices.py", file],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    with np.load(file) as arrays:
        return dict(arrays)


def test_gradients_of_four_devices_are_those_of_one(found: dict[str, np.ndarray]) -> None:
    one = {name.removeprefix("one"): leaf for name, leaf in found.items() if name.startswith("one[")}
    for network in ("['generator']", "['panel']['frame_360']", "['panel']['motion']"):
        of_network = {name: leaf for name, leaf in one.items() if name.startswith(network)}
        largest = max(np.abs(leaf).max() for leaf in of_network.values())
        assert largest > 1e-4
        for name, leaf in of_network.items():
            # What the hinge asks of the last bias for truth and for outputs cancels before the margins are reached.
            assert np.abs(leaf).max() > 0 or name.endswith("['last']['bias']"), f"{name} gets no gradient"
            np.testing.assert_allclose(found["four" + name], leaf, rtol=0, atol=1e-5 * largest, err_msg=name)


def test_the_loss_is_the_mean_over_the_devices(found: dict[str, np.ndarray]) -> None:
    np.testing.assert_allclose(found["loss_four"], found["loss_one"], rtol=1e-6)


def test_the_devices_hold_the_same_parameters_after_a_step(found: dict[str, np.ndarray]) -> None:
    assert found["difference_between_devices"] == 0
