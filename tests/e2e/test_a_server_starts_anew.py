"""A server that was stopped and started again: its pages are back by themselves, though it knows no token of before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from browsing import Visitor, until
from serving import serving


def test_a_page_is_back_after_the_server_was_started_anew(browser: Any) -> None:
    windows: list[Visitor] = []

    def opened(url: str) -> Visitor:
        windows.append(Visitor(browser, f"{url}/#room=anew"))
        return windows[-1]

    try:
        with serving("--model", "bicubic") as first:
            port = urlsplit(first.url).port
            opened(first.url).join("Ada", "camera", watch=False)
            viewer = opened(first.url).join("Grace")
            until("a picture", viewer.height)
        until("the page says so", lambda: viewer.page.locator(".veil").is_visible())
        with serving("--model", "bicubic", "--port", str(port)):
            until("a new picture", _shown(viewer))
    finally:
        for window in windows:
            window.close()


def _shown(viewer: Visitor) -> Callable[[], bool]:
    page = viewer.page
    return lambda: page.locator(".tile").count() == 1 and not page.locator(".veil, canvas.held").first.is_visible()
