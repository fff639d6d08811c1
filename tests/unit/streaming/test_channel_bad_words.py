"""A worker that says what is no message: that one is left out, and the others' calls go on."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest
from calls import OFFER, EchoWorker, a_name
from channels import until

from mrsr.errors import RunError
from mrsr.streaming.channel import RemoteWorker, serve_channel
from mrsr.streaming.limits import Limits
from mrsr.streaming.messages import dump, parse
from mrsr.streaming.protocol import NO_CAPS, NO_WISH, Error, Status
from mrsr.streaming.refusals import ProtocolError
from mrsr.streaming.sdp import CheckedOffer, checked_offer
from mrsr.streaming.worker import Participant

ANNA = Participant("a1", "r", "both", "anna", NO_CAPS)
STATUS = Status("on", 180, 360, 30.0, 20.0, 0)


class Wordy(EchoWorker):
    """Fails with words of many lines."""

    async def offer(self, who: Participant, offer: CheckedOffer) -> str:
        del who, offer
        raise RunError("x264:\n\tcannot open\r\n" + "x" * 400)


def test_a_message_that_is_none_is_left_out_and_the_connection_stays(caplog: pytest.LogCaptureFixture) -> None:
    told: list[Any] = []

    async def scenario() -> None:
        worker = EchoWorker()
        async with (
            serve_channel(worker, a_name()) as address,
            RemoteWorker(address) as remote,
        ):
            await until(lambda: remote.ready)
            await remote.join(ANNA, NO_WISH, told.append)
            for change in (
                {"fps": float("nan")},
                {"drops": -1},
                {"reason": "x" * 300},
                {"sr": "off"},
                {"reason": "\n"},
            ):
                worker.there["a1"](dataclasses.replace(STATUS, **change))
                # Of statuses that wait the newest is sent: each is awaited.
                await until(lambda: caplog.records)
                caplog.clear()
            worker.there["a1"](STATUS)
            await until(lambda: told)
            assert (told, remote.ready) == ([STATUS], True)

    asyncio.run(scenario())


def test_what_a_worker_says_of_a_failure_is_an_error_that_clients_take() -> None:

    async def scenario() -> ProtocolError:
        async with (
            serve_channel(Wordy(), a_name()) as address,
            RemoteWorker(address) as remote,
        ):
            await until(lambda: remote.ready)
            await remote.join(ANNA, NO_WISH, print)
            with pytest.raises(ProtocolError) as refused:
                await remote.offer(ANNA, checked_offer(OFFER, Limits()))
            return refused.value

    message = dump(Error.of(asyncio.run(scenario())))
    error = parse(message, Limits(), ("error",))
    assert isinstance(error, Error)
    assert error.text.startswith("x264: cannot open xxx")
