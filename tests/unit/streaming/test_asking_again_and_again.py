"""A packet asked for again and again is not waited for: a key frame comes instead, once a second at most."""

from __future__ import annotations

from itertools import pairwise

from mrsr.streaming.leg import Asking, Pacer


def test_what_is_asked_for_once_is_resent_and_after_a_third_of_a_second_given_up() -> None:
    asking = Asking()
    assert [asking.hopeless(7, at) for at in (10.0, 10.1, 10.2)] == [False] * 3
    assert asking.hopeless(7, 10.35)
    assert asking.asked == 4


def test_between_two_key_frames_lies_a_second_whatever_is_asked() -> None:
    asking = Asking()
    asked = [10.0 + n / 20 for n in range(80)]
    given_up = [at for at in asked if asking.hopeless(7, at)]
    assert len(given_up) >= 2
    assert all(later - before >= 1.0 for before, later in pairwise(given_up))


def test_a_number_that_comes_round_is_another_packet() -> None:
    asking = Asking()
    assert not asking.hopeless(7, 10.0)
    assert not asking.hopeless(7, 20.0)
    assert asking.hopeless(7, 20.4)


def test_the_pacer_counts_packets_beside_bytes() -> None:
    pacer = Pacer()
    for size in (100, 200, 300):
        pacer.wait(size, 1e6, 0.0)
    assert (pacer.packets, pacer.sent) == (3, 600)
