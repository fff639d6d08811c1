"""The way in, in a browser: by keyboard, on a phone, without a camera, and in no style but the server's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from browsing import Visitor, until
from serving import Server

PHONE = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
# Elements one can act on, and the name a screen reader gives each.
_NAMES = """() => [...document.querySelectorAll("button, select, input, [role=slider]")]
  .filter(element => element.checkVisibility())
  .map(element => element.labels?.[0]?.textContent || element.getAttribute("aria-label") || element.textContent)
  .map(name => name.trim())"""
_WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_everything_that_can_be_used_has_a_name(visit: Callable[..., Visitor]) -> None:
    page = visit().page
    names = page.evaluate(_NAMES)
    assert len(names) >= 8
    assert all(names)


def test_one_joins_by_keyboard_alone(visit: Callable[..., Visitor]) -> None:
    page = visit().page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the call"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "name"
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-link=joined]")
    assert page.locator("#live").inner_text() == "You are in the call."
    page.locator("#leave").press("Enter")
    assert page.locator("#join").is_visible()
    assert page.evaluate("document.activeElement.id") == "go"


def test_the_page_fits_a_phone(visit: Callable[..., Visitor]) -> None:
    window = visit(**PHONE)
    assert window.page.evaluate(_WIDER) == 0
    sender = visit().join("Ada", "camera", watch=False)
    window.join("Grace")
    until("a picture", window.height)
    assert window.page.evaluate(_WIDER) == 0
    small = window.page.locator(".tile button, .tile select").evaluate_all(
        "all => all.filter(each => each.checkVisibility() && each.getBoundingClientRect().height < 32).length"
    )
    assert small == 0
    assert sender.text("#own-title") == "What you send"


@pytest.mark.parametrize(
    ("fault", "told"), [("NotAllowedError", "was not allowed"), ("NotFoundError", "There is no camera on this device")]
)
def test_a_camera_that_cannot_be_had_is_explained(browser: Any, server: Server, fault: str, told: str) -> None:
    window = Visitor(browser, server.url)
    window.page.evaluate(
        """fault => {
          navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("no", fault); };
        }""",
        fault,
    )
    window.page.check("input[value=camera]", force=True)
    until("a reason", lambda: told in window.text("#problem"))
    window.page.fill("#room", "standup")
    window.page.click("#go")
    assert window.page.locator("#join").is_visible()
    window.close()


def test_a_room_without_a_name_is_asked_for(browser: Any, server: Server) -> None:
    window = Visitor(browser, server.url)
    window.page.fill("#room", "!!")
    window.page.click("#go")
    assert "Give the room a name" in window.text("#problem")
    assert window.page.evaluate("document.activeElement.id") == "room"
    window.close()
