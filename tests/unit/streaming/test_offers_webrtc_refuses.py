"""Offers that aiortc does not take, each by an error of another type: refused in one line, the worker goes on."""

from __future__ import annotations

import pytest
from apart import apart

# What is replaced in a good offer, as though the check had let it through, and what aiortc raises at the rest.
SPOILT = {
    "ValueError": (r"a=rtcp-mux\r\n", ""),
    "AttributeError": (r"a=setup:actpass\r\n", ""),
    "KeyError": (r"a=setup:actpass", "a=setup:act"),
    "AssertionError": (r"m=video \d+ .*\r\n", "m=video 9 UDP/TL\r\n"),
    "RuntimeError": (r"a=rtpmap:\d+ rtx/90000\r\n", ""),
    "IndexError": (r"a=rtpmap:(\d+) opus/48000/2", r"a=rtpmap:\1 opus"),
    "OperationError": (r"a=rtpmap:\d+ opus/48000/2\r\n", ""),
}


async def a_good_offer() -> str:
    from aiortc import RTCConfiguration, RTCPeerConnection

    from mrsr.streaming.limits import Limits
    from mrsr.streaming.sdp import checked_offer

    far = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    far.addTransceiver("video")
    far.addTransceiver("audio")
    await far.setLocalDescription(await far.createOffer())
    sdp = checked_offer(far.localDescription.sdp, Limits()).sdp
    await far.close()
    return sdp


@apart
async def test_whatever_aiortc_raises_at_an_offer_is_one_line_to_the_client_and_a_traceback_in_the_log():
    import logging
    import re

    from calling import Caller, Camera, a_worker, callers

    from mrsr.streaming.refusals import Code, ProtocolError
    from mrsr.streaming.sdp import CheckedOffer

    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger("mrsr.streaming.peer").addHandler(handler)
    good = await a_good_offer()
    async with a_worker() as worker:
        anna = Caller(worker, "anna", "both")
        async with callers(anna):
            await worker.join(anna.who, anna._want, anna._told)
            for raised, (pattern, instead) in SPOILT.items():
                spoilt, count = re.subn(pattern, instead, good)
                assert count, pattern
                with pytest.raises(ProtocolError, match=raised) as refused:
                    await worker.offer(anna.who, CheckedOffer(spoilt, frozenset({"video"}), frozenset({"video"})))
                assert (refused.value.code, "\n" in refused.value.text) == (Code.BAD_SDP, False)
                assert any(record.exc_info and record.exc_info[0].__name__ == raised for record in records)
            # Nothing of them is in the way of one that is good.
            await anna.connect(Camera())


@apart
async def test_a_machine_without_descriptors_is_no_fault_of_the_offer():
    import resource

    from calling import Caller, a_worker

    from mrsr.errors import RunError
    from mrsr.streaming.limits import Limits
    from mrsr.streaming.sdp import checked_offer

    offer = checked_offer(await a_good_offer(), Limits())
    async with a_worker() as worker:
        anna = Caller(worker, "anna", "both")
        await worker.join(anna.who, anna._want, anna._told)
        kept = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, kept[1]))
        try:
            with pytest.raises(RunError, match="cannot be answered"):
                await worker.offer(anna.who, offer)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, kept)
        await anna.connect()
        await anna.leave()


@apart
async def test_an_offer_without_a_direction_goes_both_ways():
    from calling import Caller, a_worker, callers

    from mrsr.streaming.limits import Limits
    from mrsr.streaming.sdp import checked_offer

    bare = (await a_good_offer()).replace("a=sendrecv\r\n", "")
    async with a_worker() as worker:
        anna = Caller(worker, "anna", "both")
        async with callers(anna):
            await worker.join(anna.who, anna._want, anna._told)
            answer = await worker.offer(anna.who, checked_offer(bare, Limits()))
            assert answer.count("a=sendrecv") == 2
