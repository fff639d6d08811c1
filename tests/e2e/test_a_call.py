"""A call between browsers through `mrsr serve`: what is sent arrives enlarged, and comes back after a death."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from browsing import Visitor, until
from fake_camera import number_on
from serving import Server


def test_a_camera_of_180p_is_seen_at_360p_and_as_asked(visit: Callable[..., Visitor]) -> None:
    sender = visit().join("Ada", "camera", watch=False)
    viewer = visit().join("Grace")
    until("a picture with a counter", lambda: number_on(viewer.page, ".tile video") is not None)
    assert viewer.text(".who") == "Ada"
    # Fixed: what a busy machine makes of its own link is not what is tested.
    viewer.wish(policy="destination", height=360)
    until("360p", lambda: viewer.height() == 360)
    until("the status", lambda: viewer.text(".sizes") == "180p → 360p")
    until("super-resolution on", lambda: viewer.text(".badge") == "Super-resolved")
    until("pictures a second", lambda: float(viewer.text("[data-figure=fps]")) > 0)
    viewer.wish(height=180)
    until("180p", lambda: viewer.height() == 180)
    until("the status", lambda: viewer.text(".badge") == "Not super-resolved")
    until("what arrives", lambda: "180p arrives" in sender.text("#own-sent"))


def test_a_browser_says_when_packets_arrived_and_the_link_is_estimated_by_that(visit: Callable[..., Visitor]) -> None:
    sender, viewer = visit().join("Ada", "camera", watch=False), visit().join("Grace")
    until("a picture", viewer.height)
    room = viewer.page.url.partition("room=")[2]

    def estimated_by() -> set[str]:
        figures = viewer.page.evaluate(
            """async (room) => {
              const asked = { room, role: "subscribe", name: "reader" };
              const headers = { "Content-Type": "application/json" };
              const answer = await fetch("/api/token", { method: "POST", headers, body: JSON.stringify(asked) });
              const { token } = await answer.json();
              return (await fetch("/api/statistics", { headers: { Authorization: `Bearer ${token}` } })).json();
            }""",
            room,
        )
        return {each["estimatedBy"] for each in figures["viewers"].values()}

    until("arrivals", lambda: estimated_by() == {"arrivals"})
    assert sender.height() == 0


def test_the_source_says_the_most_its_viewers_get(visit: Callable[..., Visitor]) -> None:
    sender = visit().join("Ada", "camera", watch=False)
    viewer = visit().join("Grace")
    until("a picture", viewer.height)
    sender.page.select_option("#own-most", "360")
    viewer.wish(policy="source")
    until("360p", lambda: viewer.height() == 360)
    sender.page.select_option("#own-most", "180")
    until("180p", lambda: viewer.height() == 180)


def test_two_who_send_see_each_other_and_not_themselves(visit: Callable[..., Visitor]) -> None:
    ada, grace = visit().join("Ada", "camera"), visit().join("Grace", "camera")
    for window, other in ((ada, "Grace"), (grace, "Ada")):
        until("a picture", window.height)
        assert window.page.locator(".who").all_inner_texts() == [other]
    grace.page.click("#leave")
    until("no tile", lambda: ada.page.locator(".tile").count() == 0)
    assert ada.page.locator("#empty").is_visible()


def test_the_line_moves_by_keys(visit: Callable[..., Visitor]) -> None:
    visit().join("Ada", "camera", watch=False)
    page = visit().join("Grace").page
    line = page.get_by_role("slider", name="Compare Ada")
    line.focus()
    for key, value in (("Home", "0"), ("ArrowRight", "2"), ("PageUp", "12"), ("End", "100"), ("ArrowLeft", "98")):
        page.keyboard.press(key)
        assert line.get_attribute("aria-valuenow") == value
    assert "simulated" in page.locator(".side.right").inner_text().lower()
    page.get_by_role("button", name="Compare").press("Enter")
    assert not line.is_visible()


def test_everybody_is_back_after_the_worker_was_killed(visit: Callable[..., Visitor], server: Server) -> None:
    visit().join("Ada", "camera", watch=False)
    viewer = visit().join("Grace")
    until("a picture", viewer.height)
    [worker] = server.workers()
    os.kill(worker, signal.SIGKILL)
    until("the page says so", lambda: viewer.page.locator(".veil").is_visible())
    assert "Reconnecting" in viewer.text(".veil")
    # Over the last picture, not over nothing.
    assert viewer.page.locator("canvas.held").is_visible()
    until("the page is back", lambda: not viewer.page.locator(".veil").is_visible())
    until("new pictures", lambda: not viewer.page.locator("canvas.held").is_visible())
    until("it moves", lambda: _moves(viewer))
    assert viewer.page.locator(".tile").count() == 1


def test_a_file_is_sent_and_seen(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    sender = visit()
    sender.page.check("input[value=file]", force=True)
    sender.page.set_input_files("#file", _film(tmp_path / "film.webm"))
    until("a preview", lambda: sender.page.locator("#preview").evaluate("video => video.videoWidth"))
    sender.join("Ada", watch=False)
    viewer = visit().join("Grace")
    until("a picture with a counter", lambda: number_on(viewer.page, ".tile video") is not None)


def _moves(viewer: Visitor) -> bool:
    before = number_on(viewer.page, ".tile video")
    viewer.page.wait_for_timeout(200)
    return before is not None and number_on(viewer.page, ".tile video") not in (None, before)


def _film(path: Path) -> str:
    import av
    import numpy as np
    from fake_camera import FRAMES, SIZE, picture

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=30)
        stream.height, stream.width = SIZE
        stream.pix_fmt, stream.bit_rate = "yuv420p", 1_000_000
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.repeat(picture(number)[..., None], 3, 2), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return str(path)
