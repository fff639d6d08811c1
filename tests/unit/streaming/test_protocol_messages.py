"""What a message may be: parsed whole, or refused with one kind of error."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from calls import OFFER
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsr.streaming.limits import Limits
from mrsr.streaming.messages import dump, parse, parse_offer_request
from mrsr.streaming.protocol import (
    FROM_SERVER,
    TYPES,
    Ack,
    Answer,
    Bye,
    Caps,
    Control,
    Error,
    Hello,
    Offer,
    Status,
    Want,
)
from mrsr.streaming.refusals import HTTP_STATUS, Code, ProtocolError

LIMITS = Limits()
HELLO = {
    "type": "hello",
    "token": "a.b.c",
    "role": "subscribe",
    "session": "room-1",
    "caps": {"maxHeight": 720, "codecs": ["H264"]},
    "want": {"policy": "destination", "height": 720},
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WORDS = [
    "type",
    "token",
    "role",
    "session",
    "version",
    "caps",
    "want",
    "sdp",
    "seq",
    "ok",
    "reason",
    "policy",
    "height",
]


def code_of(raw: str | bytes) -> Code:
    with pytest.raises(ProtocolError) as caught:
        parse(raw, LIMITS)
    return caught.value.code


def test_a_hello_is_read_field_by_field() -> None:
    want = Want("destination", 720)
    hello = Hello("a.b.c", "subscribe", "room-1", 1, Caps(720, codecs=("H264",)), want)
    assert parse(json.dumps(HELLO), LIMITS) == hello


@pytest.mark.parametrize(
    ("message", "json_text"),
    [
        (Control(7, 1.5, 300_000), '{"type":"control","seq":7,"downBy":1.5,"maxBitrate":300000,"op":"scale"}'),
        (Answer("v=0\r\n"), '{"type":"answer","sdp":"v=0\\r\\n"}'),
        (
            Status("on", 180, 720, 30.0, 41.5, 2, rtt_ms=20.0, loss=0.01, estimate_kbps=900.0, reason="link"),
            '{"type":"status","sr":"on","in":180,"out":720,"fps":30.0,"latencyMs":41.5,"drops":2,"rttMs":20.0,'
            '"loss":0.01,"estimateKbps":900.0,"reason":"link"}',
        ),
        (Error("rate", "x", 1500), '{"type":"error","code":"rate","text":"x","retryAfterMs":1500}'),
        (Bye("done"), '{"type":"bye","reason":"done"}'),
    ],
)
def test_what_the_server_says_has_the_documented_names_and_is_read_back(message: Any, json_text: str) -> None:
    assert dump(message) == json_text
    assert parse(json_text, LIMITS, FROM_SERVER) == message


@pytest.mark.parametrize(
    "changed",
    [
        {"role": "admin"},
        {"role": None},
        {"session": "../x"},
        {"session": "a" * 65},
        {"session": 5},
        {"version": True},
        {"version": 1.0},
        {"token": ""},
        {"token": "a b"},
        {"caps": {"maxHeight": 10_000}},
        {"caps": {"maxHeight": "720"}},
        {"caps": {"codecs": ["AV1"]}},
        {"caps": {"codecs": "H264"}},
        {"caps": []},
        {"want": {"policy": "dynamic!"}},
        {"extra": 1},
        {"caps": {"extra": 1}},
        {"type": "answer"},
        {"type": ["hello"]},
        {"type": None},
    ],
)
def test_a_field_of_a_wrong_type_range_or_name_is_refused(changed: dict[str, Any]) -> None:
    assert code_of(json.dumps(HELLO | changed)) in (Code.BAD_MESSAGE, Code.TOO_LARGE)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "null",
        "[]",
        '"hello"',
        "{",
        '{"type":"ack","seq":1,"ok":true}x',
        '{"type":"ack","seq":1,"seq":2,"ok":true}',
        '{"type":"ack","seq":NaN,"ok":true}',
        '{"type":"ack","seq":1e400,"ok":true}',
        '{"type":"ack","seq":-1,"ok":true}',
        '{"type":"ack","seq":' + "9" * 5000 + ',"ok":true}',
        '{"type":"ack","seq":1,"ok":1}',
        '{"type":"ack","seq":1}',
        '{"type":"bye","reason":"\\ud800"}',
        '{"type":"bye","reason":"a\\u0000b"}',
        '{"type":"bye","reason":"a\\nb"}',
        b"\xff\xfe{}",
        '{"type":"want","policy":' + "[" * 5 + "]" * 5 + "}",
    ],
)
def test_what_is_no_message_is_refused_as_such(raw: str | bytes) -> None:
    assert code_of(raw) is Code.BAD_MESSAGE


def test_size_is_found_before_anything_is_parsed() -> None:
    assert code_of("[" * (LIMITS.message_bytes + 1)) is Code.TOO_LARGE
    assert code_of("\u20ac" * (LIMITS.message_bytes // 2)) is Code.TOO_LARGE
    assert code_of("[" * LIMITS.message_bytes) is Code.BAD_MESSAGE


def test_brackets_inside_a_text_are_no_depth() -> None:
    assert parse('{"type":"bye","reason":"[[[[[[\\"[[[["}', LIMITS) == Bye('[[[[[["[[[[')


def test_the_body_of_an_offer_is_read_and_only_an_offer() -> None:
    body = {"sdp": OFFER, "type": "offer", "token": "a.b.c"}
    assert parse_offer_request(json.dumps(body).encode(), LIMITS).sdp == OFFER
    for changed in ({"type": "answer"}, {"sdp": 1}, {"room": "r"}):
        with pytest.raises(ProtocolError):
            parse_offer_request(json.dumps(body | changed).encode(), LIMITS)


def test_the_lower_limit_of_two_holds_and_codecs_are_those_of_both() -> None:
    both = Caps(720, None, 500).within(Caps(1080, 30, 400, ("VP8",)))
    assert both == Caps(720, 30, 400, ("VP8",))


def test_every_code_has_a_status_that_is_an_error() -> None:
    assert set(HTTP_STATUS) == set(Code)
    assert all(400 <= status < 600 for status in HTTP_STATUS.values())


@settings(max_examples=300, deadline=None)
@given(st.text() | st.binary() | json_values.map(json.dumps))
def test_no_input_makes_anything_but_a_protocol_error(raw: str | bytes) -> None:
    for accepted in (tuple(TYPES), ("hello",)):
        with contextlib.suppress(ProtocolError):
            parse(raw, LIMITS, accepted)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(TYPES)), st.dictionaries(st.sampled_from(WORDS), json_values))
def test_no_fields_make_anything_but_a_message_or_a_protocol_error(kind: str, fields: dict[str, Any]) -> None:
    try:
        message = parse(json.dumps(fields | {"type": kind}), LIMITS, tuple(TYPES))
    except ProtocolError as error:
        said = Error.of(error)
    else:
        said = message
    assert parse(dump(said), LIMITS, tuple(TYPES)) == said


def test_ack_and_offer_are_read() -> None:
    assert parse('{"type":"ack","seq":3,"ok":false}', LIMITS) == Ack(3, False)
    assert parse(b'{"type":"offer","sdp":"v=0"}', LIMITS) == Offer("v=0")
