"""Routes and sizes for frames on and off the ladder."""

from fractions import Fraction

import pytest

from mrsr.errors import UserError
from mrsr.inference.plan import asked, final_size, parse_target, plan
from mrsr.ladder import Ladder

LADDER = Ladder()
SIX, STRICT = LADDER.routes("six"), LADDER.routes("strict_six")


@pytest.mark.parametrize(
    ("routes", "height", "width", "target", "route", "network", "final"),
    [
        (SIX, 180, 320, 720, "180:720", (720, 1280), (720, 1280)),
        (SIX, 360, 640, 1080, "360:1080", (1080, 1920), (1080, 1920)),
        (SIX, 320, 180, 720, "180:720", (1280, 720), (1280, 720)),
        # Off the ladder: 240 is nearer to 180 (4/3) than to 360 (3/2), 270 nearer to 360.
        (SIX, 240, 426, 360, "180:360", (480, 852), (360, 640)),
        (SIX, 270, 480, 720, "360:1080", (810, 1440), (720, 1280)),
        (SIX, 480, 640, 720, "360:720", (960, 1280), (720, 960)),
        (SIX, 144, 176, 540, "180:720", (576, 704), (540, 660)),
        # No route reaches the target: the highest, and bicubic makes up the rest.
        (SIX, 96, 128, 720, "180:1080", (576, 768), (720, 960)),
        (SIX, 540, 960, 2160, "360:1080", (1620, 2880), (2160, 3840)),
        (STRICT, 720, 1280, 1080, "720:1080", (1080, 1920), (1080, 1920)),
        # 540 is nearest to 720, but that rung is not below the target.
        (STRICT, 540, 960, 720, "360:720", (1080, 1920), (720, 1280)),
        # Odd sizes: the network rounds up, the result is even.
        (SIX, 181, 321, 720, "180:720", (724, 1284), (720, 1276)),
        (SIX, 100, 100, 200, "180:360", (200, 200), (200, 200)),
    ],
)
def test_route_and_sizes(routes, height, width, target, route, network, final):
    planned = plan(LADDER, routes, height, width, target)
    assert (planned.route.name, planned.network, planned.final) == (route, network, final)
    assert planned.source == (height, width)


@pytest.mark.parametrize("height", range(90, 700, 37))
@pytest.mark.parametrize("target", [360, 540, 720, 1080])
def test_any_frame_below_the_target_gets_the_least_route_that_reaches_it(height, target):
    width = height * 16 // 9
    if height >= target:
        with pytest.raises(UserError, match=f"target {target}p: .*{width}x{height}"):
            plan(LADDER, SIX, height, width, target)
        return
    planned = plan(LADDER, SIX, height, width, target)
    assert planned.route in SIX
    lower = [rung for rung in SIX.outputs_of(planned.route.input) if planned.route.input < rung < planned.route.output]
    assert all(height * Fraction(rung, planned.route.input) < target for rung in lower)
    assert planned.final[0] == target
    assert planned.final[1] % 2 == 0
    assert abs(planned.final[1] - target * width / height) <= 1


def test_input_at_the_target_is_refused_naming_both():
    with pytest.raises(UserError, match="target 720p: must be above the input, which is 1280x720"):
        plan(LADDER, SIX, 720, 1280, 720)
    with pytest.raises(UserError, match="720x1280"):
        plan(LADDER, SIX, 1280, 720, 360)


def test_routes_that_only_restore_are_refused():
    with pytest.raises(UserError, match="360:360"):
        plan(LADDER, LADDER.routes("360:360"), 300, 400, 720)


@pytest.mark.parametrize(("text", "value"), [("720p", 720), ("720", 720), (" 540P ", 540), ("2", 2)])
def test_targets_are_read_with_or_without_the_p(text, value):
    assert parse_target(text) == value


@pytest.mark.parametrize("text", ["", "p", "0", "-720", "721", "720.5", "720pp", "hd", "²", "٧٢٠", "16386", "9" * 5000])
def test_other_targets_are_refused(text):
    with pytest.raises(UserError, match="such as 720p"):
        parse_target(text)


def test_a_preset_stands_for_its_routes_that_enlarge_and_a_list_for_itself():
    assert asked(LADDER, SIX, None) == asked(LADDER, SIX, "six") == asked(LADDER, STRICT, "six")
    assert str(asked(LADDER, SIX, "180:720")) == "180:720"
    with pytest.raises(UserError, match="--routes 360:360: expected some of 180:360,180:720,180:1080,360:720,360:1080"):
        asked(LADDER, SIX, "180:720,360:360")
    with pytest.raises(UserError, match="--routes 720:1080: expected some of 180:360"):
        asked(LADDER, SIX, "strict_six")


def test_the_long_side_keeps_the_aspect_ratio():
    assert final_size(480, 854, 720) == (720, 1280)
    assert final_size(854, 480, 720) == (1280, 720)
    assert final_size(480, 640, 1080) == (1080, 1440)
    assert final_size(2, 3000, 4) == (4, 6000)
