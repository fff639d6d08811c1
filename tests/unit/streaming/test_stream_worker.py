"""People in rooms of a stream worker, by real peer connections on loopback: who sees what, and what each is told."""

from __future__ import annotations

from apart import apart


@apart
async def test_a_viewer_sees_the_network_s_picture_of_what_is_published_and_is_told_so():
    from calling import Caller, Camera, a_worker, callers, network_engine, until
    from loopback_frames import counter

    async with a_worker(network_engine) as worker:
        anna, ben = Caller(worker, "anna", "publish"), Caller(worker, "ben", "subscribe")
        async with callers(anna, ben):
            await anna.join(Camera())
            await ben.join()
            await until(lambda: ben.short == 192)
            await until(lambda: ben.status.sr == "on")
            assert (ben.status.input, ben.status.output, ben.status.source) == (180, 360, "anna")
            seen = counter(ben.frames[-1])
            assert seen > 0
            await until(lambda: counter(ben.frames[-1]) > seen)
            await until(lambda: anna.status.sr == "on")
            assert ben.publishers == ["anna"]
            counts = worker.engine.counts("anna")
            assert counts.offered == counts.done + counts.replaced + counts.dropped + counts.waiting


@apart
async def test_each_of_two_who_both_publish_and_watch_sees_and_hears_the_other():
    from calling import Caller, Camera, a_worker, callers, until

    async with a_worker() as worker:
        anna, ben = Caller(worker, "anna", "both"), Caller(worker, "ben", "both")
        async with callers(anna, ben):
            await anna.join(Camera(), sound=True)
            await ben.join(Camera(size=(96, 160)), sound=True)
            await until(lambda: anna.status.source == "ben" and ben.status.source == "anna")
            await until(lambda: anna.frames and anna.frames[-1].width == 320)
            await until(lambda: ben.frames and ben.frames[-1].width == 384)
            await until(lambda: anna.heard > 10 and ben.heard > 10)


@apart
async def test_the_last_picture_of_a_publisher_who_left_stands_until_there_is_another():
    from calling import Caller, Camera, a_worker, callers, until

    async with a_worker() as worker:
        anna, ben, cora = (Caller(worker, "anna", "publish"), Caller(worker, "ben", "subscribe"),
                           Caller(worker, "cora", "publish"))  # fmt: skip
        async with callers(ben, cora):
            await anna.join(Camera())
            await ben.join()
            await until(lambda: ben.short == 192)
            await anna.leave()
            await until(lambda: ben.status.sr == "waiting")
            frames = len(ben.frames)
            await until(lambda: len(ben.frames) >= frames + 2)  # it is shown again, twice a second
            assert ben.publishers == []
            await cora.join(Camera(size=(96, 160)))
            await until(lambda: ben.frames[-1].width == 320)
            await until(lambda: ben.status.source == "cora")


@apart
async def test_a_viewer_chooses_whom_it_watches():
    from calling import Caller, Camera, a_worker, callers, until

    from mrsr.streaming.protocol import Want

    async with a_worker() as worker:
        anna, cora = Caller(worker, "anna", "publish"), Caller(worker, "cora", "publish")
        ben = Caller(worker, "ben", "subscribe", Want(source="anna"))
        async with callers(anna, cora, ben):
            await anna.join(Camera())
            await cora.join(Camera(size=(96, 160)))
            await ben.join()
            await until(lambda: ben.frames and ben.frames[-1].width == 384)
            await ben.say(Want(source="cora"))
            await until(lambda: ben.frames[-1].width == 320)


@apart
async def test_a_participant_may_make_another_offer_and_goes_on():
    from calling import Caller, Camera, a_worker, callers, until

    async with a_worker() as worker:
        anna, ben = Caller(worker, "anna", "publish"), Caller(worker, "ben", "subscribe")
        async with callers(anna, ben):
            await anna.join(Camera())
            await ben.join()
            await until(lambda: ben.short == 192)
            await anna.vanish()
            await anna.connect(Camera(size=(96, 160)))
            await until(lambda: ben.frames[-1].width == 320)


@apart
async def test_a_worker_is_empty_when_all_have_left():
    import asyncio

    from calling import Caller, Camera, a_worker, until

    async with a_worker() as worker:
        for _ in range(3):
            anna, ben = Caller(worker, "anna", "publish"), Caller(worker, "ben", "subscribe")
            await anna.join(Camera(), sound=True)
            await ben.join(sound=True)
            await until(lambda ben=ben: ben.short == 192)
            await asyncio.gather(anna.leave(), ben.leave())
            figures = await worker.statistics()
            assert (worker.rooms, figures["worker"]["streams"], figures["rooms"]) == ({}, 0, {})
            assert figures["counters"]["joins"] == figures["counters"]["leaves"]


@apart
async def test_an_offer_whose_connection_never_comes_about_gives_its_place_back():
    import re

    from aiortc import RTCConfiguration, RTCPeerConnection
    from calling import Caller, a_worker, until

    from mrsr.streaming import room
    from mrsr.streaming.limits import Limits
    from mrsr.streaming.protocol import Error
    from mrsr.streaming.sdp import checked_offer

    room.CONNECT_S, kept = 1.5, room.CONNECT_S
    try:
        async with a_worker() as worker:
            ghost = Caller(worker, "ghost", "publish")
            await worker.join(ghost.who, ghost._want, ghost._told)
            far = RTCPeerConnection(RTCConfiguration(iceServers=[]))
            far.addTransceiver("video", direction="sendonly")
            await far.setLocalDescription(await far.createOffer())
            nowhere = re.sub(r"a=candidate:.*\r\n", "", far.localDescription.sdp)
            await worker.offer(ghost.who, checked_offer(nowhere, Limits()))
            assert ghost.last(Error) is None
            await until(lambda: ghost.last(Error) is not None)
            assert "no connection came about" in ghost.last(Error).text
            await worker.leave(ghost.who, "told")
            assert worker.rooms == {}
            await far.close()
    finally:
        room.CONNECT_S = kept


@apart
async def test_who_sends_sound_alone_is_heard_and_no_picture_of_another_is_hidden_by_it():
    from calling import Caller, Camera, a_worker, callers, until

    from mrsr.streaming.protocol import Want

    async with a_worker() as worker:
        anna, cora = Caller(worker, "anna", "publish"), Caller(worker, "cora", "publish")
        ben, dora = Caller(worker, "ben", "subscribe"), Caller(worker, "dora", "subscribe", Want(source="cora"))
        async with callers(anna, cora, ben, dora):
            await anna.join(Camera())
            await cora.join(sound=True, picture=False)
            await ben.join(sound=True)
            await dora.join(sound=True)
            await until(lambda: dora.heard > 10)
            await until(lambda: dora.status.reason == "the source sends sound alone")
            assert (dora.status.sr, dora.status.source, dora.frames) == ("waiting", "cora", [])
            await until(lambda: ben.status.source == "anna" and ben.frames)
            assert set(ben.publishers) == {"anna", "cora"}


@apart
async def test_who_takes_sound_alone_hears():
    from calling import Caller, Camera, a_worker, callers, until

    async with a_worker() as worker:
        anna, ben = Caller(worker, "anna", "publish"), Caller(worker, "ben", "both")
        async with callers(anna, ben):
            await anna.join(Camera(), sound=True)
            await ben.join(sound=True, picture=False)
            await until(lambda: ben.heard > 10)
            await until(lambda: ben.status.reason == "the connection takes sound alone")
            assert ben.status.sr == "waiting"
            assert worker.rooms["r"].publishers["anna"].pictures.rungs == {}
