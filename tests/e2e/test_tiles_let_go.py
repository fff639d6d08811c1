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
