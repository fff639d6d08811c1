"""What an offer may be: audio and video in H264, VP8 and Opus; what the parser behind cannot read is refused."""

from __future__ import annotations

import contextlib
import json
import random
import re
import subprocess
import sys

import pytest
from calls import OFFER
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsr.streaming.limits import Limits
from mrsr.streaming.refusals import Code, ProtocolError
from mrsr.streaming.sdp import checked_offer
from mrsr.streaming.sdp_lines import SECTION_LINES

LIMITS = Limits()
# In a process of its own: TensorFlow and aiortc in one bring it down. `parse` is the reader that is to be protected.
AIORTC = """
import json, sys
from aiortc.sdp import SessionDescription
for sdp in json.load(sys.stdin):
    try:
        parsed = SessionDescription.parse(sdp)
        media = [[m.kind, m.direction, [c.name for c in m.rtp.codecs], len(m.ice_candidates)] for m in parsed.media]
        print(json.dumps(media))
    except Exception as error:
        print(json.dumps(repr(error)))
"""


def as_aiortc_reads(offers: list[str]) -> list[object]:
    done = subprocess.run([sys.executable, "-c", AIORTC], input=json.dumps(offers), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def code_of(sdp: str, limits: Limits = LIMITS) -> Code:
    with pytest.raises(ProtocolError) as caught:
        checked_offer(sdp, limits)
    return caught.value.code


def test_a_browsers_offer_loses_other_codecs_and_keeps_the_rest() -> None:
    checked = checked_offer(OFFER, LIMITS)
    assert checked.sends == {"audio", "video"}
    assert checked.receives == {"audio"}
    assert as_aiortc_reads([checked.sdp]) == [
        [["audio", "sendrecv", ["opus"], 2], ["video", "sendonly", ["VP8", "rtx", "H264", "rtx"], 0]]
    ]
    for gone in ("VP9", "AV1", "G722", "red", "telephone", "tcptype", "apt=98"):
        assert gone not in checked.sdp


def test_checking_twice_changes_nothing() -> None:
    checked = checked_offer(OFFER, LIMITS)
    assert checked_offer(checked.sdp, LIMITS) == checked


def test_what_the_session_gives_for_all_sections_is_given_to_each() -> None:
    fingerprint = re.search("a=fingerprint.*\r\n", OFFER)
    assert fingerprint
    moved = OFFER.replace(fingerprint[0], "").replace("a=extmap-allow-mixed\r\n", fingerprint[0])
    assert checked_offer(moved, LIMITS).sdp.count(fingerprint[0]) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v=0", "v=1"),
        ("o=- 4611731400430051336 2", "o=- x y"),
        ("m=video 9 UDP/TLS/RTP/SAVPF", "m=video 9 RTP/AVP"),
        ("m=video", "m=application"),
        ("m=video", "m=text"),
        ("m=video 9 ", "m=video 70000 "),
        ("SAVPF 96 97", "SAVPF 96 x"),
        ("a=rtpmap:96 VP8/90000\r\n", ""),
        ("a=mid:1", "a=mid:0"),
        ("a=mid:1\r\n", ""),
        ("a=mid:1", "a=mid:1\r\na=mid:2"),
        ("a=sendonly", "a=sendonly\r\na=recvonly"),
        ("a=ice-ufrag:Ab3+", "a=ice-ufrag:A"),
        ("a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=ice-pwd:short"),
        ("a=rtcp-mux\r\n", ""),
        ("a=setup:actpass", "a=setup:holdconn"),
        ("sha-256 AB", "md5 AB"),
        ("sha-256 AB", "sha-256 ZZ"),
        ("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"),
        ("a=group:BUNDLE 0 1\r\n", ""),
        ("192.0.2.7 51000", "192.0.2.7 99999"),
        ("192.0.2.7 51000", "300.0.2.7 51000"),
        ("apt=96", "apt=x"),
        ("profile-level-id=42001f", "profile-level-id=zz"),
        ("a=ssrc:2231627014", "a=ssrc:99999999999"),
        ("s=-", "s=\x00"),
        ("s=-", "s=é"),
        ("s=-", "not a line"),
        ("s=-", "s=" + "x" * 2000),
    ],
)
def test_a_malformed_or_foreign_offer_is_refused(old: str, new: str) -> None:
    assert old in OFFER
    checked = OFFER.replace(old, new)
    if old == "a=rtpmap:96 VP8/90000\r\n":
        checked = checked.replace("a=rtpmap:103 H264/90000\r\n", "")
    assert code_of(checked) is Code.BAD_SDP


@settings(max_examples=300, deadline=None)
@given(st.text() | st.lists(st.sampled_from(OFFER.split("\r\n")) | st.text(max_size=30)).map("\r\n".join))
def test_no_text_makes_anything_but_a_protocol_error(sdp: str) -> None:
    with contextlib.suppress(ProtocolError):
        checked_offer(sdp, LIMITS)


@pytest.mark.parametrize("sdp", ["", "\n", OFFER[OFFER.index("m=audio") :], "v=0", "v=0\r\n", "m=video", "\r\n" * 50])
def test_what_is_no_offer_is_refused(sdp: str) -> None:
    assert code_of(sdp) is Code.BAD_SDP


def test_two_sections_that_send_video_are_refused_and_one_each_way_is_not() -> None:
    video = OFFER[OFFER.index("m=video") :]
    three = OFFER.replace("BUNDLE 0 1", "BUNDLE 0 1 2")
    assert code_of(three + video.replace("mid:1", "mid:2")) is Code.BAD_SDP
    both = checked_offer(three + video.replace("mid:1", "mid:2").replace("sendonly", "recvonly"), LIMITS)
    assert both.receives == {"audio", "video"}
    six = OFFER.replace("BUNDLE 0 1", "BUNDLE 0 1 2 3 4 5")
    more = "".join(video.replace("mid:1", f"mid:{n}").replace("sendonly", "inactive") for n in (2, 3, 4, 5))
    assert code_of(six + more) is Code.BAD_SDP


def test_bytes_lines_and_candidates_are_limited() -> None:
    assert code_of(OFFER, Limits(sdp_bytes=len(OFFER) - 1)) is Code.TOO_LARGE
    assert code_of(OFFER, Limits(sdp_lines=50)) is Code.TOO_LARGE
    one = "a=candidate:1 1 udp 2122260223 192.0.2.7 51000 typ host\r\n"
    assert code_of(OFFER + one * 41) is Code.BAD_SDP


def test_candidates_that_lead_to_no_one_machine_are_left_out() -> None:
    many = OFFER
    for address in ("224.0.0.1", "0.0.0.0", "255.255.255.255", "ff02::1", "::"):
        many += f"a=candidate:9 1 udp 1 {address} 5000 typ host\r\n"
    assert checked_offer(many, LIMITS).sdp == checked_offer(OFFER, LIMITS).sdp


def test_whatever_is_let_through_the_parser_behind_can_read() -> None:
    chance = random.Random(7)
    lines = OFFER.split("\r\n")
    pieces = [
        "",
        "-1",
        "0",
        "99999999999",
        ":",
        "=",
        " ",
        "a=",
        "x",
        "/",
        "9" * 30,
        "m=",
        "\t",
        ";",
        "128",
        "apt=",
        "é",
    ]
    passed = []
    for _ in range(3000):
        changed = list(lines)
        for _ in range(chance.randint(1, 2)):
            at = chance.randrange(len(changed))
            line = changed[at]
            cut = chance.randint(0, len(line))
            how = chance.randrange(5)
            if how == 0:
                changed[at] = line[:cut] + chance.choice(pieces) + line[cut:]
            elif how == 1:
                changed[at] = line[:cut] + line[cut + chance.randint(1, 4) :]
            elif how == 2:
                changed[at] = line[:cut] + chance.choice(pieces) + line[cut + 1 :]
            elif how == 3:
                changed.insert(chance.randrange(len(changed)), line)
            else:
                del changed[at]
        with contextlib.suppress(ProtocolError):
            passed.append(checked_offer("\r\n".join(changed), LIMITS).sdp)
    unlike = sorted(set(passed))
    assert len(unlike) > 100
    assert [said for said in as_aiortc_reads(unlike) if isinstance(said, str)] == []


@pytest.mark.parametrize("source", [0, 1, 4_199_999_999, 4_259_276_221, 2**32 - 1])
def test_every_source_number_of_32_bits_is_taken(source: int) -> None:
    assert SECTION_LINES["ssrc"].fullmatch(f"{source} cname:x")
    assert SECTION_LINES["ssrc-group"].fullmatch(f"FID {source} {source}")


@pytest.mark.parametrize("source", ["4294967296", "4300000000", "9999999999", "01", "-1", "10000000000"])
def test_no_other_source_number_is(source: str) -> None:
    assert not SECTION_LINES["ssrc"].fullmatch(f"{source} cname:x")


def test_a_codec_that_is_not_allowed_is_taken_out_with_what_resends_it() -> None:
    kept = checked_offer(OFFER, LIMITS, ("VP8",)).sdp
    assert "VP8/90000" in kept
    assert "H264" not in kept
    [[kind, _, codecs, _]] = [media for media in as_aiortc_reads([kept])[0] if media[0] == "video"][:1]  # type: ignore[attr-defined]
    assert (kind, set(codecs)) == ("video", {"VP8", "rtx"})
