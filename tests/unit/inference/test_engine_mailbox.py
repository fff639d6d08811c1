"""The latest frame wins, and the account of frames is right whatever happens in whatever order."""

import threading

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsr.inference.mailbox import Counts, Mailbox
from mrsr.ladder import RouteSet

LOW, HIGH = RouteSet.parse("180:360"), RouteSet.parse("180:720")
FRAMES = [np.full((2, 2, 3), value, np.uint8) for value in range(10)]


def test_the_latest_frame_wins():
    box = Mailbox(LOW)
    for second, frame in enumerate(FRAMES):
        box.put(frame, float(second))
    taken = box.take()
    assert taken is not None
    assert taken.frame is FRAMES[-1]
    assert taken.offered_at == 9.0
    assert box.take() is None
    assert box.counts() == Counts(offered=10, done=0, replaced=9, waiting=1, late=0)
    box.finish(late=True)
    assert box.counts() == Counts(offered=10, done=1, replaced=9, waiting=0, late=1)


def test_a_cut_outlives_the_frame_it_came_with():
    box = Mailbox(LOW)
    box.put(FRAMES[0], 0.0)
    box.cut()
    box.put(FRAMES[1], 1.0)
    box.put(FRAMES[2], 2.0)
    taken = box.take()
    assert taken is not None
    assert taken.cut
    box.put(FRAMES[3], 3.0)
    after = box.take()
    assert after is not None
    assert not after.cut


def test_a_cut_does_not_touch_the_frame_before_it():
    box = Mailbox(LOW)
    box.put(FRAMES[0], 0.0)
    box.cut()
    before = box.take()
    assert before is not None
    assert not before.cut


def test_routes_are_those_of_the_moment_a_frame_is_put():
    box = Mailbox(LOW)
    box.put(FRAMES[0], 0.0)
    box.change(HIGH)
    first = box.take()
    box.put(FRAMES[1], 1.0)
    second = box.take()
    assert first is not None
    assert second is not None
    assert (first.routes, second.routes) == (LOW, HIGH)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["put", "take", "finish", "drop"])), st.booleans())
def test_every_frame_is_accounted_for(actions: list[str], leaves: bool):
    box, in_hand, begun, dropped = Mailbox(LOW), 0, 0, 0
    for now, action in enumerate(actions):
        if action == "put":
            box.put(FRAMES[0], float(now))
        elif action == "take" and not in_hand:
            in_hand = int(box.take() is not None)
            begun += in_hand
        elif action == "finish" and in_hand:
            assert box.finish(late=False)
            in_hand = 0
        elif action == "drop" and in_hand:
            assert box.drop()
            in_hand, dropped = 0, dropped + 1
        counts = box.counts()
        assert counts.offered == counts.done + counts.replaced + counts.dropped + counts.waiting
        assert (counts.done, counts.dropped) == (begun - in_hand - dropped, dropped)
        assert 0 <= counts.waiting <= 2
    if leaves:
        last = box.close()
        assert (last.waiting, last.dropped) == (0, counts.dropped + counts.waiting if actions else 0)
        assert not box.finish(late=True)
        assert not box.drop()
        assert box.take() is None
        assert box.counts() == last


def test_frames_of_several_threads_are_all_counted():
    box, wrong = Mailbox(LOW), []

    def offer() -> None:
        for now in range(500):
            box.put(FRAMES[0], float(now))

    threads = [threading.Thread(target=offer) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if box.take() is not None:
            box.finish(late=False)
        counts = box.counts()
        if counts.offered != counts.done + counts.replaced + counts.waiting:
            wrong.append(counts)
    assert not wrong
    assert box.counts().offered == 2000
