"""The ladder: routes, presets, ratios, and which stages run."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsr.errors import UserError
from mrsr.ladder import Ladder, Route, RouteSet

ladders = st.lists(st.integers(1, 2000), min_size=2, max_size=6, unique=True).map(
    lambda rungs: Ladder(tuple(sorted(rungs)))
)


def test_the_six_routes_are_the_patents() -> None:
    assert str(Ladder().routes("six")) == "180:360,180:720,180:1080,360:360,360:720,360:1080"


def test_the_strict_six_are_every_pair_that_enlarges() -> None:
    assert str(Ladder().routes("strict_six")) == "180:360,180:720,180:1080,360:720,360:1080,720:1080"


def test_all_seven_are_both() -> None:
    ladder = Ladder()
    assert set(ladder.routes("all_seven")) == set(ladder.routes("six")) | set(ladder.routes("strict_six"))
    assert len(ladder.routes("all_seven")) == 7


def test_a_list_of_routes_is_sorted_and_has_no_repetition() -> None:
    routes = Ladder().routes(" 360:1080,180:720, 360:1080")
    assert str(routes) == "180:720,360:1080"
    assert routes.inputs == (180, 360)
    assert routes.outputs == (720, 1080)
    assert routes.outputs_of(180) == (720,)
    assert Route(180, 720) in routes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seven", "routes 'seven': expected one of six, strict_six, all_seven, or a list such as 180:720,360:1080"),
        ("180:x", "route '180:x': expected INPUT:OUTPUT in rungs, such as 180:720"),
        ("180:720:1080", "route '180:720:1080': expected INPUT:OUTPUT"),
        ("0:720", "route '0:720': expected INPUT:OUTPUT"),
        ("١٨٠:720", "route '١٨٠:720': expected INPUT:OUTPUT"),
        ("180:" + 5000 * "7", "expected INPUT:OUTPUT"),
        ("180:540", "rung 540: not on the ladder 180, 360, 720, 1080"),
        ("720:360", "route 720:360: output must not be below input (rungs 180, 360, 720, 1080)"),
    ],
)
def test_routes_that_cannot_be_are_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(UserError) as raised:
        Ladder().routes(text)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("rungs", [(), (180,), (360, 180), (180, 180), (0, 180), (-180, 180)])
def test_rungs_must_ascend(rungs: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="expected at least two, ascending"):
        Ladder(rungs)


def test_a_set_without_routes_is_refused() -> None:
    with pytest.raises(UserError, match="at least one is needed"):
        RouteSet.of([])


@pytest.mark.parametrize(
    ("routes", "entry", "stages"),
    [
        ("180:720", 180, (180, 360, 720)),
        ("180:360,180:1080", 180, (180, 360, 720, 1080)),
        ("360:360", 360, (360,)),
        ("180:1080,360:720", 360, (360, 720)),
        ("180:720", 360, ()),
    ],
)
def test_stages_run_from_the_input_to_the_highest_output(routes: str, entry: int, stages: tuple[int, ...]) -> None:
    assert Ladder().stages(RouteSet.parse(routes), entry) == stages


def test_a_cut_out_of_the_default_ladder_is_a_multiple_of_six() -> None:
    assert Ladder().grid == 6


def test_from_720p_to_1080p_is_three_halves() -> None:
    assert Ladder().ratio(720, 1080) == Fraction(3, 2)


def test_only_a_route_that_goes_up_enlarges() -> None:
    assert Route(180, 360).enlarges
    assert not Route(360, 360).enlarges


@settings(max_examples=30, deadline=None)
@given(ladder=ladders)
def test_the_grid_is_the_smallest_cut_out_that_is_whole_on_every_rung(ladder: Ladder) -> None:
    whole = [all(side * rung % ladder.top == 0 for rung in ladder.rungs) for side in range(1, ladder.top + 1)]
    assert ladder.grid == whole.index(True) + 1


@settings(max_examples=30, deadline=None)
@given(ladder=ladders, name=st.sampled_from(["six", "strict_six", "all_seven"]))
def test_every_preset_of_every_ladder_is_read_back_from_its_text(ladder: Ladder, name: str) -> None:
    routes = ladder.routes(name)
    assert ladder.routes(str(routes)) == routes
    assert all(route.input <= route.output for route in routes)


@settings(max_examples=30, deadline=None)
@given(ladder=ladders)
def test_ratios_multiply_along_the_ladder(ladder: Ladder) -> None:
    product = Fraction(1)
    for low, high in zip(ladder.rungs, ladder.rungs[1:], strict=False):
        product *= ladder.ratio(low, high)
    assert product == ladder.ratio(ladder.rungs[0], ladder.top)
