"""The models that ship: what their cards say is true of the files beside them."""

from __future__ import annotations

import numpy as np
import pytest

from data_pipelines.sample import held_out_clips
from mrsr.checkpoint import load_model
from mrsr.cli.main import main
from mrsr.config import config_hash
from mrsr.errors import UserError
from mrsr.export.parity import TOLERANCES
from mrsr.imaging.ranges import to_float, to_uint8
from mrsr.imaging.resample import resize
from mrsr.inference.exported import installed
from mrsr.inference.models import load_runtime
from mrsr.ladder import RouteSet
from mrsr.manifest import check_files, read_manifest
from mrsr.models.flops import parameter_count
from mrsr.shipped import CARD_TEXT, DEFAULT, card, card_text, folder, shipped


def test_what_runs_by_itself_ships() -> None:
    assert DEFAULT in shipped()


@pytest.mark.parametrize("name", shipped())
def test_a_card_describes_the_weights_beside_it(name: str) -> None:
    record = card(name)
    config, _ = load_model(folder(name))
    assert record["name"] == config.name == name
    assert record["config_hash"] == config_hash(config)
    assert record["parameters"] == parameter_count(config.ladder(), config.route_set(), config.model)
    assert record["routes"] == str(config.route_set())
    size = sum(path.stat().st_size for path in folder(name).rglob("*") if path.is_file())
    assert size < 2_000_000 or name != DEFAULT


@pytest.mark.parametrize("name", shipped())
def test_every_file_it_was_trained_on_is_named_with_its_licence_and_none_was_held_out(name: str) -> None:
    data = card(name)["data"]
    assert data
    for one in data:
        assert one["class"] in ("A", "B")
        assert one["licence"]
        assert one["origin"]
        assert not one["file"].startswith("validation/")
        assert one["file"] not in ("astronaut.png", "coffee.png")
        assert one["file"] in card_text(name)


@pytest.mark.parametrize("name", shipped())
def test_its_figures_are_on_clips_it_was_not_trained_on_and_beat_bicubic(name: str) -> None:
    record = card(name)
    trained_on = {one["file"].rpartition("/")[2] for one in record["data"]}
    assert not trained_on & {row["clip"] for row in record["evaluation"]["rows"]}
    gains = {(row["route"], row["degradation"]): row["gain"] for row in record["evaluation"]["means"]}
    assert gains["180:720", "bicubic"] > 2
    assert gains["180:720", "h264:28"] > 1


@pytest.mark.slow
@pytest.mark.skipif(not installed("openvino"), reason="the extra export is not installed")
@pytest.mark.parametrize("name", shipped())
def test_its_graphs_in_8_bits_say_what_its_weights_say(name: str) -> None:
    check_files(read_manifest(folder(name)), folder(name))
    routes = RouteSet.parse("180:360")
    runtimes = [load_runtime(name, "openvino"), load_runtime(name, "jax")]
    assert [runtime.precision for runtime in runtimes] == ["int8", "float32"]
    frames = [to_uint8(resize(to_float(frame), 60, 64))[None] for frame in held_out_clips(4)[0].frames]
    states = [runtime.init_state(routes, *frames[0].shape[:3]) for runtime in runtimes]
    for frame in frames:
        made = []
        for index, runtime in enumerate(runtimes):
            outputs, states[index] = runtime.step(routes, frame, states[index])
            made.append(outputs[routes.routes[0]].astype(int))
        assert np.abs(made[0] - made[1]).mean() < TOLERANCES["int8"].mean


def test_models_are_listed_and_a_card_is_printed_as_it_lies(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert f"{card(DEFAULT)['parameters']:,}" in capsys.readouterr().out
    assert main(["models", DEFAULT]) == 0
    assert capsys.readouterr().out == (folder(DEFAULT) / CARD_TEXT).read_text(encoding="utf-8")


def test_a_model_that_does_not_ship_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="model huge: does not ship; expected one of"):
        card("huge")
    assert main(["models", "huge"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
