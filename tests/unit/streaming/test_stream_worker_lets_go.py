"""What a stream worker lets go of when members leave, or offer again, at the same moment; and a full engine is told."""

from __future__ import annotations

from apart import apart


@apart
async def test_of_two_who_leave_at_once_the_encoders_of_both_end():
    import asyncio

    from calling import Caller, Camera, a_worker, callers, until

    async with a_worker() as worker:
        anna, ben = Caller(worker, "anna", "both"), Caller(worker, "ben", "both")
        async with callers(anna, ben):
            await anna.join(Camera())
            await ben.join(Camera())
            room = worker.rooms["r"]
            publisher = room.publishers["ben"]
            await until(lambda: publisher.pictures.heights == [360] and len(anna.frames) > 0)
            close, go_on = publisher.close, asyncio.Event()

            async def slow():
                await go_on.wait()
                await close()

            publisher.close = slow
            leaving = asyncio.ensure_future(worker.leave(ben.who, "bye"))
            await asyncio.sleep(0)
            await worker.leave(anna.who, "bye")
            assert worker.rooms == {}
            go_on.set()
            await leaving
            assert publisher.pictures.rungs == {}


@apart
async def test_the_connection_of_a_member_that_leaves_in_the_middle_of_another_offer_is_closed():
    import asyncio

    from calling import Caller, Camera, a_worker, callers

    from mrsr.streaming.peer import Peer
    from mrsr.streaming.sdp import CheckedOffer

    async with a_worker() as worker:
        anna = Caller(worker, "anna", "publish")
        async with callers(anna):
            await anna.join(Camera())
            member = worker.rooms["r"].members["anna"]
            before, close = member.peer, member.publisher.close
            answered, let_go = asyncio.Event(), asyncio.Event()

            async def answer(self, offer):
                await answered.wait()
                return ""

            async def slow():
                await let_go.wait()
                await close()

            usual, Peer.answer, member.publisher.close = Peer.answer, answer, slow
            try:
                offering = asyncio.ensure_future(
                    worker.offer(anna.who, CheckedOffer("", frozenset({"video"}), frozenset()))
                )
                await asyncio.sleep(0)
                leaving = asyncio.ensure_future(worker.leave(anna.who, "bye"))
                await asyncio.sleep(0)
                answered.set()
                await offering
                let_go.set()
                await leaving
            finally:
                Peer.answer = usual
            assert before.state == "closed"


@apart
async def test_an_encoder_that_hangs_in_one_room_holds_up_no_other():
    import threading

    from calling import Caller, Camera, a_worker, callers, until

    from mrsr.streaming import rung
    from mrsr.streaming.protocol import Status

    rung._STANDSTILL_S, kept, go_on = 600, rung._STANDSTILL_S, threading.Event()
    try:
        async with a_worker() as worker:
            anna, ben = Caller(worker, "anna", "publish"), Caller(worker, "ben", "subscribe")
            cora, dora = (Caller(worker, name, role, room="other")
                          for name, role in (("cora", "publish"), ("dora", "subscribe")))  # fmt: skip
            async with callers(anna, cora, dora):
                await anna.join(Camera())
                await ben.join()
                await cora.join(Camera())
                await dora.join()
                await until(lambda: ben.frames and dora.frames)
                pictures = worker.rooms["r"].publishers["anna"].pictures
                [hanging] = pictures.rungs.values()
                began = threading.Event()

                def hang(*_):
                    began.set()
                    go_on.wait()

                hanging._encoder.encode = hang
                await until(began.is_set)
                await ben.leave()
                await until(lambda: not pictures.rungs)
                assert not pictures.ended
                told = sum(isinstance(message, Status) for message in dora.messages)
                await until(lambda: sum(isinstance(message, Status) for message in dora.messages) > told + 1)
                assert not pictures.ended  # it hangs still
                go_on.set()
                await until(lambda: pictures.ended)
    finally:
        rung._STANDSTILL_S = kept
        go_on.set()


@apart
async def test_a_viewer_of_a_source_for_which_the_engine_has_no_room_is_told_so():
    from calling import one_place_and_two_sources

    async with one_place_and_two_sources() as (_, _, cora, dora):
        assert (dora.status.sr, dora.status.input, dora.status.output) == ("bypass", 180, 180)
        assert "no room" in dora.status.reason
        assert (cora.status.sr, cora.status.output) in (("bypass", 180), ("", 0), ("waiting", 180))


@apart
async def test_a_viewer_who_asks_for_someone_who_is_not_there_is_sent_no_more_of_who_is():
    import asyncio

    from calling import Caller, Camera, a_worker, callers, until

    from mrsr.streaming.protocol import Want

    async with a_worker() as worker:
        anna, ben = Caller(worker, "anna", "publish"), Caller(worker, "ben", "subscribe")
        async with callers(anna, ben):
            await anna.join(Camera())
            await ben.join()
            await until(lambda: len(ben.frames) > 0)
            publisher = worker.rooms["r"].publishers["anna"]
            await ben.say(Want(source="nobody"))
            assert publisher.pictures.heights == []
            await until(lambda: ben.status.reason == "nobody does not publish")
            sent, came = len(ben.frames), publisher.frames
            await until(lambda: publisher.frames > came + 10)
            await asyncio.sleep(0)
            assert len(ben.frames) == sent
            await ben.say(Want(source="anna"))
            await until(lambda: len(ben.frames) > sent and ben.status.sr == "on")


@apart
async def test_a_source_goes_on_after_a_frame_that_could_not_be_taken():
    from calling import Caller, Camera, a_worker, callers, until

    async with a_worker() as worker:
        anna = Caller(worker, "anna", "publish")
        async with callers(anna):
            await anna.join(Camera())
            publisher = worker.rooms["r"].publishers["anna"]
            offering, fails = publisher.pictures.offering, ["once"]

            def failing(source, frame):
                if fails:
                    raise MemoryError(fails.pop())
                return offering(source, frame)

            publisher.pictures.offering = failing
            await until(lambda: not fails)
            came = publisher.frames
            await until(lambda: publisher.frames > came + 3)


@apart
async def test_the_place_in_the_engine_of_a_source_that_nobody_wants_enlarged_is_another_s():
    from calling import one_place_and_two_sources, until

    from mrsr.streaming.protocol import Want

    async with one_place_and_two_sources() as (worker, ben, _, dora):
        await until(lambda: "no room" in dora.status.reason)
        seat = worker.rooms["r"].publishers["anna"].seat
        done = seat.counts().done
        assert done > 0
        await ben.say(Want(source="cora"))
        await until(lambda: dora.status.sr == "on")
        assert seat.counts().done >= done  # what was counted stays counted
        # Back to the first, who takes it again.
        await ben.say(Want(source="anna"))
        await dora.say(Want(source="anna"))
        await until(lambda: ben.status.source == dora.status.source == "anna")
        await until(lambda: seat.works and ben.status.sr == "on")
        assert seat.counts().done >= done
