"""Real Chromium that joins a call by the server's own page, its frames read by the counter, its messages kept."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.calls.namespace import Namespace
from mrsr.errors import RunError

READER = (Path(__file__).parent / "reader.js").read_text(encoding="utf-8")
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# A fake camera, media without a click, no pages slowed because nobody looks at them.
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --use-fake-device-for-media-stream --use-fake-ui-for-media-stream "
    "--autoplay-policy=no-user-gesture-required --disable-background-timer-throttling "
    "--disable-renderer-backgrounding --disable-backgrounding-occluded-windows --mute-audio"
).split()


@dataclass(slots=True)
class Page:
    """A page in a call.

    Attributes:
      page: Playwright's.
      said: messages of the server, each with the Unix time it came at, s.
    """

    page: Any
    said: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    async def frames(self) -> list[tuple[float, int | None, int, int]]:
        """The frames read so far: Unix time (s), number, width and height (px)."""
        rows = await self.page.evaluate("window.mrsrFrames ?? []")
        return [(row[0] / 1000, row[1], row[2], row[3]) for row in rows]

    def messages(self, kind: str) -> list[tuple[float, dict[str, Any]]]:
        """Those of the server's messages that are of a type."""
        return [(at, message) for at, message in self.said if message.get("type") == kind]

    async def shows(self, selector: str, seconds: float = 30) -> None:
        """Waits until a video of the page has a picture.

        Raises:
          RunError: it does not get one.
        """
        script = (
            "(s) => [...document.querySelectorAll(s)].some((video) => video.videoWidth > 2 && video.currentTime > 0)"
        )
        try:
            await self.page.wait_for_function(script, arg=selector, timeout=1000 * seconds)
        except Exception as error:
            text = await self.page.inner_text("body")
            raise RunError(f"no picture at {selector} in {seconds:g} s; the page says: {text[:300]!r}") from error


@dataclass(slots=True)
class Browser:
    """A browser of its own process, with Playwright's handle."""

    browser: Any
    pid: int | None = None

    async def join(
        self, url: str, room: str, name: str, *, send: bool = False, token: str | None = None, compare: bool = False
    ) -> Page:
        """A page that has joined: publishing the fake camera, or watching.

        Args:
          url: of the server.
          room: its name.
          name: of the participant.
          send: whether it publishes, and watches nobody; else it only watches.
          token: for a server that gives none.
          compare: whether the page draws plain scaling beside what it gets, as it does by default: that costs time.
        """
        # Playwright waits for conditions by eval, which the pages do not allow.
        context = await self.browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
        page = Page(await context.new_page())
        page.page.on("websocket", lambda socket: socket.on("framereceived", lambda text: _kept(page, text)))
        role = "publish" if send else "subscribe"
        fragment = {"room": room} | ({"token": token, "role": role} if token else {})
        stored = json.dumps(str(compare).lower())
        await page.page.add_init_script(f"try {{ localStorage.setItem('mrsr.compare', {stored}) }} catch {{}}")
        await page.page.goto(f"{url}/#{urlencode(fragment)}")
        await page.page.wait_for_function("document.body.dataset.ready === 'true'")
        await page.page.fill("#name", name)
        if send:
            await page.page.check("input[name=send][value=camera]", force=True)
            await page.shows("#preview")
            if not token:
                await page.page.uncheck("#watch", force=True)
        await page.page.click("#go")
        await page.page.evaluate(f"({READER})({json.dumps('#own-video' if send else '.tile video')})")
        return page


def _kept(page: Page, text: Any) -> None:
    with contextlib.suppress(ValueError):
        page.said.append((time.time(), json.loads(text)))


@contextlib.asynccontextmanager
async def chromium(
    camera: Path | None = None, space: Namespace | None = None, trusted: str | None = None
) -> AsyncIterator[Browser]:
    """A browser for the time of the block.

    Args:
      camera: a Y4M file its camera plays.
      space: the namespace it runs in; None: this machine's own.
      trusted: an address that it takes for a secure one: cameras are for those alone.

    Raises:
      RunError: there is no Chromium or no Playwright.
    """
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        raise RunError(f"no browser: expected one of {', '.join(PROGRAMS)} (Debian package chromium)")
    try:
        from playwright.async_api import async_playwright
    except ImportError as error:
        raise RunError("playwright is not installed; `make setup` does that") from error
    flags = [*FLAGS]
    if camera is not None:
        flags.append(f"--use-file-for-fake-video-capture={camera.resolve()}")
    if trusted is not None:
        flags.append(f"--unsafely-treat-insecure-origin-as-secure={trusted}")
    with tempfile.TemporaryDirectory() as folder:
        starter = _starter(Path(folder), program, space)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=str(starter), args=flags, headless=True)
            try:
                yield Browser(browser, int(pid) if (pid := (Path(folder) / "pid").read_text().strip()) else None)
            finally:
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(10):
                        await browser.close()


def _starter(folder: Path, program: str, space: Namespace | None) -> Path:
    """A script that starts the browser, in the namespace where there is one, and leaves its process id."""
    inside = " ".join(space.inside([])) if space else ""
    script = folder / "chromium"
    script.write_text(f'#!/bin/sh\necho $$ > {folder}/pid\nexec {inside} {program} "$@"\n')
    script.chmod(0o755)
    return script
