"""The network in the browser: the server's pictures, the server's routes, and back to the server where too slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from browsing import Visitor, missing, until
from fake_camera import picture

from benchmarks.browser import ENLARGE, by_runtime, given, taken
from mrsr.inference.plan import plan
from mrsr.ladder import Ladder, Route, RouteSet
from mrsr.streaming.device import graphs_folder, runtime_folder


@pytest.fixture
def device(visit: Callable[..., Visitor]) -> tuple[Visitor, dict[str, Any]]:
    """A page, and what its server offers it to enlarge with."""
    if runtime_folder() is None:
        missing("onnxruntime-web is not in the cache (python -m mrsr.streaming.device.fetch)")
    window = visit()
    config = window.page.evaluate("async () => (await fetch('/api/config')).json()")
    return window, config["device"]


@pytest.mark.parametrize(("route", "size"), [("180:360", (90, 161)), ("360:720", (91, 160))])
def test_a_browser_makes_the_pictures_that_the_server_makes(
    device: tuple[Visitor, dict[str, Any]], route: str, size: tuple[int, int]
) -> None:
    window, offered = device
    height, width = size
    frames = [_colourful(picture(number)[30 : 30 + height, 40 : 40 + width]) for number in range(5)]
    made = window.page.evaluate(
        ENLARGE,
        {"device": offered, "route": route, "width": width, "height": height, "pictures": given(frames), "last": 5},
    )
    expected = by_runtime("jax", Route(*map(int, route.split(":"))), frames)
    off = np.mean(np.abs(np.subtract(taken(made["made"]), expected, dtype=int)), axis=(1, 2, 3))
    # What the gate of the export allows the form that runs: float32 where set-up made it, else 8 bits.
    assert off.max() < (0.01 if graphs_folder() else 0.35)


def test_a_picture_takes_the_route_in_the_browser_that_it_takes_on_the_server(
    device: tuple[Visitor, dict[str, Any]],
) -> None:
    window, offered = device
    names = list(offered["routes"])
    routes = RouteSet.of([Route(*map(int, name.split(":"))) for name in names])
    cases = [(short, target) for short in (90, 144, 180, 200, 254, 255, 270, 359) for target in (360, 540, 720)]
    chosen = window.page.evaluate(
        """async ([names, cases]) => {
          const { plan } = await import("/static/plan.js");
          return cases.map(([short, target]) => plan(names, 2 * short, short, target)?.name);
        }""",
        [names, cases],
    )
    assert chosen == [plan(Ladder(), routes, short, 2 * short, target).route.name for short, target in cases]


def test_enlarged_on_the_device_and_back_where_it_is_too_slow(visit: Callable[..., Visitor]) -> None:
    if runtime_folder() is None:
        missing("onnxruntime-web is not in the cache (python -m mrsr.streaming.device.fetch)")
    visit().join("Ada", "camera", watch=False)
    viewer = visit().join("Grace")
    until("a picture", viewer.height)
    viewer.wish(policy="destination", height=360, enlarge="device")
    until("enlarged here", lambda: viewer.text(".badge") == "Super-resolved here")
    assert "on this device" in viewer.text(".tile > .reason")
    assert viewer.page.locator("canvas.sharp").is_visible()
    # Nobody's processor makes 1000 a second: it gives up, says so, and offers to go on all the same.
    viewer.page.evaluate("async () => { (await import('/static/local.js')).Local.slowest = 1000; }")
    until("given back", lambda: viewer.page.locator(".offer").is_visible())
    assert "the server does it again" in viewer.text(".offer")
    until("the server's picture", lambda: viewer.text(".badge") == "Super-resolved")
    viewer.page.click(".anyway")
    until("enlarged here", lambda: viewer.text(".badge") == "Super-resolved here")


def _colourful(luma: np.ndarray) -> np.ndarray:
    return np.dstack([luma, 255 - luma, luma // 2 + 40])
