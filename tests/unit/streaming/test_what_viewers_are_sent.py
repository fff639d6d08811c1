"""Heights and frame rates that viewers of one source are sent, and what the source is asked for: real connections."""

from __future__ import annotations

from apart import apart


@apart
async def test_two_viewers_of_different_maxima_are_served_by_one_pass():
    from calling import Caller, Camera, a_worker, callers, until

    from mrsr.streaming.protocol import Want

    async with a_worker() as worker:
        anna = Caller(worker, "anna", "publish")
        low = Caller(worker, "low", "subscribe", Want("destination", 360))
        high = Caller(worker, "high", "subscribe", Want("destination", 720))
        async with callers(anna, low, high):
            await anna.join(Camera())
            await low.join()
            await high.join()
            await until(lambda: (low.short, high.short) == (192, 384))
            publisher = worker.rooms["r"].publishers["anna"]
            assert str(publisher.seat.asked) == "180:360,180:720"
            done = worker.engine.counts("anna").done
            frames = len(high.frames)
            await until(lambda: len(high.frames) > frames + 10)
            # One frame through the engine for each, not one for every viewer.
            assert worker.engine.counts("anna").done - done <= len(high.frames) - frames + 5
            await high.leave()
            await until(lambda: str(publisher.seat.asked) == "180:360")


@apart
async def test_a_viewer_whose_own_device_enlarges_is_sent_the_input_and_the_engine_rests():
    from calling import Caller, Camera, a_worker, callers, until

    from mrsr.streaming.protocol import Want

    async with a_worker() as worker:
        anna = Caller(worker, "anna", "publish")
        ben = Caller(worker, "ben", "subscribe", Want(height=360, enlarge="device"))
        async with callers(anna, ben):
            await anna.join(Camera())
            await ben.join()
            await until(lambda: ben.status.sr == "device")
            await until(lambda: ben.short == 96)
            assert worker.rooms["r"].publishers["anna"].seat.asked is None
            await ben.say(Want(height=360))
            await until(lambda: ben.short == 192)
            await until(lambda: ben.status.sr == "on")


@apart
async def test_a_large_camera_is_told_to_send_less_and_reduced_until_it_does():
    from calling import Caller, Camera, a_worker, callers, until

    from mrsr.streaming.protocol import Control, Want

    async with a_worker() as worker:
        anna, ben = Caller(worker, "anna", "publish"), Caller(worker, "ben", "subscribe", Want("destination", 360))
        anna.acks = False
        async with callers(anna, ben):
            await anna.join(Camera(fps=10, size=(720, 1280)))
            await ben.join()
            await until(lambda: anna.last(Control) is not None)
            assert anna.last(Control).down_by == 4.0
            await until(lambda: ben.short == 360)
            # Said three times, then no more: the picture is reduced here.
            await until(lambda: worker.rooms["r"].publishers["anna"].controls.unanswered == 1)
            said = [message.seq for message in anna.messages if isinstance(message, Control)]
            assert max(map(said.count, said)) == 3


@apart
async def test_what_a_source_s_own_link_has_to_bear_is_reckoned_in_the_format_it_sends_not_in_its_viewers():
    import time

    from calling import Caller, Camera, a_worker, callers, until

    from mrsr.streaming.bitrates import Bitrates
    from mrsr.streaming.protocol import Want

    async with a_worker() as worker:
        anna, ben = Caller(worker, "anna", "publish"), Caller(worker, "ben", "subscribe", Want("destination", 720))
        async with callers(anna, ben):
            await anna.join(Camera(fps=10, size=(360, 640)), codec="VP8")
            await ben.join(codec="H264")
            estimator = worker.rooms["r"].members["anna"].peer.receiver.estimator
            estimator.cap = estimator.told = 100_000
            estimator.overused_at = time.monotonic() + 1000
            publisher = worker.rooms["r"].publishers["anna"]
            await until(lambda: publisher.decision and "source's link" in publisher.decision.reason)
            needed = Bitrates().needed_kbps("vp8", 360, 30)
            assert publisher.decision.reason.endswith(f"360p needs {needed:.0f}")


@apart
async def test_a_viewer_gets_no_more_frames_a_second_than_it_takes_and_the_others_all_of_them():
    from calling import Caller, Camera, a_worker, callers, until

    from mrsr.streaming.protocol import Caps, Want

    def rate(caller: Caller) -> float:
        shown = caller.frames[10:]
        return (len(shown) - 1) / (shown[-1].time - shown[0].time)

    async with a_worker() as worker:
        anna = Caller(worker, "anna", "publish")
        want = Want("destination", 360)
        ben = Caller(worker, "ben", "subscribe", want, Caps(max_fps=10))
        cora = Caller(worker, "cora", "subscribe", want)
        async with callers(anna, ben, cora):
            await anna.join(Camera())
            await ben.join()
            await cora.join()
            await until(lambda: ben.short == cora.short == 192)
            ben.frames.clear()
            cora.frames.clear()
            await until(lambda: len(ben.frames) > 30 and len(cora.frames) > 30, 20)
            assert rate(ben) <= 10 < rate(cora)
            pictures = worker.rooms["r"].publishers["anna"].pictures
            assert sorted(pictures.figures()) == ["360p H264", "360p H264 7/s"]
