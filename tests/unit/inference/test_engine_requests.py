"""What streams want compiled: everyone's turn comes, and what nobody wants any more is not compiled."""

import threading
from concurrent.futures import ThreadPoolExecutor

from mrsr.inference.compiled import Key
from mrsr.inference.requests import Requests
from tests.engines import LOW, PATIENCE, ByHand


def key(side: int) -> Key:
    return Key(LOW, (side, side), 1)


def test_a_stream_of_many_sizes_does_not_keep_the_compiler_from_the_others():
    made, worker = [], ByHand()
    requests = Requests(made.append, worker)
    for side in range(10, 20):
        assert requests.wish("rude", [key(side)])
        assert requests.wish("good", [key(1), key(2)])
    assert len(worker.jobs) == 3, "of the rude one the last wish, and both of the other"
    worker.work()
    assert made == [key(19), key(1), key(2)]
    assert not worker.jobs


def test_after_each_program_it_is_the_next_streams_turn():
    made, worker = [], ByHand()
    requests = Requests(made.append, worker)
    requests.wish("a", [key(1), key(2), key(3)])
    requests.wish("b", [key(4)])
    worker.work()
    assert made == [key(1), key(4), key(2), key(3)]


def test_what_two_want_is_compiled_once():
    made, worker = [], ByHand()
    requests = Requests(made.append, worker)
    for name in "ab":
        requests.wish(name, [key(1)])
    assert len(worker.jobs) == 1
    worker.work()
    assert made == [key(1)]


def test_what_nobody_wants_any_more_is_not_compiled():
    made, worker = [], ByHand()
    requests = Requests(made.append, worker)
    requests.wish("a", [key(1)])
    requests.wish("a", [])
    worker.work()
    assert made == []


def test_what_is_under_way_is_not_sent_for_again():
    begun, go_on = threading.Event(), threading.Event()
    made: list[Key] = []

    def compile_key(wanted: Key) -> None:
        begun.set()
        assert go_on.wait(PATIENCE)
        made.append(wanted)

    with ThreadPoolExecutor(1) as worker:
        requests = Requests(compile_key, worker)
        requests.wish("a", [key(1)])
        assert begun.wait(PATIENCE)
        assert requests.under_way() == {key(1)}
        assert requests.wish("b", [key(1)])
        go_on.set()
    assert made == [key(1)]
    assert requests.under_way() == set()


def test_a_background_that_has_ended_is_no_error_and_is_told():
    worker = ThreadPoolExecutor(1)
    worker.shutdown()
    assert not Requests(print, worker).wish("a", [key(1)])
