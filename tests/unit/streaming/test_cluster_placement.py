"""Rooms on workers: whatever comes and goes, a room is whole, no worker carries more than it can, and none idles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from mrsr.streaming.cluster.placement import Placement
from mrsr.streaming.refusals import ProtocolError

ROOMS = st.sampled_from("abcdef")
WORKERS = st.sampled_from(["u", "v", "w"])


def refusal(placement: Placement, room: str, publishes: bool = True) -> str:
    with pytest.raises(ProtocolError) as refused:
        placement.entered(room, "new", publishes)
    assert refused.value.retry_after_ms
    return str(refused.value.code)


def test_a_new_room_goes_where_the_most_streams_are_free() -> None:
    placement = Placement({"small": 2, "large": 3})
    for room in "abcd":
        placement = placement.entered(room, f"peer of {room}", True)
    assert {name: room.worker for name, room in placement.rooms.items()} == {
        "a": "large", "b": "large", "c": "small", "d": "large",
    }  # fmt: skip


def test_a_viewer_who_waits_alone_keeps_a_stream_for_the_publisher_to_come() -> None:
    placement = Placement({"w": 1}).entered("r", "viewer", False)
    assert refusal(placement, "another") == "full"
    assert placement.entered("r", "publisher", True).free("w") == 0


def test_a_full_worker_takes_viewers_of_its_rooms_and_no_publisher() -> None:
    placement = Placement({"w": 1, "x": 1}).entered("r", "publisher", True)
    assert placement.entered("r", "viewer", False).free("w") == 0
    assert placement.free("x") == 1
    assert refusal(placement, "r") == "full"


def test_a_lowered_capacity_moves_nobody_and_takes_nobody() -> None:
    placement = Placement({"w": 2}).entered("r", "one", True).entered("r", "two", True).with_worker("w", 1)
    assert placement.free("w") == -1
    assert refusal(placement, "s", False) == "full"


def test_without_a_worker_the_client_is_told_to_come_back() -> None:
    assert refusal(Placement(), "r") == "worker"


def test_someone_of_a_dead_worker_who_leaves_late_takes_nobody_else_along() -> None:
    placement = Placement({"v": 1, "w": 1}).entered("r", "old", True)
    first = placement.rooms["r"].worker
    placement = placement.without_worker(first).entered("r", "new", True)
    assert placement.rooms["r"].worker != first
    assert placement.left("r", "old") == placement


@given(st.lists(st.tuples(ROOMS, st.booleans()), max_size=30), st.integers(1, 4), st.integers(1, 4))
def test_nobody_is_refused_while_a_place_that_would_do_is_free(
    people: list[tuple[str, bool]], one: int, two: int
) -> None:
    """Rooms of one publisher at most fit as long as their number is within the sum: no worker is left half empty."""
    placement, published = Placement({"u": one, "v": two}), set()
    for number, (room, publishes) in enumerate(people):
        if publishes and room in published:
            continue
        if room not in placement.rooms and len(placement.rooms) == one + two:
            assert refusal(placement, room, publishes) == "full"
            continue
        placement = placement.entered(room, str(number), publishes)
        published |= {room} if publishes else set()
    assert len(placement.rooms) <= one + two


class Life(RuleBasedStateMachine):
    """People and workers come and go in any order; beside it a plain record of who should be where."""

    people = Bundle("people")

    def __init__(self) -> None:
        super().__init__()
        self.placement = Placement()
        self.record: dict[str, tuple[str, bool]] = {}  # peer -> room, publishes
        self.number = 0
        self.shrunk: set[str] = set()

    @rule(worker=WORKERS, streams=st.integers(0, 4))
    def a_worker_comes_or_changes(self, worker: str, streams: int) -> None:
        before = {name: room.worker for name, room in self.placement.rooms.items()}
        self.placement = self.placement.with_worker(worker, streams)
        assert {name: room.worker for name, room in self.placement.rooms.items()} == before
        if self.placement.free(worker) < 0:
            self.shrunk.add(worker)

    @rule(worker=WORKERS)
    def a_worker_dies(self, worker: str) -> None:
        gone = {name for name, room in self.placement.rooms.items() if room.worker == worker}
        self.placement = self.placement.without_worker(worker)
        self.record = {peer: (room, does) for peer, (room, does) in self.record.items() if room not in gone}
        self.shrunk.discard(worker)

    @rule(target=people, room=ROOMS, publishes=st.booleans())
    def someone_comes(self, room: str, publishes: bool) -> tuple[str, str]:
        self.number += 1
        peer, before = str(self.number), self.placement.rooms.get(room)
        try:
            self.placement = self.placement.entered(room, peer, publishes)
        except ProtocolError:
            return room, peer
        self.record[peer] = room, publishes
        if before:
            assert self.placement.rooms[room].worker == before.worker
        return room, peer

    @rule(who=people)
    def someone_goes(self, who: tuple[str, str]) -> None:
        room, peer = who
        self.placement = self.placement.left(room, peer)
        self.record.pop(peer, None)

    @invariant()
    def the_rooms_hold_who_came_and_did_not_go(self) -> None:
        held = {
            peer: (name, peer in room.publishers)
            for name, room in self.placement.rooms.items()
            for peer in room.publishers | room.viewers
        }
        assert held == self.record
        assert all(room.worker in self.placement.capacity for room in self.placement.rooms.values())

    @invariant()
    def no_worker_carries_more_than_it_can(self) -> None:
        self.shrunk -= {worker for worker in self.shrunk if self.placement.free(worker) >= 0}
        assert all(self.placement.free(worker) >= 0 for worker in self.placement.capacity if worker not in self.shrunk)


TestLife = Life.TestCase
