"""A worker's process that dies, hangs, refuses or is told to end; and one whose parent dies."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from calls import a_name

from mrsr.errors import UserError
from mrsr.streaming import supervisor as supervisors
from mrsr.streaming.protocol import NO_CAPS, NO_WISH, Error
from mrsr.streaming.settings import WorkerSettings
from mrsr.streaming.starting import WorkerStart
from mrsr.streaming.supervisor import Supervisor
from mrsr.streaming.worker import Participant

ANNA = Participant("a1", "r", "both", "anna", NO_CAPS)
# Without network and media: how a process is kept is the same for every worker.
STAND_IN = (sys.executable, str(Path(__file__).parents[2] / "echo_process.py"))


async def until(happened: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not happened():
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not waited for does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@contextlib.asynccontextmanager
async def supervised(command: tuple[str, ...] = STAND_IN, **settings: Any) -> AsyncIterator[Supervisor]:
    async with Supervisor(WorkerStart(WorkerSettings(**settings)), command) as supervisor:
        supervisor.begin()
        yield supervisor


async def process_of(supervisor: Supervisor) -> int:
    await until(lambda: supervisor.worker.ready)
    return int((await supervisor.worker.statistics())["worker"]["process"])


def test_a_killed_worker_is_back_and_who_was_joined_is_told() -> None:
    async def scenario() -> None:
        async with supervised() as supervisor:
            first, told = await process_of(supervisor), list[Any]()
            assert first == supervisor.pid
            await supervisor.worker.join(ANNA, NO_WISH, told.append)
            os.kill(first, signal.SIGKILL)
            await until(lambda: told)
            assert told == [Error("worker", "the worker was lost", 500)]
            assert not supervisor.worker.ready
            second = await process_of(supervisor)
            assert second != first
            assert supervisor.restarts == 1
            assert not alive(first)
            await supervisor.worker.join(ANNA, NO_WISH, told.append)
        assert not alive(second)

    asyncio.run(scenario())


def test_a_machine_without_a_process_to_spare_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        spawn = asyncio.create_subprocess_exec

        async def none_left(*_: Any, **__: Any) -> None:
            monkeypatch.setattr(asyncio, "create_subprocess_exec", spawn)
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

        monkeypatch.setattr(asyncio, "create_subprocess_exec", none_left)
        async with supervised() as supervisor:
            await process_of(supervisor)
            assert supervisor.restarts == 1
            assert "could not be started: Resource temporarily unavailable" in caplog.text

    asyncio.run(scenario())


def test_a_worker_that_hangs_is_killed_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisors, "_HANGS_S", 0.3)
    monkeypatch.setattr("mrsr.streaming.channel.link._DEAD_S", 0.5)

    async def scenario() -> None:
        async with supervised() as supervisor:
            first = await process_of(supervisor)
            os.kill(first, signal.SIGSTOP)
            await until(lambda: supervisor.restarts == 1)
            assert not alive(first)
            assert await process_of(supervisor) != first

    asyncio.run(scenario())


def test_a_worker_that_refuses_what_it_is_told_is_not_started_again(capfd: pytest.CaptureFixture[str]) -> None:
    async def scenario() -> None:
        async with supervised(model="refused") as supervisor:
            await asyncio.wait_for(supervisor.refused, 30)
            assert supervisor.restarts == 0
            assert supervisor.pid is None

    asyncio.run(scenario())
    assert capfd.readouterr().err == "mrsr: model refused: expected another\n"


def test_a_worker_that_does_not_end_when_told_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisors, "_STOP_S", 0.1)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(99)"

    async def scenario() -> int:
        async with supervised((sys.executable, "-c", deaf)) as supervisor:
            await until(lambda: supervisor.pid)
            pid = supervisor.pid
            assert pid is not None
            await until(lambda: b"deaf" not in Path(f"/proc/{pid}/cmdline").read_bytes())
            return pid

    assert not alive(asyncio.run(scenario()))


def test_a_gateway_that_is_killed_leaves_no_file_and_no_process(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from mrsr.streaming.starting import WorkerStart\n"
        "from mrsr.streaming.settings import WorkerSettings\n"
        "from mrsr.streaming.supervisor import Supervisor\n"
        "async def main():\n"
        f"    async with Supervisor(WorkerStart(WorkerSettings()), {STAND_IN!r}) as supervisor:\n"
        "        supervisor.begin()\n"
        "        while not supervisor.worker.ready:\n"
        "            await asyncio.sleep(0.01)\n"
        "        print(supervisor.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    places = dict.fromkeys(("TMPDIR", "XDG_RUNTIME_DIR"), str(tmp_path))

    async def scenario() -> None:
        command = [sys.executable, "-c", program]
        gateway = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | places)
        assert gateway.stdout
        worker = int(await asyncio.to_thread(gateway.stdout.readline))
        assert alive(worker)
        gateway.kill()
        gateway.wait()
        gateway.stdout.close()
        await until(lambda: not alive(worker))

    asyncio.run(scenario())
    assert list(tmp_path.iterdir()) == []


def test_the_real_worker_does_not_outlive_its_parent() -> None:
    # A parent that starts a worker, says which process that is, and waits for its own death.
    program = (
        "import subprocess, sys, time\n"
        f"command = [sys.executable, '-m', 'mrsr.streaming.worker_main', '--channel', '{a_name()}']\n"
        "worker = subprocess.Popen(command, stdin=subprocess.PIPE)\n"
        "print(worker.pid, flush=True)\n"
        "time.sleep(99)\n"
    )

    async def scenario() -> None:
        parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        assert parent.stdout
        worker = int(parent.stdout.readline())
        assert alive(worker)
        parent.kill()
        parent.wait()
        parent.stdout.close()
        await until(lambda: not alive(worker))

    asyncio.run(scenario())


def test_what_a_worker_is_told_crosses_a_pipe_and_its_secret_no_log() -> None:
    start = WorkerStart(WorkerSettings(model="tiny", routes="180:360", threads=2), "s" * 40, "json")
    assert WorkerStart.parse(start.line()) == start
    assert start.line().count(b"\n") == 1
    assert "sss" not in repr(start)
    assert WorkerStart.parse(b"{}") == WorkerStart()
    for line in (b"", b"[]", b"null", b'{"settings": {"nothing": 1}}', b'{"secrets": "x"}', b'{"log": "xml"}', b"\xff"):
        with pytest.raises(UserError, match="expected"):
            WorkerStart.parse(line)
