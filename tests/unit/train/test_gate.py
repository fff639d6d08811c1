"""The forgetting gate: what was measured before a run decides, in whichever process the run ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mrsr.config import GateConfig
from mrsr.errors import UserError
from mrsr.train.gate import FILE, Gate

CONFIG = GateConfig(sources="clips:full", allowed=0.1)


def test_a_fall_beyond_what_is_allowed_is_refused(tmp_path: Path) -> None:
    gate = Gate(CONFIG, tmp_path)
    assert not gate.begun(0)
    gate.begin(0, 30.0)
    assert gate.look(10, 29.95)
    assert gate.words() == "clips:full: 30.00 dB before, 29.95 now (-0.05): passes (gate.allowed=0.1)"
    assert not gate.look(20, 29.85)
    assert gate.words().endswith("(-0.15): REFUSED (gate.allowed=0.1), not marked best")
    assert json.loads((tmp_path / FILE).read_text())["passes"] is False


def test_a_resumed_run_is_held_against_what_was_there_before_its_first_step(tmp_path: Path) -> None:
    Gate(CONFIG, tmp_path).begin(0, 30.0)
    resumed = Gate(CONFIG, tmp_path)
    assert resumed.begun(40)
    assert not resumed.look(50, 29.0)


def test_a_run_that_starts_anew_measures_anew(tmp_path: Path) -> None:
    Gate(CONFIG, tmp_path).begin(0, 30.0)
    assert not Gate(CONFIG, tmp_path).begun(0)


def test_what_was_measured_before_a_run_is_not_measured_anew_in_its_midst(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gate\.json: missing, and the run is at step 40"):
        Gate(CONFIG, tmp_path).begun(40)


@pytest.mark.parametrize("text", ['{"before": 3', "[]", "7", '{"before": null}'])
def test_a_damaged_gate_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UserError, match=r"gate\.json: damaged"):
        Gate(CONFIG, tmp_path).begun(40)
