"""What `--model` names becomes something that runs, or is refused by name."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from small import lively, shapes_of, two_rungs

import mrsr.shipped
from mrsr.checkpoint import WEIGHTS, write_weights
from mrsr.config import config_hash, save_config
from mrsr.errors import UserError
from mrsr.inference.models import DEMO_RUN, find_model, load_runtime
from mrsr.ladder import Route, RouteSet


def make_run(folder: Path) -> None:
    save_config(two_rungs(), folder)
    write_weights(folder / WEIGHTS, lively(shapes_of(two_rungs())))


def test_a_run_folder_runs_in_jax(tmp_path: Path) -> None:
    make_run(tmp_path)
    runtime = load_runtime(str(tmp_path))
    assert (runtime.name, runtime.model_name, runtime.config_hash) == ("jax", "two-rungs", config_hash(two_rungs()))
    assert set(runtime.routes) == {Route(180, 360), Route(360, 360)}
    routes = RouteSet.of([Route(180, 360)])
    state = runtime.init_state(routes, 2, 5, 6)
    frames = np.full((2, 5, 6, 3), 128, np.uint8)
    outputs, after = runtime.step(routes, frames, state)
    assert outputs[Route(180, 360)].shape == (2, 10, 12, 3)
    assert outputs[Route(180, 360)].dtype == np.uint8
    assert set(after) == {"180@180", "180@360"}


def test_bicubic_is_always_there() -> None:
    runtime = load_runtime("bicubic")
    assert (runtime.name, runtime.parameters, runtime.config_hash) == ("bicubic", 0, None)


@pytest.fixture
def nothing_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mrsr.shipped, "FOLDER", tmp_path / "weights")


@pytest.mark.usefixtures("nothing_ships")
def test_without_a_name_the_model_that_ships_comes_before_the_demos_run(tmp_path: Path) -> None:
    make_run(DEMO_RUN)
    assert find_model(None)[0] == two_rungs()
    other = two_rungs()
    other.name = "shipped"
    save_config(other, tmp_path / "weights" / "tiny")
    write_weights(tmp_path / "weights" / "tiny" / WEIGHTS, lively(shapes_of(other)))
    (tmp_path / "weights" / "tiny" / "card.json").write_text("{}")
    assert find_model(None)[0] == find_model("tiny")[0] == other


@pytest.mark.usefixtures("nothing_ships")
def test_without_a_name_or_a_run_it_is_bicubic_with_a_warning(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        assert load_runtime(None).name == "bicubic"
    assert "no model: taking bicubic; `mrsr demo` trains one" in caplog.text


@pytest.mark.usefixtures("nothing_ships")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "nowhere: no such run folder"),
        ("base", "--model base: its weights do not ship with this version"),
        ("init:huge", "model size 'huge': expected one of tiny, small, base"),
    ],
)
def test_what_is_not_there_is_named(name: str, message: str) -> None:
    with pytest.raises(UserError) as raised:
        load_runtime(name)
    assert message in str(raised.value)


def test_an_unknown_runtime_is_refused() -> None:
    with pytest.raises(UserError, match="--runtime abacus: expected one of auto, jax"):
        load_runtime("bicubic", "abacus")
