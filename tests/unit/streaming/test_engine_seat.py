"""A source's place in the engine: what was made in it says nothing once it is given up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mrsr.inference.mailbox import Counts
from mrsr.ladder import RouteSet
from mrsr.streaming.seat import EngineSeat

ROUTES = RouteSet.parse("180:360,180:720")


def a_seat() -> EngineSeat:
    engine: Any = SimpleNamespace(join=lambda *_: None, leave=lambda _: Counts(5, 3, 1, 1), counts=lambda _: Counts())
    return EngineSeat(engine, "anna", 100.0)


def result_of(output: int) -> Any:
    made = next(route for route in ROUTES if route.output == output)
    return SimpleNamespace(outputs={made: None}, asked=ROUTES, made_by="network")


def test_less_than_was_asked_is_known_until_the_place_is_given_up() -> None:
    seat = a_seat()
    seat.ask(ROUTES)
    seat.took(result_of(360))
    assert seat.top == 360
    seat.ask(None)
    seat.took(result_of(360))
    assert (seat.top, seat.works) == (None, False)


def test_a_result_that_is_looked_at_while_the_place_is_given_up_leaves_nothing_behind() -> None:
    seat = a_seat()
    seat.ask(ROUTES)

    class Late:
        outputs, asked = result_of(360).outputs, ROUTES

        @property
        def made_by(self) -> str:
            # In the engine's thread; the loop's does this in between.
            seat.ask(None)
            return "network"

    late: Any = Late()
    seat.took(late)
    assert seat.top is None


def test_the_frames_of_each_time_it_had_a_place_are_counted() -> None:
    seat = a_seat()
    for _ in range(2):
        seat.ask(ROUTES)
        seat.ask(None)
    assert seat.figures() == {"offered": 10, "done": 6, "replaced": 2, "dropped": 2, "waiting": 0, "late": 0}
