"""What a source is asked for: its best viewer's input, within its own link, and one pass for all."""

from __future__ import annotations

from mrsr.ladder import Ladder
from mrsr.streaming.controller import Decision, Rule
from mrsr.streaming.link_rate import Measured
from mrsr.streaming.source import SourceDecision, follow, start_source
from mrsr.streaming.viewer_limits import Limits

RULE, LIMITS = Rule(), Limits(Ladder().routes("six"))


def viewer(output: int, asked: int | None = None) -> Decision:
    """A viewer whose link bears an output."""
    asked = asked or output
    return Decision(asked, output, LIMITS.input_for(asked), 500.0, 500.0, None, "link: as it is")


def asked(viewers: dict[str, Decision], limits: Limits = LIMITS, **more) -> SourceDecision:
    return follow(RULE, start_source(RULE, limits, 0.0), limits, viewers, more.pop("uplink", None), 1.0, **more)[1]


def test_the_input_falls_when_the_last_of_the_viewers_that_needed_it_has_fallen() -> None:
    assert asked({"a": viewer(720), "b": viewer(720)}).input == 360
    assert asked({"a": viewer(720), "b": viewer(360)}).input == 360
    assert asked({"a": viewer(360), "b": viewer(360)}).input == 180
    assert asked({"a": viewer(360), "b": viewer(1080)}).input == 360


def test_one_pass_makes_every_rung_in_use_and_none_above() -> None:
    decision = asked({"a": viewer(720), "b": viewer(1080), "c": viewer(720)})
    assert str(decision.routes) == "360:720,360:1080"
    assert str(asked({"a": viewer(360)}).routes) == "180:360"


def test_a_viewer_at_or_below_the_input_gets_it_without_the_network() -> None:
    decision = asked({"a": viewer(720), "b": viewer(360), "c": viewer(180)})
    assert decision.outputs == {"a": 720, "b": 360, "c": 180}
    assert str(decision.routes) == "360:720"
    assert asked({"c": viewer(180)}).routes is None


def test_an_engine_that_fell_behind_is_still_asked_for_what_is_wanted() -> None:
    decision = asked({"a": viewer(720, asked=1080)})
    assert decision.outputs == {"a": 720}
    assert str(decision.routes) == "360:1080"


def test_nobody_watching_asks_for_the_lowest_input() -> None:
    decision = asked({})
    assert (decision.input, decision.routes, decision.reason) == (180, None, "nobody watches")


def test_the_sources_own_link_and_camera_bound_the_input_and_outputs_stay() -> None:
    slow = asked({"a": viewer(720)}, uplink=Measured(200.0, reported_at=1.0))
    assert (slow.input, slow.outputs["a"]) == (180, 720)
    assert slow.input_kbps <= 150
    assert slow.reason.startswith("source's link: 150 kbit/s to use, 360p needs")
    small = asked({"a": viewer(720)}, camera=270)
    assert (small.input, small.outputs["a"], small.reason) == (180, 720, "source's camera: 270p")


def test_a_route_the_input_lacks_falls_to_the_next_lower_output() -> None:
    routes = Ladder().routes("180:360,360:720")
    decision = asked({"a": viewer(720)}, Limits(routes), uplink=Measured(200.0, reported_at=1.0))
    assert (decision.input, decision.outputs["a"], str(decision.routes)) == (180, 360, "180:360")
