"""The channel between gateway and worker: a call over it is as one without it; strangers, liars and the slow lose."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from calls import OFFER, EchoWorker

from mrsr.errors import RunError, UserError
from mrsr.streaming.channel import RemoteWorker, serve_channel
from mrsr.streaming.channel.address import Address
from mrsr.streaming.channel.lines import MOST_BYTES, ChannelError, Lines
from mrsr.streaming.channel.mailbox import Mailbox
from mrsr.streaming.limits import Limits
from mrsr.streaming.protocol import NO_WISH, Ack, Caps, Control, Error, People, Person, Status, Want
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.sdp import checked_offer
from mrsr.streaming.worker import Participant

SECRET = "s" * 40
ANNA = Participant("a1", "r", "both", "anna", Caps(max_height=720, codecs=("VP8",)))
BEN = Participant("b1", "r", "subscribe", "ben", Caps())
CHECKED = checked_offer(OFFER, Limits())
GONE = Error("worker", "the worker was lost", 500)


async def until(happened: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.005)


@dataclass
class Whole(EchoWorker):
    """Remembers participants and wishes as they came; `slow` offers wait until they are cancelled."""

    came: list[tuple[Participant, Want]] = field(default_factory=list)
    error: Exception | None = None
    slow: bool = False
    cancelled: int = 0

    async def join(self, who: Participant, want: Want, send: Any) -> None:
        self.came.append((who, want))
        await super().join(who, want, send)

    async def offer(self, who: Participant, offer: Any) -> str:
        if self.error is not None:
            raise self.error
        if self.slow:
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled += 1
        return await super().offer(who, offer)


@contextlib.asynccontextmanager
async def over(path: Path, worker: Any, secret: str | None = None, name: str = "w") -> AsyncIterator[RemoteWorker]:
    """A worker by way of a channel, by TCP where there is a secret."""
    path.chmod(0o700)
    where = "127.0.0.1:0" if secret else str(path / name)
    async with serve_channel(worker, where, secret) as address, RemoteWorker(address, secret) as remote:
        await until(lambda: remote.ready)
        yield remote


def claim(test: Callable[..., Awaitable[None]]) -> Any:
    """A coroutine as a test."""

    def claimed(tmp_path: Path) -> None:
        asyncio.run(asyncio.wait_for(test(tmp_path), 20))

    claimed.__name__ = test.__name__
    return claimed


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_call_over_a_channel_is_as_one_without(tmp_path: Path, secret: str | None) -> None:
    async def scenario() -> None:
        worker, told = Whole(), list[Any]()
        async with over(tmp_path, worker, secret) as remote:
            want = Want("destination", 360, "b1", "device")
            await remote.join(ANNA, want, told.append)
            assert worker.came == [(ANNA, want)]
            assert await remote.offer(ANNA, CHECKED) == CHECKED.sdp
            assert worker.offers == [CHECKED]
            await remote.heard(ANNA, Ack(3, True))
            await remote.heard(ANNA, Want(height=180))
            assert worker.heard_ == [Ack(3, True), Want(height=180)]
            said = [
                People("a1", (Person("b1", "Ben Bär"),)),
                Control(1, 2.5, 300_000),
                Status("on", 180, 720, 29.5, 33.25, 7, rtt_ms=12.0, reason="the link bears it"),
            ]
            for message in said:
                worker.there["a1"](message)
            await until(lambda: len(told) == 3)
            assert told == said
            assert (await remote.statistics())["worker"] == {"id": "echo"}
            await remote.leave(ANNA, "bye")
            assert worker.left == [("a1", "bye")]

    asyncio.run(scenario())


@claim
async def test_errors_keep_their_code_and_faults_tell_nothing(tmp_path: Path) -> None:
    worker = Whole()
    async with over(tmp_path, worker) as remote:
        await remote.join(ANNA, NO_WISH, print)
        for error, told in (
            (ProtocolError(Code.FULL, "no place", 5000), ("full", "no place", 5000)),
            (RunError("WebRTC does not take it"), ("worker", "WebRTC does not take it", 1000)),
            (KeyError("secret"), ("worker", "the worker failed at offer", 1000)),
        ):
            worker.error = error
            with pytest.raises(ProtocolError) as refused:
                await remote.offer(ANNA, CHECKED)
            assert (refused.value.code, refused.value.text, refused.value.retry_after_ms) == told
        worker.error = None
        assert await remote.offer(ANNA, CHECKED) == CHECKED.sdp


@claim
async def test_when_the_worker_is_lost_everybody_is_told_and_it_is_found_again(tmp_path: Path) -> None:
    told: dict[str, list[Any]] = {"a1": [], "b1": []}
    tmp_path.chmod(0o700)
    address, first, second = str(tmp_path / "w"), Whole(slow=True), Whole()
    async with RemoteWorker(address) as remote:
        assert not remote.ready
        with pytest.raises(ProtocolError, match="not there"):
            await remote.join(ANNA, NO_WISH, print)
        async with serve_channel(first, address):
            await until(lambda: remote.ready)
            for who in (ANNA, BEN):
                await remote.join(who, NO_WISH, told[who.peer].append)
            pending = asyncio.create_task(remote.offer(ANNA, CHECKED))
            await until(lambda: first.came and len(first.there) == 2)
        with pytest.raises(ProtocolError, match="lost") as refused:
            await pending
        assert (refused.value.code, refused.value.retry_after_ms) == (Code.WORKER, 500)
        assert told == {"a1": [GONE], "b1": [GONE]}
        assert not remote.ready
        async with serve_channel(second, address):
            await until(lambda: remote.ready)
            await remote.leave(ANNA, "of the first")  # which is no matter of the second
            with pytest.raises(ProtocolError, match="lost"):
                await remote.heard(BEN, Ack(1, True))
            await remote.join(BEN, NO_WISH, told["b1"].append)
            assert await remote.offer(BEN, CHECKED) == CHECKED.sdp
            assert second.left == []


@claim
async def test_when_the_gateway_is_lost_those_whom_it_joined_leave(tmp_path: Path) -> None:
    worker = Whole(slow=True)
    tmp_path.chmod(0o700)
    async with serve_channel(worker, str(tmp_path / "w")) as address:
        async with RemoteWorker(address) as remote:
            await until(lambda: remote.ready)
            await remote.join(ANNA, NO_WISH, print)
            await remote.join(BEN, NO_WISH, print)
            pending = asyncio.create_task(remote.offer(ANNA, CHECKED))
            await asyncio.sleep(0)
            await remote.statistics()  # behind the offer: it has reached the worker
        await until(lambda: not worker.there)
        assert sorted(worker.left) == [("a1", "the gateway is gone"), ("b1", "the gateway is gone")]
        assert worker.cancelled == 1
        await asyncio.gather(pending, return_exceptions=True)


@claim
async def test_who_leaves_is_waited_for_by_no_offer_of_theirs(tmp_path: Path) -> None:
    worker = Whole(slow=True)
    async with over(tmp_path, worker) as remote:
        await remote.join(ANNA, NO_WISH, print)
        pending = asyncio.create_task(remote.offer(ANNA, CHECKED))
        await asyncio.sleep(0)
        await remote.statistics()
        await remote.leave(ANNA, "bye")
        assert (worker.left, worker.cancelled) == ([("a1", "bye")], 1)
        pending.cancel()
        await asyncio.gather(pending, return_exceptions=True)


@claim
async def test_a_worker_that_is_not_ready_says_so_until_it_is(tmp_path: Path) -> None:
    worker = Whole(ready=False)
    tmp_path.chmod(0o700)
    async with serve_channel(worker, str(tmp_path / "w")) as address, RemoteWorker(address) as remote:
        await until(lambda: remote.lost_seconds == 0)
        assert not remote.ready
        with pytest.raises(ProtocolError, match="no worker is ready"):
            await remote.join(ANNA, NO_WISH, print)
        worker.ready = True
        await until(lambda: remote.ready)
        worker.ready = False
        await until(lambda: not remote.ready)


@claim
async def test_a_second_gateway_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    worker = Whole()
    async with over(tmp_path, worker, SECRET) as remote:
        await remote.join(ANNA, NO_WISH, print)
        address = str(remote._address)
        async with RemoteWorker(address, SECRET) as second:
            await until(lambda: "another gateway is connected" in second._told)
            assert not second.ready
        assert await remote.offer(ANNA, CHECKED) == CHECKED.sdp
        assert worker.left == []


@claim
async def test_neither_side_takes_one_without_the_secret(tmp_path: Path) -> None:
    del tmp_path
    worker = Whole()
    async with serve_channel(worker, "127.0.0.1:0", SECRET) as address:
        async with RemoteWorker(address, "t" * 40) as forged:
            await until(lambda: "does not know the secret" in forged._told)
        async with RemoteWorker(address, SECRET) as remote:
            await until(lambda: remote.ready)

    async def mirror(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Says back what it is told: a proof of one side is none of the other.
        nonce = "0" * 64
        writer.write(json.dumps({"mrsr": 1, "nonce": nonce}).encode() + b"\n")
        said = json.loads(await reader.readline())
        writer.write(json.dumps({"proof": said["proof"]}).encode() + b"\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mirror, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with RemoteWorker(f"127.0.0.1:{port}", SECRET) as remote:
            await until(lambda: "does not know the secret" in remote._told)
            assert not remote.ready


@claim
async def test_strangers_are_let_go_of_and_the_gateway_is_served(tmp_path: Path) -> None:
    worker = Whole()
    async with over(tmp_path, worker, SECRET) as remote:
        host, _, port = str(remote._address).rpartition(":")
        for words in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"x" * 3000,
            b"[]\n",
            b'{"mrsr": 2}\n',
            b'{"mrsr": 1, "nonce": 3}\n',
            b"",
        ):
            reader, writer = await asyncio.open_connection(host, int(port))
            greeting = json.loads(await reader.readline())
            assert greeting.keys() == {"mrsr", "nonce"}
            writer.write(words)
            writer.write_eof()
            with contextlib.suppress(ConnectionError):
                while line := await reader.readline():
                    assert b"refused" in line
            writer.close()
        silent = [await asyncio.open_connection(host, int(port)) for _ in range(40)]
        await remote.join(ANNA, NO_WISH, print)
        assert await remote.offer(ANNA, CHECKED) == CHECKED.sdp
        for _, writer in silent:
            writer.close()


def lines_of(data: bytes = b"") -> tuple[Lines, list[bytes]]:
    """One side whose other side is here: what it reads is `data`, what it writes is kept."""
    reader, written = asyncio.StreamReader(), []
    reader.feed_data(data)
    reader.feed_eof()

    class Writer:
        transport = None

        def write(self, line: bytes) -> None:
            written.append(line)

        async def drain(self) -> None:
            pass

    return Lines(reader, Writer()), written  # type: ignore[arg-type]


@claim
async def test_lines_that_were_altered_repeated_or_left_out_are_noticed(tmp_path: Path) -> None:
    del tmp_path
    sender, written = lines_of()
    sender.seal(b"key", "gateway", "worker")
    for number in range(3):
        sender.write({"call": number})
    first, second, third = written

    async def read(data: bytes, key: bytes = b"key", own: str = "worker") -> list[Any]:
        lines, _ = lines_of(data)
        lines.seal(key, own, "gateway" if own == "worker" else "worker")
        found = []
        with contextlib.suppress(ChannelError):
            while True:
                found.append((await lines.read())["call"])
        return found

    assert await read(first + second + third) == [0, 1, 2]
    assert await read(first + second.replace(b"1", b"2")) == [0]
    assert await read(first + first) == [0]
    assert await read(first + third) == [0]
    assert await read(first, b"other") == []
    assert await read(first, own="gateway") == []


@pytest.mark.parametrize(
    "data", [b"x" * 2000, b"x" * 2000 + b"\n", b"nonsense\n", b"[1]\n", b"\xff\n", b"[" * 900 + b"\n", b""]
)
def test_what_is_no_line_ends_the_connection(data: bytes) -> None:
    async def scenario() -> None:
        lines, _ = lines_of(data)
        with pytest.raises(ChannelError):
            await lines.read(1000)

    asyncio.run(scenario())


def test_a_line_that_is_too_long_is_not_sent() -> None:
    async def scenario() -> None:
        lines, written = lines_of()
        with pytest.raises(ChannelError, match="at most"):
            lines.write({"to": "x" * MOST_BYTES})
        assert written == []

    asyncio.run(scenario())


def test_of_what_tells_how_things_stand_the_newest_waits_and_a_side_too_slow_is_lost() -> None:
    async def scenario() -> None:
        mailbox = Mailbox(3)
        for number in range(1000):
            mailbox.put({"number": number}, "status")
        assert len(mailbox) == 1
        lines, written = lines_of()
        sending = asyncio.create_task(mailbox.send(lines))
        await until(lambda: written)
        assert [json.loads(line) for line in written] == [{"number": 999}]
        for number in range(4):
            mailbox.put({"call": number})
        with pytest.raises(ChannelError, match="too slow"):
            await sending
        assert len(mailbox) == 3

    asyncio.run(scenario())


def test_an_address_is_a_private_path_or_a_host_with_a_secret(tmp_path: Path) -> None:
    for text, secret, why in (
        ("/" + "x" * 200, None, "path"),
        ("here", SECRET, "HOST:PORT"),
        ("host:99999", SECRET, "HOST:PORT"),
        ("10.0.0.1:80", None, "secret"),
        ("10.0.0.1:80", "short", "secret"),
    ):
        with pytest.raises(UserError, match=why):
            Address.parse(text, secret)
    assert Address.parse("[fd00::1]:7000", SECRET) == Address(host="fd00::1", port=7000)
    tmp_path.chmod(0o755)

    async def scenario() -> None:
        async with serve_channel(Whole(), str(tmp_path / "w")):
            pass

    with pytest.raises(UserError, match="0700"):
        asyncio.run(scenario())
