"""A client over a real gateway and real WebRTC: its picture is watched, it obeys, and it joins again by itself."""

import asyncio
from contextlib import asynccontextmanager
from itertools import groupby

import pytest
from apart import apart


def settings(url, role, **changes):
    from calls import token

    from mrsr.streaming.client.settings import ClientSettings

    return ClientSettings(url, "r", role, name=role, token=token(), fps=30, **changes)


@asynccontextmanager
async def taking_part(*everybody):
    """Participants that run for the time of the block."""
    tasks = [asyncio.ensure_future(one.run()) for one in everybody]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def watched(codec, test):
    """A publisher and then a viewer, once the viewer has seen frames."""
    from loopback import until
    from relaying import a_relay

    from mrsr.streaming.client.participant import Participant

    async with a_relay() as (url, worker):
        publisher = Participant.of(settings(url, "publish", size=(320, 180), codec=codec))
        viewer = Participant.of(settings(url, "subscribe", codec=codec))
        async with taking_part(publisher):
            await until(lambda: worker.track is not None)
            async with taking_part(viewer):
                await until(lambda: len(viewer.record.shown) > 20, 20)
                await test(worker, publisher, viewer)


@apart
async def test_every_frame_watched_has_a_counter_that_grows_and_is_younger_than_two_seconds():
    async def test(worker, publisher, viewer):
        fresh = viewer.record.fresh()
        assert [shown.number for shown in viewer.record.shown if shown.number is None] == []
        # Held frames are none in a relay: what is shown is new each time.
        assert len(fresh) == len(viewer.record.shown)
        assert 0 < min(age for _, age in fresh) < 2
        assert {(shown.width, shown.height) for shown in viewer.record.shown} == {(320, 180)}
        assert viewer.peer in worker.said

    for codec in ("H264", "VP8"):
        await watched(codec, test)


@apart
async def test_a_publisher_told_to_scale_sends_less_acknowledges_and_goes_back_when_told():
    from loopback import until

    from mrsr.streaming.protocol import Ack, Control

    async def test(worker, publisher, viewer):
        tell = worker.said[publisher.peer]
        tell(Control(7, 2.0, 200_000))
        await until(lambda: viewer.record.shown[-1].height == 90)
        tell(Control(8, 1.0, 900_000))
        await until(lambda: viewer.record.shown[-1].height == 180)
        assert worker.heard_ == [Ack(7, True), Ack(8, True)]
        sizes = groupby((shown.width, shown.height) for shown in viewer.record.shown)
        assert [size for size, _ in sizes] == [(320, 180), (160, 90), (320, 180)]
        assert [control.down_by for _, control in publisher.record.controls] == [2.0, 1.0]

    await watched("H264", test)


@apart
async def test_clients_join_again_by_themselves_when_the_worker_failed():
    from loopback import until

    async def test(worker, publisher, viewer):
        first, before = publisher.peer, len(viewer.record.shown)
        worker.fails()
        await until(lambda: publisher.peer != first and publisher.peer in worker.said)
        # The viewer may have come back before the publisher, to nothing: a relay does not hand over.
        worker.said[viewer.peer] and worker.fails()
        await until(lambda: [what for _, what, _ in viewer.record.events].count("joined") >= 2)
        assert [what for _, what, _ in viewer.record.events].count("refused") >= 1
        assert len(viewer.record.shown) >= before

    await watched("H264", test)


@apart
async def test_a_client_whose_token_is_forged_gives_up_at_once():
    import dataclasses

    from calls import token
    from relaying import a_relay

    from mrsr.errors import RunError
    from mrsr.streaming.client.participant import Participant

    async with a_relay() as (url, _):
        forged = dataclasses.replace(settings(url, "subscribe"), token=token()[:-4] + "AAAA")
        with pytest.raises(RunError, match="refused: token: token: its signature is wrong"):
            await asyncio.wait_for(Participant.of(forged).run(), 10)


@apart
async def test_a_client_that_leaves_ends_its_run_and_frees_its_place():
    from loopback import until

    async def test(worker, publisher, viewer):
        await viewer.leave()
        await until(lambda: viewer.peer not in worker.said)

    await watched("H264", test)


@apart
async def test_a_bye_ends_the_part_also_where_the_media_connection_ended_before_it_was_read():
    from types import SimpleNamespace

    import aiohttp

    from mrsr.streaming.client.participant import Participant
    from mrsr.streaming.messages import dump
    from mrsr.streaming.protocol import Bye

    class Socket:
        async def __aiter__(self):
            yield SimpleNamespace(type=aiohttp.WSMsgType.TEXT, data=dump(Bye("left")))

    media = SimpleNamespace(lost=asyncio.Event(), offer=asyncio.Event().wait)
    media.lost.set()
    participant = Participant.of(settings("http://x", "subscribe"))
    participant._socket = Socket()
    await asyncio.wait_for(participant._take_part(media), 10)
