"""Does what the tutorials of additions say, in a copy of the project they were applied to; writes what came out."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import onnx
from documents import ADDING, ROOT, commands
from mrsr_commands import check_mrsr
from onnx import TensorProto, helper
from PIL import Image
from small import photograph, shapes_of

from mrsr.cli.configs import read_config
from mrsr.cli.main import main
from mrsr.config import (
    DataConfig,
    ExperimentConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    StageConfig,
    model_size,
    validate,
)
from mrsr.inference.exported import open_form
from mrsr.inference.models import RUNTIMES
from mrsr.inference.onnx_names import FRAMES, new_state_name, output_name, state_name
from mrsr.ladder import Ladder, Route, RouteSet
from mrsr.manifest import Graph, Manifest, StateSpec
from mrsr.train.objective import objective
from mrsr.train.state import init_state
from mrsr.train.step import train_step

RUNG = "experiments/rung_540.py"


def two_steps() -> list[dict[str, float]]:
    """The metrics of two steps with the term that was added, of a network that compiles in a second."""
    stage = StageConfig(width=4, rrdbs=0)
    config = ExperimentConfig(
        rungs=(180, 360),
        routes="180:360",
        model=ModelConfig(stages=(stage, stage)),
        data=DataConfig(frames=1, crop=16),
        loss=LossConfig(edges=0.1),
        optimizer=OptimizerConfig(learning_rate=1e-2, warmup=0, decay=20),
    )
    clips = {rung: photograph(side, side)[None, None] for rung, side in ((180, 8), (360, 16))}
    batch = {"inputs": {180: clips[180]}, "truth": {360: clips[360]}}
    state, step, found = init_state(validate(config)), jax.jit(partial(train_step, config)), []
    for _ in range(2):
        state, metrics = step(state, batch)
        found.append({name: float(value) for name, value in metrics.items()})
    return found


def sheet() -> list[float]:
    """The mean (levels) of the contact sheets with and without the degradation, by the command of its tutorial."""
    (words,) = [command.words for command in documented() if "show" in command.words]
    output = words[words.index("--output") + 1]
    Path(output).parent.mkdir(exist_ok=True)
    means = []
    for override in ([], ["--config.data.degradation.sharpen=0.0"]):
        assert main([*words[1:], *override, "--examples=1", "--config.data.degradation.jpeg=0.0"]) == 0
        with Image.open(output) as image:
            means.append(float(np.mean(np.asarray(image.convert("L")))))
    return means


def rung() -> dict[str, Any]:
    """The terms that a step of the tutorial's config has, and whether all it shares with `tiny` is of one shape."""
    config = read_config(RUNG, ["--config.data.frames=2", "--config.data.crop=24"])
    ratios = {rung: 24 * rung // 1080 for rung in config.rungs}
    clip = {rung: jax.ShapeDtypeStruct((1, 2, side, side, 3), np.uint8) for rung, side in ratios.items()}
    params = shapes_of(config)
    _, forward = jax.eval_shape(partial(objective, config), params, {"inputs": clip, "truth": clip})
    tiny = shapes_of(ExperimentConfig(model=model_size("tiny")))
    same = {part for part in tiny if jax.tree.map(np.shape, tiny[part]) == jax.tree.map(np.shape, params[part])}
    return {"terms": sorted(forward.terms), "new": sorted(params.keys() - tiny.keys()), "same": same == tiny.keys()}


def runtime(folder: Path) -> list[bool]:
    """Whether the runtime that was added doubles frames and counts them, as a graph made by hand says."""
    route, key = Route(180, 360), "180@180"
    sides = ["B", "H", "W"]
    names = {"frames": FRAMES, "state": state_name(key), "output": output_name(route.name), "new": new_state_name(key)}
    nodes = [
        helper.make_node("Concat", [names["frames"], names["frames"]], ["wide"], axis=2),
        helper.make_node("Concat", ["wide", "wide"], [names["output"]], axis=1),
        helper.make_node("Add", [names["state"], "one"], [names["new"]]),
    ]
    given = [
        helper.make_tensor_value_info(names["frames"], TensorProto.UINT8, [*sides, 3]),
        helper.make_tensor_value_info(names["state"], TensorProto.FLOAT, [*sides, 1]),
    ]
    made = [
        helper.make_tensor_value_info(names["output"], TensorProto.UINT8, ["B", "2H", "2W", 3]),
        helper.make_tensor_value_info(names["new"], TensorProto.FLOAT, [*sides, 1]),
    ]
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    onnx.save(helper.make_model(helper.make_graph(nodes, "twice", given, made, [one])), folder / "twice.onnx")
    routes = RouteSet.of([route])
    graph = Graph(routes, 2, {key: StateSpec(1, 1)}, {"onnx/float32": "twice.onnx"})
    manifest = Manifest("twice", "hash", 0, Ladder(), (graph,))
    opened = open_form("onnx_reference", "onnx/float32", manifest, folder)
    frames = np.random.default_rng(0).integers(0, 256, (1, 3, 5, 3), np.uint8)
    state = opened.init_state(routes, 1, 3, 5)
    for _ in range(2):
        outputs, state = opened.step(routes, frames, state)
    whole = np.tile(np.pad(frames, ((0, 0), (0, 1), (0, 1), (0, 0)), "edge"), (1, 2, 2, 1))[:, :6, :10]
    return [np.array_equal(outputs[route], whole), bool(np.all(state[key] == 2)), "onnx_reference" in RUNTIMES]


def documented() -> list[Any]:
    """The commands of the pages."""
    return [command for page in ADDING for command in commands(page)]


if __name__ == "__main__":
    for command in documented():
        if "--model" not in command.words or "exported" not in command.words:
            check_mrsr(command.words[1:])
    report = {"steps": two_steps(), "sheet": sheet(), "rung": rung(), "runtime": runtime(ROOT)}
    Path(sys.argv[1]).write_text(json.dumps(report))
