"""`mrsr serve`: what is refused before anything starts, how it says that it is up, and what it goes through."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mrsr.cli import main as frame
from mrsr.streaming import serving
from mrsr.streaming.starting import WorkerStart
from mrsr.streaming.supervisor import Supervisor
from mrsr.streaming.tokens import Grant, Keys, issue, new_key

# Speaks the worker's channel, without network and media.
STAND_IN = (sys.executable, str(Path(__file__).parents[2] / "echo_process.py"))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Supervisor]]:
    """The supervisors that were made, whose worker is the stand-in; and logging as it was before."""
    made: list[Supervisor] = []

    def supervisor(start: WorkerStart) -> Supervisor:
        made.append(Supervisor(start, STAND_IN))
        return made[-1]

    monkeypatch.setattr(serving, "Supervisor", supervisor)
    root, level = logging.getLogger(), logging.getLogger("mrsr").level
    before = root.handlers[:], root.level
    yield made
    logging.captureWarnings(False)
    root.handlers[:], root.level = before
    logging.getLogger("mrsr").setLevel(level)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit status and stderr of `mrsr serve` with arguments that end it."""
    status = frame.main(["serve", *arguments])
    return status, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0: others reach it, expected --token-key FILE, or --open"),
        (["--allow-host", "call.example.org"], "--allow-host call.example.org: others reach it, expected --token-key"),
        (["--allow-host", "*"], "--allow-host *: others reach it"),
        (["--trust-proxy", "127.0.0.1"], "--trust-proxy 127.0.0.1/32: others reach it"),
        (["--token-key", "missing"], "missing"),
        (["--token-key", "keys", "--open"], "--open: expected either it or --token-key"),
        (["--token-key", "weak"], "weak, line 1"),
        (["--port", "65536"], "--port 65536: expected 0 to 65535"),
        (["--port", "many"], "--port"),
        (["--fps", "0"], "--fps 0: expected 1 to 60"),
        (["--most-streams", "0"], "--most-streams 0"),
        (["--threads", "-1"], "--threads -1"),
        (["--tls-certificate", "cert.pem"], "--tls-key"),
        (["--tls-certificate", "cert.pem", "--tls-key", "key.pem"], "cert.pem"),
        (["--allow-origin", "team.example"], "--allow-origin 'team.example'"),
        (["--allow-origin", "https://team.example/page"], "--allow-origin"),
        (["--allow-origin", "http://["], "--allow-origin 'http://['"),
        (["--allow-origin", "https://team.example:99999"], "--allow-origin 'https://team.example:99999'"),
        (["--allow-host", "https://x"], "--allow-host 'https://x'"),
        (["--trust-proxy", "10.0.0.0/99"], "--trust-proxy '10.0.0.0/99'"),
        (["--turn", "turn:relay.example:3478"], "--turn-secret-file"),
        (["--turn", "relay.example", "--turn-secret-file", "keys"], "--turn 'relay.example'"),
        (["--stun", "turn:x:1"], "--stun 'turn:x:1'"),
        (["--workers", "2"], "--cluster"),
        (["--hsts"], "--hsts: expected --tls-certificate"),
        (["--metrics", "9090"], "--metrics '9090': expected HOST:PORT, or here"),
        (["--metrics", "localhost:99999"], "--metrics 'localhost:99999'"),
        (["--peers-per-token", "0"], "--peers-per-token 0: expected 1 to 10000"),
        (["--peers-per-address", "-1"], "--peers-per-address -1"),
        (["--log", "xml"], "--log"),
        (["--prot", "80"], "--prot"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_one_line_and_status_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    named: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys").write_text(new_key())
    (tmp_path / "weak").write_text("id secret-of-a-few-letters")
    status, error = run(capsys, *arguments)
    assert (status, error.count("\n")) == (2, 1), error
    assert named in error
    assert "secret-of-a-few-letters" not in error


def test_a_port_that_is_taken_is_one_line_and_status_2(
    started: list[Supervisor], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, error = run(capsys, "--port", port)
    assert (status, error.count("\n")) == (2, 1), error
    assert f"127.0.0.1:{port}" in error
    assert started[0].pid is None


def test_a_worker_that_refuses_its_model_ends_the_server_with_its_one_line(
    started: list[Supervisor], capfd: pytest.CaptureFixture[str]
) -> None:
    status = frame.main(["serve", "--port", "0", "--model", "refused"])
    assert (status, capfd.readouterr().err) == (2, "mrsr: model refused: expected another\n")
    assert started[0].restarts == 0


async def until(happened: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not happened():
            await asyncio.sleep(0.01)


class Visitor:
    """Goes through a server's life from inside its process, once it has said that it is up."""

    def __init__(self, visit: Callable[[str, aiohttp.ClientSession], Any]) -> None:
        self._visit = visit
        self.task: asyncio.Task[None] | None = None

    def started(self, url: str, warning: str | None) -> None:
        """What `run_server` calls."""
        assert warning is None
        self.task = asyncio.get_running_loop().create_task(self._all(url))

    async def _all(self, url: str) -> None:
        try:
            async with aiohttp.ClientSession() as http:
                await asyncio.wait_for(self._visit(url, http), 40)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)


def serve(settings: serving.Serving, visit: Callable[[str, aiohttp.ClientSession], Any]) -> int:
    """The status of a server that is visited, and then told to end."""
    visitor = Visitor(visit)

    async def both() -> int:
        status = await asyncio.wait_for(serving.run_server(settings, visitor.started), 60)
        assert visitor.task is not None
        await visitor.task
        return status

    return asyncio.run(both())


async def joined(url: str, http: aiohttp.ClientSession, token: str | None = None) -> aiohttp.ClientWebSocketResponse:
    """A socket that has said hello, with a token of the server's own unless it has one."""
    if token is None:
        async with http.post(f"{url}/api/token", json={"room": "r", "role": "both"}) as response:
            token = (await response.json())["token"]
    sock = await http.ws_connect(f"{url}/api/ws")
    await sock.send_json({"type": "hello", "token": token, "role": "both", "session": "r"})
    return sock


async def code_of(sock: aiohttp.ClientWebSocketResponse) -> tuple[dict[str, Any], int | None]:
    """The error that a socket ends with, and its close code."""
    said = await sock.receive_json(timeout=30)
    while (await sock.receive(timeout=30)).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
        pass
    return said, sock.close_code


def test_when_the_worker_is_killed_people_are_told_and_join_again_and_sigterm_ends_with_0(
    started: list[Supervisor],
) -> None:
    async def visit(url: str, http: aiohttp.ClientSession) -> None:
        [supervisor] = started

        async def figure(path: str) -> Any:
            async with http.get(url + path) as response:
                return response.status, await response.text()

        sock = await joined(url, http)
        await until(lambda: supervisor.worker._link.sends)  # type: ignore[union-attr]
        assert supervisor.pid is not None
        os.kill(supervisor.pid, signal.SIGKILL)
        said, closed = await code_of(sock)
        assert (said["type"], said["code"], said["retryAfterMs"], closed) == ("error", "worker", 500, 4502)
        assert (await figure("/readyz"))[0] == 503
        assert (await figure("/healthz"))[0] == 200
        await until(lambda: supervisor.worker.ready)
        assert (await figure("/readyz"))[0] == 200
        assert "mrsr_worker_restarts_total 1.0" in (await figure("/metrics"))[1]
        sock = await joined(url, http)
        await until(lambda: supervisor.worker._link.sends)  # type: ignore[union-attr]
        os.kill(os.getpid(), signal.SIGTERM)
        said, closed = await code_of(sock)
        assert (said["code"], closed) == ("draining", 4503)

    assert serve(serving.Serving(serving.Listen(port=0)), visit) == 0
    assert started[0].pid is None


def test_with_keys_only_their_holders_join(started: list[Supervisor]) -> None:
    keys = Keys({"day": "k" * 40})

    async def visit(url: str, http: aiohttp.ClientSession) -> None:
        async with http.get(f"{url}/api/config") as response:
            assert (await response.json())["open"] is False
        async with http.post(f"{url}/api/token", json={"room": "r", "role": "both"}) as response:
            assert (response.status, (await response.json())["code"]) == (403, "room")
        holder = await joined(url, http, issue(keys, Grant("r", "both"), 60, time.time()))
        await until(lambda: started[0].worker._link.sends)  # type: ignore[union-attr]
        sock = await joined(url, http, issue(Keys({"day": "x" * 40}), Grant("r", "both"), 60, time.time()))
        said, closed = await code_of(sock)
        assert (said["code"], closed) == ("token", 4401)
        assert not holder.closed

    assert serve(serving.Serving(serving.Listen(port=0), keys=keys), visit) == 0


@pytest.mark.parametrize(
    ("metrics", "hosts", "told"),
    [(None, (), True), (None, ("call.example",), False), ("here", ("call.example",), True)],
)
def test_metrics_are_told_beside_the_pages_where_this_machine_alone_reaches_them_or_that_is_asked(
    started: list[Supervisor], metrics: Any, hosts: tuple[str, ...], told: bool
) -> None:
    async def visit(url: str, http: aiohttp.ClientSession) -> None:
        async with http.get(f"{url}/metrics") as response:
            assert (response.status == 200) is told

    places = serving.Places(serving.Places().hosts | {*hosts})
    settings = serving.Serving(serving.Listen(port=0), open_to_all=bool(hosts), places=places, metrics=metrics)
    assert serve(settings, visit) == 0


def test_the_page_is_there_with_its_headers(started: list[Supervisor]) -> None:
    async def visit(url: str, http: aiohttp.ClientSession) -> None:
        async with http.get(f"{url}/") as response:
            page = await response.text()
            policy = response.headers["Content-Security-Policy"]
            assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
            assert "camera=(self)" in response.headers["Permissions-Policy"]
        assert "<video" in page
        assert "script-src 'self' 'wasm-unsafe-eval'" in policy
        assert "'unsafe-inline'" not in policy

    assert serve(serving.Serving(serving.Listen(port=0)), visit) == 0


def test_the_address_is_printed_once_people_are_taken_alone_and_warnings_aside(
    started: list[Supervisor], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mrsr.cli import serve as command

    said = command._started

    def stop(url: str, warning: str | None) -> None:
        assert started[0].worker.ready
        said(url, "no model: frames are enlarged by bicubic")
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(command, "_started", stop)
    assert frame.main(["serve", "--port", "0"]) == 0
    said_of_it = capsys.readouterr()
    [address] = said_of_it.out.splitlines()
    assert address.startswith("mrsr serve: http://127.0.0.1:")
    assert "warning: no model: frames are enlarged by bicubic\n" in said_of_it.err
