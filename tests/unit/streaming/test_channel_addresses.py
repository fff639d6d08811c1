"""Where a channel may be, and who on this machine may speak over it."""

from __future__ import annotations

import asyncio
import os
import re

import pytest
from calls import EchoWorker, a_name
from channels import in_time, rest_of, until

from mrsr.errors import UserError
from mrsr.streaming.channel import RemoteWorker, serve_channel
from mrsr.streaming.protocol import NO_CAPS
from mrsr.streaming.worker import Participant

SECRET, ANOTHER = "s" * 32, "t" * 32
ADA = Participant("ada", "r", "publish", "Ada", NO_CAPS)


@pytest.mark.parametrize(
    ("address", "secret", "says"),
    [
        ("127.0.0.1:8000", None, "expected a secret of 32 characters"),
        ("127.0.0.1:8000", "short", "expected a secret of 32 characters"),
        ("worker", SECRET, "expected @NAME, of at most 100 letters, or HOST:PORT"),
        ("host:70000", SECRET, "expected @NAME"),
        ("@" + "x" * 120, None, "expected @NAME"),
        ("@a/b", None, "expected @NAME"),
    ],
)
def test_an_address_that_cannot_be_is_refused(address: str, secret: str | None, says: str) -> None:
    with pytest.raises(UserError, match=re.escape(says)) as caught:
        RemoteWorker(address, secret)
    assert "short" not in str(caught.value)


def test_another_user_of_the_machine_is_neither_heard_nor_spoken_to(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = a_name()
    ours = os.geteuid()

    async def scenario() -> None:
        async with serve_channel(EchoWorker(), name), RemoteWorker(name) as remote:
            await until(lambda: "another user listens there" in caplog.text)
            assert not remote.ready
            reader, writer = await asyncio.open_unix_connection("\0" + name[1:])
            assert await rest_of(reader) == b""
            writer.transport.abort()
            monkeypatch.setattr(os, "geteuid", lambda: ours)
            await until(lambda: remote.ready)

    caplog.set_level("DEBUG", "mrsr")
    monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
    in_time(scenario)


def test_a_name_that_is_taken_is_said_and_free_when_its_owner_is_gone() -> None:
    async def scenario() -> None:
        name = a_name()
        async with serve_channel(EchoWorker(), name):
            with pytest.raises(UserError, match=f"channel {name}: "):
                async with serve_channel(EchoWorker(), name):
                    pass
        async with serve_channel(EchoWorker(), name) as again:
            assert again == name

    in_time(scenario)


def test_a_port_that_is_taken_is_said() -> None:
    async def scenario() -> None:
        async with serve_channel(EchoWorker(), "127.0.0.1:0", SECRET) as address:
            with pytest.raises(UserError, match=re.escape(f"channel {address}: ")):
                async with serve_channel(EchoWorker(), address, SECRET):
                    pass

    in_time(scenario)
