"""A Chromium and a server for the tests of each file of pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsing import FLAGS, PATIENCE_S, Visitor, chromium
from fake_camera import write_camera
from serving import Server, serving


# Of a file, not of them all: while Playwright is there no other test can run an event loop in this thread.
@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Chromium whose camera is `fake_camera`'s."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    camera = write_camera(tmp_path_factory.mktemp("camera") / "camera.y4m")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path,
            args=[*FLAGS, f"--use-file-for-fake-video-capture={camera}"],
            timeout=1000 * PATIENCE_S,
        )
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """`mrsr serve`, with no more work than two busy cores do beside two browsers: they are not what is tested."""
    with serving("--fps", "10", "--least-fps", "1", "--routes", "180:360,180:720,360:720") as started:
        yield started


@pytest.fixture
def visit(browser: Any, server: Server, request: pytest.FixtureRequest) -> Iterator[Callable[..., Visitor]]:
    """Opens the page in a window of its own, in a room of the test's."""
    windows: list[Visitor] = []
    room = request.node.name[:64]

    def opened(**options: Any) -> Visitor:
        windows.append(Visitor(browser, f"{server.url}/#room={room}", **options))
        return windows[-1]

    yield opened
    for window in windows:
        window.close()
