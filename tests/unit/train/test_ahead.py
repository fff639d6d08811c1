"""Batches brought ahead of the step: in order, with what went wrong, and nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count, islice

import jax
import numpy as np
import pytest

from mrsr.train.ahead import Ahead


def _batches(until: int | None = None) -> Iterator[dict[str, np.ndarray]]:
    for number in count():
        if number == until:
            raise RuntimeError("disk is gone")
        yield {"x": np.full((2, 1), number)}


def test_batches_come_in_order_on_the_host_and_on_the_devices() -> None:
    with Ahead(_batches()) as source:
        taken = list(islice(source, 4))
    assert [int(placed.host["x"][0, 0]) for placed in taken] == [0, 1, 2, 3]
    assert [int(np.asarray(placed.devices["x"]).ravel()[0]) for placed in taken] == [0, 1, 2, 3]
    assert all(isinstance(placed.devices["x"], jax.Array) for placed in taken)
    assert taken[0].devices["x"].devices() == set(jax.local_devices())


def test_what_goes_wrong_is_raised_in_its_place() -> None:
    with Ahead(_batches(until=2)) as source:
        next(source), next(source)
        for _ in range(2):
            with pytest.raises(RuntimeError, match="disk is gone"):
                next(source)


def test_leaving_ends_the_thread_and_no_batch_is_made_far_ahead() -> None:
    made = []

    def watched() -> Iterator[dict[str, np.ndarray]]:
        for batch in _batches():
            made.append(batch)
            yield batch

    with Ahead(watched()) as source:
        next(source)
    assert len(made) <= 3
    assert not [thread for thread in threading.enumerate() if thread.name == "batches"]


def test_waiting_for_slow_batches_is_counted_and_batches_at_hand_are_not_waited_for() -> None:
    release = threading.Event()

    def slow() -> Iterator[dict[str, np.ndarray]]:
        yield {"x": np.zeros((1, 1))}
        release.wait()
        yield {"x": np.ones((1, 1))}

    with Ahead(slow()) as source:
        next(source)
        at_hand = source.waited
        timer = threading.Timer(0.5, release.set)
        timer.start()
        next(source)
    assert source.waited - at_hand >= 0.3


def test_who_was_asked_to_stop_waits_for_no_batch() -> None:
    never = threading.Event()

    def stuck() -> Iterator[dict[str, np.ndarray]]:
        yield {"x": np.zeros((1, 1))}
        never.wait()

    with Ahead(stuck(), asked=lambda: True) as source:
        next(source)
        with pytest.raises(StopIteration):
            next(source)
        never.set()


def test_batches_are_closed_by_the_thread_that_makes_them() -> None:
    closed_by = []

    def watched() -> Iterator[dict[str, np.ndarray]]:
        try:
            yield from _batches()
        finally:
            closed_by.append(threading.current_thread().name)

    with Ahead(watched()) as source:
        next(source)
    assert closed_by == ["batches"]
