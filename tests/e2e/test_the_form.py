"""The way in, in a browser: by keyboard, on a phone, without a camera, and in no style but the server's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from browsing import Visitor, until
from serving import Server

PHONE = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
ON_ITS_SIDE = {"viewport": {"width": 844, "height": 390}, "has_touch": True, "is_mobile": True}
# Elements one can act on, and the name a screen reader gives each.
_NAMES = """() => [...document.querySelectorAll("button, select, input, [role=slider]")]
  .filter(element => element.checkVisibility())
  .map(element => element.labels?.[0]?.textContent || element.getAttribute("aria-label") || element.textContent)
  .map(name => name.trim())"""
_WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

# What is written, and the edges of fields, that stand out too little by WCAG 2.2 (1.4.3: 4.5, 1.4.11: 3), and by how
# much. Over pictures nothing is known of the ground.
_FAINT = """() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([red, green, blue]) => [red, green, blue].map(each => each / 255)
    .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, i) => sum + each * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (one, two) => {
    const [low, high] = [light(one), light(two)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = element => {
    const own = parts(getComputedStyle(element).backgroundColor);
    return own.length === 3 || !element.parentElement ? own : ground(element.parentElement);
  };
  const faint = [];
  const check = (element, name, colour, under, least) => {
    const found = contrast(parts(colour), ground(under));
    if (found < least) faint.push(`${name} ${element.tagName} ${element.id || element.className}: ${found.toFixed(2)}`);
  };
  for (const element of document.querySelectorAll("body *")) {
    if (!element.checkVisibility() || element.closest(".stage, .preview, :disabled, option")) continue;
    const style = getComputedStyle(element);
    const written = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (written || element.value) check(element, "text", style.color, element, 4.5);
    if (element.placeholder) check(element, "hint", getComputedStyle(element, "::placeholder").color, element, 4.5);
    if (element.matches("select, input[type=text], input[type=file]"))
      check(element, "edge", style.borderTopColor, element.parentElement, 3);
  }
  return faint;
}"""


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


def test_a_phone_on_its_side_shows_a_picture_that_can_be_used(visit: Callable[..., Visitor]) -> None:
    window = visit(**ON_ITS_SIDE)
    visit().join("Ada", "camera", watch=False)
    window.join("Grace")
    until("a picture", window.height)
    stage = window.page.locator(".stage").bounding_box()
    assert stage["width"] > 400
    tools = window.page.locator(".stage-tools").bounding_box()
    assert stage["x"] <= tools["x"]
    assert tools["height"] < stage["height"] / 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_written_and_what_can_be_filled_in_stands_out(visit: Callable[..., Visitor], scheme: str) -> None:
    window = visit(color_scheme=scheme)
    assert window.page.evaluate(_FAINT) == []
    window.page.fill("#room", "!!")
    window.page.click("#go")
    assert window.page.evaluate(_FAINT) == []
    window.page.fill("#room", "standup")
    window.join("Ada", "camera")
    visit().join("Grace", "camera", watch=False)
    assert window.page.evaluate(_FAINT) == []


def test_what_is_sent_stays_as_it_is_while_one_joins(visit: Callable[..., Visitor]) -> None:
    window = visit()
    page, held = window.page, list[Any]()
    page.check("input[value=camera]", force=True)
    until("a preview", lambda: page.locator("#preview").evaluate("video => video.videoWidth"))
    page.route("**/api/token", lambda route: held.append(route))
    page.click("#go")
    until("it joins", lambda: page.locator("#go").inner_text() == "Joining…" and held)
    page.locator("input[value=nothing]").click(force=True)
    page.locator("input[value=file]").evaluate("radio => radio.click()")
    held[0].continue_()
    page.wait_for_selector("body[data-link=joined]")
    tracks = page.locator("#own-video").evaluate("video => video.srcObject.getTracks().map(track => track.readyState)")
    assert set(tracks) == {"live"}
    page.click("#leave")
    assert page.locator("input[value=camera]").is_enabled()


def test_who_was_refused_can_change_the_form_and_try_again(visit: Callable[..., Visitor]) -> None:
    page = visit().page
    refused = {"type": "error", "code": "room", "text": "this room is not for you"}
    page.route("**/api/token", lambda route: route.fulfill(status=403, json=refused))
    page.locator("#name").press("Enter")
    until("a reason", lambda: "this room is not for you" in page.locator("#problem").inner_text())
    assert page.evaluate("document.activeElement.id") == "go"
    page.unroute("**/api/token")
    page.fill("#name", "Ada")
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-link=joined]")


def test_arrows_go_through_what_can_be_sent(visit: Callable[..., Visitor]) -> None:
    page = visit().page
    page.evaluate("() => { navigator.mediaDevices.getDisplayMedia = async () => { throw new Error('no screen'); }; }")
    page.locator("input[value=nothing]").focus()
    for choice in ("file", "screen", "camera"):
        page.keyboard.press("ArrowLeft")
        assert page.evaluate("document.activeElement.value") == choice


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
