"""Pages in a headless Chromium, and what a test waits for on them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync "
    "--disable-component-update --use-fake-device-for-media-stream --use-fake-ui-for-media-stream "
    "--autoplay-policy=no-user-gesture-required --disable-background-timer-throttling --disable-renderer-backgrounding "
    "--disable-backgrounding-occluded-windows"
).split()
PATIENCE_S = 60.0
"""For whatever a test waits for, opening a page included: two cores may be busy with other tests as well."""
T = TypeVar("T")


def missing(reason: str) -> None:
    """Skips, or fails where everything has to be there."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}, and CI is set")
    pytest.skip(reason)


def chromium() -> str:
    """The path of Chromium: `MRSR_CHROMIUM`, or on the PATH."""
    found = os.environ.get("MRSR_CHROMIUM") or shutil.which("chromium")
    if not found or not Path(found).exists():
        missing("Chromium is not installed (Debian: apt-get install chromium), nor named by MRSR_CHROMIUM")
    return str(found)


def until(what: str, condition: Callable[[], T]) -> T:
    """The first value of a condition that is true; fails with what was waited for after `PATIENCE_S`."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"after {PATIENCE_S:g} s still not: {what}")
        time.sleep(0.05)
    return value


class Visitor:
    """One person's browser window on a server's page."""

    def __init__(self, browser: Any, url: str, **options: Any) -> None:
        self.context = browser.new_context(permissions=["camera", "microphone"], **options)
        self.context.set_default_timeout(1000 * PATIENCE_S)
        self.page = self.context.new_page()
        self.troubles: list[str] = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", self._heard)
        # The page itself says when it is ready: what else loads, an icon, is not waited for.
        self.page.goto(url, wait_until="commit")
        self.page.wait_for_selector("body[data-ready]")

    def _heard(self, message: Any) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.troubles.append(message.text)

    def join(self, name: str, send: str = "", watch: bool = True) -> Visitor:
        """Fills the form in and joins; without `send` what was chosen stays."""
        page = self.page
        page.fill("#name", name)
        if send:
            page.check(f"input[value={send}]", force=True)
            until("a preview", lambda: page.locator("#preview").evaluate("video => video.videoWidth"))
        page.set_checked("#watch", watch)
        page.click("#go")
        page.wait_for_selector("body[data-link=joined]")
        return self

    def wish(self, **choices: object) -> None:
        """Chooses in the lists below the picture."""
        for name, value in choices.items():
            self.page.select_option(f".{name}", str(value))

    def text(self, selector: str) -> str:
        """What the first such element says."""
        return str(self.page.locator(selector).first.inner_text())

    def height(self) -> int:
        """Of the picture received, px; 0 before there is one."""
        video = self.page.locator(".tile video")
        return int(video.first.evaluate("video => video.videoHeight")) if video.count() else 0

    def close(self) -> None:
        """Closes the window; nothing may have gone wrong on it unseen."""
        self.context.close()
        assert self.troubles == []
