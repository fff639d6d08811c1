"""The names a SavedModel serves under: legal in TensorFlow, in a path and in the address of a request."""

from __future__ import annotations

import re

import pytest

from mrsr.inference.signatures import (
    KINDS,
    default_route,
    frames_name,
    images_name,
    served_name,
    signature_name,
    state_name,
)
from mrsr.ladder import Ladder, Route, RouteSet, passes

# Source: tensorflow/core/framework, names of operations: letters, digits and "._\\-/"; ours are Python's too, so that
# a signature can be called with keywords.
LEGAL = re.compile(r"[a-z][a-z0-9_]*")


def test_names_of_a_pass_are_legal_and_differ() -> None:
    sets = passes(Ladder().routes("all_seven"))
    names = [signature_name(kind, routes) for kind in KINDS for routes in sets]
    assert len(set(names)) == len(names) == len(KINDS) * 8
    assert "stream_180_360_720_1080" in names
    assert all(LEGAL.fullmatch(name) for name in names)


def test_state_and_outputs_are_named_by_rung() -> None:
    assert state_name("180@360") == "state_180_360"
    assert frames_name(Route(180, 720)) == "frames_720"
    assert images_name(Route(180, 720)).endswith("_bytes")  # what REST sends as base64


def test_default_is_180_to_720_where_it_is_there() -> None:
    assert default_route(Ladder().routes("all_seven")) == Route(180, 720)
    assert default_route(RouteSet.parse("180:360,180:1080,360:720")) == Route(180, 1080)


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("init:tiny", "init-tiny"),
        ("a/b c", "a-b-c"),
        ("ä", "-"),
        ("..", "model"),
        ("", "model"),
        ("base-2.1_ema", "base-2.1_ema"),
    ],
)
def test_served_name_stands_in_an_address(name: str, served: str) -> None:
    assert served_name(name) == served
