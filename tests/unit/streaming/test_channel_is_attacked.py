"""The channel meets strangers: only those who know the secret are let in, and what they alter on the way is noticed."""

from __future__ import annotations

import asyncio
import json
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from calls import EchoWorker
from channels import in_time, rest_of, until

from mrsr.streaming.channel import RemoteWorker, serve_channel
from mrsr.streaming.channel import server as worker_side
from mrsr.streaming.protocol import NO_CAPS, Error, Want
from mrsr.streaming.worker import FromWorker, Participant

SECRET, ANOTHER = "s" * 32, "t" * 32
ADA = Participant("ada", "r", "publish", "Ada", NO_CAPS)


@asynccontextmanager
async def dialled(address: str) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    """A connection of someone who speaks for himself."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


class Relay:
    """Stands between the two, hears everything and does with each chunk what `change` says.

    Attributes:
      heard: what both sides have said.
    """

    def __init__(self, address: str) -> None:
        self.heard = bytearray()
        self.change: Callable[[bytes], bytes] = lambda chunk: chunk
        self._to = address

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        tasks = set[asyncio.Task[Any]]()

        async def between(reader: StreamReader, writer: StreamWriter) -> None:
            tasks.add(asyncio.current_task())  # type: ignore[arg-type]
            async with dialled(self._to) as (other_reader, other_writer):
                ways = [
                    asyncio.create_task(self._pass(*way)) for way in ((reader, other_writer), (other_reader, writer))
                ]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
                    writer.transport.abort()

        server = await asyncio.start_server(between, "127.0.0.1", 0)
        try:
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(65536):
                self.heard += chunk
                writer.write(self.change(chunk))


def test_who_shares_the_secret_is_let_in_and_the_secret_is_never_said() -> None:
    async def scenario() -> None:
        worker = EchoWorker()
        async with serve_channel(worker, "127.0.0.1:0", SECRET) as address:
            relay = Relay(address)
            async with relay.listening() as through, RemoteWorker(through, SECRET) as remote:
                await until(lambda: remote.ready)
                await remote.join(ADA, Want(), lambda _: None)
                assert list(worker.there) == ["ada"]
            assert b"Ada" in relay.heard
            assert SECRET.encode() not in relay.heard

    in_time(scenario)


def test_a_gateway_with_another_secret_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with (
            serve_channel(EchoWorker(), "127.0.0.1:0", SECRET) as address,
            RemoteWorker(address, ANOTHER) as forged,
            RemoteWorker(address, SECRET) as ours,
        ):
            await until(lambda: "does not know the secret" in caplog.text)
            # Who does know it is not kept out by that.
            await until(lambda: ours.ready)
            assert not forged.ready
            assert SECRET not in caplog.text
            assert ANOTHER not in caplog.text

    in_time(scenario)


def test_a_worker_that_does_not_know_the_secret_is_not_spoken_to(caplog: pytest.LogCaptureFixture) -> None:
    """It sits where ours was expected, and lets everybody in."""

    async def scenario() -> None:
        heard = list[dict[str, Any]]()

        async def pose(reader: StreamReader, writer: StreamWriter) -> None:
            writer.write(json.dumps({"mrsr": 1, "nonce": "0" * 64}).encode() + b"\n")
            said = json.loads(await reader.readline())
            # Its own proof is all it has to show.
            writer.write(json.dumps({"proof": said["proof"]}).encode() + b"\n" + b'{"ready": true}\n')
            heard.extend(json.loads(line) for line in (await rest_of(reader)).splitlines())
            writer.close()

        server = await asyncio.start_server(pose, "127.0.0.1", 0)
        async with RemoteWorker(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", SECRET) as remote:
            await until(lambda: "what answers there does not know the secret" in caplog.text)
            assert not remote.ready
        assert heard == []
        server.close()

    in_time(scenario)


def test_an_earlier_proof_is_of_no_use_again() -> None:
    async def scenario() -> None:
        worker = EchoWorker()
        async with serve_channel(worker, "127.0.0.1:0", SECRET) as address:
            relay = Relay(address)
            async with relay.listening() as through, RemoteWorker(through, SECRET) as remote:
                await until(lambda: remote.ready)
                await remote.join(ADA, Want(), lambda _: None)
            await until(lambda: not worker.there)
            [answered] = re.findall(rb'\{"mrsr":1,"nonce":"\w+","proof":"\w+"\}\n', bytes(relay.heard))
            joins = re.search(rb"\w{32}\{[^\n]*\"do\":\"join\"[^\n]*\n", bytes(relay.heard))
            assert joins
            async with dialled(address) as (reader, writer):
                writer.write(answered + joins.group())
                said = (await rest_of(reader)).splitlines()
            assert json.loads(said[-1]) == {"refused": "it does not know the secret"}
            assert worker.there == {}

    in_time(scenario)


@pytest.mark.parametrize("how", ["altered", "repeated", "left out"])
def test_lines_that_are_changed_on_the_way_end_the_connection(how: str, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        worker, told, done = EchoWorker(), list[FromWorker](), list[bytes]()
        async with serve_channel(worker, "127.0.0.1:0", SECRET) as address:
            relay = Relay(address)
            async with relay.listening() as through, RemoteWorker(through, SECRET) as remote:
                await until(lambda: remote.ready)
                await remote.join(ADA, Want(), told.append)

                def change(chunk: bytes) -> bytes:
                    if done or b'"do":' not in chunk:
                        return chunk
                    done.append(chunk)
                    if how == "altered":
                        return chunk.replace(b'"left"', b'"lost"')
                    return chunk * 2 if how == "repeated" else b""

                relay.change = change
                leaving = asyncio.create_task(remote.leave(ADA, "left"))
                await until(lambda: done)
                if how == "left out":
                    # It shows with the next line: their numbers no longer agree.
                    asking = asyncio.create_task(remote.statistics())
                    await asyncio.gather(asking, return_exceptions=True)
                await until(lambda: "a line whose code is wrong" in caplog.text)
                await until(lambda: worker.left)
                await asyncio.gather(leaving, return_exceptions=True)
                # Whoever is still joined hears of it like of any loss.
                assert all(isinstance(message, Error) for message in told)
                await until(lambda: remote.ready)

    caplog.set_level("INFO", "mrsr")
    in_time(scenario)


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: worker\r\n\r\n",
        b"[1, 2]\n",
        b'{"mrsr": 1, "nonce": 5, "proof": null}\n',
        b'{"mrsr": 2, "nonce": "0", "proof": "0"}\n',
        b'{"call": 1, "do": "statistics"}\n',
        b"[" * 1000 + b"\n",
        b"\xff\xfe\n",
        b"x" * 100_000,
    ],
)
def test_a_stranger_is_let_go_whatever_he_says(said: bytes) -> None:
    async def scenario() -> None:
        worker = EchoWorker()
        async with serve_channel(worker, "127.0.0.1:0", SECRET) as address:
            async with dialled(address) as (reader, writer):
                writer.write(said)
                greeting, *rest = (await rest_of(reader)).splitlines()
            assert set(json.loads(greeting)) == {"mrsr", "nonce"}
            assert all("refused" in json.loads(line) for line in rest)
            async with RemoteWorker(address, SECRET) as remote:
                await until(lambda: remote.ready)

    in_time(scenario)


def test_strangers_that_say_nothing_are_few_and_let_go_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from mrsr.streaming.channel import greeting

    async def scenario() -> None:
        async with serve_channel(EchoWorker(), "127.0.0.1:0", SECRET) as address:
            host, _, port = address.rpartition(":")
            many = worker_side._MOST_STRANGERS + 8
            silent = [await asyncio.open_connection(host, int(port)) for _ in range(many)]
            said = await asyncio.gather(*(rest_of(reader) for reader, _ in silent))
            # Those above the limit are not even greeted.
            assert sum(map(bool, said)) == worker_side._MOST_STRANGERS
            for _, writer in silent:
                writer.transport.abort()
            async with RemoteWorker(address, SECRET) as remote:
                await until(lambda: remote.ready)

    monkeypatch.setattr(greeting, "_SECONDS", 0.5)
    in_time(scenario)


def test_a_line_that_is_too_long_ends_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    """From a gateway that is ours but broken: it is not kept in memory to its end."""

    async def scenario() -> None:
        worker = EchoWorker()
        async with serve_channel(worker, "127.0.0.1:0", SECRET) as address, RemoteWorker(address, SECRET) as remote:
            await until(lambda: remote.ready)
            await remote.join(ADA, Want(), lambda _: None)
            assert remote._link is not None
            remote._link._lines._writer.write(b"x" * (5 << 20))
            await until(lambda: "a line of more than 4194304 bytes" in caplog.text)
            await until(lambda: not worker.there)

    caplog.set_level("INFO", "mrsr")
    in_time(scenario)
