"""What a source is told and what is learnt of its camera: pure, with a clock turned by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrsr.streaming.camera import CameraSize, rung_of
from mrsr.streaming.controls import Controls
from mrsr.streaming.meters import Meter
from mrsr.streaming.protocol import Ack, Control

RUNGS = (180, 360, 720)


def test_a_control_is_said_again_every_second_and_given_up_after_three() -> None:
    said: list[Control] = []
    controls = Controls(said.append)
    controls.ask(4.0, 300, now=0.0)
    for tenth in range(1, 60):
        controls.tick(tenth / 10)
    assert [control.seq for control in said] == [1, 1, 1]
    assert (controls.unanswered, controls.applied) == (1, 1.0)


def test_an_answer_ends_the_repeats_and_says_what_is_applied() -> None:
    said: list[Control] = []
    controls = Controls(said.append)
    controls.ask(4.0, 300, now=0.0)
    controls.acked(Ack(7, True), now=0.1)
    assert controls.applied == 1.0
    controls.acked(Ack(1, True), now=0.2)
    controls.tick(5.0)
    assert (len(said), controls.applied, controls.applied_at) == (1, 4.0, 0.2)


def test_what_a_source_cannot_do_is_counted_and_not_applied() -> None:
    controls = Controls(lambda _: None)
    controls.ask(2.0, 300, now=0.0)
    controls.acked(Ack(1, False), now=0.1)
    assert (controls.applied, controls.refused, controls.unanswered) == (1.0, 1, 0)


def test_an_answer_to_an_older_control_does_not_count_for_the_newer() -> None:
    controls = Controls(lambda _: None)
    controls.ask(2.0, 300, now=0.0)
    controls.ask(4.0, 300, now=0.1)
    controls.acked(Ack(1, True), now=0.2)
    assert controls.applied == 1.0


@pytest.mark.parametrize(
    ("down_by", "kbps", "new"), [(2.02, 300, False), (2.0, 320, False), (2.2, 300, True), (2.0, 400, True)]
)
def test_a_source_is_not_told_what_it_does_already(down_by: float, kbps: float, new: bool) -> None:
    said: list[Control] = []
    controls = Controls(said.append)
    controls.ask(2.0, 300, now=0.0)
    controls.ask(down_by, kbps, now=1.0)
    assert len(said) == 1 + new


@given(st.floats(1, 64), st.floats(10, 1e5))
def test_every_control_can_be_written_and_read(down_by: float, kbps: float) -> None:
    from mrsr.streaming.limits import Limits
    from mrsr.streaming.messages import dump, parse
    from mrsr.streaming.protocol import FROM_SERVER

    said: list[Control] = []
    Controls(said.append).ask(down_by, kbps, now=0.0)
    assert parse(dump(said[0]), Limits(), FROM_SERVER) == said[0]


def test_a_camera_is_known_by_what_it_sends_and_how_much_that_is_reduced() -> None:
    camera = CameraSize()
    camera.saw(720, 1.0, float("-inf"), now=0.0)
    assert camera.short == 720
    camera.saw(720, 4.0, since=5.0, now=5.2)  # Made before the control was followed.
    assert camera.short == 720
    camera.saw(180, 4.0, since=5.0, now=7.0)
    assert camera.short == 720
    camera.saw(270, 4.0, since=5.0, now=8.0)
    assert camera.short == 1080


@pytest.mark.parametrize(
    ("short", "nearest", "filled"),
    [
        (90, 180, 180),
        (180, 180, 180),
        (240, 180, 180),
        (270, 360, 180),
        (480, 360, 360),
        (700, 720, 720),
        (540, 720, 360),
        (2160, 720, 720),
    ],
)
def test_a_frame_of_any_size_has_a_rung(short: int, nearest: int, filled: int) -> None:
    assert (rung_of(short, RUNGS), rung_of(short, RUNGS, below=True)) == (nearest, filled)


def test_a_meter_reads_what_was_counted_lately() -> None:
    meter = Meter(2.0)
    for tenth in range(100):
        rate = meter.read(3 * tenth, tenth / 10)
    assert rate == pytest.approx(30)
    for tenth in range(100, 130):
        rate = meter.read(3 * 99, tenth / 10)
    assert rate == 0
    assert meter.read(5, 14.0) == 0  # Another counter: begun anew.
