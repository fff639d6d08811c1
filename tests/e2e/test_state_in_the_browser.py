"""What the browser's network keeps from picture to picture, and what it gives back: sessions, tensors, states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from browsing import Visitor, missing

from benchmarks.browser import ENLARGE, by_runtime, given, taken
from mrsr.ladder import Route
from mrsr.streaming.device import graphs_folder, runtime_folder
from mrsr.video.cuts import CutDetector

# A runtime in the place of onnxruntime-web: it counts what is alive, and a run waits until the page lets it go on. A
# picture's pixels are its state: 1 after a zero state, else one more than before.
RUNTIME = """
const page = new BroadcastChannel("runtime");
const alive = { sessions: 0, most: 0, states: 0 };
let go = [];
page.onmessage = ({ data }) => data === "go" ? go.shift()?.() : page.postMessage({ alive: { ...alive } });
export const env = { wasm: {} };
export class Tensor {
  constructor(type, data, dims) {
    Object.assign(this, { type, data, dims });
    if (type === "float32") alive.states += 1;
  }
  async getData() { return this.data; }
  dispose() { if (this.type === "float32") alive.states -= 1; }
}
export const InferenceSession = { async create() {
  alive.most = Math.max(alive.most, alive.sessions += 1);
  await new Promise(done => setTimeout(done, 50)); // a graph is loaded and prepared
  return {
    async run({ frames, memory }) {
      page.postMessage({ runs: true });
      await new Promise(done => go.push(done));
      const next = memory.data[0] + 1;
      const [, rows, columns] = frames.dims;
      return {
        new_memory: new Tensor("float32", new Float32Array(memory.data.length).fill(next), memory.dims),
        enlarged: new Tensor("uint8", new Uint8Array(rows * columns * 3).fill(next), frames.dims),
      };
    },
    async release() { alive.sessions -= 1; },
  };
} };
"""
# `steps`: [width, height] of a picture, or what comes while the picture before it is being enlarged: "reset", or
# "at once", a reset while its session is made.
STEPS = """async steps => {
  const page = new BroadcastChannel("runtime");
  const told = kind => new Promise(done => {
    page.addEventListener("message", ({ data }) => kind in data && done(data[kind]));
  });
  const worker = new Worker("/static/enlarger.js", { type: "module" });
  const answer = () => new Promise((done, failed) => {
    worker.onmessage = ({ data }) => data.failed ? failed(new Error(data.failed)) : done(data);
  });
  const runtime = { wasm: "/static/runtime-of-a-test.js", folder: "/static/" };
  const states = { memory: { grid: 1, channels: 1 } };
  worker.postMessage({ op: "open", runtime, routes: { "1:2": { url: "", multiple: 2, states } }, provider: "wasm" });
  await answer();
  const values = [];
  for (let i = 0; i < steps.length; i += 1) {
    const [width, height] = steps[i];
    const runs = told("runs"), made = answer();
    const picture = await createImageBitmap(new ImageData(width, height));
    worker.postMessage({ op: "enlarge", route: "1:2", picture });
    if (steps[i + 1] === "at once") { worker.postMessage({ op: "reset" }); i += 1; }
    await runs;
    if (steps[i + 1] === "reset") { worker.postMessage({ op: "reset" }); i += 1; }
    page.postMessage("go");
    const { picture: enlarged } = await made;
    const context = new OffscreenCanvas(1, 1).getContext("2d");
    context.drawImage(enlarged, 0, 0);
    values.push(context.getImageData(0, 0, 1, 1).data[0]);
  }
  const alive = told("alive");
  page.postMessage("count");
  return { values, alive: await alive };
}"""
CUTS = """async pictures => {
  const { CutDetector } = await import("/static/cuts.js");
  const detector = new CutDetector();
  return pictures.map(({ width, height, data }) =>
    detector.cuts(Uint8Array.from(atob(data), each => each.charCodeAt(0)), width, height));
}"""
LOCAL = """async () => {
  const said = [];
  let worker;
  window.Worker = class {
    constructor() { worker = this; }
    postMessage({ op }) { said.push(op); }
    terminate() {}
  };
  const { Local } = await import("/static/local.js");
  const canvas = () => document.createElement("canvas");
  const shown = canvas();
  const device = { runtime: {}, routes: { "180:360": {} } };
  const local = new Local(device, shown, { draw() {} }, { changed() {}, gaveUp() {} });
  worker.onmessage({ data: { opened: "WebAssembly" } });
  const video = Object.assign(canvas(), { width: 320, height: 180, videoWidth: 320, videoHeight: 180 });
  video.getContext("2d");
  shown.hidden = true;
  const stopped = local.frame(video, 1);
  local.reset();
  await stopped;
  await local.frame(video, 2);
  local.reset();
  worker.onmessage({ data: { picture: await createImageBitmap(video) } });
  const before = shown.hidden;
  await local.frame(video, 3);
  worker.onmessage({ data: { picture: await createImageBitmap(video) } });
  return { said, before, after: shown.hidden };
}"""


@pytest.fixture
def stepped(visit: Callable[..., Visitor]) -> Callable[[list[Any]], dict[str, Any]]:
    """What the worker makes of steps with the test's runtime."""
    window = visit()
    window.context.route(
        "**/runtime-of-a-test.js", lambda route: route.fulfill(content_type="text/javascript", body=RUNTIME)
    )
    return lambda steps: window.page.evaluate(STEPS, steps)


def test_the_state_goes_from_picture_to_picture_and_only_the_newest_is_kept(stepped: Callable[..., Any]) -> None:
    done = stepped([[4, 4]] * 3)
    assert done["values"] == [1, 2, 3]
    assert done["alive"] == {"sessions": 1, "most": 1, "states": 1}


def test_of_all_sizes_that_came_one_session_is_alive(stepped: Callable[..., Any]) -> None:
    done = stepped([[4, 4], [6, 4], [8, 4], [4, 4]])
    assert done["values"] == [1, 1, 1, 1]
    assert done["alive"] == {"sessions": 1, "most": 1, "states": 1}


def test_a_reset_during_a_picture_is_not_undone_by_the_state_it_leaves(stepped: Callable[..., Any]) -> None:
    done = stepped([[4, 4], [4, 4], "reset", [4, 4], [6, 4], "at once", [6, 4]])
    assert done["values"] == [1, 2, 1, 1, 1]


def test_no_picture_of_before_a_reset_reaches_the_worker_after_it_or_the_screen(visit: Callable[..., Visitor]) -> None:
    done = visit().page.evaluate(LOCAL)
    assert done["said"] == ["open", "reset", "enlarge", "reset", "enlarge"]
    assert done["before"] is True
    assert done["after"] is False


@pytest.mark.parametrize("size", [(90, 161), (180, 320), (320, 180), (7, 9)])
def test_a_browser_finds_the_cuts_that_the_server_finds(visit: Callable[..., Visitor], size: tuple[int, int]) -> None:
    frames = _film(*size)
    here = visit().page.evaluate(CUTS, [_as_text(frame) for frame in frames])
    detector = CutDetector()
    there = [detector(frame) for frame in frames]
    assert here == there
    assert any(there)
    assert not all(there[1:])


def test_after_a_cut_the_pictures_are_those_of_a_new_stream(visit: Callable[..., Visitor]) -> None:
    if runtime_folder() is None:
        missing("onnxruntime-web is not in the cache (python -m mrsr.streaming.device.fetch)")
    window = visit()
    device = window.page.evaluate("async () => (await fetch('/api/config')).json()")["device"]
    one, other = _scene(1, 90, 160), _scene(2, 90, 160)
    asked = {"device": device, "route": "180:360", "width": 160, "height": 90, "pictures": given([one, one, other])}
    made = taken(window.page.evaluate(ENLARGE, asked | {"last": 3})["made"])
    route = Route(180, 360)
    expected = by_runtime("jax", route, [one, one]) + by_runtime("jax", route, [other])
    off = np.mean(np.abs(np.subtract(made, expected, dtype=int)), axis=(1, 2, 3))
    assert off.max() < (0.01 if graphs_folder() else 0.35)
    # It is the reset that does it: with the state of the scene before, the picture would be another.
    carried = by_runtime("jax", route, [one, one, other])[-1]
    assert np.mean(np.abs(np.subtract(carried, expected[-1], dtype=int))) > 0.05


def _scene(seed: int, height: int, width: int) -> np.ndarray:
    """uint8 [H, W, 3]: blotches, each seed's own."""
    coarse = np.random.default_rng(seed).integers(20, 236, (7, 9, 3))
    rows = np.arange(height) * 7 // height
    columns = np.arange(width) * 9 // width
    return coarse[rows][:, columns].astype(np.uint8)


def _film(height: int, width: int) -> list[np.ndarray]:
    """Scenes that stand, move, are lit otherwise, flash, fade, and follow one another."""
    one, other = _scene(1, height, width), _scene(2, height, width)
    flash, black = np.full_like(one, 255), np.zeros_like(one)
    moved = [np.roll(one, (0, step * width // 16), (0, 1)) for step in (1, 2, 4, 8)]
    lit, last = one // 2 + 60, _scene(3, height, width)
    return [one, one, *moved, one, lit, flash, one, black, other, other, one, 255 - one, last]


def _as_text(frame: np.ndarray) -> dict[str, Any]:
    return {"width": frame.shape[1], "height": frame.shape[0], "data": given([frame])[0]}
