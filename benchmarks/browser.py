"""The network in a headless Chromium: pictures a second, and how far they lie from the server's runtimes.

`python -m benchmarks.browser [--routes 180:360 ...] [--frames 40] [--threads 1 2] [--json FILE]`, after
`make setup`. The page's own worker enlarges frame after frame, as in a call; a frame's time is from its picture to the
enlarged one, both as the page has them. The same frames then go through the runtime that a server on this machine
takes by itself, and through JAX.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import web
from rich.console import Console
from rich.table import Table

from data_pipelines.sample import held_out_clips
from mrsr.errors import RunError, UserError
from mrsr.imaging.ranges import to_float, to_uint8
from mrsr.imaging.resample import resize
from mrsr.inference.models import load_runtime
from mrsr.ladder import Route, RouteSet
from mrsr.models.flops import frame_sizes
from mrsr.streaming.device import graphs_folder, offered
from mrsr.streaming.guards import SECURITY_HEADERS
from mrsr.streaming.pages import add_pages

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
_FIRST = 5  # frames that are not timed: compilation, and the threads' start
_LAST = 6  # that are compared: they have the state of all before them

ENLARGE = """async ({ device, route, width, height, pictures, threads, last }) => {
  const worker = new Worker("/static/enlarger.js", { type: "module" });
  const answer = message => new Promise((done, failed) => {
    worker.onmessage = ({ data }) => data.failed ? failed(new Error(data.failed)) : done(data);
    worker.postMessage(message, message.picture ? [message.picture] : []);
  });
  const { runtime, routes } = device;
  const { opened } = await answer({ op: "open", runtime, routes, threads, provider: "wasm" });
  const made = [], ms = [];
  for (const text of pictures) {
    const data = Uint8ClampedArray.from(atob(text), each => each.charCodeAt(0));
    const given = await createImageBitmap(new ImageData(data, width, height));
    const began = performance.now();
    const { picture } = await answer({ op: "enlarge", route, picture: given });
    ms.push(performance.now() - began);
    if (ms.length <= pictures.length - last) continue;
    const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
    context.drawImage(picture, 0, 0);
    const bytes = context.getImageData(0, 0, picture.width, picture.height).data;
    let letters = "";
    for (let i = 0; i < bytes.length; i += 32768) letters += String.fromCharCode(...bytes.subarray(i, i + 32768));
    made.push({ width: picture.width, height: picture.height, data: btoa(letters) });
  }
  worker.terminate();
  return { opened, made, ms };
}"""
"""JavaScript of a page of ours: pictures, base64 of RGBA, enlarged one after another by the page's worker; gives the
`last` of them back."""


def given(frames: Sequence[np.ndarray]) -> list[str]:
    """Frames uint8 [H, W, 3] as `ENLARGE` takes them."""
    opaque = np.full((*frames[0].shape[:2], 1), 255, np.uint8)
    return [base64.b64encode(np.concatenate([frame, opaque], 2).tobytes()).decode() for frame in frames]


def taken(made: Sequence[dict[str, Any]]) -> list[np.ndarray]:
    """The pictures `ENLARGE` made, uint8 [H, W, 3]."""
    return [
        np.frombuffer(base64.b64decode(each["data"]), np.uint8).reshape(each["height"], each["width"], 4)[..., :3]
        for each in made
    ]


def by_runtime(name: str, route: Route, frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The same pictures by a runtime of the server, with the state it keeps: uint8 [H, W, 3]."""
    runtime, routes = load_runtime("tiny", name), RouteSet.of([route])
    state, made = runtime.init_state(routes, 1, *frames[0].shape[:2]), []
    for frame in frames:
        outputs, state = runtime.step(routes, frame[None], state)
        made.append(np.asarray(outputs[route][0]))
    return made


def chromium() -> str:
    """The path of Chromium: `MRSR_CHROMIUM`, or on the PATH.

    Raises:
      UserError: there is none.
    """
    found = os.environ.get("MRSR_CHROMIUM") or shutil.which("chromium")
    if not found or not Path(found).is_file():
        raise UserError(f"MRSR_CHROMIUM {found}: expected a Chromium (Debian: apt-get install chromium)")
    return found


async def measure(routes: Sequence[Route], threads: Sequence[int], count: int) -> list[dict[str, Any]]:
    """A row for each route and number of threads: frames/s, ms a frame, distance to the server's runtimes in levels.

    Raises:
      UserError: there is no Chromium.
      RunError: set-up has not fetched onnxruntime-web.
    """
    from playwright.async_api import async_playwright

    device = offered()
    if device is None:
        raise RunError("onnxruntime-web is not in the cache: python -m mrsr.streaming.device.fetch")
    app, rows = web.Application(), []
    add_pages(app)
    app.on_response_prepare.append(_isolated)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        for route in routes:
            frames = _frames(route, count)
            references = {name: by_runtime(name, route, frames)[-_LAST:] for name in ("auto", "jax")}
            for number in threads:
                asked = {"device": device.config, "route": route.name, "threads": number, "last": _LAST}
                asked |= {"pictures": given(frames)}
                done = await page.evaluate(
                    ENLARGE, asked | dict(zip(("height", "width"), frames[0].shape, strict=False))
                )
                made, ms = taken(done["made"]), done["ms"][_FIRST:]
                off = {
                    name: float(np.mean(np.abs(np.subtract(made, each, dtype=int))))
                    for name, each in references.items()
                }
                rows.append(
                    {
                        "route": route.name,
                        "threads": number,
                        "fps": round(1000 / float(np.mean(ms)), 2),
                        "ms": {f"p{share}": round(float(np.percentile(ms, share)), 1) for share in (50, 95)},
                        "levels_from_server": round(off["auto"], 4),
                        "levels_from_jax": round(off["jax"], 4),
                    }
                )
        version = browser.version
        await browser.close()
    await runner.cleanup()
    form = "float32" if graphs_folder() else "int8"
    return [row | {"chromium": version, "form": form, "frames": count} for row in rows]


async def _isolated(request: web.Request, response: web.StreamResponse) -> None:
    """The headers of the gateway: with them a page has threads."""
    del request
    response.headers.update(SECURITY_HEADERS)


def _frames(route: Route, count: int) -> list[np.ndarray]:
    """uint8 [H, W, 3] of the embedded sample in motion, at the 16:9 size of the route's input."""
    [size] = frame_sizes(RouteSet.of([route])).values()
    clip = [frame for each in held_out_clips(count) for frame in each.frames][:count]
    return [np.asarray(to_uint8(resize(to_float(frame), *size))) for frame in clip]


def main() -> None:
    """Measures, prints a table and writes the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--routes", nargs="+", default=["180:360", "180:720", "360:720"])
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    routes = [Route(*map(int, name.split(":"))) for name in args.routes]
    rows = asyncio.run(measure(routes, args.threads, args.frames))
    table = Table("route", "threads", "frames/s", "ms p50", "ms p95", "off the server's", "off JAX")
    for row in rows:
        figures = (row["fps"], row["ms"]["p50"], row["ms"]["p95"], row["levels_from_server"], row["levels_from_jax"])
        table.add_row(row["route"], str(row["threads"]), *map(str, figures))
    Console().print(table)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
