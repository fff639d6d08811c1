"""What a tile keeps when its publisher comes back as another, and what is left of it when the viewer leaves first."""

from __future__ import annotations

from collections.abc import Callable

from browsing import Visitor, until

RETURNED = """async () => {
  const said = [];
  window.Worker = class { postMessage({ op }) { said.push(op); } terminate() {} };
  const { Tile } = await import("/static/tile.js");
  const device = { runtime: {}, routes: { "180:360": {} } };
  const tile = new Tile({ peer: "1", name: "Ada" }, { rungs: [180, 360], device });
  const enlarge = tile.element.querySelector(".enlarge");
  enlarge.value = "device";
  enlarge.dispatchEvent(new Event("change"));
  tile.rename({ peer: "2", name: "Ada" });
  tile.close();
  return said;
}"""

ADDED = """async () => {
  window.Worker = class { postMessage() {} terminate() {} };
  const { Tile } = await import("/static/tile.js");
  const tile = new Tile({ peer: "1", name: "Ada" }, { rungs: [180, 360], device: { runtime: {}, routes: {} } });
  document.getElementById("join").hidden = true;
  document.getElementById("call").hidden = false;
  document.getElementById("tiles").append(tile.element);
}"""


def test_the_state_on_this_device_begins_anew_when_a_publisher_returns_as_another(
    visit: Callable[..., Visitor],
) -> None:
    assert visit().page.evaluate(RETURNED) == ["open", "reset"]


def test_who_leaves_while_a_tile_waits_for_its_publisher_leaves_no_timer_behind(visit: Callable[..., Visitor]) -> None:
    sender = visit().join("Ada", "camera", watch=False)
    viewer = visit()
    viewer.page.clock.install()
    viewer.join("Grace")
    until("a tile", lambda: viewer.page.locator(".tile").count() == 1)
    sender.page.click("#leave")
    until("the tile waits", lambda: "is gone" in viewer.text(".tile .veil"))
    viewer.page.click("#leave")
    # What goes wrong unseen on the page fails the test when its window is closed.
    viewer.page.clock.fast_forward(10_000)


def test_who_is_gone_is_named_as_people_are_and_the_focus_does_not_go_along(visit: Callable[..., Visitor]) -> None:
    sender = visit().join("Ada Lovelace", "camera", watch=False)
    viewer = visit()
    viewer.page.clock.install()
    viewer.join("Grace")
    until("a tile", lambda: viewer.page.locator(".tile").count() == 1)
    viewer.page.locator(".height").focus()
    sender.page.click("#leave")
    until("it says so", lambda: viewer.text(".tile .veil") == "Ada Lovelace is gone")
    # The server knows them by an id.
    until("a reason", lambda: "Ada Lovelace does not publish" in viewer.text(".tile > .reason"))
    viewer.page.clock.fast_forward(10_000)
    until("no tile", lambda: viewer.page.locator(".tile").count() == 0)
    assert viewer.page.evaluate("document.activeElement.id") == "main"


def test_there_is_nothing_to_compare_before_there_is_a_picture(visit: Callable[..., Visitor]) -> None:
    page = visit().page
    page.evaluate(ADDED)
    assert not page.locator(".tile .divider").is_visible()
    assert not page.locator(".tile .side.right").is_visible()
    page.locator(".tile .anyway").evaluate("button => { button.closest('.offer').hidden = false; button.focus(); }")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.className") == "enlarge"
