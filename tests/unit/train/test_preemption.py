"""SIGTERM is heard while a run lasts, and only then; of several processes it belongs to JAX."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from mrsr.train.preemption import PREEMPTED, preemption


def test_sigterm_is_heard_inside_and_the_handler_of_before_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with preemption() as asked:
        assert not asked(1)
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked.heard.wait(10)
        assert asked(2)
        assert asked.alone()
    assert signal.getsignal(signal.SIGTERM) is before


def test_off_the_main_thread_nothing_is_installed() -> None:
    found: list[object] = []

    def work() -> None:
        with preemption() as asked:
            found.extend([asked(1), signal.getsignal(signal.SIGTERM)])

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False, before]


def test_the_status_is_the_systems_for_try_again() -> None:
    assert PREEMPTED == os.EX_TEMPFAIL


def test_ctrl_c_asks_first_and_interrupts_the_second_time():
    before = signal.getsignal(signal.SIGINT)
    with preemption() as asked:
        signal.raise_signal(signal.SIGINT)
        assert asked(1)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
