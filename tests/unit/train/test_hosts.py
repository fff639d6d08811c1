"""A process's place in a job: read from the environment, the missing named, and two processes really joined."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from mrsr.errors import RunError, UserError
from mrsr.train.hosts import COORDINATOR, PROCESS_COUNT, PROCESS_ID, Place, hosts, joined, place
from mrsr.train.rollcall import answer_roll, call_roll


def variables(coordinator: str = "10.0.0.2:8476", index: str = "1", count: str = "4") -> dict[str, str]:
    return {COORDINATOR: coordinator, PROCESS_ID: index, PROCESS_COUNT: count}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def said_by_each(*calls: Callable[[], object]) -> list[str]:
    """What each of the calls, made at once, raised; empty where it returned, and then its connections are closed."""
    said = [""] * len(calls)

    def work(at: int) -> None:
        try:
            match calls[at]():
                case dict() as lines:
                    for line in lines.values():
                        line.close()
                case socket.socket() as line:
                    line.close()
        except RunError as error:
            said[at] = str(error)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return said


def test_a_process_on_its_own_is_the_first_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (COORDINATOR, PROCESS_ID, PROCESS_COUNT):
        monkeypatch.delenv(name, raising=False)
    with joined() as found:
        assert (hosts(), found) == ((0, 1), (0, 1))


def test_the_place_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables().items():
        monkeypatch.setenv(name, value)
    assert hosts() == (1, 4)
    assert place() == Place("10.0.0.2", 8476, 1, 4)
    assert place(variables("[fd00::2]:8476")) == Place("fd00::2", 8476, 1, 4)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({PROCESS_ID: ""}, "MRSR_PROCESS_ID is not set: expected all of"),
        ({PROCESS_ID: "4"}, r"MRSR_PROCESS_ID=4: expected a whole number, 0 to 3 \(MRSR_PROCESS_COUNT=4\)"),
        ({PROCESS_ID: "-1"}, "MRSR_PROCESS_ID=-1"),
        ({PROCESS_COUNT: "0"}, "MRSR_PROCESS_COUNT=0: expected a whole number, 1 or more"),
        ({COORDINATOR: "host"}, "MRSR_COORDINATOR=host: expected HOST:PORT"),
        ({COORDINATOR: "host:99999"}, "MRSR_COORDINATOR=host:99999"),
    ],
)
def test_a_place_that_cannot_be_is_named(changed: dict[str, str], named: str) -> None:
    with pytest.raises(UserError, match=named):
        place(variables() | changed)


def test_all_go_on_when_all_have_come() -> None:
    port = free_port()
    calls = [lambda index=index: answer_roll("127.0.0.1", port, index, 3, 30) for index in (1, 2)]
    assert said_by_each(*calls, lambda: call_roll(port, 3, 30)) == ["", "", ""]


def test_those_who_did_not_come_are_named_to_all_who_did() -> None:
    port = free_port()
    said = said_by_each(lambda: call_roll(port, 4, 1.5), lambda: answer_roll("127.0.0.1", port, 2, 4, 30))
    assert said == ["processes 1, 3 of 4 did not come within 1.5 s"] * 2


def connected(port: int) -> socket.socket:
    """A connection to a port that may not be listened on yet."""
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=30)
        except ConnectionRefusedError:
            continue


def test_one_that_came_and_went_is_missing() -> None:
    port = free_port()

    def come_and_go() -> None:
        with connected(port) as caller:
            caller.sendall(b"1 3\n")

    said = said_by_each(lambda: call_roll(port, 3, 1.5), come_and_go)
    assert said == ["processes 1, 2 of 3 did not come within 1.5 s", ""]


def test_a_coordinator_that_is_not_there_is_named() -> None:
    port = free_port()
    with pytest.raises(RunError, match=rf"process 0 of 2 did not answer at 127.0.0.1:{port} within 0.5 s"):
        answer_roll("127.0.0.1", port, 1, 2, 0.5)


def test_a_coordinator_whose_port_is_taken_says_so() -> None:
    with socket.create_server(("", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(RunError, match=f"process 0 cannot listen on port {port}: Address already in use"):
            call_roll(port, 2, 5)


def test_two_under_one_number_and_jobs_of_two_sizes_are_named() -> None:
    port = free_port()
    twice = [lambda: answer_roll("127.0.0.1", port, 1, 3, 30)] * 2
    assert said_by_each(lambda: call_roll(port, 3, 30), *twice) == ["two processes say to be number 1 of 3"] * 3
    other = lambda: answer_roll("127.0.0.1", port, 1, 2, 30)  # noqa: E731
    assert (
        said_by_each(lambda: call_roll(port, 3, 30), other)
        == ["process 1 belongs to a job of 2 processes, process 0 to one of 3"] * 2
    )


def test_what_is_no_process_of_a_job_is_not_counted() -> None:
    port = free_port()

    def answer_after_a_stranger() -> None:
        with connected(port) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n")
            # What is left unread makes the end a reset.
            with suppress(ConnectionResetError):
                assert stranger.recv(100) == b""
        answer_roll("127.0.0.1", port, 1, 2, 30).close()

    assert said_by_each(lambda: call_roll(port, 2, 30), answer_after_a_stranger) == ["", ""]


def run_two(code: str) -> list[subprocess.CompletedProcess[str]]:
    """Runs a program as both processes of a job with two virtual devices each."""
    port = free_port()
    commands = [sys.executable, "-u", "-c", code]
    running = [
        subprocess.Popen(
            commands,
            env={**os.environ, **variables(f"127.0.0.1:{port}", str(index), "2"), "JAX_PLATFORMS": "cpu",
                 "XLA_FLAGS": "--xla_force_host_platform_device_count=2"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for index in range(2)
    ]  # fmt: skip
    ended = []
    for process in running:
        out, err = process.communicate(timeout=300)
        ended.append(subprocess.CompletedProcess(commands, process.returncode, out, err))
    return ended


JOINED = """
from mrsr.train.hosts import joined
with joined(120) as place:
    import jax, jax.numpy as jnp
    total = jax.pmap(lambda x: jax.lax.psum(x, 'all'), axis_name='all')(jnp.arange(2.0) + 2 * place[0])
    print(place, jax.process_count(), float(total[0]))
"""


def test_two_processes_join_into_one_runtime_whose_devices_add_up() -> None:
    ended = run_two(JOINED)
    # Devices 0 to 3 each hold their own number: 6 in all.
    assert [done.stdout.splitlines()[-1] for done in ended] == ["(0, 2) 2 6.0", "(1, 2) 2 6.0"]
    assert [done.returncode for done in ended] == [0, 0]


def test_one_that_dies_ends_the_other_which_waits_for_it_in_a_step_and_names_it() -> None:
    ended = run_two(
        JOINED
        + """
    import os
    if place[0] == 1:
        os.kill(os.getpid(), 9)
    total = jax.pmap(lambda x: jax.lax.psum(x, 'all'), axis_name='all')(total)
    print(float(total[0]))
"""
    )
    assert [done.returncode for done in ended] == [1, -9]
    assert ended[0].stderr.splitlines()[-1] == "mrsr: process 1 of 2 died"
    assert "96.0" not in ended[0].stdout


def test_one_that_fails_says_so_and_the_other_repeats_it() -> None:
    ended = run_two(
        JOINED
        + """
    from mrsr.errors import UserError
    if place[0] == 1:
        raise UserError("data/clips: no such folder")
    total = jax.pmap(lambda x: jax.lax.psum(x, 'all'), axis_name='all')(total)
    print(float(total[0]))
"""
    )
    # With the command line around it, the other ends with one line too: the traceback is Python's.
    assert [done.returncode for done in ended] == [1, 2]
    assert ended[0].stderr.splitlines()[-1] == "mrsr: process 1 of 2 failed: data/clips: no such folder"
    assert ended[1].stderr.splitlines()[-1] == "mrsr.errors.UserError: data/clips: no such folder"
