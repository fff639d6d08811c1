"""Methods beside ours: each enlarges as its library does, on its own routes, with the colours in their places."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.methods import LanczosRuntime, PeerRuntime, peer_runtimes
from mrsr.errors import UserError
from mrsr.evaluation.clips import clip_from_array
from mrsr.evaluation.degradation import Degradation
from mrsr.evaluation.evaluate import evaluate
from mrsr.ladder import Ladder, Route, RouteSet
from tests.small import photograph

LADDER = Ladder()
ROUTES = LADDER.routes("strict_six")
PEERS = Path(__file__).parents[4] / "shared" / "peers"
with_peers = pytest.mark.skipif(not PEERS.is_dir(), reason=f"{PEERS} is missing")


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_lanczos_is_pillows_at_the_size_of_every_route(route):
    frame = photograph(36, 48)
    outputs, _ = LanczosRuntime(LADDER, ROUTES).step(RouteSet.of([route]), frame[None], {})
    ratio = Fraction(route.output, route.input)
    size = (int(48 * ratio), int(36 * ratio))
    expected = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(outputs[route][0], expected)


class BlueAlone:
    """A network as OpenCV runs them, channels blue, green, red, that puts out the other two."""

    def upsample(self, frame):
        assert frame.flags.c_contiguous
        return frame.repeat(2, 0).repeat(2, 1) * np.array([1, 0, 0], np.uint8)


def test_a_peer_is_given_blue_green_red_and_ours_come_back_red_green_blue():
    routes = LADDER.routes("180:360,360:720")
    peer = PeerRuntime("ESPCN", {Fraction(2): BlueAlone()}, LADDER, routes)
    frame = np.full((1, 4, 6, 3), [10, 20, 30], np.uint8)
    outputs, _ = peer.step(RouteSet.parse("180:360"), frame, {})
    assert outputs[Route(180, 360)].shape == (1, 8, 12, 3)
    assert np.unique(outputs[Route(180, 360)].reshape(-1, 3), axis=0).tolist() == [[0, 0, 30]]


@pytest.mark.shared
@with_peers
def test_peers_serve_the_routes_of_their_factors_alone_and_enlarge_as_opencv_does():
    cv2 = pytest.importorskip("cv2")
    served = {peer.model_name: peer for peer in peer_runtimes(PEERS, LADDER, ROUTES)}
    assert {name: str(peer.routes) for name, peer in served.items()} == dict.fromkeys(
        ("ESPCN", "FSRCNN"), "180:360,180:720,360:720"
    )
    frame = photograph(24, 32)
    for scale, route in ((2, Route(180, 360)), (2, Route(360, 720)), (4, Route(180, 720))):
        network = cv2.dnn_superres.DnnSuperResImpl.create()
        network.readModel(str(PEERS / f"ESPCN_x{scale}.pb"))
        network.setModel("espcn", scale)
        expected = cv2.cvtColor(network.upsample(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)), cv2.COLOR_BGR2RGB)
        outputs, _ = served["ESPCN"].step(RouteSet.of([route]), frame[None], {})
        np.testing.assert_array_equal(outputs[route][0], expected)


@pytest.mark.shared
@with_peers
def test_a_peer_beats_bicubic_on_a_photograph_so_it_does_not_shift_the_picture():
    pytest.importorskip("cv2")
    clip = clip_from_array("cat", photograph(144, 192)[None], 25, cutout=True)
    for peer in peer_runtimes(PEERS, LADDER, [Route(180, 360), Route(360, 720)]):
        for row in evaluate(peer, [clip], [Degradation()], peer.routes)["routes"]:
            assert row["psnr_y"] > row["bicubic"]["psnr_y"] - 0.5


def test_a_folder_without_networks_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"expected a folder of files such as ESPCN_x4\.pb"):
        peer_runtimes(tmp_path, LADDER, ROUTES)
