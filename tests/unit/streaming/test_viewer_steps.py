"""When a viewer's controller steps, and that it reckons with each report of its link once."""

from __future__ import annotations

from apart import apart


def a_viewer(report):
    from types import SimpleNamespace

    from mrsr.ladder import RouteSet
    from mrsr.streaming.controller import Rule
    from mrsr.streaming.protocol import NO_CAPS, NO_WISH
    from mrsr.streaming.viewer import Viewer
    from mrsr.streaming.worker import Participant

    routes = RouteSet.parse("180:360,180:720")
    viewer = Viewer(Participant("ben", "r", "subscribe", "ben", NO_CAPS), NO_WISH, routes, Rule(), 30, 0.0)
    viewer.feed = SimpleNamespace(
        report=report,
        watched=SimpleNamespace(most=None, seat=SimpleNamespace(top=None)),
        format="H264",
        skipped=0,
        end_probe=lambda: None,
        probe=lambda *_: None,
    )
    return viewer


@apart
async def test_the_loss_of_a_report_counts_once_however_long_a_step_takes_to_read_it():
    import time

    import aiortc

    from mrsr.streaming.rtc import mend

    mend()
    peer = aiortc.RTCPeerConnection()
    sender = peer.addTransceiver("video").sender
    viewer, now = a_viewer(sender.report), time.monotonic()
    sender.link.heard(1e6, now - 1)
    sender.link.reported(0.4, 0.05, now - 1)
    # The first of these steps began a while before it came to read the report, the other ones did not.
    viewer.decide(time.monotonic() - 0.02)
    once = viewer._state.link.loss_kbps
    for _ in range(3):
        viewer.decide(time.monotonic())
    assert once == 1000 * (1 - 0.5 * 0.4)
    assert viewer._state.link.loss_kbps == once
    await peer.close()


@apart
async def test_who_cannot_be_sent_anything_has_no_step_made_for_all_at_every_look_and_one_at_once_when_it_can():
    import aiortc

    from mrsr.streaming.rtc import mend

    mend()
    peer = aiortc.RTCPeerConnection()
    reports = [None]
    viewer = a_viewer(lambda: reports[0])
    assert viewer.due(1.0, 0.5)
    assert viewer.decide(1.0) is None
    assert not viewer.due(1.03, 0.5)
    assert viewer.due(1.5, 0.5)
    reports[0] = peer.addTransceiver("video").sender.report()
    assert viewer.due(1.06, 0.5)
    assert viewer.decide(1.06) is not None
    assert not viewer.due(1.09, 0.5)
    await peer.close()


@apart
async def test_a_round_trip_below_zero_of_a_clock_set_back_is_none_and_not_remembered_as_the_shortest():
    from mrsr.streaming.leg import LinkEstimate
    from mrsr.streaming.transport_feedback import TransportFeedback

    link = LinkEstimate()
    link.own.heard(TransportFeedback(link.own.sent(1000, 1.0), (5.0,)), 1.1)
    for rtt, known in ((0.05, 0.05), (-0.3, None), (0.08, 0.05)):
        link.reported(0.0, rtt, 2.0)
        assert link.rtt == known
