"""The processes of a job hear of one another's end: who died or failed is named to all, who is done is not missed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mrsr.train.watch import Watch


def connected() -> tuple[socket.socket, socket.socket]:
    """The two ends of one TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        far = socket.create_connection(listener.getsockname())
        return listener.accept()[0], far


class Job:
    """Processes 0 to 2 of one job, as threads: what each would have said at its end. The dead do not listen."""

    def __init__(self, moment: float, alive: tuple[int, ...]) -> None:
        pairs = {number: connected() for number in (1, 2)}
        self.said: dict[int, str] = {}
        self.ended = {number: threading.Event() for number in alive}
        lines = {0: {number: near for number, (near, _) in pairs.items()}}
        lines |= {number: {0: far} for number, (_, far) in pairs.items()}
        self.near = {number: near for number, (near, _) in pairs.items()}
        self.ends = {number: far for number, (_, far) in pairs.items()}
        self.of = {number: Watch(number, 3, lines[number], self._end_of(number), moment) for number in alive}

    def _end_of(self, number: int):
        def end(trouble: str) -> None:
            self.said[number] = trouble
            self.ended[number].set()

        return end


@contextmanager
def job(moment: float = 0.1, alive: tuple[int, ...] = (0, 1, 2)) -> Iterator[Job]:
    made = Job(moment, alive)
    try:
        yield made
    finally:
        for number, watch in made.of.items():
            if made.ended[number].is_set():
                watch.leave()


def test_one_that_dies_is_named_to_all_others() -> None:
    with job() as three:
        # What the system does with the connections of a process that is killed.
        three.ends[1].shutdown(socket.SHUT_RDWR)
        assert three.ended[0].wait(30)
        assert three.ended[2].wait(30)
        assert three.said[0] == three.said[2] == "process 1 of 3 died"
        three.ended[1].wait(30)


def test_the_death_of_process_0_is_heard_by_all_others() -> None:
    with job(alive=(1, 2)) as three:
        for end in three.near.values():
            end.close()
        assert three.ended[1].wait(30)
        assert three.ended[2].wait(30)
        assert three.said == {1: "process 0 of 3 died", 2: "process 0 of 3 died"}


def test_one_that_fails_gives_its_reason_in_one_line() -> None:
    with job() as three:
        three.of[2].fail("disk\nis full")
        assert three.ended[0].wait(30)
        assert three.ended[1].wait(30)
        assert three.said == {0: "process 2 of 3 failed: disk is full", 1: "process 2 of 3 failed: disk is full"}


def test_all_that_fail_for_the_same_reason_say_it_themselves() -> None:
    with job(moment=30.0) as three:
        failing = [threading.Thread(target=watch.fail, args=("train.batch_size=3",)) for watch in three.of.values()]
        for thread in failing:
            thread.start()
        for thread in failing:
            thread.join(60)
        assert three.said == {}


def test_one_that_fails_for_the_end_of_another_leaves_the_word_to_it() -> None:
    with job(moment=1.0) as three:
        three.ends[1].shutdown(socket.SHUT_RDWR)
        three.of[0].fail("Connection closed by peer", known=False)
        assert three.said[0] == "process 1 of 3 died"
        assert three.ended[2].wait(30)
        three.ended[1].wait(30)


def test_those_who_are_done_wait_for_those_at_work_and_miss_nobody() -> None:
    with job() as three:
        order: list[int] = []

        def leave(number: int) -> None:
            three.of[number].leave()
            order.append(number)

        first = [threading.Thread(target=leave, args=(number,)) for number in (1, 2)]
        for thread in first:
            thread.start()
        # Process 0 is still at its last evaluation: nothing but its word lets the others go.
        assert order == []
        leave(0)
        for thread in first:
            thread.join(30)
        assert sorted(order) == [0, 1, 2]
        assert three.said == {}
